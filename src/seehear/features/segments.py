"""From decoded spans of a clip to one feature per segment."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.errors import ClipError, SeehearError
from seehear.media.reader import Media
from seehear.media.sound import SILENCE
from seehear.media.span import Span
from seehear.modality import AUDIO
from seehear.networks.spec import AudioInput, ClipInput, ImageInput, Network, NetworkSpec

REVISION = "2"  # changes whenever a change of decoding or windowing changes the input of a network
SPAN = 8.0  # seconds decoded at once: bounds the memory, whatever the duration of the clip
RESAMPLING_MARGIN = 0.25  # seconds of audio that the resampler gets beyond the outermost windows
BATCH = 16  # frames or windows in one call: larger batches do not fit the cache of a core

Loaded = Sequence[tuple[NetworkSpec, Network]]
Run = Callable[[Any], NDArray[np.float32]]  # from a batch of n items to (n, width)


@dataclass(frozen=True)
class Settings:
    """How a clip is read and cut.

    Attributes:
        fps: Frames sampled per second.
        segment: Seconds per segment, of which each gets one feature.
        audio_track: Which of its audio tracks, from 1; None for the one that players choose.
    """

    fps: float = 8.0
    segment: float = 1.0
    audio_track: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", arguments.real(self.fps, "fps"))  # 2 and 2.0 have one fingerprint
        object.__setattr__(self, "segment", arguments.real(self.segment, "segment"))
        object.__setattr__(self, "audio_track", arguments.audio_track(self.audio_track))

    @property
    def span(self) -> float:
        """Seconds decoded at once, a whole number of segments."""
        return max(1, round(SPAN / self.segment)) * self.segment

    def made_by(self, spec: NetworkSpec) -> str:
        """Return the fingerprint of everything but the clip that decides the numbers of a feature: 16 hex digits."""
        return self._fingerprint(spec, self.fps)

    def made_alike(self, spec: NetworkSpec) -> tuple[str, ...]:
        """Return other fingerprints that stores may have of the same numbers; see `made_by`."""
        # Python's fps=2 had a fingerprint other than that of 2.0.
        whole = isinstance(spec.input, ImageInput) and self.fps.is_integer()
        return (self._fingerprint(spec, int(self.fps)),) if whole else ()

    def are_of(self, made_by: str, spec: NetworkSpec) -> bool:
        """Return whether a fingerprint is that of features which are made with these settings."""
        return made_by == self.made_by(spec) or made_by in self.made_alike(spec)

    def _fingerprint(self, spec: NetworkSpec, fps: float) -> str:
        facts = [REVISION, spec.fingerprint, self.segment]
        if isinstance(spec.input, ImageInput):
            facts.append(fps)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def track_for(self, spec: NetworkSpec) -> int | None:
        """Return the audio track that was chosen, for an audio network; a visual one doesn't depend on it."""
        return self.audio_track if spec.modality == AUDIO else None


class Collector:
    """Gathers the features of a clip, span by span."""

    def __init__(self, networks: Loaded, settings: Settings) -> None:
        self._networks, self._settings = networks, settings
        self._parts: dict[str, list[NDArray[np.float32]]] = {spec.name: [] for spec, _ in networks}
        self._audio = [spec.name for spec, _ in networks if spec.modality == AUDIO]
        self._silent: list[NDArray[np.bool_]] = []

    def add(self, span: Span) -> None:
        """Run all networks on a span.

        Raises:
            ClipError: A network fails on this span; the message names it.
        """
        if self._audio:
            self._silent.append(silent_segments(span, self._settings))
        for spec, network in self._networks:
            try:
                self._parts[spec.name].append(segment_features(span, spec, network, self._settings))
            except SeehearError:
                raise
            except Exception as error:  # a user's own network may raise anything
                raise ClipError(f"{spec.name} failed with {type(error).__name__}: {error}") from error

    def features(self, media: Media) -> dict[str, NDArray[np.float32]]:
        """Return the features (T, width) by network, once all spans of the clip were added."""
        n_segments = media.segments(self._settings.segment)
        return {name: _fill(np.concatenate(parts), n_segments) for name, parts in self._parts.items()}

    def silent(self, media: Media) -> dict[str, NDArray[np.bool_]]:
        """Return which segments are digital silence, (T,), for each audio network."""
        n_segments = media.segments(self._settings.segment)
        return {name: np.concatenate(self._silent)[:n_segments] for name in self._audio}


def spans(
    media: Media, specs: Iterable[NetworkSpec], settings: Settings, *, size: int = 0, audio: bool = False
) -> Iterator[Span]:
    """Decode a clip once, in spans that hold the input of networks.

    Args:
        media: The clip.
        specs: The networks.
        settings: How the clip is cut.
        size: Side length in pixels of frames to add for other uses; 0 for none.
        audio: Whether to decode the waveform even if no network needs it.

    Yields:
        The spans, in order.

    Raises:
        ClipError: The clip lacks a track that is needed.
    """
    content = content_for(specs, settings)
    content["sizes"] |= {size} if size else set()
    content["audio"] |= audio
    return media.spans(settings.span, **content)


def content_for(specs: Iterable[NetworkSpec], settings: Settings) -> dict[str, Any]:
    """Return what spans must hold for networks, as keywords of `Media.spans`."""
    inputs = [spec.input for spec in specs]
    windows = [declared.window for declared in inputs if isinstance(declared, AudioInput)]
    return {
        "fps": settings.fps,
        "sizes": {declared.size for declared in inputs if isinstance(declared, ImageInput)},
        "audio": bool(windows),
        "margin": window_margin(max(windows, default=0.0)),
    }


def window_margin(window: float) -> float:
    """Return the seconds of waveform that a span needs on both sides, for windows of `window` seconds."""
    return window / 2 + RESAMPLING_MARGIN


def cut_windows(span: Span, declared: AudioInput, settings: Settings) -> NDArray[np.float32]:
    """Cut the windows of a span.

    Args:
        span: With its waveform, and the margin of `window_margin`.
        declared: The input of the network. The waveform is resampled to its rate.
        settings: How the clip is cut into segments.

    Returns:
        (segments, windows per segment, samples), with evenly spaced centres in each segment.
    """
    import soxr

    samples = span.waveform
    if span.rate != declared.rate:
        samples = soxr.resample(samples, span.rate, declared.rate)
    n_segments = _segments_in(span, settings)
    each = max(1, round(settings.segment / declared.hop))
    centres = (np.arange(n_segments * each) + 0.5) * settings.segment / each  # (windows,) seconds into the span
    first = np.round((centres + span.margin - declared.window / 2) * declared.rate).astype(int)
    index = first[:, None] + np.arange(declared.samples)  # (windows, samples)
    padded = np.pad(samples, (0, max(0, int(index.max()) + 1 - len(samples))))
    return padded[index].reshape(n_segments, each, declared.samples)


def silent_segments(span: Span, settings: Settings) -> NDArray[np.bool_]:
    """Return which segments of a span are digital silence: (segments,).

    Args:
        span: With its waveform, the mean of all channels.
        settings: How the clip is cut into segments.
    """
    loud = np.abs(span.waveform) > SILENCE
    first = round((span.start - span.margin) * span.rate)  # number of the waveform's first sample in the clip
    bounds = np.minimum(span.start + np.arange(_segments_in(span, settings) + 1) * settings.segment, span.stop)
    edges = np.round(bounds * span.rate).astype(int) - first
    return np.array([not loud[start:stop].any() for start, stop in pairwise(edges.tolist())])


def segment_features(span: Span, spec: NetworkSpec, network: Network, settings: Settings) -> NDArray[np.float32]:
    """Run one network on a span.

    Args:
        span: With the input of the network.
        spec: The declaration of the network.
        network: The network in memory.
        settings: How the clip is cut into segments.

    Returns:
        (segments, width); NaN where a segment holds no frame.

    Raises:
        ClipError: If the network gives numbers that are not finite.
        SeehearError: If the network gives features of the wrong shape.
    """
    if isinstance(spec.input, AudioInput):
        return segment_means(span, spec.input, settings, network.features, spec.name, spec.width)
    frames = span.frames[spec.input.size]
    features = np.full((_segments_in(span, settings), spec.width), np.nan, dtype=np.float32)
    segment = ((span.times - span.start) / settings.segment + 1e-9).astype(int)  # (frames,)
    segment = np.minimum(segment, len(features) - 1)
    if isinstance(spec.input, ClipInput):
        filled = np.unique(segment)
        chosen = [np.flatnonzero(segment == t)[spread(int((segment == t).sum()), spec.input.frames)] for t in filled]
        features[filled] = in_batches(network.features, frames[np.array(chosen, dtype=int)], spec.name, spec.width)
        return features
    of_frames = in_batches(network.features, frames, spec.name, spec.width)
    for t in np.unique(segment):
        features[t] = of_frames[segment == t].mean(axis=0)
    return features


def segment_means(
    span: Span, declared: AudioInput, settings: Settings, run: Run, name: str, width: int
) -> NDArray[np.float32]:
    """Run a function of windows on the audio of a span, and average its results per segment.

    Args:
        span: With its waveform.
        declared: The input of the network.
        settings: How the clip is cut into segments.
        run: From windows (n, samples) to (n, width), such as `network.features`.
        name: Of the network, for messages.
        width: Numbers per window that `run` must give.

    Returns:
        (segments, width).
    """
    windows = cut_windows(span, declared, settings)
    results = in_batches(run, windows.reshape(-1, windows.shape[-1]), name, width)
    return results.reshape(*windows.shape[:2], -1).mean(axis=1)


def spread(count: int, chosen: int) -> NDArray[np.int64]:
    """Choose numbers below `count`, evenly spread: (chosen,). Some come twice if there are fewer than `chosen`."""
    return (np.arange(chosen) * count) // chosen


def in_batches(run: Run, items: NDArray[Any], name: str, width: int) -> NDArray[np.float32]:
    """Run a function of a network on items, batch by batch, and check its results.

    Args:
        run: From a batch of n items to (n, width).
        items: (N, ...).
        name: Of the network, for messages.
        width: Numbers per item that `run` must give.

    Returns:
        (N, width) float32.

    Raises:
        ClipError: If a number is not finite.
        SeehearError: If the shape is wrong.
    """
    parts = [run(items[n : n + BATCH]) for n in range(0, len(items), BATCH)]
    results = np.concatenate(parts) if parts else np.zeros((0, width), dtype=np.float32)
    if results.shape != (len(items), width):
        raise SeehearError(f"{name}: gave features of shape {results.shape} for {len(items)} inputs, not (n, {width})")
    if not np.isfinite(results).all():
        raise ClipError(f"{name} gave numbers that are not finite")
    return results


def _fill(features: NDArray[np.float32], n_segments: int) -> NDArray[np.float32]:
    """Return exactly n_segments rows; a segment without a frame repeats the one before it."""
    known = np.flatnonzero(~np.isnan(features[:, 0]))
    nearest = known[np.clip(np.searchsorted(known, np.arange(n_segments), side="right") - 1, 0, None)]
    return np.ascontiguousarray(features[nearest], dtype=np.float32)


def _segments_in(span: Span, settings: Settings) -> int:
    return max(1, math.ceil((span.stop - span.start) / settings.segment - 1e-9))
