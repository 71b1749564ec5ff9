"""From clips to features: one pass over a clip feeds every network that was asked for."""

from __future__ import annotations

import hashlib
import math
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media import SUFFIXES, Media, Span, is_media
from seehear.names import check_clip
from seehear.networks.spec import AudioInput, ClipInput, ImageInput, Network, NetworkSpec

REVISION = "1"  # changes whenever decoding or windowing changes what a network is given
SPAN = 8.0  # seconds decoded at once: bounds the memory, whatever the clip's length
RESAMPLING = 0.25  # seconds of sound that the resampler is given beyond the outermost windows
BATCH = 16  # pictures or windows in one call: larger ones leave the cache of a core

T = TypeVar("T")
Loaded = Sequence[tuple[NetworkSpec, Network]]


@dataclass(frozen=True)
class Settings:
    """How clips are cut. fps: pictures sampled a second. segment: seconds a feature stands for."""

    fps: float = 8.0
    segment: float = 1.0

    def made_by(self, spec: NetworkSpec) -> str:
        """Fingerprint of everything but the clip that decides a feature's numbers."""
        facts = [REVISION, spec.fingerprint, self.segment]
        if isinstance(spec.input, ImageInput):
            facts.append(self.fps)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def find_clips(paths: Iterable[str | Path]) -> dict[str, Path]:
    """Clip name (the file's stem) -> file, for files and for all media files in folders and theirs but hidden ones.

    Raises SeehearError for a path that is not there, for two files of one stem, and for a name that can't be kept.
    """
    clips: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if is_media(file))
            if not files:
                raise SeehearError(f"{path}: no media files in this folder ({' '.join(sorted(SUFFIXES))})")
        elif path.exists():
            files = [path]
        else:
            raise SeehearError(f"{path}: no such file or folder")
        for file in files:
            _check_name(file)
            other = clips.setdefault(file.stem, file)
            if other.resolve() != file.resolve():
                raise SeehearError(f"{file} and {other} have one name, {file.stem!r}, and labels go by it: rename one")
    return clips


def _check_name(file: Path) -> None:
    """Raises SeehearError for a name that no table can hold, or too long with the suffixes of what is made of it."""
    try:
        check_clip(file.stem)
    except ClipError as error:
        place = str(file) if str(file).isprintable() else f"{str(file)!a}"
        raise SeehearError(f"{place}: {error}: rename it") from None


class Collector:
    """Gathers what each network makes of a clip, span by span."""

    def __init__(self, networks: Loaded, settings: Settings) -> None:
        self._networks, self._settings = networks, settings
        self._parts: dict[str, list[NDArray[np.float32]]] = {spec.name: [] for spec, _ in networks}

    def add(self, span: Span) -> None:
        """Raises ClipError naming a network that fails on this span."""
        for spec, network in self._networks:
            try:
                self._parts[spec.name].append(segment_features(span, spec, network, self._settings))
            except SeehearError:
                raise
            except Exception as error:  # whatever someone's own network may raise
                raise ClipError(f"{spec.name} failed with {type(error).__name__}: {error}") from error

    def features(self, media: Media) -> dict[str, NDArray[np.float32]]:
        """name -> (T, width) float32, once all spans of the clip are in."""
        n_segments = media.segments(self._settings.segment)
        return {name: _whole(np.concatenate(parts), n_segments) for name, parts in self._parts.items()}


def spans(
    media: Media, needs: Iterable[NetworkSpec], settings: Settings, *, size: int = 0, sound: bool = False
) -> Iterator[Span]:
    """The clip, decoded once, in spans that hold what these networks need.

    size: of pictures wanted besides, pixels, 0 for none. sound: whether sound is wanted whatever the networks need.
    Raises ClipError if the clip lacks a track that is needed.
    """
    inputs = [spec.input for spec in needs]
    sizes = {need.size for need in inputs if isinstance(need, ImageInput)} | ({size} if size else set())
    heard = [need.window for need in inputs if isinstance(need, AudioInput)]
    return media.spans(
        max(1, round(SPAN / settings.segment)) * settings.segment,
        fps=settings.fps,
        sizes=sizes,
        sound=sound or bool(heard),
        margin=max(heard, default=0.0) / 2 + RESAMPLING,
    )


@dataclass(frozen=True)
class Job:
    """A clip, and the networks whose features of it are wanted."""

    clip: str
    path: Path
    specs: tuple[NetworkSpec, ...]


@dataclass(frozen=True)
class Done:
    """What came of a job. problems: what is missing from `features`, and why. duration: of the clip, seconds."""

    job: Job
    features: dict[str, NDArray[np.float32]]
    problems: tuple[str, ...]
    duration: float


def run_jobs(jobs: Sequence[Job], networks: Loaded, settings: Settings) -> Iterator[Done]:
    """Each job's features, in order; the next clip is decoded while networks run on this one."""
    problems: list[str] = []
    for job, item in prefetch(_decode(jobs, settings)):
        if isinstance(item, Media):
            media = item
            problems = [problem for spec in job.specs if (problem := _lacks(media, spec))]
            usable = [pair for pair in networks if pair[0] in job.specs and not _lacks(media, pair[0])]
            collectors = [Collector([pair], settings) for pair in usable]  # one that fails leaves the others be
        elif isinstance(item, Span):
            for collector in list(collectors):
                try:
                    collector.add(item)
                except ClipError as error:
                    problems.append(f"{job.path}: {error}")
                    collectors.remove(collector)
        elif isinstance(item, ClipError):
            yield Done(job, {}, (*problems, str(item)), 0.0)
            problems = []
        else:
            features = {name: made for collector in collectors for name, made in collector.features(media).items()}
            yield Done(job, features, tuple(problems), media.duration)
            problems = []


def _decode(jobs: Iterable[Job], settings: Settings) -> Iterator[tuple[Job, Media | Span | ClipError | None]]:
    """For each job its clip, opened; the spans of it; None at its end, or at once the error that ended it."""
    for job in jobs:
        try:
            media = Media(job.path)
            yield job, media
            usable = [spec for spec in job.specs if not _lacks(media, spec)]
            if usable:
                for span in spans(media, usable, settings):
                    yield job, span
            yield job, None
        except ClipError as error:
            yield job, error


def _lacks(media: Media, spec: NetworkSpec) -> str:
    """What the clip lacks that the network needs; nothing if it can be used."""
    if spec.modality == "audio" and not media.has_audio:
        return f"{media.path}: has no audio track, which {spec.name} needs"
    if spec.modality == "visual" and not media.has_video:
        return f"{media.path}: has no video track, which {spec.name} needs"
    return ""


def prefetch(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The same items, made by a second thread up to `depth` ahead: decoding goes on while networks run."""
    ready: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()
    end = object()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(end)
        except BaseException as error:
            put(error)

    threading.Thread(target=work, daemon=True, name="prefetch").start()
    try:
        while (item := ready.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()


def windows(span: Span, sound: AudioInput, settings: Settings) -> NDArray[np.float32]:
    """The windows of a span: (segments, windows a segment, samples), evenly centred in each segment."""
    import soxr

    samples = span.sound
    if span.rate != sound.rate:
        samples = soxr.resample(samples, span.rate, sound.rate)
    n_segments = _segments_in(span, settings)
    each = max(1, round(settings.segment / sound.hop))
    centres = (np.arange(n_segments * each) + 0.5) * settings.segment / each  # (windows,) seconds into the span
    first = np.round((centres + span.margin - sound.window / 2) * sound.rate).astype(int)
    index = first[:, None] + np.arange(sound.samples)  # (windows, samples)
    padded = np.pad(samples, (0, max(0, int(index.max()) + 1 - len(samples))))
    return padded[index].reshape(n_segments, each, sound.samples)


def segment_features(span: Span, spec: NetworkSpec, network: Network, settings: Settings) -> NDArray[np.float32]:
    """One network's features of a span's segments, (segments, width); NaN where a segment holds no picture."""
    if isinstance(spec.input, AudioInput):
        cut = windows(span, spec.input, settings)
        made = _in_batches(network, cut.reshape(-1, cut.shape[-1]), spec)
        return made.reshape(*cut.shape[:2], -1).mean(axis=1)
    pictures = span.pictures[spec.input.size]
    mean = np.full((_segments_in(span, settings), spec.width), np.nan, dtype=np.float32)
    segment = ((span.at - span.start) / settings.segment + 1e-9).astype(int)  # (pictures,)
    segment = np.minimum(segment, len(mean) - 1)
    if isinstance(spec.input, ClipInput):
        there = np.unique(segment)
        taken = [np.flatnonzero(segment == t)[_spread(int((segment == t).sum()), spec.input.frames)] for t in there]
        mean[there] = _in_batches(network, pictures[np.array(taken, dtype=int)], spec)
        return mean
    made = _in_batches(network, pictures, spec)
    for t in np.unique(segment):
        mean[t] = made[segment == t].mean(axis=0)
    return mean


def _spread(there: int, wanted: int) -> NDArray[np.int64]:
    """Which of so many pictures to take, evenly spread, (wanted,); some twice where there are fewer."""
    return (np.arange(wanted) * there) // wanted


def _in_batches(network: Network, batch: NDArray[Any], spec: NetworkSpec) -> NDArray[np.float32]:
    parts = [network.features(batch[n : n + BATCH]) for n in range(0, len(batch), BATCH)]
    made = np.concatenate(parts) if parts else np.zeros((0, spec.width), dtype=np.float32)
    if made.shape != (len(batch), spec.width):
        raise SeehearError(
            f"{spec.name}: gave features of shape {made.shape} for {len(batch)} inputs, not (n, {spec.width})"
        )
    if not np.isfinite(made).all():
        raise ClipError(f"{spec.name} gave numbers that are not finite")
    return made


def _whole(features: NDArray[np.float32], n_segments: int) -> NDArray[np.float32]:
    """Exactly n_segments rows; a segment too short to hold a picture repeats the one before it."""
    known = np.flatnonzero(~np.isnan(features[:, 0]))
    nearest = known[np.clip(np.searchsorted(known, np.arange(n_segments), side="right") - 1, 0, None)]
    return np.ascontiguousarray(features[nearest], dtype=np.float32)


def _segments_in(span: Span, settings: Settings) -> int:
    return max(1, math.ceil((span.stop - span.start) / settings.segment - 1e-9))


def load_networks(specs: Iterable[NetworkSpec], device: str = "auto") -> list[tuple[NetworkSpec, Network]]:
    """Networks in memory, their weights fetched where they are not in the cache."""
    from seehear import networks

    return [(spec, networks.load(spec, device=device)) for spec in specs]
