"""Where a file begins, how long it is, and whether it is part of a longer one, as packets and header say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np
from av.container.input import InputContainer

from seehear.errors import ClipError
from seehear.media.notes import NoteKind
from seehear.media.opening import REMEDY, formats
from seehear.media.tracks import Listing, Track
from seehear.media.whole import EXACT, missing_end, unread

HOUR = 3600.0  # seconds
MAX_PACKET_SPACING = 10.0  # seconds, on average; a long clip with fewer packets has damaged time stamps
USUAL_FRAME_DURATION = 0.04  # seconds, of a single frame whose duration the file doesn't give
MAX_MISSING_END = 0.5  # seconds by which a part may end behind its file, for example if a length was rounded up


def measure(path: Path, container: InputContainer, video: Track | None, audio: Track | None) -> tuple[float, float]:
    """Return the second of a file's clock at which it begins, and how many seconds it lasts.

    Args:
        path: The file, for messages.
        container: The same, opened.
        video: The video track that is used; None without one.
        audio: The audio track that is used; None without one.

    Raises:
        ClipError: The times are damaged.
    """
    starts: list[float] = []
    stops: list[float] = []
    if video is not None:
        starts.append(float(video.starts.min()))
        stops.append(float(video.ends.max()))
        last = int(np.argmax(video.stamps))
        if not video.durations[last]:
            stops.append(float(video.starts[last]) + _last_duration(container, video))
    if audio is not None:
        stream = container.streams[audio.index]
        # Priming samples of audio codecs lie before the start of the stream, or before 0.
        start = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
        starts.append(max(float(audio.starts.min()), start))
        stops.append(float(audio.ends.max()))
    origin = min(starts)
    duration = max(stops) - origin
    if not 0 < duration < math.inf:
        raise ClipError(f"{path}: lasts {duration:g} s, it may be damaged: {REMEDY}")
    packets = sum(len(track.stamps) for track in (video, audio) if track is not None)
    if duration > HOUR and packets < duration / MAX_PACKET_SPACING:
        raise ClipError(
            f"{path}: claims a duration of {duration / HOUR:.0f} hours and holds {packets} packets, "
            f"it may be damaged: {REMEDY}"
        )
    return origin, duration


def _last_duration(container: InputContainer, video: Track) -> float:
    """Return how long the last frame is on show, in seconds, where its packet doesn't say it."""
    starts = video.ordered * float(video.base)
    usual = float(starts[-1] - starts[-2]) if len(starts) > 1 else USUAL_FRAME_DURATION
    declared = (container.duration or 0) / av.time_base + min(0.0, float(starts[0]))
    if EXACT & formats(container) and starts[-1] < declared <= starts[-1] + 2 * usual:
        return declared - float(starts[-1])
    return min(usual or USUAL_FRAME_DURATION, 1.0)


def expect_whole(
    path: Path,
    container: InputContainer,
    listing: Listing,
    stated: Mapping[int, float],
    used: list[Track],
    extent: tuple[float, float],
) -> Iterator[tuple[NoteKind, float]]:
    """Yield what is to be noted of a file that holds less, or more, than its header states.

    Args:
        path: The file.
        container: The same, opened.
        listing: Its packets.
        stated: Seconds at which tracks end by the header, see `stated_ends`.
        used: The tracks that are used.
        extent: Where it begins and how long it is, see `measure`.

    Yields:
        The note's kind and amount.

    Raises:
        ClipError: The header states an exact duration, and the packets end a second or more earlier. Of formats whose
            headers may be wrong, the missing end is noted.
    """
    rest = path.stat().st_size - listing.last_byte if listing.given_up else 0
    if behind := rest or unread(path, container, listing.last_byte):
        yield NoteKind.UNREAD, behind
    origin, duration = extent
    end = origin + duration
    if not EXACT & formats(container):
        missing = missing_end(path, container, end, duration)
        if missing > 1:
            yield NoteKind.CUT_OFF, missing
        return
    ends = [stated[track.index] for track in used if track.index in stated]
    # Without durations of its tracks, a header states that of the longest one, which may be of subtitles.
    end = end if ends else max(listing.end, end)
    declared = max(ends, default=(container.duration or 0) / av.time_base)
    slack = max(1.0, 2 * max(track.usual_step for track in used))
    if end < declared - slack:
        raise ClipError(f"{path}: is cut off, holding {max(0.0, end):.1f} of {declared:.1f} s: {REMEDY}")


def check_part(file: object, duration: float, start: float, stop: float, clip: str = "the part") -> None:
    """Raise ClipError unless a file of some duration holds a part. All in seconds. clip: what to call it."""
    if start >= duration:
        raise ClipError(f"{file}: is {duration:.1f} s long, but {clip} begins at second {start:g}")
    if math.isfinite(stop) and stop > duration + MAX_MISSING_END:
        raise ClipError(f"{file}: is {duration:.1f} s long, but {clip} ends at second {stop:g}")
