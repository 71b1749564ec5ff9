"""The state of a labelling: clips, what is known of them, and every change. For notebooks, and for the page.

    session = Session("LABELS", "clips/", classes=["Dog", "Speech"])
    clip, _ = session.next()
    session.label(clip, {"Dog": "audio"})
    session.undo()

A change is saved before the call returns: first in OUT/changes.jsonl, then in the tables. Several processes may change
one folder. Each clip has a version; a change that was made to an earlier version is refused.
"""

from __future__ import annotations

import getpass
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.arguments import Paths
from seehear.errors import ClipError, SeehearError
from seehear.files import check_folder
from seehear.labelling.choice import EVERY, Chooser
from seehear.labelling.log import FILE, Log
from seehear.labelling.records import Change, Choice, ClipLabels, ClipRecord, DrawnEvent, checked
from seehear.labelling.suggestions import Suggester, Suggestions
from seehear.labelling.tables import TableFolder
from seehear.locks import locked
from seehear.media.clips import find_local_clips
from seehear.names import spelling, valid_line
from seehear.storage.files import Local
from seehear.stored import exists

if TYPE_CHECKING:
    from seehear.labelling.rounds import Gain, Rounds

SUGGESTIONS = "suggestions"  # folder in the output folder
REFINED = "refined"  # folder in the output folder
UNNAMED = "someone"  # who labels, if the system knows no name

Labels = Mapping[str, str | None] | Iterable[str]


class ConflictError(SeehearError):
    """A change was made to an earlier version of its clip.

    Attributes:
        clip: Its name.
        record: The clip as it is now.
    """

    def __init__(self, clip: str, record: ClipRecord) -> None:
        super().__init__(f"{clip}: was changed by {record.by} meanwhile; look at it again. Nothing was saved")
        self.clip, self.record = clip, record


class Status(StrEnum):
    """How far a clip is."""

    UNLABELLED = "unlabelled"
    DRAFT = "draft"  # labels were chosen, and not confirmed
    NOTHING = "nothing"  # none of the classes occurs
    LABELLED = "labelled"


@dataclass(frozen=True)
class Summary:
    """How far a session is.

    Attributes:
        clips: Number of clips.
        labelled: Of these, how many are labelled, those with none of the classes included.
        nothing: How many have none of the classes.
        random: How many of the labelled ones were drawn by chance.
        timed: How many have every event drawn.
        classes: Class -> number of labelled clips that have it.
    """

    clips: int
    labelled: int
    nothing: int
    random: int
    timed: int
    classes: Mapping[str, int]

    @property
    def left(self) -> int:
        """Clips that are not labelled yet."""
        return self.clips - self.labelled


class Session:
    """Clips and their labels, kept in a folder.

    Attributes:
        folder: Where the tables and the log are.
        files: Clip -> media file.
        by: Who labels.
        chooser: Chooses the clip that comes next.
        suggestions: What a model suggests.
        unusable: Files and folders that can't be clips -> why.
        problem: Why the tables could not be written last time, though the change is in the log; empty if they were.
    """

    def __init__(
        self,
        folder: str | Path,
        clips: Paths,
        *,
        classes: Sequence[str] = (),
        by: str | None = None,
        suggester: Suggester | None = None,
        every: int = EVERY,
        seed: int = 0,
    ) -> None:
        """Open a folder, or begin one.

        Args:
            folder: Where labels are kept; made if it does not exist.
            clips: Media files, or folders that are searched for them.
            classes: Those that can be chosen, in order. Classes of the folder are added to them.
            by: Who labels, for the log; by default the user of this system.
            suggester: What suggests labels, see `seehear.labelling.suggestions`.
            every: One clip in so many is drawn by chance.
            seed: Of the draw.

        Raises:
            SeehearError: If a clip can't be found, the folder holds tables of someone else, or its log is damaged.
        """
        check_folder(folder)
        self.folder, self.by = Path(folder), valid_line(by if by is not None else _user(), "name")
        found = find_local_clips(clips, "the page plays clips from this machine")
        self.files: dict[str, Local] = dict(found)
        self.unusable = found.unusable
        self.chooser = Chooser(every, seed)
        self.suggest_by(suggester)
        self.problem = ""
        self._classes = list(dict.fromkeys(valid_class(name) for name in classes))
        self._records: dict[str, ClipRecord] = {clip: ClipRecord() for clip in self.files}
        self._before: dict[int, Change | None] = {}  # number of a change -> the one before it of the same clip
        self._latest: dict[str, Change] = {}
        self._undoable: dict[str, list[Change]] = {}  # by whom -> changes to take back, the last one last
        self._numbers: dict[str, dict[str, int]] = {}  # clip -> by whom -> number of their last change of it
        self._offers: Counter[str] = Counter()
        self._offered: dict[str, Choice] = {}  # clip -> who chose it when `next` offered it
        self._closed = bool(classes)  # whether other classes must be added first
        self._number = 0
        self._working: list[threading.Thread] = []
        self._log, self._tables = Log(self.folder / FILE), TableFolder(self.folder)
        self._lock = threading.RLock()
        if not exists(self.folder / FILE):
            self._tables.claim()
        with self._writing():
            self._write_tables()

    def __repr__(self) -> str:
        summary = self.summary()
        return f"Session({str(self.folder)!r}, {summary.labelled} of {summary.clips} clips labelled)"

    def suggest_by(self, suggester: Suggester | None) -> None:
        """Take suggestions from another suggester, such as one of the session's own classes; None for none."""
        self.suggestions = Suggestions(suggester, self._by_place(), self.folder / SUGGESTIONS)

    # What is known

    def __getitem__(self, clip: str) -> ClipRecord:
        """Return a clip's labels as they are now. Raises SeehearError if there is no such clip."""
        with self._lock:
            if clip not in self._records:
                raise ClipError(f"no clip is called {clip!r}")
            return self._records[clip]

    @property
    def clips(self) -> tuple[str, ...]:
        """Return the names of the clips that can be labelled."""
        return tuple(self.files)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that can be chosen: those given, then others that clips have."""
        with self._lock:
            return tuple(self._classes)

    def status(self, clip: str) -> Status:
        """Return how far a clip is."""
        state = self[clip].state
        if state.done:
            return Status.LABELLED if state.labels else Status.NOTHING
        return Status.UNLABELLED if state.labels is None else Status.DRAFT

    def labels(self, *, validation: bool | None = None) -> dict[str, list[str]]:
        """Return labelled clip -> its classes, such as `Dataset.from_arrays` and `write_weak` take.

        Args:
            validation: True for the clips drawn by chance alone, False for the others; None for all.
        """
        with self._lock:
            return {
                clip: list(record.state.labels or ())
                for clip, record in self._records.items()
                if record.state.done and validation in (None, record.choice == Choice.RANDOM)
            }

    def summary(self) -> Summary:
        """Return how far the session is."""
        with self._lock:
            done = [record for clip in self.files if (record := self._records[clip]).state.done]
            counts = Counter(label for record in done for label in record.state.labels or ())
            return Summary(
                len(self.files),
                len(done),
                sum(not record.state.labels for record in done),
                sum(record.choice == Choice.RANDOM for record in done),
                sum(record.state.timed for record in done),
                {label: counts[label] for label in self._classes},
            )

    def refresh(self) -> None:
        """Read what other processes have changed."""
        with self._lock:
            self._read()

    # Changes

    def change(
        self, clip: str, state: ClipLabels, *, version: int | None = None, choice: Choice | None = None
    ) -> ClipRecord:
        """Save a clip's labels.

        Args:
            clip: Its name.
            state: What is known from now on, in place of what was.
            version: The version that the person saw; None to replace any.
            choice: Who chose the clip; by default as `next` offered it, or else a person. What is not among the clips
                drawn by chance was not drawn.

        Returns:
            The clip as it is now.

        Raises:
            ConflictError: If the clip has another version by now.
            SeehearError: If there is no such clip, or the change can't be saved.
        """
        state = checked(state.labels, state.events, done=state.done, timed=state.timed, where=clip)
        choice = choice or self._offered.get(clip, Choice.PERSON)
        if choice == Choice.RANDOM and not self.chooser.is_random(clip):
            choice = Choice.PERSON
        with self._writing():
            before = self[clip]
            if version is not None and version != before.version:
                raise ConflictError(clip, before)
            if state != before.state:
                self._append(clip, state, before, self.by, choice=before.choice or choice)
                self._write_tables()
            return self[clip]

    def label(
        self, clip: str, labels: Labels, *, version: int | None = None, choice: Choice | None = None
    ) -> ClipRecord:
        """Save a clip's labels as complete; its drawn events stay where they fit.

        Args:
            clip: Its name.
            labels: Classes, or class -> audio, visual, audio_visual, or None if the modality is not known. None of
                them: no class occurs in the clip.
            version: As for `change`.
            choice: As for `change`.

        Raises:
            SeehearError: As `change`; or if classes were given for the session, and a label is not among them.
        """
        known = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels)
        self._check_known(known)
        before = self[clip].state
        events = tuple(event for event in before.events if event.label in known)
        return self.change(clip, ClipLabels(known, True, events, before.timed), version=version, choice=choice)

    def draw(
        self,
        clip: str,
        events: Iterable[DrawnEvent],
        *,
        timed: bool = False,
        version: int | None = None,
        choice: Choice | None = None,
    ) -> ClipRecord:
        """Save a clip's events, in place of those that were drawn.

        Args:
            clip: Its name.
            events: Their classes become labels of the clip.
            timed: Whether these are all events of the clip.
            version: As for `change`.
            choice: As for `change`.

        Raises:
            SeehearError: As for `label`.
        """
        drawn = tuple(events)
        self._check_known(event.label for event in drawn)
        state = replace(self[clip].state, events=drawn, timed=timed)
        return self.change(clip, state, version=version, choice=choice)

    def _check_known(self, labels: Iterable[str]) -> None:
        with self._lock:
            unknown = [label for label in labels if label not in self._classes]
        if self._closed and unknown:
            raise SeehearError(
                f"{unknown[0]!r} is none of the classes ({', '.join(self.classes)}); `add_class` adds one to them"
            )

    def undo(self) -> tuple[str, ClipRecord] | None:
        """Take back the last change of this person that nobody has changed since. Any number of times, in any clip.

        Returns:
            The clip, and what is known of it now; None if there is nothing to take back.
        """
        with self._writing():
            last = self._last_change()
            if last is None:
                return None
            earlier = self._before[last.number]
            state = earlier.state if earlier else ClipLabels()
            self._append(last.clip, state, self[last.clip], self.by, undoes=last.number, choice=last.choice)
            self._write_tables()
            return last.clip, self[last.clip]

    def add_class(self, label: str) -> str:
        """Add a class to those that can be chosen. Returns the class: one that differs in spelling alone is the same.

        Raises:
            SeehearError: If it can't be a class in a table.
        """
        name = valid_class(label)
        with self._writing():
            same = {spelling(known): known for known in self._classes}
            if spelling(name) not in same:
                self._append("", ClipLabels(), ClipRecord(), self.by, added=name)
            return same.get(spelling(name), name)

    # In the background

    def in_background(self, work: Callable[[], None], name: str) -> None:
        """Do some work in a thread of its own; it should end once `suggestions.stopped` says so."""
        thread = threading.Thread(target=work, name=name)
        self._working.append(thread)
        thread.start()

    def stop(self, seconds: float = 0.0) -> bool:
        """Stop what is done in the background, after the clip at hand. Returns whether nothing is done any more.

        Args:
            seconds: How long to wait for that.
        """
        end = time.monotonic() + seconds
        ended = self.suggestions.stop(seconds)
        for thread in self._working:
            thread.join(max(0.0, end - time.monotonic()))
        return ended and not any(thread.is_alive() for thread in self._working)

    # Which clip comes next

    def next(self, leave_out: Sequence[str] = ()) -> tuple[str, Choice] | None:
        """Return the clip to label next, and who chose it: a model that is unsure of it, or chance.

        A clip that was offered and not labelled comes again after the others.

        Args:
            leave_out: Clips that are not offered, unless nothing else is left.
        """
        with self._lock:
            self._read()
            usable = [clip for clip in self.files if not self._records[clip].state.done]
            playable = [clip for clip in usable if clip not in self.suggestions.failed]
            counts: Counter[Choice] = Counter()
            for clip in self.files:
                record = self._records[clip]
                if record.state.done:
                    counts[record.choice or Choice.PERSON] += 1
            chosen = self.chooser.next(
                playable or usable, counts, self.suggestions.uncertainty, self._offers, set(leave_out)
            )
            if chosen:
                self._offers[chosen[0]] += 1
                self._offered[chosen[0]] = chosen[1]
            return chosen

    # Rounds

    @property
    def rounds(self) -> Rounds:
        """Runs that were scored on the clips drawn by chance, in order."""
        from seehear.labelling.rounds import Rounds

        return Rounds(self)

    def round(self, suggester: Suggester | str | Path, *, progress: bool = True) -> Gain | None:
        """Score a run on the labelled clips that were drawn by chance, and add it to OUT/rounds.jsonl.

        Args:
            suggester: A run folder, or what suggests labels.
            progress: Show progress.

        Returns:
            What the round gained; None if no clip was drawn by chance and labelled.
        """
        return self.rounds.add(suggester, progress=progress)

    def refined(self, folder: str | Path | None = None) -> Path:
        """Write in which modality labels hold, as far as it is known, for `seehear train --refined`.

        OUT/refined is written at each change anyway.

        Args:
            folder: Where to write; by default OUT/refined.

        Returns:
            The folder.

        Raises:
            SeehearError: If refined labels of someone else are there.
        """
        from seehear.labelling import refined

        with self._lock:
            return refined.write(self._records, Path(folder) if folder is not None else self.folder / REFINED)

    # How it is kept

    def _by_place(self) -> dict[str, Local]:
        return {clip: self.files[clip] for clip in sorted(self.files, key=self.chooser.place)}

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other threads and processes from writing, and know all that they have written."""
        with self._lock, locked(self.folder):
            self._read()
            self._take_edits()
            yield

    def _read(self) -> None:
        for change in self._log.read():
            self._apply(change)

    def _apply(self, change: Change) -> None:
        self._number = change.number
        for label in [change.added] if change.added else change.state.labels or ():
            if label not in self._classes:
                self._classes.append(label)
        if not change.clip:
            return
        record = ClipRecord(change.state, change.version, change.by, change.time, change.choice)
        self._before[change.number] = self._latest.get(change.clip)
        self._latest[change.clip] = change
        self._records[change.clip] = record
        self._numbers.setdefault(change.clip, {})[change.by] = change.number
        stack = self._undoable.setdefault(change.by, [])
        if change.undoes:
            while stack and stack[-1].number >= change.undoes:  # those above it were changed by others since
                stack.pop()
        else:
            stack.append(change)

    def _last_change(self) -> Change | None:
        """Return this person's last change that nobody else has changed since; None if there is none."""
        stack = self._undoable.get(self.by, [])
        for change in reversed(stack):
            numbers = self._numbers[change.clip]
            if all(number < change.number for by, number in numbers.items() if by != self.by):
                return change
        return None

    def _append(
        self, clip: str, state: ClipLabels, before: ClipRecord, by: str, *, choice: Choice = Choice.PERSON,
        undoes: int = 0, added: str = "",
    ) -> None:  # fmt: skip
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        version = before.version + 1 if clip else 0
        self._log.append(Change(self._number + 1, clip, version, state, by, now, choice, undoes, added))
        self._read()

    def _take_edits(self) -> None:
        """Log what someone changed in the tables themselves."""
        for edited in self._tables.edits(self._records):
            before = self._records.get(edited.clip, ClipRecord())
            choice = before.choice or Choice.PERSON
            self._append(edited.clip, edited.state, before, edited.file, choice=choice)

    def _write_tables(self) -> None:
        try:
            self._tables.write(self._records)
            self.refined()
            self.problem = ""
        except SeehearError as error:
            self.problem = f"the change is saved in {FILE}, but not in the tables: {error}"


def valid_class(label: str) -> str:
    """Return the class, if tables can hold it. Raises SeehearError otherwise."""
    name = valid_line(label.strip())
    if "," in name:
        raise SeehearError(f"the class {name!r} has a comma, which separates classes in tables: rename it")
    return name


def _user() -> str:
    try:
        return getpass.getuser() or UNNAMED
    except (OSError, KeyError, ImportError):
        return UNNAMED
