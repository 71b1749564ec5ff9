"""Parts of files as clips: the packets of a file stay listed, since parts of one file often follow each other."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from seehear.errors import ClipError
from seehear.media.reader import Media
from seehear.storage.parts import fragment

KEPT_LISTINGS = 3  # files


def open_part(path: str | Path, audio_track: int | None, start: float, stop: float) -> Media:
    """Return a part of a file. The packets of the last few files stay listed.

    Args:
        path: A media file.
        audio_track: As for `Media`.
        start: As for `Media.part`.
        stop: As for `Media.part`.

    Raises:
        ClipError: The file can't be used, or is shorter.
    """
    try:
        return _whole(path, audio_track).part(start, stop)
    except ClipError as error:  # of the file: each of its parts says so
        text, place = str(error), f"{path}{fragment(start, stop)}"
        raise ClipError(text.replace(str(path), place, 1) if text.startswith(f"{path}: ") else text) from None


def _whole(path: str | Path, audio_track: int | None) -> Media:
    """Return a file, listed once for all of its parts. Raises ClipError if it can't be used."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        return Media(path, audio_track)  # which says what is wrong
    return _listed(str(path), audio_track, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=KEPT_LISTINGS)
def _listed(path: str, audio_track: int | None, state: tuple[int, ...]) -> Media:
    """Return a file. state: by which it is the same file, unchanged."""
    return Media(path, audio_track)
