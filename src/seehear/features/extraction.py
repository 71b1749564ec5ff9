"""Extraction: networks run over clips, in memory or into a store. One pass over a clip feeds all networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from seehear import arguments, networks
from seehear.arguments import PathLike, Paths, Shard
from seehear.errors import ClipError, SeehearError, costing_one_clip
from seehear.features.arrays import Extraction, Features
from seehear.features.prefetch import prefetch
from seehear.features.segments import Collector, Loaded, Settings, segment_features, spans
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.media import child
from seehear.media.child import open_clip
from seehear.media.clips import find_clips, names_one_file
from seehear.media.notes import Note, about
from seehear.media.reader import Media, Span
from seehear.modality import AUDIO, track_name
from seehear.networks.spec import NetworkSpec
from seehear.progress import Progress, say
from seehear.results import counted
from seehear.storage.files import Location, fetched

__all__ = [
    "Collector",
    "Done",
    "Job",
    "Loaded",
    "Settings",
    "extract",
    "load_networks",
    "missing_track",
    "prefetch",
    "run_jobs",
    "segment_features",
    "spans",
]

Networks = str | NetworkSpec | Iterable[str | NetworkSpec]


@overload
def extract(
    clips: Paths,
    networks: Networks,
    *,
    store: PathLike,
    fps: float = ...,
    segment: float | None = ...,
    audio_track: int | None = ...,
    shard: str | Shard | None = ...,
    device: str = ...,
    progress: bool = ...,
) -> Extraction: ...


@overload
def extract(
    clips: Paths,
    networks: Networks,
    *,
    store: None = None,
    fps: float = ...,
    segment: float | None = ...,
    audio_track: int | None = ...,
    shard: str | Shard | None = ...,
    device: str = ...,
    progress: bool = ...,
) -> Features | Extraction: ...


def extract(
    clips: Paths,
    networks: Networks,
    *,
    store: PathLike | None = None,
    fps: float = 8.0,
    segment: float | None = None,
    audio_track: int | None = None,
    shard: str | Shard | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Features | Extraction:
    """Run networks over clips: one feature per network and segment.

    Without a store nothing is written to disk. With a store, features that are current stay as they are: rerunning
    the same command resumes an interrupted one, and adds new and changed clips. Several processes may fill one store.

    Args:
        clips: A media file, a folder that is searched for media files, or a list of these; of this machine or
            elsewhere, see `find_clips`. A clip is named by the stem of its file.
        networks: Names from `list_networks`, FILE.py:NAME for a network of your own, or NetworkSpec objects. One, or
            several.
        store: The folder to keep the features in; created if it doesn't exist.
        fps: Frames sampled per second, for visual networks.
        segment: Seconds per segment, which gets one feature; by default that of an existing store, else 1.
        audio_track: Which of the audio tracks of each clip, from 1; by default the one that players choose. A clip
            with fewer tracks fails.
        shard: N/OF takes the N-th of OF parts of the clips, to share the work among machines.
        device: auto, cpu or cuda.
        progress: Whether to show progress.

    Returns:
        Features of one file, if `clips` is one file and there is no store; else an Extraction.

    Raises:
        ClipError: If `clips` is one file without a store, and the file can't be used.
        SeehearError: If a network, a path or an option is wrong. A list of clips never fails because of one of them:
            see `Extraction.failed`.
    """
    specs = _specs(networks)
    if not fps > 0:
        raise SeehearError(f"fps must be more than 0, not {fps:g}")
    if segment is not None and not segment > 0:
        raise SeehearError(f"a segment must last more than 0 seconds, not {segment:g}")
    track = arguments.audio_track(audio_track)
    part = Shard.parse(shard) if isinstance(shard, str) else shard or Shard()
    found = find_clips(clips)
    files = {name: path for name, path in found.items() if part.holds(name)}
    child.start()
    loaded = load_networks(specs, device)  # before the store is created: it may fail
    if store is not None:
        kept = Store(store, segment=segment, create=True)
        extraction = _extract_to_store(files, loaded, kept, Settings(fps, kept.segment, track), progress)
    else:
        extraction = _extract_to_memory(files, loaded, Settings(fps, segment or 1.0, track), progress)
    extraction.failed |= {place: [why] for place, why in found.unusable.items()}
    extraction.notes += found.notes
    if store is not None:
        return extraction
    if names_one_file(clips, found):
        for messages in extraction.failed.values():
            raise ClipError("; ".join(messages))
        for features in extraction.values():
            return features
    return extraction


def _specs(given: Networks) -> list[NetworkSpec]:
    items = [given] if isinstance(given, str | NetworkSpec) else given
    specs: dict[str, NetworkSpec] = {}
    for item in items:
        for spec in [item] if isinstance(item, NetworkSpec) else map(networks.get, arguments.names(item)):
            specs.setdefault(spec.name, spec)
    if not specs:
        raise SeehearError("name at least one network; `seehear networks` lists them")
    return list(specs.values())


def _extract_to_memory(clips: dict[str, Location], loaded: Loaded, settings: Settings, progress: bool) -> Extraction:
    specs = tuple(spec for spec, _ in loaded)
    extraction = Extraction(tuple(spec.name for spec in specs), settings.segment)

    def keep(done: Done) -> list[str]:
        for network, values in done.features.items():
            silent, notes = done.silent.get(network), done.notes.get(network, ())
            extraction.add(done.job.clip, network, values, done.duration, silent, notes)
            extraction.made += 1
        return []

    jobs = [Job(name, path, specs) for name, path in clips.items()]
    _run(jobs, loaded, settings, extraction, keep, Progress("extracting", len(jobs), show=progress))
    return extraction


def _extract_to_store(
    clips: dict[str, Location], loaded: Loaded, store: Store, settings: Settings, progress: bool
) -> Extraction:
    specs = [spec for spec, _ in loaded]
    made_from = {spec.name: (settings.made_by(spec), settings.track_for(spec)) for spec in specs}
    extraction = Extraction(tuple(made_from), store.segment, store)
    extraction.notes += _register(store, specs, settings)

    def keep(done: Done) -> list[str]:
        if not done.features:
            return []
        try:
            origin = Origin.of(done.job.clip, done.job.path, "")
        except OSError as error:  # removed or made unreadable since it was decoded
            return [f"{done.job.path}: can't be read any more ({error.strerror})"]
        for network, values in done.features.items():
            made_by, track = made_from[network]
            own, notes = replace(origin, made_by=made_by, audio_track=track), done.notes.get(network, ())
            store.write(network, own, values, done.silent.get(network), notes)
            extraction.add(done.job.clip, network, None, done.duration, notes=notes)
            extraction.made += 1
        return []

    jobs = _stale(store, clips, specs, settings, extraction)
    for note in extraction.notes if progress else ():
        say(note)  # before anything is replaced, so that it can be stopped
    bar = Progress("extracting", len(clips), done=len(clips) - len(jobs), show=progress)
    _run(jobs, loaded, settings, extraction, keep, bar)
    return extraction


def _stale(
    store: Store, clips: dict[str, Location], specs: Sequence[NetworkSpec], settings: Settings, extraction: Extraction
) -> list[Job]:
    """Return the features that have to be made. Add those that are current to the extraction, and notes on the others.

    Args:
        store: Of the features.
        clips: Clip -> file.
        specs: The networks.
        settings: How clips are cut into segments.
        extraction: The result so far.
    """
    jobs: list[Job] = []
    damaged: list[Path] = []
    made_by = {spec.name: settings.made_by(spec) for spec in specs}
    others: dict[str, None] = {}  # clips with features of another audio track, in order
    for name, path in clips.items():
        stale = []
        for spec in specs:
            origin, notes = store.origin(spec.name, name), None
            if origin is not None and spec.modality == AUDIO and origin.audio_track != settings.audio_track:
                others[name] = None
            if origin is not None and origin.is_current(made_by[spec.name], path, settings.track_for(spec)):
                with suppress(SeehearError):  # they are damaged
                    notes = store.notes(spec.name, name)
            if notes is None:
                stale.append(spec)
                damaged += [store.file(spec.name, name)] if store.is_damaged(spec.name, name) else []
                continue
            extraction.add(name, spec.name, None, notes=notes)
            extraction.unchanged += 1
        if stale:
            jobs.append(Job(name, path, tuple(stale)))
    if others:
        extraction.notes.append(
            f"audio features of {len(others)} clips in {store.path}, for example {next(iter(others))}, were made from "
            "another audio track, and are made again"
        )
    if damaged:
        extraction.notes.append(
            f"damaged: {counted(len(damaged), 'file')} in {store.path}, for example {damaged[0]}; made again"
        )
    return jobs


def _register(store: Store, specs: Sequence[NetworkSpec], settings: Settings) -> list[str]:
    """Register networks in a store. Returns a note on each whose features have to be made again."""
    notes = []
    known = store.networks()
    for spec in specs:
        old, made_by = known.get(spec.name), settings.made_by(spec)
        same = old is not None and old.made_by == made_by
        # If the features stay current, so does the recorded rate: an audio network doesn't depend on it.
        fps = old.fps if old is not None and same else settings.fps
        if old is not None and not same:
            notes.append(
                f"features of {spec.name} in {store.path} were made with other settings ({old.fps:g} frames per "
                "second) or another version of the network, and are made again; to keep both, choose another store"
            )
        reference = spec.reference or spec.name
        store.register(NetworkInfo(spec.name, spec.modality, spec.width, made_by, fps, reference))
    return notes


def _run(
    jobs: Sequence[Job],
    loaded: Loaded,
    settings: Settings,
    extraction: Extraction,
    keep: Callable[[Done], list[str]],
    bar: Progress,
) -> None:
    """Run jobs and note their results. keep: stores the features of a job, and returns what is wrong."""
    began = time.monotonic()
    with bar:
        for done in run_jobs(jobs, loaded, settings):
            problems = list(done.problems)
            try:
                with costing_one_clip(done.job.path):
                    problems += keep(done)
            except ClipError as error:
                problems.append(str(error))
            for problem in problems:
                extraction.failed.setdefault(done.job.clip, []).append(problem)
                bar.say(problem if done.job.clip in extraction else f"skipped: {problem}")
            for network, problem in done.lacking.items():
                extraction.lacking.setdefault(network, {})[done.job.clip] = problem
            extraction.clip_seconds += done.duration
            bar.advance(done.job.clip)
    extraction.seconds = time.monotonic() - began


def load_networks(specs: Iterable[NetworkSpec], device: str = "auto") -> list[tuple[NetworkSpec, networks.Network]]:
    """Load networks; weights that are not in the cache are fetched."""
    return [(spec, networks.load(spec, device=device)) for spec in specs]


@dataclass(frozen=True)
class Job:
    """A clip, and the networks to run on it.

    Attributes:
        clip: Its name.
        path: Its file, here or elsewhere.
        specs: The networks.
    """

    clip: str
    path: Location
    specs: tuple[NetworkSpec, ...]


@dataclass(frozen=True)
class Done:
    """The result of a job.

    Attributes:
        job: The job.
        features: network -> (T, D).
        problems: Why the features of other networks are missing.
        lacking: network -> that of the problems which is that the clip lacks the track of the network's modality.
        duration: Of the clip, seconds.
        silent: audio network -> (T,), which segments are digital silence.
        notes: network -> the notes on the clip that concern its modality.
    """

    job: Job
    features: dict[str, NDArray[np.float32]]
    problems: tuple[str, ...]
    duration: float
    silent: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], networks: Loaded, settings: Settings) -> Iterator[Done]:
    """Run jobs in order; the next clip is decoded while networks run on this one.

    Args:
        jobs: Clips with the networks to run on each.
        networks: Name -> network in memory, of all jobs.
        settings: How clips are cut into segments.

    Yields:
        The result of each job. A job that fails does not stop the others.
    """
    problems: list[str] = []
    lacking: dict[str, str] = {}
    for job, item in prefetch(_decode(jobs, settings)):
        if isinstance(item, Media):
            media = item
            lacking = {
                spec.name: f"{job.path}: has no {track_name(spec.modality)} track: no features of {spec.name}"
                for spec in job.specs
                if missing_track(media, spec)
            }
            problems = list(lacking.values())
            usable = [pair for pair in networks if pair[0] in job.specs and not missing_track(media, pair[0])]
            collectors = [Collector([pair], settings) for pair in usable]  # one that fails doesn't stop the others
        elif isinstance(item, Span):
            for collector in list(collectors):
                try:
                    with costing_one_clip():
                        collector.add(item)
                except ClipError as error:
                    problems.append(f"{job.path}: {error}")
                    collectors.remove(collector)
        elif isinstance(item, ClipError):
            yield Done(job, {}, (*problems, str(item)), 0.0, lacking=lacking)
            problems, lacking = [], {}
        else:
            features: dict[str, NDArray[np.float32]] = {}
            silent: dict[str, NDArray[np.bool_]] = {}
            for collector in collectors:
                try:
                    with costing_one_clip():
                        made, silence = collector.features(media), collector.silent(media)
                        features, silent = features | made, silent | silence
                except ClipError as error:
                    problems.append(f"{job.path}: {error}")
            notes = {spec.name: about(media.notes, spec.modality) for spec in job.specs if spec.name in features}
            yield Done(job, features, tuple(problems), media.duration, silent, notes, lacking)
            problems, lacking = [], {}


def _decode(jobs: Iterable[Job], settings: Settings) -> Iterator[tuple[Job, Media | Span | ClipError | None]]:
    """Yield for each job its clip, opened; then its spans; then None, or the error that ended it."""
    for job in jobs:
        try:
            with costing_one_clip(job.path), fetched(job.path) as file:
                media = open_clip(file, settings.audio_track)
                yield job, media
                usable = [spec for spec in job.specs if not missing_track(media, spec)]
                if usable:
                    for span in spans(media, usable, settings):
                        yield job, span
            yield job, None
        except ClipError as error:
            yield job, error


def missing_track(media: Media, spec: NetworkSpec) -> str:
    """Return a message if the clip lacks the track that a network needs, else an empty string."""
    if spec.modality == "audio" and not media.has_audio:
        return f"{media.path}: has no audio track, which {spec.name} needs"
    if spec.modality == "visual" and not media.has_video:
        return f"{media.path}: has no video track, which {spec.name} needs"
    return ""
