"""seehear parse: new clips into events heard, seen and both."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seehear.errors import ClipError, SeehearError
from seehear.scoring.decoding import HALF, Decoding, Filter
from seehear.scoring.scores import kinds
from seehear.verbs import options
from seehear.verbs.result import Result, listed

if TYPE_CHECKING:
    from seehear.parsing import ParsedClip
    from seehear.training.run import Run

Picture = Literal["html", "png", "svg"]
MOST, MOST_EVENTS = 10, 40  # clips, and events of each, that are printed


@dataclass
class Parsed(Result):
    """clips: what was found, in the order of the files. folder: where it was written. unchanged: done before.

    index: the page that leads to those of the clips. failed: clip -> what was wrong. notes: what else to know.
    """

    folder: Path
    clips: list[ParsedClip] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    index: Path | None = None
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.failed else 0

    def text(self) -> str:
        lines = []
        for parsed in self.clips[:MOST]:
            found = [
                f"  {event.modality:<14}{event.onset:7.1f} to {event.offset:6.1f} s  {event.confidence:.2f}  "
                f"{event.label}"
                for event in parsed.events
            ]
            more = [f"  … and {len(found) - MOST_EVENTS} more events"] if len(found) > MOST_EVENTS else []
            lines += [parsed.clip, *(found[:MOST_EVENTS] or ["  nothing"]), *more]
        if len(self.clips) > MOST:
            lines.append(f"… and {len(self.clips) - MOST} more clips")
        lines += self.notes
        lines.append(f"{len(self.clips)} clips parsed ({self.unchanged} before) into {self.folder}")
        if self.pictures:
            lines.append(f"a picture of each, as {self.pictures[0]}")
        if self.index:
            lines.append(f"open {self.index} in a browser, or run: seehear view {shlex.quote(str(self.folder))}")
        problems = listed(list(self.failed.values()), f"{len(self.failed)} clips left out")
        return "\n".join([*lines, problems] if problems else lines)

    def as_json(self) -> Any:
        return {"clips": [parsed.as_json() for parsed in self.clips], "failed": self.failed}


def parse(
    run: str | Path,
    clips: Sequence[str | Path],
    *,
    out: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    pictures: Sequence[Picture] = ("html", "png"),
    embed: bool = False,
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    device: str = "auto",
    trust_code: bool = False,
) -> Parsed:
    """Parse clips of any length into events: class, modality, onset, offset, confidence.

    Writes OUT/<clip>.json, a page that plays the clip and a picture of it; OUT/index.html, which leads to the pages and
    finds clips by what is in them; and OUT/audio.csv, OUT/visual.csv, OUT/audio_visual.csv, dense tables of all clips
    in the folder. Clips longer than those of training are seen in windows of their length that overlap by half; where
    they do, each counts the more the nearer its middle is. The same command goes on where a killed one stopped.

    Args:
        run: A run folder.
        clips: Media files, or folders that are searched for them.
        out: The folder to write into; made if it isn't there.
        dense_audio: Dense table of what is truly heard, to show with what is parsed.
        dense_visual: Dense table of what is truly seen.
        dense: MODALITY=TABLE for other modalities.
        pictures: What to draw of each clip: html, a page that plays it; png and svg, a picture.
        embed: Put the clips into their pages, which then can be sent to others alone; they are linked to otherwise.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Probability from which on a segment is active.
        clip_threshold: Probability from which on a class is kept.
        thresholds: JSON file with thresholds by class.
        device: auto, cpu or cuda.
        trust_code: Run the Python code of networks that the run names as FILE.py:NAME; only for runs that you trust.

    Returns:
        The events of each clip, and what was wrong with which.
    """
    from seehear import pages
    from seehear.extraction import find_clips
    from seehear.files import read_json
    from seehear.labels import Event, read_dense, write_dense
    from seehear.parsed import from_json, read_folder, write
    from seehear.parser import Parser
    from seehear.parsing import truth_of
    from seehear.progress import Progress
    from seehear.report.picture import draw, save
    from seehear.training.run import Run

    trained = Run(run)
    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    truths = {name: read_dense(path) for name, path in options.by_modality(dense_audio, dense_visual, dense).items()}
    found = find_clips(clips)
    folder = Path(out)
    _claim(folder, trained, protocol)
    report = Parsed(folder)
    if truths and not {event.clip for one in truths.values() for event in one.events} & set(found):
        report.notes.append(f"{', '.join(str(one.path) for one in truths.values())}: name none of these clips")
    parser = None
    with Progress("parsing", len(found)) as progress:
        for clip, path in found.items():
            file = folder / f"{clip}.json"
            drawn = [folder / f"{clip}.{suffix}" for suffix in pictures if suffix != "html"]
            page = folder / pages.parse.name(clip) if "html" in pictures else None
            truth = truth_of(clip, truths, trained.facts.modalities, trained.facts.segment) if truths else None
            made_by = _fingerprint(trained, protocol, truth, path, embed)
            whole = file.exists() and all(picture.exists() for picture in [*drawn, *([page] if page else [])])
            old = read_json(file) if whole else {}
            try:
                if old.get("made_by") == made_by:
                    parsed = from_json(old, file)
                    report.unchanged += 1
                else:
                    parser = parser or Parser(trained, device, trust_code=trust_code)
                    parsed, strip = parser(clip, path, protocol, truth)
                    if drawn:
                        figure = draw(parsed, strip)
                        for picture in drawn:
                            save(figure, picture)
                    if page:
                        pages.parse.write(parsed, strip, folder, embed=embed)
                    write(parsed, folder, made_by=made_by)
                report.clips.append(parsed)
                report.pictures += drawn
            except ClipError as error:
                report.failed[clip] = str(error)
                progress.say(f"skipped: {error}")
            progress.advance(clip)
    if not report.clips:
        return report
    # The tables hold every clip in the folder, those of earlier calls too.
    everything, wrong = read_folder(folder)
    report.notes += wrong
    everything = [parsed for parsed in everything if _fits_tables(parsed, folder, report.notes)]
    for modality in dict.fromkeys(name for parsed in everything for name in parsed.modalities):
        events = [
            Event(parsed.clip, event.onset, event.offset, event.label)
            for parsed in everything
            for event in parsed.events
            if event.modality == modality
        ]
        write_dense(folder / f"{modality}.csv", events)
    if "html" in pictures:
        report.index = pages.folder.write(folder)
    return report


def _fits_tables(parsed: ParsedClip, folder: Path, notes: list[str]) -> bool:
    """Whether a clip's classes can stand in a table; a note is added where not."""
    from seehear.names import check_one_line

    try:
        for event in parsed.events:
            check_one_line(event.label)
    except ClipError as error:
        notes.append(f"{folder / parsed.clip}.json: {error}: left out of the tables")
        return False
    return True


def _claim(folder: Path, run: Run, decoding: Decoding) -> None:
    """Mark the folder as that of one run and decoding; SeehearError if it is another's, whose tables would be mixed."""
    from seehear.files import atomic_json, read_json

    marker = folder / ".parsed"
    facts = {"run": run.identity, "decoding": str(decoding)}
    there = [file for name in kinds(run.facts.modalities) if (file := folder / f"{name}.csv").exists()]
    if there and not marker.exists():
        raise SeehearError(f"{there[0]}: is there, and was not parsed; give another --out, that it may not be lost")
    if marker.exists() and read_json(marker) != facts:
        raise SeehearError(f"{folder}: holds what another run or decoding parsed; give another --out, or delete it")
    atomic_json(marker, facts)


def _fingerprint(run: Run, decoding: Decoding, truth: object, path: Path, embed: bool) -> str:
    """Changes whenever what is written of a clip would."""
    from seehear.parsed import FORMAT

    stat = path.stat()
    facts = [FORMAT, run.identity, str(decoding), truth, embed, str(path.resolve()), stat.st_size, stat.st_mtime_ns]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
