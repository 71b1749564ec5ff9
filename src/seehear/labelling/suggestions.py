"""Suggestions: what a model finds in a clip, for a person to confirm or correct.

A suggester is any object with a `name`, `suggest` and `uncertainty`. Suggestions are computed in the background and
kept on disk, so that they are there when the clip's turn comes.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from seehear.errors import ClipError, SeehearError, costing_one_clip
from seehear.files import atomic_json
from seehear.modality import JOINT
from seehear.names import clip_name
from seehear.parsing.clip import Origin, ParsedClip, ParsedEvent
from seehear.parsing.folder import read
from seehear.parsing.same_name import check_same_file
from seehear.progress import say
from seehear.storage.files import Local, facts
from seehear.stored import Probability, exists, read_as

if TYPE_CHECKING:
    from seehear.arguments import PathLike
    from seehear.parsing.ensemble import Ensemble
    from seehear.parsing.parser import Parser

NOTHING_FOUND = 0.5  # the uncertainty of a clip in which no class passes the threshold: how near one came is not known


@dataclass(frozen=True)
class Suggestion:
    """A class that may occur in a clip.

    Attributes:
        label: The class.
        modality: audio, visual, or audio_visual for both.
        confidence: In [0, 1].
        events: When it occurs, if the suggester knows: events of audio and visual.
        untrained: Whether no model was trained on the class: the networks' own classifiers found it.
    """

    label: str
    modality: str
    confidence: Probability
    events: tuple[ParsedEvent, ...] = ()
    untrained: bool = False


class Suggester(Protocol):
    """Whatever suggests labels."""

    @property
    def name(self) -> str:
        """Identifies the suggester and its version: suggestions are kept under it."""
        ...

    def suggest(self, clip: Local) -> list[Suggestion]:
        """Return suggestions for a media file. Raises ClipError if it can't be used."""
        ...

    def uncertainty(self, clip: Local) -> float:
        """Return how unsure the suggester is of a clip's labels, in [0, 1]. Raises as `suggest`."""
        ...


class ParseSuggester:
    """Suggests what a parser finds: a trained run, or any function from a media file to a ParsedClip.

    Attributes:
        name: Identifies the parser.
        is_untrained: Whether these are the networks' own classifiers, without any training.
        unmapped: Classes that are never suggested, since no class of the classifiers means them, in words.
    """

    def __init__(self, parse: Callable[[Local], ParsedClip], name: str, *, is_untrained: bool = False) -> None:
        """Keep the function.

        Args:
            parse: From a media file to a parsed clip, such as `sh.load(RUN).parse`.
            name: Identifies the parser; change it when the parser changes.
            is_untrained: Whether nothing was trained.
        """
        self.name, self.is_untrained, self.unmapped = name, is_untrained, ""
        self._parse = parse
        self._last: tuple[Local, ParsedClip] | None = None

    @staticmethod
    def of_run(run: PathLike | Parser | Ensemble, *, device: str = "auto", trust_code: bool = False) -> ParseSuggester:
        """Return the suggester of a run folder, or of a parser.

        Args:
            run: A run folder, a folder of several seeds, a package, or a trained parser.
            device: auto, cpu or cuda.
            trust_code: Whether to run a network of your own that the run names.
        """
        from seehear.packaged.archive import is_package
        from seehear.parsing.packaged import PackagedParser
        from seehear.parsing.parser import load
        from seehear.training.runs import Run, find_runs

        if isinstance(run, str | Path):
            found = [] if is_package(run) else find_runs([run])
            place = found[0].path if len(found) == 1 else run
            parser = load(place, ensemble=len(found) > 1, device=device, trust_code=trust_code)
        else:
            parser = run  # type: ignore[assignment]
        if isinstance(parser, PackagedParser):
            return ParseSuggester(parser.parse, f"{parser.path}@{_short(parser.identity)}")
        runs = [member.run for member in parser.members]
        identities = sorted(own.identity if isinstance(own, Run) else f"memory-{id(own)}" for own in runs)
        return ParseSuggester(parser.parse, f"{parser.path or 'parser'}@{_short(repr(identities))}")

    @staticmethod
    def untrained(classes: Sequence[str] = (), *, device: str = "auto") -> ParseSuggester:
        """Return the suggester of what the networks' own classifiers hear and see.

        Args:
            classes: Suggest these alone; by default the classes of AudioSet and ImageNet.
            device: auto, cpu or cuda.

        Raises:
            SeehearError: If no class of AudioSet or ImageNet means any of these.
        """
        from seehear.parsing.untrained import Untrained

        parser = Untrained(classes or None, device=device)
        suggester = ParseSuggester(parser.parse, f"untrained@{parser.identity[:12]}", is_untrained=True)
        suggester.unmapped = parser.map.unmapped_text()
        return suggester

    def suggest(self, clip: Local) -> list[Suggestion]:
        """Return the classes of the clip's events, the most confident first."""
        return suggestions_of(self._of(clip))

    def uncertainty(self, clip: Local) -> float:
        """Return how near the most uncertain class is to 0.5."""
        return uncertainty_of(self._of(clip))

    def _of(self, clip: Local) -> ParsedClip:
        last = self._last
        if last is None or last[0] != clip:
            last = (clip, self._parse(clip))
            self._last = last
        return last[1]


def of_parsed(folder: PathLike) -> ParseSuggester:
    """Return a suggester of clips that `seehear parse` has written into a folder.

    Raises:
        SeehearError: If there is no such folder.
    """
    place = Path(folder)
    if not place.is_dir():
        raise SeehearError(f"{place}: no such folder; `seehear parse --out` makes one")

    def parsed(clip: Local) -> ParsedClip:
        file = place / f"{clip_name(clip)}.json"
        if not exists(file):
            raise ClipError(f"{file}: no such file; `seehear parse --out {place}` writes it")
        try:
            held = read(file)
        except SeehearError as error:
            raise ClipError(str(error)) from None
        check_same_file(held, str(clip), file)
        return held

    return ParseSuggester(parsed, str(place))


def suggestions_of(parsed: ParsedClip) -> list[Suggestion]:
    """Return the classes of a parsed clip's events, the most confident first."""
    found = []
    for label in dict.fromkeys(event.label for event in parsed.events):
        own = [event for event in parsed.events if event.label == label]
        alone = tuple(event for event in own if event.modality != JOINT)
        modalities = {event.modality for event in own}
        modality = JOINT if len(modalities) > 1 else modalities.pop()
        untrained = all(event.origin == Origin.UNTRAINED for event in own)
        found.append(Suggestion(label, modality, max(event.confidence for event in own), alone, untrained))
    return sorted(found, key=lambda one: (-one.confidence, one.label))


def uncertainty_of(parsed: ParsedClip) -> float:
    """Return 1 for a class with a probability of 0.5, and 0 for 0 or 1, of the class where that is largest.

    A clip that an earlier version parsed has no probabilities of classes that were not found.
    """
    highest = parsed.highest or {event.label: event.confidence for event in parsed.events}
    return max((1 - abs(2 * p - 1) for p in highest.values()), default=NOTHING_FOUND)


@dataclass(frozen=True)
class Suggested:
    """What was suggested for a clip.

    Attributes:
        suggestions: The most confident first.
        uncertainty: In [0, 1].
    """

    suggestions: tuple[Suggestion, ...]
    uncertainty: float


class _Kept(BaseModel):
    size: int
    modified: int
    suggestions: tuple[Suggestion, ...]
    uncertainty: Probability


class Suggestions:
    """Suggestions for many clips, computed in a background thread.

    Attributes:
        failed: Clip -> why there are no suggestions for it.
        problem: Why there are none at all, such as a run that can't be used; empty otherwise.
    """

    def __init__(self, suggester: Suggester | None, clips: Mapping[str, Local], folder: Path | None = None) -> None:
        """Prepare; `start` computes.

        Args:
            suggester: None for no suggestions at all.
            clips: Clip name -> media file, in the order in which they are computed.
            folder: Where to keep suggestions; nothing is kept without.
        """
        self.suggester, self.failed, self.problem = suggester, dict[str, str](), ""
        self._clips = clips
        self._folder = folder / _short(suggester.name) if folder is not None and suggester is not None else None
        self._known: dict[str, Suggested] = {}
        self._pending = deque(clips if suggester is not None else ())
        self._computing = threading.Lock()  # a model works on one clip at a time
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Compute in the background, until all is done, `stop` is called, or the program ends."""
        if self.suggester is not None and self._thread is None:
            # Not a daemon: one that is in a network's code when the interpreter ends would abort the process.
            self._thread = threading.Thread(target=self._run, name="suggestions")
            self._thread.start()

    def stop(self, seconds: float = 0.0) -> bool:
        """Stop after the clip that is being computed. Returns whether nothing is computed any more.

        Args:
            seconds: How long to wait for that clip.
        """
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether nothing more should be computed: `stop` was called, or the program waits for its threads to end."""
        return self._stopped.is_set() or not threading.main_thread().is_alive()

    def known(self, clip: str) -> Suggested | None:
        """Return what is known already. A clip that is not known comes next."""
        found = self._known.get(clip)
        if found is None and clip in self._clips and clip not in self.failed and self.suggester is not None:
            self._pending.appendleft(clip)
        return found

    def uncertainty(self, clip: str) -> float | None:
        """Return the uncertainty of a clip; None if it is not known yet."""
        found = self._known.get(clip)
        return found.uncertainty if found else None

    def compute(self, clip: str) -> Suggested:
        """Return a clip's suggestions, computed now if need be.

        Raises:
            SeehearError: If there is no suggester, or the clip can't be used.
        """
        if self.suggester is None:
            raise SeehearError("there is no suggester: give a run, or a folder of parsed clips")
        with self._computing:
            if clip not in self._known:
                self._known[clip] = self._kept(clip) or self._computed(self.suggester, clip)
        return self._known[clip]

    def _run(self) -> None:
        while self._pending and not self.stopped:
            clip = self._pending.popleft()
            if clip in self._known or clip in self.failed:
                continue
            try:
                with costing_one_clip(self._clips[clip]):
                    self.compute(clip)
            except ClipError as error:
                self.failed[clip] = str(error)
            except SeehearError as error:  # of no clip: the next one would fail in the same way
                self.problem = f"there are no suggestions: {error}"
                say(self.problem)
                return

    def _computed(self, suggester: Suggester, clip: str) -> Suggested:
        file = self._clips[clip]
        found = Suggested(tuple(suggester.suggest(file)), float(suggester.uncertainty(file)))
        if self._folder is not None:
            now = facts(file)
            kept = {"size": now.size, "modified": now.modified, "uncertainty": found.uncertainty}
            atomic_json(
                self._folder / f"{clip}.json", {**kept, "suggestions": [asdict(one) for one in found.suggestions]}
            )
        return found

    def _kept(self, clip: str) -> Suggested | None:
        """Return what was kept on disk, if the clip is still the same file. What is damaged is computed again."""
        if self._folder is None or not exists(self._folder / f"{clip}.json"):
            return None
        try:
            kept = read_as(self._folder / f"{clip}.json", _Kept, "delete it")
            now = facts(self._clips[clip])
        except (SeehearError, OSError):
            return None
        if (kept.size, kept.modified) != (now.size, now.modified):
            return None
        return Suggested(kept.suggestions, kept.uncertainty)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
