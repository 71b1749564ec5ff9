"""The frame rate and the start time code that a media file states, read from its header alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from seehear.media.choice import is_cover
from seehear.media.opening import open_media

TIME_CODE = "timecode"  # what FFmpeg calls it, in files of QuickTime, MXF and others


def stated_rate(path: str | Path) -> dict[str, Any]:
    """Return what a file states, as a value that `json.dumps` takes.

    Args:
        path: A media file.

    Returns:
        `rates`: frames per second as [numerator, denominator], the mean of the file first, then FFmpeg's guess for a
        rate that varies; `timecode`: that of the first frame, empty if the file carries none; `has_video`, `has_audio`.

    Raises:
        ClipError: The file can't be read.
    """
    with open_media(Path(path)) as container:
        videos = [stream for stream in container.streams.video if not is_cover(stream)]
        rates = [each for stream in videos[:1] for each in (stream.average_rate, stream.guessed_rate) if each]
        of_tracks = [each.metadata for each in (*videos[:1], *container.streams.data)]
        codes = (metadata.get(TIME_CODE, "") for metadata in (*of_tracks, container.metadata))
        return {
            "rates": [[each.numerator, each.denominator] for each in rates],
            "timecode": next(filter(None, codes), ""),
            "has_video": bool(videos),
            "has_audio": any(isinstance(stream, av.AudioStream) for stream in container.streams),
        }
