"""Many clips parsed into one folder: JSON, pages, figures, dense tables, and an index that finds clips."""

from __future__ import annotations

import hashlib
import shlex
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seehear import arguments
from seehear.decoding import Decoding
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine, LostError, Shared, Work
from seehear.errors import ClipError, SeehearError, costing_one_clip
from seehear.files import check_folder, claim, sweep, while_there
from seehear.labels import DenseTable, DenseTables, Event, classes_of, dense_tables, read_dense, segments_of
from seehear.locks import locked
from seehear.media import child
from seehear.media.clips import file_by_file, find_clips
from seehear.media.notes import Note, any_missing, listed_notes
from seehear.modality import kinds, track_name
from seehear.names import clip_name, valid_line
from seehear.parsing.clip import ParsedClip, events_frame, truth_of
from seehear.parsing.folder import FORMAT, ParsedFiles, iter_folder, read_before, write
from seehear.parsing.same_name import check_same_file
from seehear.progress import Progress
from seehear.results import Result, counted, listed
from seehear.storage.files import Location, facts, whereabouts

if TYPE_CHECKING:
    from pandas import DataFrame

    from seehear.parsing.base import FileParser

Figure = Literal["html", "png", "svg"]
MARKER = ".parsed"  # names the run and the decoding that fill a folder
TOGETHER = 4  # clips that a process is given at once
MAX_CLIPS, MAX_EVENTS = 10, 40  # clips, and events of each, that are printed


@dataclass(repr=False)
class ParsedFolder(Result):
    """The result of parsing many clips.

    Of clips that were written into a folder, names and notes are in memory: about 70 bytes per clip. The clips
    themselves are read from their files when they are looked up.

    Attributes:
        folder: Where it was written; None if nothing was.
        clips: The parsed clips, in the order of the files: in memory, or `ParsedFiles` if there is a folder.
        drawn: Suffixes of the figures that were drawn of each clip.
        index: The page that leads to the clips' pages.
        unchanged: How many clips were parsed before.
        failed: clip -> what is wrong with it; also a folder that could not be searched.
        notes: What else a user should know.
        parser: What parsed them, in words.
        clip_notes: Clip -> what was repaired in it, is ambiguous or missing, for clips with notes.
        lacking: Modality -> the clips that lack it.
    """

    folder: Path | None
    clips: Sequence[ParsedClip] = field(default_factory=list)
    drawn: tuple[str, ...] = ()
    index: Path | None = None
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    parser: str = ""
    clip_notes: dict[str, tuple[Note, ...]] = field(default_factory=dict, init=False)
    lacking: dict[str, list[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for parsed in self.clips:
            self._note(parsed)

    def add(self, parsed: ParsedClip) -> None:
        """Add a clip."""
        assert isinstance(self.clips, ParsedFiles | list)
        self.clips.append(parsed)
        self._note(parsed)

    def _note(self, parsed: ParsedClip) -> None:
        if parsed.notes:
            self.clip_notes[parsed.clip] = parsed.notes
        for modality in parsed.absent:
            self.lacking.setdefault(modality, []).append(parsed.clip)

    def sort(self, clips: Iterable[str]) -> None:
        """Bring the clips into the order of these names: several processes parse them in any order."""
        order = {clip: n for n, clip in enumerate(clips)}
        if isinstance(self.clips, ParsedFiles):
            self.clips.names.sort(key=order.__getitem__)
        else:
            self.clips = sorted(self.clips, key=lambda parsed: order[parsed.clip])
        self.clip_notes = {clip: self.clip_notes[clip] for clip in sorted(self.clip_notes, key=order.__getitem__)}
        for names in self.lacking.values():
            names.sort(key=order.__getitem__)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        where = f"{str(self.folder)!r}, " if self.folder else ""
        return f"ParsedFolder({where}{counted(len(self.clips), 'clip')}{failed})"

    def to_frame(self, *, true: bool = False) -> DataFrame:
        """Return the predicted or the true events of all clips as a pandas DataFrame, see `ParsedClip.to_frame`."""
        return events_frame(self.clips, true=true)

    @property
    def figures(self) -> list[Path]:
        """Files of the figures of these clips."""
        return [file for parsed in _names(self.clips) for file in self._figures(parsed)]

    def _figures(self, clip: str) -> list[Path]:
        return [self.folder / f"{clip}.{suffix}" for suffix in self.drawn] if self.folder else []

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips could not be parsed, or content of a clip is missing, else 0."""
        return 1 if self.failed or any_missing(self.clip_notes) else 0

    def text(self) -> str:
        """Return the events of the first clips, the files written, the notes on clips, and the clips that failed."""
        lines = [self.parser] if self.parser else []
        for parsed in self.clips[:MAX_CLIPS]:
            several = len(parsed.origins) > 1
            events = [
                f"  {event.modality:<14}{_times(event.onset, event.offset)}  {event.confidence:.2f}  "
                f"{event.label}{f' ({event.origin})' if several else ''}"
                for event in parsed.events
            ]
            beyond = counted(len(events) - MAX_EVENTS, "more event")
            more = [f"  … and {beyond}"] if len(events) > MAX_EVENTS else []
            name = f"{parsed.clip} ({parsed.without})" if parsed.without else parsed.clip
            notes = [f"  note: {note}" for note in parsed.notes]
            lines += [name, *notes, *(events[:MAX_EVENTS] or ["  no event"]), *more]
        if len(self.clips) > MAX_CLIPS:
            lines.append(f"… and {counted(len(self.clips) - MAX_CLIPS, 'more clip')}")
        lines += self.notes
        if self.folder:
            lines.append(
                f"{counted(len(self.clips), 'clip')} parsed ({self.unchanged} already done) into {self.folder}"
            )
        if example := [file for name in _names(self.clips[:1]) for file in self._figures(name)]:
            lines.append(f"one figure per clip, such as {example[0]}")
        if self.index and self.folder:
            lines.append(f"open {self.index} in a browser, or run: seehear view {shlex.quote(str(self.folder))}")
        problems = listed(list(self.failed.values()), f"{counted(len(self.failed), 'clip')} left out")
        return "\n".join([*lines, *filter(None, [listed_notes(self.clip_notes), problems])])

    def as_json(self) -> Any:
        """Return every parsed clip, its notes included, and why others failed. All clips are read into memory."""
        return {"clips": [parsed.as_json() for parsed in self.clips], "failed": self.failed}


def parse_clips(
    parser: FileParser,
    clips: arguments.Paths,
    *,
    out: str | Path | None = None,
    truth: Mapping[str, str | Path] | None = None,
    decoding: Decoding | None = None,
    audio_track: int | None = None,
    figures: Sequence[Figure] = ("html",),
    embed: bool = False,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    progress: bool = True,
) -> ParsedFolder:
    """Parse clips, into a folder if one is given.

    Resume by rerunning the same call. A clip that can't be used is listed, whatever is raised, and the others are
    parsed. A clip without
    an audio or a video track is parsed by what it has, and a note says so.

    Args:
        parser: An untrained one, one from a run folder, or an ensemble of several. Its identity marks the folder.
        clips: Media files, or folders that are searched for them.
        out: The folder; made if it does not exist. By default nothing is written.
        truth: modality -> dense table of ground truth, to show with the events.
        decoding: From probabilities to events; by default the parser's.
        audio_track: Which of the audio tracks of each clip to use, from 1; by default the one that players choose. A
            clip with fewer tracks fails.
        figures: What to draw of each clip: html, a page that plays it; png and svg, a figure, which takes a second per
            clip.
        embed: Put the media files into their pages, so that a page can be sent to others alone.
        engine: Where clips are parsed: local, ray, ray://HOST:PORT, or an Engine. On a cluster, clips, run and `out`
            are to be seen under the same paths everywhere.
        workers: Processes that work at once, one thread each; 0 for one per core. By default this process with all
            cores; on a cluster as many as it has room for.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        progress: Show progress and time left.

    Raises:
        SeehearError: For a path that does not exist, or a folder that holds what another parser or decoding wrote.
    """
    tables = {name: read_dense(path) for name, path in arguments.by_modality(truth).items()}
    segments_of(tables.values(), 1, len(classes_of(tables.values())), parser.segment)  # refuses times that can't be
    files = find_clips(clips)
    track = arguments.audio_track(audio_track)
    how = _How(parser, decoding or parser.decoding, tables, track)
    job = None if out is None else _Job(how, Path(out), tuple(figures), embed)
    if job is not None:
        job.claim()
    result = ParsedFolder(
        job.folder if job else None,
        ParsedFiles(job.folder) if job else [],
        tuple(suffix for suffix in figures if suffix != "html") if job else (),
        failed=files.unusable,
        notes=files.notes,
        parser=parser.describe(),
    )
    if tables and not {event.clip for table in tables.values() for event in table.events} & set(files):
        result.notes.append(f"{', '.join(str(table.path) for table in tables.values())}: name none of these clips")
    each = engine_of(engine, workers, gpus).each(
        _Parsing(how, job), list(file_by_file(files).items()), together=TOGETHER
    )
    with Progress("parsing", len(files), show=progress) as bar, closing(each):
        for (clip, path), done in each:
            if isinstance(done, Exception):
                problem = f"{path}: {done}" if isinstance(done, LostError) else str(done)
                result.failed[clip] = problem
                bar.say(f"skipped: {problem}")
            else:
                parsed, unchanged = done
                result.add(parsed)
                result.unchanged += unchanged
            bar.advance(clip)
    result.sort(files)
    result.notes += [
        f"{counted(len(names), 'clip has', 'clips have')} no {track_name(modality)} track, for example {names[0]}: "
        "they are parsed by what they have"
        for modality, names in result.lacking.items()
    ]
    if result.clips and job:
        with locked(job.folder):  # another process may be writing the tables of fewer clips
            _write_tables_and_index(result, job.folder, "html" in figures)
    return result


@dataclass(frozen=True)
class _Parsing(Work[tuple[str, Location], tuple[ParsedClip, bool]]):
    """Clips parsed by one process of an engine. job: how they are written, None if they are not."""

    how: _How
    job: _Job | None

    def shared(self) -> Shared:
        """Return the folder that is written into."""
        return Shared() if self.job is None else Shared((self.job.folder.resolve(),))

    def begin(self) -> None:
        """Start the process that decodes."""
        child.start()

    def do(self, items: Sequence[tuple[str, Location]]) -> Generator[tuple[ParsedClip, bool] | Exception]:
        """Yield each clip, and whether it was parsed before."""
        for clip, path in items:
            try:
                with costing_one_clip(path):
                    done = self.job.parse(clip, path) if self.job else (self.how.parse(path), False)
            except ClipError as error:
                yield error
            else:
                yield replace(done[0], overview=None), done[1]


@dataclass(frozen=True)
class _How:
    """How clips are parsed."""

    parser: FileParser
    decoding: Decoding
    tables: Mapping[str, DenseTable]
    audio_track: int | None

    @cached_property
    def identity(self) -> str:
        """Hash of the parser. That of a run reads its weights, so it is not computed again for every clip."""
        return self.parser.identity

    @cached_property
    def _events(self) -> dict[str, dict[str, list[Event]]]:
        """Modality -> clip -> its true events. Else the whole tables would be searched for every clip."""
        events: dict[str, dict[str, list[Event]]] = {name: {} for name in self.tables}
        for name, table in self.tables.items():
            for event in table.events:
                events[name].setdefault(event.clip, []).append(event)
        return events

    def tables_of(self, clip: str) -> dict[str, DenseTable]:
        """Return the dense tables with the events of one clip."""
        return {
            name: DenseTable(table.path, tuple(self._events[name].get(clip, ()))) for name, table in self.tables.items()
        }

    def parse(self, path: Location) -> ParsedClip:
        truth = self.tables_of(clip_name(path))
        return self.parser.parse(path, truth=truth, decoding=self.decoding, audio_track=self.audio_track)


@dataclass(frozen=True)
class _Job:
    """How clips are parsed into a folder."""

    how: _How
    folder: Path
    figures: tuple[Figure, ...]
    embed: bool

    def claim(self) -> None:
        """Mark the folder as filled by this parser and decoding.

        Raises:
            SeehearError: If another parser or decoding filled it: its tables would be mixed with these.
        """
        from seehear import pages

        check_folder(self.folder)
        marker = self.folder / MARKER
        facts = {"run": self.how.identity, "decoding": str(self.how.decoding)}
        names = [
            *(f"{name}.csv" for name in kinds(self.how.parser.modalities)),
            *(["index.html"] if self._page("") else []),
        ]
        others = [file for name in names if (file := self.folder / name).exists()]
        if others and not marker.exists():
            raise SeehearError(f"{others[0]}: already exists and was not written by `parse`; choose another --out")
        if claim(marker, facts) != facts:
            raise SeehearError(
                f"{self.folder}: holds clips that another run or decoding parsed; choose another --out, or delete it"
            )
        for folder in (self.folder, self.folder / pages.parse.THUMBNAILS):
            sweep(folder)

    def parse(self, clip: str, path: Location) -> tuple[ParsedClip, bool]:
        """Parse a clip and write the requested files. Return whether that was done before; then nothing is done."""
        return while_there(self.folder / MARKER, lambda: self._parse(clip, path))

    def _parse(self, clip: str, path: Location) -> tuple[ParsedClip, bool]:
        from seehear import pages
        from seehear.plots import style

        file, drawings, page = self.folder / f"{clip}.json", self.drawings(clip), self._page(clip)
        made_by = self._fingerprint(clip, path)
        complete = all(each.exists() for each in (file, *drawings, *([page] if page else [])))
        if (before := read_before(file)) is not None:
            if complete and before[1] == made_by:
                return before[0], True
            check_same_file(before[0], str(path), file)
        parsed = self.how.parse(path)
        assert parsed.overview is not None
        if drawings:
            figure = parsed.plot()
            for drawing in drawings:
                style.save(figure, drawing)
        if page:
            pages.parse.write(parsed, parsed.overview, self.folder, embed=self.embed)
        write(parsed, self.folder, made_by=made_by)
        return parsed, False

    def drawings(self, clip: str) -> list[Path]:
        """Return the files of the clip's figures."""
        return [self.folder / f"{clip}.{suffix}" for suffix in self.figures if suffix != "html"]

    def _page(self, clip: str) -> Path | None:
        from seehear import pages

        return self.folder / pages.parse.name(clip) if "html" in self.figures else None

    def _fingerprint(self, clip: str, path: Location) -> str:
        """Hash of everything that decides what is written of a clip."""
        of_parser = self.how.parser.modalities, self.how.parser.segment
        truth = truth_of(clip, self.how.tables_of(clip), *of_parser) if self.how.tables else None
        decides = [FORMAT, self.how.identity, str(self.how.decoding), truth, self.embed, whereabouts(path)]
        track = [] if self.how.audio_track is None else [self.how.audio_track]
        return hashlib.sha256(repr([*decides, *facts(path), *track]).encode()).hexdigest()[:16]


def _names(clips: Sequence[ParsedClip]) -> list[str]:
    """Return the names of clips; those in a folder are not read."""
    return clips.names if isinstance(clips, ParsedFiles) else [parsed.clip for parsed in clips]


def _write_tables_and_index(result: ParsedFolder, folder: Path, index: bool) -> None:
    """Write the dense tables and the index of all clips in the folder, those of earlier calls included.

    The clips pass through, one after another: memory grows by the names of the files alone.
    """
    from seehear import pages

    damaged: list[str] = []
    unfit: list[str] = []
    with dense_tables(folder) as tables:
        clips = _tabled(iter_folder(folder, damaged), tables, folder, unfit)
        if index:
            result.index = pages.folder.write(clips, folder)
        else:
            deque(clips, maxlen=0)
    result.notes += [*damaged, *unfit]


def _tabled(clips: Iterable[ParsedClip], tables: DenseTables, folder: Path, notes: list[str]) -> Iterator[ParsedClip]:
    """Yield clips, and add the events of those that fit to the tables; see `_fits_tables`."""
    for parsed in clips:
        if _fits_tables(parsed, folder, notes):
            for modality in parsed.modalities:
                events = parsed.of(modality)
                tables.add(modality, (Event(parsed.clip, each.onset, each.offset, each.label) for each in events))
        yield parsed


def _fits_tables(parsed: ParsedClip, folder: Path, notes: list[str]) -> bool:
    """Return whether a clip's classes can stand in a table; if not, add a note."""
    try:
        for event in parsed.events:
            valid_line(event.label)
    except ClipError as error:
        notes.append(f"{folder / parsed.clip}.json: {error}: left out of the tables")
        return False
    return True


def _times(onset: float, offset: float) -> str:
    """Return when an event is, to a tenth of a second; one that is shorter, as of a still image, more exactly."""
    digits = 1 if offset - onset >= 0.1 else 2 if offset - onset >= 0.01 else 3
    return f"{onset:7.{digits}f} to {offset:6.{digits}f} s"
