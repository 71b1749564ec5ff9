"""seehear parse: new clips into events heard, seen and both."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seehear.errors import ClipError, SeehearError
from seehear.scoring.decoding import HALF, Filter
from seehear.verbs import options
from seehear.verbs.result import Result, listed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seehear.labels import DenseTable
    from seehear.networks.spec import NetworkSpec
    from seehear.packed import Packed
    from seehear.parsing import ParsedClip, ParsedEvent
    from seehear.training.run import Run

Picture = Literal["png", "svg"]
THUMBNAIL = 160  # pixels, where no visual network's own picture can be shown


@dataclass
class Parsed(Result):
    """clips: what was found, in the order of the files. failed: clip -> what was wrong. folder: what was written."""

    folder: Path
    clips: list[ParsedClip] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)

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
            lines += [parsed.clip, *(found or ["  nothing"])]
        if len(self.clips) > MOST:
            lines.append(f"… and {len(self.clips) - MOST} more clips")
        lines.append(f"{len(self.clips)} clips parsed ({self.unchanged} before) into {self.folder}")
        if self.pictures:
            lines.append(f"a picture of each, as {self.pictures[0]}")
        problems = listed(list(self.failed.values()), f"{len(self.failed)} clips left out")
        return "\n".join([*lines, problems] if problems else lines)

    def as_json(self) -> Any:
        return {"clips": [parsed.as_json() for parsed in self.clips], "failed": self.failed}


MOST = 10  # clips whose events are printed


def parse(
    run: str | Path,
    clips: Sequence[str | Path],
    *,
    out: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    pictures: Sequence[Picture] = ("png", "svg"),
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    device: str = "auto",
) -> Parsed:
    """Parse clips of any length into events: class, modality, onset, offset, confidence.

    Writes OUT/<clip>.json and a picture of each clip, and OUT/audio.csv, OUT/visual.csv, OUT/audio_visual.csv, dense
    tables of all. Clips longer than those of training are seen in overlapping windows of their length. The same
    command goes on where a killed one stopped.

    Args:
        run: A run folder.
        clips: Media files, or folders that are searched for them.
        out: The folder to write into; made if it isn't there.
        dense_audio: Dense table of what is truly heard, to draw beneath.
        dense_visual: Dense table of what is truly seen, to draw beneath.
        dense: MODALITY=TABLE for other modalities.
        pictures: Formats of the pictures.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Probability from which on a segment is active.
        clip_threshold: Probability from which on a class is kept.
        thresholds: JSON file with thresholds by class.
        device: auto, cpu or cuda.

    Returns:
        The events of each clip, and what was wrong with which.
    """
    from seehear.extraction import find_clips
    from seehear.files import atomic_json, read_json
    from seehear.labels import Event, read_dense, write_dense
    from seehear.parsing import ParsedClip
    from seehear.progress import Progress
    from seehear.training.run import Run

    trained = Run(run)
    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    truths = {name: read_dense(path) for name, path in options.by_modality(dense_audio, dense_visual, dense).items()}
    found = find_clips(clips)
    folder = Path(out)
    parser = _Parser(trained, options.device(device))
    report = Parsed(folder)
    with Progress("parsing", len(found)) as progress:
        for clip, path in found.items():
            file = folder / f"{clip}.json"
            stat = path.stat()
            truth = _true_events(clip, truths, trained)
            made_by = [parser.identity, str(protocol), truth, stat.st_size, stat.st_mtime_ns]
            mark = hashlib.sha256(repr(made_by).encode()).hexdigest()[:16]
            drawn = [folder / f"{clip}.{suffix}" for suffix in pictures]
            if file.exists() and all(picture.exists() for picture in drawn):
                content = read_json(file)
                if content.get("made_by") == mark:
                    report.clips.append(ParsedClip.from_json(content))
                    report.unchanged += 1
                    report.pictures += drawn
                    progress.advance(clip)
                    continue
            try:
                parsed, segments = parser(clip, path, protocol, drawn, truth)
                atomic_json(
                    file, {"format": "seehear-parse-1", "made_by": mark, **parsed.as_json(), "segments": segments}
                )
                report.clips.append(parsed)
                report.pictures += drawn
            except ClipError as error:
                report.failed[clip] = str(error)
                progress.say(f"skipped: {error}")
            progress.advance(clip)
    for modality in dict.fromkeys(name for parsed in report.clips for name in parsed.modalities):
        events = [
            Event(parsed.clip, event.onset, event.offset, event.label)
            for parsed in report.clips
            for event in parsed.events
            if event.modality == modality
        ]
        write_dense(folder / f"{modality}.csv", events)
    return report


class _Parser:
    """Networks and model of a run, loaded when the first clip needs them."""

    def __init__(self, run: Run, device: str) -> None:
        self.run, self.device = run, device
        parts = [
            (run.path / name).read_bytes()
            for name in ("run.json", "model.safetensors", "done")
            if (run.path / name).exists()
        ]
        self.identity = hashlib.sha256(b"".join(parts)).hexdigest()
        self._loaded: tuple[Any, Any, Any] | None = None

    def __call__(
        self,
        clip: str,
        path: Path,
        decoding: Any,
        pictures: Sequence[Path],
        truth: Mapping[str, Sequence[ParsedEvent]] | None,
    ) -> tuple[ParsedClip, dict[str, Any]]:
        """The clip's events and its segments' probabilities, by modality and class; draws the pictures on the way."""
        from seehear.extraction import Collector, prefetch, spans
        from seehear.media import Media
        from seehear.parsing import ParsedClip, parsed_events
        from seehear.report.picture import draw, save, thumbnails_for
        from seehear.report.strip import Strip
        from seehear.scoring.scores import kinds
        from seehear.training.bags import Bags
        from seehear.training.inference import predict

        networks, model, settings = self._load()
        facts = self.run.facts
        media = Media(path)
        own = [spec.input.size for spec, _ in networks if spec.modality == "visual"]
        size = (own[0] if own else THUMBNAIL) if media.has_video else 0
        collector = Collector(networks, settings)
        strip = Strip(media, thumbnails_for(media.aspect) if size else 0, size)
        needs = [spec for spec, _ in networks]
        for span in prefetch(spans(media, needs, settings, size=size, sound=media.has_audio)):
            try:
                collector.add(span)
            except ClipError as error:
                raise ClipError(f"{path}: {error}") from error
            strip.add(span)
        features = collector.features(media)
        packs = {
            modality: [_as_pack(features[info.name]) for info in infos] for modality, infos in facts.networks.items()
        }
        probabilities = predict(model, Bags(packs, self.device), facts.window)
        events = parsed_events(probabilities, decoding, facts.classes, facts.modalities, facts.segment, media.duration)
        duration = round(media.duration, 3)
        parsed = ParsedClip(clip, str(path), duration, facts.segment, kinds(facts.modalities), str(decoding), events)
        segments = {
            modality: {
                label: [round(float(p), 4) for p in probabilities.segment[0, :, m, facts.classes.index(label)]]
                for label in dict.fromkeys(event.label for event in events)
            }
            for m, modality in enumerate(facts.modalities)
        }
        if pictures:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a clip's name, drawn as a box
                figure = draw(parsed, strip, truth)
                for picture in pictures:
                    save(figure, picture)
        return parsed, segments

    def _load(self) -> tuple[Any, Any, Any]:
        if self._loaded is None:
            from seehear import networks
            from seehear.extraction import Settings, load_networks

            infos = [info for of_modality in self.run.facts.networks.values() for info in of_modality]
            settings = Settings(max(info.fps for info in infos), self.run.facts.segment)
            specs: list[NetworkSpec] = []
            for info in infos:
                if not info.reference:
                    raise SeehearError(
                        f"{self.run.path}: was trained on imported features of {info.name}, which seehear can't make: "
                        "only clips in a store can be scored with it"
                    )
                spec = networks.get(info.reference)
                if settings.made_by(spec) != info.made_by:
                    raise SeehearError(
                        f"{self.run.path}: was trained on features of another version of {info.name}; extract and "
                        "train again"
                    )
                specs.append(spec)
            self._loaded = (load_networks(specs, self.device), self.run.model(self.device), settings)
        return self._loaded


def _as_pack(features: NDArray[np.float32]) -> Packed:
    import numpy as np

    from seehear.packed import Packed

    return Packed(features, np.array([0, len(features)]), "")


def _true_events(clip: str, truths: Mapping[str, DenseTable], run: Run) -> dict[str, list[ParsedEvent]] | None:
    """modality -> the clip's true events; those in all modalities too, where the truth of each is given."""
    import numpy as np

    from seehear.events import Cells, runs
    from seehear.labels import classes_of
    from seehear.parsing import ParsedEvent
    from seehear.scoring.scores import kinds

    if not truths:
        return None
    segment, modalities = run.facts.segment, run.facts.modalities
    names = classes_of(truths.values())
    length = max(1, *(table.last_segment(segment) for table in truths.values()))
    active = {name: table.array([clip], names, length, segment) for name, table in truths.items()}
    if set(modalities) <= set(active):
        for joint in kinds(modalities)[len(modalities) :]:
            active[joint] = np.logical_and.reduce([active[name] for name in modalities])
    events: dict[str, list[ParsedEvent]] = {}
    for modality, array in active.items():
        found = runs(Cells.of(array))
        events[modality] = [
            ParsedEvent(names[label], modality, start * segment, stop * segment, 1.0)
            for label, start, stop in zip(found.label, found.start, found.stop, strict=True)
        ]
    return events
