"""Networks run over clips, one after the other: one pass over a clip feeds all networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seehear import networks
from seehear.errors import ClipError, costing_one_clip
from seehear.features.prefetch import prefetch
from seehear.features.segments import Collector, Loaded, Settings, spans
from seehear.media.child import open_clip
from seehear.media.notes import Note, about
from seehear.media.reader import Media
from seehear.media.span import Span
from seehear.modality import track_name
from seehear.networks.spec import NetworkSpec
from seehear.storage.files import Location, fetched, of_fetched


def load_networks(specs: Iterable[NetworkSpec], device: str = "auto") -> list[tuple[NetworkSpec, networks.Network]]:
    """Load networks; weights that are not in the cache are fetched."""
    return [(spec, networks.load(spec, device=device)) for spec in specs]


@dataclass(frozen=True)
class Job:
    """A clip, and the networks to run on it.

    Attributes:
        clip: Its name.
        path: Its file or part of a file, here or elsewhere.
        networks: Their names.
    """

    clip: str
    path: Location
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """The result of a job.

    Attributes:
        job: The job.
        features: network -> (T, D); None if a store has them.
        problems: Why the features of other networks are missing.
        lacking: network -> that of the problems which is that the clip lacks the track of the network's modality.
        duration: Of the clip, seconds.
        silent: audio network -> (T,), which segments are digital silence.
        notes: network -> the notes on the clip that concern its modality.
    """

    job: Job
    features: dict[str, NDArray[np.float32] | None]
    problems: tuple[str, ...]
    duration: float
    silent: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], loaded: Loaded, settings: Settings) -> Iterator[Done]:
    """Run jobs in order; the next clip is decoded while networks run on this one.

    Args:
        jobs: Clips with the networks to run on each.
        loaded: The networks of all jobs.
        settings: How clips are cut into segments.

    Yields:
        The result of each job. A job that fails does not stop the others.
    """
    problems: list[str] = []
    lacking: dict[str, str] = {}
    specs = [spec for spec, _ in loaded]
    for job, item in prefetch(_decode(jobs, specs, settings)):
        if isinstance(item, Media):
            media = item
            lacking = {
                spec.name: f"{job.path}: has no {track_name(spec.modality)} track: no features of {spec.name}"
                for spec in specs
                if spec.name in job.networks and missing_track(media, spec)
            }
            problems = list(lacking.values())
            wanted = [pair for pair in loaded if pair[0].name in job.networks]
            usable = [pair for pair in wanted if not missing_track(media, pair[0])]
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
            features: dict[str, NDArray[np.float32] | None] = {}
            silent: dict[str, NDArray[np.bool_]] = {}
            for collector in collectors:
                try:
                    with costing_one_clip():
                        made, silence = collector.features(media), collector.silent(media)
                        features.update(made)
                        silent.update(silence)
                except ClipError as error:
                    problems.append(f"{job.path}: {error}")
            notes = {spec.name: about(media.notes, spec.modality) for spec in specs if spec.name in features}
            yield Done(job, features, tuple(problems), media.duration, silent, notes, lacking)
            problems, lacking = [], {}


def _decode(
    jobs: Iterable[Job], specs: Sequence[NetworkSpec], settings: Settings
) -> Iterator[tuple[Job, Media | Span | ClipError | None]]:
    """Yield for each job its clip, opened; then its spans; then None, or the error that ended it."""
    for job in jobs:
        try:
            with costing_one_clip(job.path), fetched(job.path) as file:
                media = open_clip(of_fetched(job.path, file), settings.audio_track)
                yield job, media
                usable = [spec for spec in specs if spec.name in job.networks and not missing_track(media, spec)]
                if usable:
                    for span in spans(media, usable, settings):
                        yield job, span
            yield job, None
        except ClipError as error:
            yield job, error


class HasTracks(Protocol):
    """A clip or a stream: its name, and which tracks it has."""

    @property
    def path(self) -> object: ...  # noqa: D102
    @property
    def has_audio(self) -> bool: ...  # noqa: D102
    @property
    def has_video(self) -> bool: ...  # noqa: D102


def missing_track(media: HasTracks, spec: NetworkSpec) -> str:
    """Return a message if the clip lacks the track that a network needs, else an empty string."""
    if spec.modality == "audio" and not media.has_audio:
        return f"{media.path}: has no audio track, which {spec.name} needs"
    if spec.modality == "visual" and not media.has_video:
        return f"{media.path}: has no video track, which {spec.name} needs"
    return ""
