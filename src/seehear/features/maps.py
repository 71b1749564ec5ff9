"""From the waveform of a clip to a map of features along its time, and from the map to one feature per segment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media.reader import Span
from seehear.networks.spec import AudioMapInput

Array = NDArray[np.float32]


class MapReader:
    """Computes the map of a clip, whose spans are added in order. Memory holds a window of audio, and the map.

    Windows begin at fixed seconds of the clip. So the map does not depend on the length of spans, or on what else runs.
    """

    def __init__(self, declared: AudioMapInput, run: Callable[[Array], Array], name: str, width: int) -> None:
        """Begin a clip.

        Args:
            declared: The input of the network.
            run: From waves (1, samples) to maps (1, steps, width): `network.feature_map`.
            name: Of the network, for messages.
            width: Numbers in a feature.
        """
        self._declared, self._run, self._name, self._width = declared, run, name, width
        self._waiting = np.zeros(0, dtype=np.float32)  # the audio from the start of the next window
        self._parts: list[Array] = []

    def add(self, span: Span) -> None:
        """Add the next span. Windows that are complete are computed."""
        self._waiting = np.concatenate([self._waiting, _own_samples(span, self._declared.rate)])
        steps, context, step = self._declared.steps, self._declared.context_steps, self._declared.step_samples
        while len(self._waiting) > steps * step:  # a last window is never shorter than its context
            rows = self._map(self._waiting[: steps * step])
            self._parts.append(rows[self._first : steps - context])
            self._waiting = self._waiting[(steps - 2 * context) * step :]

    def rows(self) -> Array:
        """Return the map of the clip, (steps, width), once all spans were added."""
        rest = np.pad(self._waiting, (0, max(0, self._declared.step_samples - len(self._waiting))))
        return np.concatenate([*self._parts, self._map(rest)[self._first :]])

    def features(self, segment: float, n_segments: int) -> Array:
        """Return the features of segments of `segment` seconds, (n_segments, width), once all spans were added."""
        return segments_of_map(self.rows(), self._declared, segment, n_segments)

    @property
    def _first(self) -> int:
        """The first step of the next window that is kept: the context before it is known, but at the clip's start."""
        return self._declared.context_steps if self._parts else 0

    def _map(self, wave: Array) -> Array:
        maps = self._run(wave[None])
        if maps.ndim != 3 or maps.shape[0] != 1 or maps.shape[1] < 1 or maps.shape[2] != self._width:
            raise SeehearError(f"{self._name}: gave a map of shape {maps.shape}, not (1, steps, {self._width})")
        if not np.isfinite(maps).all():
            raise ClipError(f"{self._name} gave numbers that are not finite")
        rows: Array = maps[0]
        return rows


def segments_of_map(rows: Array, declared: AudioMapInput, segment: float, n_segments: int) -> Array:
    """Average the features of a map per segment, with the margin around it.

    Args:
        rows: (steps, width), of which the first is centred at 0 s.
        declared: The input of the network.
        segment: Seconds per segment.
        n_segments: T.

    Returns:
        (T, width).
    """
    starts = np.arange(n_segments) * segment
    bounds = np.stack([starts - declared.margin, starts + segment + declared.margin])  # (2, T) seconds
    steps = np.ceil(bounds / declared.hop - 1e-6).astype(int)
    first = np.clip(steps[0], 0, len(rows) - 1)
    stop = np.clip(steps[1], first + 1, len(rows))
    return np.stack([rows[a:b].mean(axis=0) for a, b in zip(first, stop, strict=True)])


def _own_samples(span: Span, rate: int) -> Array:
    """Return the waveform of a span without its margins, at `rate` samples per second."""
    import soxr

    samples = span.waveform
    if span.rate != rate:
        samples = soxr.resample(samples, span.rate, rate)
    before = round((span.start - span.margin) * span.rate) / span.rate  # second of the first sample in the clip
    first, stop = (round(moment * rate) - round(before * rate) for moment in (span.start, span.stop))
    return samples[first:stop]
