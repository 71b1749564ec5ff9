"""Whether a file holds all that its header states."""

from __future__ import annotations

import struct
from pathlib import Path

import av
from av.container.input import InputContainer

from seehear.media.opening import formats, open_media

EXACT = frozenset(("mp4", "matroska"))  # formats whose header states an exact duration, without which they are cut off
# Formats whose header states a duration that programs may have left wrong
STATED = frozenset(("aiff", "au", "flac", "flv", "w64"))
UNKNOWN_SIZE = 0x7FFFF000  # bytes; a larger size in a header means that it wasn't known when it was written
UNINDEXED = frozenset(("aiff", "asf", "au", "flv", "wav", "w64"))  # formats with little or nothing behind the content
LEAST_UNREAD, UNREAD_SHARE = 4096, 0.1  # bytes, and share of the file, behind its content that are worth a note
MP3_HEADS = (b"Xing", b"Info")  # tags that state how many frames an MP3 has; else its duration is a guess
HEAD = 1 << 16  # bytes in which such a tag is looked for


def stated_ends(container: InputContainer) -> dict[int, float]:
    """Return the seconds at which tracks end by the header, per index of a stream, for those of which it says so."""
    return {
        each.index: float(((each.start_time or 0) + each.duration) * each.time_base)
        for each in container.streams
        if each.duration and each.time_base
    }


def stated_duration(path: str | Path) -> float | None:
    """Return the seconds that a file's header states, if its format states them exactly; its packets aren't read.

    Raises:
        ClipError: The file can't be opened.
    """
    with open_media(Path(path)) as container:
        exact = EXACT & formats(container) and container.duration
        return container.duration / av.time_base if exact and container.duration else None


def missing_end(path: Path, container: InputContainer, end: float, duration: float) -> float:
    """Return how many seconds a file lacks at its end, as its header states; 0 if it is whole or states nothing.

    Args:
        path: The file.
        container: The same, opened.
        end: Seconds of the file's clock at which it ends.
        duration: Seconds that it holds.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith((b"RIFF", b"RIFX")):
        (size,) = struct.unpack("<I" if head.startswith(b"RIFF") else ">I", head[4:8])
        held = path.stat().st_size
        return duration * (size + 8 - held) / held if held < size + 8 < UNKNOWN_SIZE else 0.0
    named = formats(container)
    if named & STATED:
        return max(0.0, (container.duration or 0) / av.time_base - end)
    if "mp3" in named:
        return max(0.0, _mp3_duration(head, container) - duration)
    return 0.0


def _mp3_duration(head: bytes, container: InputContainer) -> float:
    """Return the seconds that the tag of an MP3 states; 0 if it has none, and FFmpeg's duration is a guess."""
    place = min((at for tag in MP3_HEADS if (at := head.find(tag)) >= 0), default=-1)
    if place < 0 or len(head) < place + 12 or not head[place + 7] & 1:
        return 0.0
    (frames,) = struct.unpack(">I", head[place + 8 : place + 12])
    rate = container.streams.audio[0].codec_context.sample_rate
    return float(frames * (1152 if rate >= 32000 else 576) / max(1, rate))


def unread(path: Path, container: InputContainer, last: int) -> int:
    """Return how many bytes follow the recording that a file holds: another one, if files were joined byte by byte.

    Args:
        path: The file.
        container: The same, opened.
        last: The place behind the last byte of a packet.
    """
    size, named = path.stat().st_size, formats(container)
    if "mp4" in named:
        return size - _second_movie(path)
    if named & UNINDEXED and size - last > max(LEAST_UNREAD, UNREAD_SHARE * size):
        with path.open("rb") as file:
            file.seek(last)
            if file.read(HEAD).strip(b"\0"):  # not just padding
                return size - last
    return 0


def _second_movie(path: Path) -> int:
    """Return where the second movie of an MP4 begins, of which players read the first; its size if it has one."""
    size, place, seen, begin = path.stat().st_size, 0, 0, 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
            if kind == b"ftyp":
                begin = place
            seen += kind == b"moov"
            if seen == 2:
                return begin
            if length < 8:  # up to the end of the file, or damaged
                break
            place += length
    return size
