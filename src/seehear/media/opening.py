"""Media files, opened so that nothing but the file itself is read, and nothing of it without bounds."""

from __future__ import annotations

import re
from pathlib import Path

import av
import av.logging
from av.container.input import InputContainer

from seehear.errors import ClipError

MAX_PIXELS = 2**27  # of a frame: 16 K in both directions of a film
LONGEST_PROBE = 10 * 3600 * 1_000_000  # microseconds in which the parameters of a late track are looked for
# Formats that only point to other files or addresses, and the one by which FFmpeg renders text as a video
POINTERS = frozenset(("concat", "dash", "ffmetadata", "hls", "imf", "rtp", "rtsp", "sdp", "webm_dash_manifest"))
# A track with a layout in an order of its own, such as `8 channels (FL+FR+…)`, in FFmpeg's description of a file
OWN_ORDER = re.compile(r"^ *Stream #0:(\d+).*: Audio: .*, (\d+) channels \(", re.MULTILINE)
LISTS = (b"#EXTM3U", b"ffconcat", b"v=0\n", b"v=0\r")  # how such files begin
TEXT = frozenset(("ass", "jacosub", "lrc", "srt", "tty", "webvtt"))

A_LIST = "a list of other files, which seehear doesn't follow"
REMEDY = "get the file again, or leave it out"


def open_media(path: Path, *, thorough: bool = False) -> InputContainer:
    """Open a media file.

    Args:
        path: The file.
        thorough: Look for the parameters of tracks in the whole file, not in its first seconds.

    Raises:
        ClipError: The file can't be opened, or is no media file.
    """
    options = {"protocol_whitelist": "file"}  # a playlist in a file's place must not reach for the network
    try:
        if not path.exists():
            raise ClipError(f"{path}: no such file")
        if not path.is_file():  # opening a pipe would wait for ever
            raise ClipError(f"{path}: is not a file: {REMEDY}")
        size = path.stat().st_size
        if size == 0:
            raise ClipError(f"{path}: is empty (0 bytes): {REMEDY}")
        if _head(path).startswith(LISTS):  # FFmpeg would say that it isn't permitted
            raise ClipError(f"{path}: is {A_LIST}: {REMEDY}")
        if thorough:
            options |= {"probesize": str(max(size, 1 << 20)), "analyzeduration": str(LONGEST_PROBE)}
        container = av.open(str(path.absolute()), options=options, metadata_errors="ignore")
    except av.InvalidDataError:
        raise ClipError(
            f"{path}: is not a media file that FFmpeg can read, or its start or end is missing: {REMEDY}"
        ) from None
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ClipError(f"{path}: can't be read ({getattr(error, 'strerror', None) or error}): {REMEDY}") from None
    if container.format.name == "webp_pipe" and is_animated_webp(_head(path)):
        container.close()
        raise ClipError(f"{path}: is an animated WebP, which FFmpeg can't read: convert it to GIF or MP4")
    names = formats(container)
    if names & (POINTERS | TEXT):
        container.close()
        what = "a text file, not a media file" if names & TEXT else A_LIST
        raise ClipError(f"{path}: is {what}: {REMEDY}")
    _settle_layouts(container)
    return container


def _settle_layouts(container: InputContainer) -> None:
    """Replace layouts in an order of their own by the bare number of channels.

    PyAV frees the memory of such a layout twice, once the layout is looked at, and ends the process. So it is found in
    FFmpeg's description of the file.
    """
    level = av.logging.get_level()
    try:
        av.logging.set_level(av.logging.INFO)  # else there is no description
        description = container.dumps_format()  # type: ignore[attr-defined]
    finally:
        av.logging.set_level(level)
    for index, channels in OWN_ORDER.findall(description):
        stream = container.streams[int(index)]
        if isinstance(stream, av.AudioStream) and stream.codec_context:
            stream.codec_context.layout = f"{channels} channels"


def formats(container: InputContainer) -> frozenset[str]:
    """Return the names of a file's format."""
    return frozenset(container.format.name.split(","))


def is_animated_webp(head: bytes) -> bool:
    """Return whether a file that begins like this is an animated WebP: the second flag of its extended header."""
    return head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(21)
