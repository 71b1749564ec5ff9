"""Extraction: networks run over clips, in memory or into a store. One pass over a clip feeds all networks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import overload

from seehear import arguments, networks
from seehear.arguments import PathLike, Paths, Shard
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine
from seehear.errors import ClipError, SeehearError
from seehear.features.arrays import Extraction, Features
from seehear.features.jobs import Done, Job
from seehear.features.making import Making
from seehear.features.segments import Settings
from seehear.features.store import NetworkInfo, Store
from seehear.media.clips import file_by_file, find_clips, names_one_file
from seehear.modality import AUDIO
from seehear.networks.spec import NetworkSpec
from seehear.progress import Progress, say
from seehear.results import counted
from seehear.storage.files import Location, file_of

TOGETHER = 8  # clips that a process is given at once: it decodes the next while networks run on this one
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
    block: int | None = ...,
    engine: str | Engine = ...,
    workers: int | None = ...,
    gpus: float = ...,
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
    block: int | None = ...,
    engine: str | Engine = ...,
    workers: int | None = ...,
    gpus: float = ...,
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
    block: int | None = None,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
    progress: bool = True,
) -> Features | Extraction:
    """Run networks over clips: one feature per network and segment.

    Without a store nothing is written to disk. With a store, features that are current stay as they are: rerunning
    the same command resumes an interrupted one, and adds new and changed clips. Several processes may fill one store.

    Args:
        clips: A media file, a folder that is searched for media files, or a list of these; of this machine or
            elsewhere, see `find_clips`. A clip is named by the stem of its file; `video.mp4#t=30,40` is a part of a
            file, whose clip is `video_30_40`.
        networks: Names from `list_networks`, FILE.py:NAME for a network of your own, or NetworkSpec objects. One, or
            several.
        store: The folder to keep the features in; created if it doesn't exist.
        fps: Frames sampled per second, for visual networks.
        segment: Seconds per segment, which gets one feature; by default that of an existing store, else 1.
        audio_track: Which of the audio tracks of each clip, from 1; by default the one that players choose. A clip
            with fewer tracks fails.
        shard: N/OF takes the N-th of OF parts of the clips, to share the work among machines.
        block: Clips per file of a new store, for very many clips; by default 1. What is made is then written once
            there is a block of it, or a minute after the first, and at the end.
        engine: Where networks run: local, ray, ray://HOST:PORT, or an Engine. On a cluster, clips and store are to be
            seen under the same paths everywhere.
        workers: Processes that work at once, one thread each; 0 for one per core. By default this process with all
            cores; on a cluster as many as it has room for.
        gpus: GPUs of each process of a cluster, which may be a fraction.
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
    fps = arguments.real(fps, "fps")
    if not fps > 0:
        raise SeehearError(f"fps must be more than 0, not {fps:g}")
    segment = None if segment is None else arguments.real(segment, "segment")
    if segment is not None and not segment > 0:
        raise SeehearError(f"a segment must last more than 0 seconds, not {segment:g}")
    track = arguments.audio_track(audio_track)
    part = Shard.parse(shard) if isinstance(shard, str) else shard or Shard()
    found = find_clips(clips)
    files = file_by_file({name: path for name, path in found.items() if part.holds(name)})
    where = engine_of(engine, workers, gpus)
    making = Making(specs, where.device(device))
    if not where.elsewhere(len(files)):
        making.load()  # before the store is created: it may fail
    else:
        _ = where.processes  # likewise: a cluster is joined
    if store is not None:
        kept = Store(store, segment=segment, create=True, block=block)
        making.settings, making.store = Settings(fps, kept.segment, track), kept
        extraction = _extract_to_store(files, making, kept, where, progress)
    else:
        making.settings = Settings(fps, segment or 1.0, track)
        extraction = _extract_to_memory(files, making, where, progress)
    extraction.sort(found)
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


def _extract_to_memory(clips: dict[str, Location], making: Making, engine: Engine, progress: bool) -> Extraction:
    names = tuple(spec.name for spec in making.specs)
    extraction = Extraction(names, making.settings.segment)
    jobs = [Job(name, path, names) for name, path in clips.items()]
    _run(jobs, making, engine, extraction, Progress("extracting", len(jobs), show=progress))
    return extraction


def _extract_to_store(
    clips: dict[str, Location], making: Making, store: Store, engine: Engine, progress: bool
) -> Extraction:
    extraction = Extraction(tuple(spec.name for spec in making.specs), store.segment, store)
    extraction.notes += _register(store, making)
    jobs = _stale(store, clips, making, extraction)
    if progress:  # before anything is replaced, so that it can be stopped
        extraction.said = tuple(extraction.notes)
        for note in extraction.said:
            say(note)
    bar = Progress("extracting", len(clips), done=len(clips) - len(jobs), show=progress)
    _run(jobs, making, engine, extraction, bar)
    return extraction


def _stale(store: Store, clips: dict[str, Location], making: Making, extraction: Extraction) -> list[Job]:
    """Return the features that have to be made. Add those that are current to the extraction, and notes on the others.

    Args:
        store: Of the features.
        clips: Clip -> file.
        making: The networks, and how clips are cut into segments.
        extraction: The result so far.
    """
    specs, settings, made_by = making.specs, making.settings, making.made_by
    jobs: list[Job] = []
    damaged: dict[str, None] = {}  # files, in order
    others: dict[str, None] = {}  # clips with features of another audio track, in order
    changed: dict[str, None] = {}  # clips with features of another content, in order
    for name, path in clips.items():
        stale = []
        for spec in specs:
            origin, notes, track = store.origin(spec.name, name), None, settings.track_for(spec)
            if origin is not None and spec.modality == AUDIO and origin.audio_track != settings.audio_track:
                others[name] = None
            if origin is not None and origin.is_current(made_by[spec.name], path, track):
                with suppress(SeehearError):  # they are damaged
                    notes = store.notes(spec.name, name)
            elif origin is not None and (origin.made_by, origin.audio_track) == (made_by[spec.name], track):
                changed[name] = None
            if notes is None:
                stale.append(spec.name)
                if store.is_damaged(spec.name, name):
                    damaged[store.where(spec.name, name)] = None
                continue
            extraction.add(name, spec.name, None, notes=notes)
            extraction.unchanged += 1
        if stale:
            jobs.append(Job(name, path, tuple(stale)))
    if others:
        extraction.notes.append(
            f"audio features of {len(others)} clips in {store}, for example {next(iter(others))}, were made from "
            "another audio track, and are made again"
        )
    if changed:
        extraction.notes.append(
            f"features of {counted(len(changed), 'clip')} in {store}, for example {next(iter(changed))}, were made "
            "from a file of other content, and are made again; for other clips of the same names, choose another store"
        )
    if damaged:
        extraction.notes.append(
            f"damaged: {counted(len(damaged), 'file')} in {store}, for example {next(iter(damaged))}; made again"
        )
    extraction.notes += [
        f"{file}: damaged; the features of this extraction that it held are made again. Delete it"
        for spec in specs
        for file in store.unreadable(spec.name)
    ]
    return jobs


def _register(store: Store, making: Making) -> list[str]:
    """Register networks in a store. Returns a note on each whose features have to be made again."""
    notes, settings = [], making.settings
    known = store.networks()
    for spec in making.specs:
        old = known.get(spec.name)
        same = old is not None and settings.are_of(old.made_by, spec)
        made_by = old.made_by if old is not None and same else settings.made_by(spec)
        making.made_by[spec.name] = made_by
        # If the features stay current, so does the recorded rate: an audio network doesn't depend on it.
        fps = old.fps if old is not None and same else settings.fps
        if old is not None and not same:
            notes.append(
                f"features of {spec.name} in {store} were made with other settings ({old.fps:g} frames per "
                "second) or another version of the network, and are made again; to keep both, choose another store"
            )
        reference = spec.reference or spec.name
        store.register(NetworkInfo(spec.name, spec.modality, spec.width, made_by, fps, reference))
    return notes


def _run(jobs: Sequence[Job], making: Making, engine: Engine, extraction: Extraction, bar: Progress) -> None:
    """Run jobs and note their results."""
    began = time.monotonic()
    files = (file_of(job.path) for job in jobs)
    making.example = next((file for file in files if isinstance(file, Path)), None)  # others are seen by all
    results = engine.each(making, jobs, together=_together(jobs, extraction.kept, engine))
    with bar, closing(results):
        for job, done in results:
            if isinstance(done, Exception):  # its process ended, whatever it was that it met
                done = Done(job, {}, (f"{job.path}: {done}",), 0.0)
            _add(extraction, done, bar)
            bar.advance(job.clip)
    extraction.seconds = time.monotonic() - began


def _together(jobs: Sequence[Job], store: Store | None, engine: Engine) -> int:
    """Return how many clips a process is given at once: a block of the store, if there are enough for all processes."""
    if store is None or store.block <= TOGETHER:
        return TOGETHER
    return max(TOGETHER, min(store.block, len(jobs) // engine.processes))


def _add(extraction: Extraction, done: Done, bar: Progress) -> None:
    """Note what came of a clip."""
    clip = done.job.clip
    for network, values in done.features.items():
        extraction.add(clip, network, values, done.duration, done.silent.get(network), done.notes.get(network, ()))
        extraction.made += 1
    for problem in done.problems:
        extraction.failed.setdefault(clip, []).append(problem)
        bar.say(problem if clip in extraction else f"skipped: {problem}")
    for network, problem in done.lacking.items():
        extraction.lacking.setdefault(network, {})[clip] = problem
    extraction.clip_seconds += done.duration
