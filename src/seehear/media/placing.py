"""Where the audio of a packet lies in a clip, to the sample, without decoding what comes before it.

Formats round the times of packets, Matroska to whole milliseconds. So samples follow each other, see
`WaveformCollector`, and the place of a packet depends on how many samples all packets before it have. Where the times
are exact, their differences are these numbers; where all packets last equally long, a few are decoded to know it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from seehear.media.sound import ROUNDING
from seehear.media.tracks import Track

PROBED = 8  # packets that are decoded to know how many samples one has
MAX_LEAPS = 1000  # gaps between which samples follow each other; a file with more is placed by its times


class Placing:
    """The first sample of each packet of an audio track."""

    def __init__(self, track: Track, rate: int, origin: float, decoded: Iterable[tuple[int, AudioFrame]]) -> None:
        """Find the samples.

        Args:
            track: The track.
            rate: Samples per second.
            origin: Seconds of the track's clock at which sample 0 is.
            decoded: The first frames of the track, each with the number of the packet that completed it.
        """
        order = np.argsort(track.stamps, kind="stable")
        self._starts = track.starts[order]  # (n,) seconds
        self._rate, self._origin = rate, origin
        self._first = np.round((self._starts - origin) * rate).astype(np.int64)  # (n,) by the times alone
        ends = _ends_of(decoded, rate, origin)  # number of a packet -> the sample behind it
        lengths = self._lengths(track, order, ends)
        known = max(ends, default=len(order)) + 1  # the first packet that was not decoded
        if lengths is not None and known < len(order):
            self._follow(known, ends[known - 1], lengths)

    def sample_at(self, second: float) -> int:
        """Return the sample that lies at a second of the track's clock, which is rounded as the format does it."""
        at = max(0, int(np.searchsorted(self._starts, second + 1e-9, side="right")) - 1)
        return int(self._first[at]) + round((second - float(self._starts[at])) * self._rate)

    def _lengths(self, track: Track, order: NDArray[np.int64], ends: dict[int, int]) -> NDArray[np.int64] | None:
        """Return the samples of each packet, (n,), in order of time; None if the times don't tell."""
        durations = track.durations[order]
        ticks = float(1 / (track.base * self._rate))  # per sample
        if ticks >= 1 and ticks == round(ticks) and durations.all():
            return np.asarray(durations // round(ticks), dtype=np.int64)
        last = max(ends, default=0)
        inner = durations[1:-1]
        if last - 1 not in ends or not len(inner) or np.ptp(inner) > 1:
            return None
        return np.full(len(order), ends[last] - ends[last - 1], dtype=np.int64)

    def _follow(self, number: int, sample: int, lengths: NDArray[np.int64]) -> None:
        """Let samples follow each other from packet `number` on, which begins at `sample`, from gap to gap."""
        before = np.concatenate([[0], np.cumsum(lengths)])  # (n + 1,)
        by_time, tolerance = self._first.copy(), ROUNDING * self._rate
        for _ in range(MAX_LEAPS):
            expected = sample + before[number:-1] - before[number]
            leaps = np.flatnonzero(np.abs(by_time[number:] - expected) > tolerance)
            stop = number + int(leaps[0]) if len(leaps) else len(by_time)
            self._first[number:stop] = expected[: stop - number]
            if stop == len(by_time):
                return
            number, sample = stop, int(by_time[stop])
        self._first = by_time


def _ends_of(decoded: Iterable[tuple[int, AudioFrame]], rate: int, origin: float) -> dict[int, int]:
    """Return number of a packet -> the sample behind its audio, for frames that follow each other."""
    ends: dict[int, int] = {}
    end: int | None = None
    for number, frame in decoded:
        if frame.sample_rate != rate:
            return {}
        start = (end or 0) if frame.time is None else round((frame.time - origin) * rate)
        if end is not None and abs(start - end) <= ROUNDING * rate:
            start = end
        end = ends[number] = start + frame.samples
    return ends
