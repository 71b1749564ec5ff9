"""Stretches of a clip for which a file holds no packets."""

from __future__ import annotations

import numpy as np

from seehear.media.tracks import Track

AUDIO_GAP = 0.1  # seconds; audio has no smaller ones but by rounding
LOST = 0.5  # seconds without any packet, which no format leaves out on purpose
STEADY = 0.02  # of the usual time between frames, by which it varies at a constant rate
Gaps = list[tuple[float, float]]  # (start, stop) in seconds, in order


def audio_gaps(track: Track) -> Gaps:
    """Return the stretches of more than AUDIO_GAP seconds without audio, between its first and its last packet."""
    order = np.argsort(track.stamps, kind="stable")
    starts, ends = track.starts[order], np.maximum.accumulate(track.ends[order])
    if not track.durations.any():
        return _gaps(starts, AUDIO_GAP)
    wide = np.flatnonzero(starts[1:] - ends[:-1] > AUDIO_GAP)
    return [(float(ends[n]), float(starts[n + 1])) for n in wide]


def within(track: Track, gaps: Gaps | None, span: tuple[float, float]) -> Gaps:
    """Return the stretches of a clip in which a track has nothing new, before its first and behind its last packet too.

    Args:
        track: The track.
        gaps: Those between its packets; by default those of more than LOST seconds that one frame fills.
        span: Where the clip begins and ends.
    """
    inner = _gaps(np.sort(track.starts), LOST) if gaps is None else gaps
    return [(span[0], float(track.starts.min())), *inner, (float(track.ends.max()), span[1])]


def lost_frames(track: Track) -> Gaps:
    """Return the stretches without frames of a video that has frames at a constant rate but for these.

    A frame that a file itself shows for longer, as in an animation that pauses, is no such stretch.
    """
    order = np.argsort(track.stamps, kind="stable")
    starts, ends = track.starts[order], track.ends[order]
    steps = np.diff(starts)
    if len(steps) < 5 or track.rate is not None:
        return []
    usual = float(np.median(steps))
    odd = np.abs(steps - usual) > STEADY * usual + 0.002  # Matroska counts milliseconds
    if odd.sum() > max(1, len(steps) // 50):
        return []
    ends = np.maximum(ends, starts + usual)
    wide = np.flatnonzero(starts[1:] - ends[:-1] > LOST)
    return [(float(ends[n]), float(starts[n + 1])) for n in wide]


def joint(some: Gaps, others: Gaps) -> Gaps:
    """Return the stretches of LOST seconds or more that are in both."""
    both = []
    for start, stop in some:
        for begin, end in others:
            low, high = max(start, begin), min(stop, end)
            if high - low >= LOST:
                both.append((low, high))
    return both


def inside(gaps: Gaps, span: tuple[float, float]) -> Gaps:
    """Return what of gaps lies within a clip. span: where it begins and ends."""
    inner = [(max(start, span[0]), min(stop, span[1])) for start, stop in gaps]
    return [(start, stop) for start, stop in inner if start < stop]


def empty(video: Track | None, audio: Track | None, silent: Gaps, span: tuple[float, float]) -> Gaps:
    """Return the stretches in which no track has packets; of a video alone, those in which frames are missing.

    Args:
        video: The video track; None without one.
        audio: The audio track; None without one.
        silent: The gaps of the audio.
        span: Where the clip begins and ends.
    """
    if audio is None:
        assert video is not None
        return lost_frames(video)
    if video is None:
        return joint(silent, silent)
    return joint(within(audio, silent, span), within(video, None, span))


def seconds(gaps: Gaps) -> float:
    """Return how long gaps are together."""
    return sum(stop - start for start, stop in gaps)


def _gaps(starts: np.ndarray, least: float) -> Gaps:
    steps = np.diff(starts)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return [(float(starts[n] + usual), float(starts[n + 1])) for n in np.flatnonzero(steps - usual > least)]
