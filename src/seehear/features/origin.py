"""What features were made from, by which they are current or not."""

from __future__ import annotations

from dataclasses import dataclass

from seehear.errors import ClipError
from seehear.files import sha256
from seehear.storage.files import Location, facts, fetched
from seehear.storage.parts import Part
from seehear.stored import Positive, Whole

DIGITS = 32  # hexadecimal, of a hash


@dataclass(frozen=True)
class Origin:
    """The origin of a feature, which is current as long as its origin is unchanged.

    Attributes:
        clip: The name of the clip.
        made_by: Fingerprint of network and settings.
        content: Hash of the clip file; of a part, followed by which part of the file it is.
        size: Of the clip file, in bytes.
        modified: When the clip file was modified, in nanoseconds. A file with the same size and time is not read again.
        audio_track: Which of the clip's audio tracks, from 1; None for the one that players choose.
    """

    clip: str
    made_by: str
    content: str
    size: Whole = -1
    modified: Whole = -1
    audio_track: Positive | None = None

    @property
    def source(self) -> str:
        """What the features were made from: the content of the clip, and the audio track if one was chosen."""
        return self.content if self.audio_track is None else f"{self.content}/{self.audio_track}"

    @staticmethod
    def of(clip: str, path: Location, made_by: str) -> Origin:
        """Return the origin of features of a clip file as it is now.

        Args:
            clip: The name of the clip.
            path: Its file, which is read to compute the hash.
            made_by: Fingerprint of network and settings.
        """
        size, modified = facts(path)
        return Origin(clip, made_by, content_hash(path), size, modified)

    def is_current(self, made_by: str, path: Location, audio_track: int | None = None) -> bool:
        """Return whether extraction would give the same features again; see `Store.is_current`."""
        if (self.made_by, self.audio_track) != (made_by, audio_track):
            return False
        try:
            now = facts(path)
            if self.content[DIGITS:] != _part(path):
                return False
            if now == (self.size, self.modified):
                return True
            return now.size == self.size and content_hash(path) == self.content
        except (OSError, ClipError):
            return False


def content_hash(path: Location) -> str:
    """Return the hash of the bytes of a clip's file, and which part of it the clip is; one elsewhere is fetched."""
    with fetched(path) as file:
        return sha256(file)[:DIGITS] + _part(path)


def _part(path: Location) -> str:
    """Return which part of its file a clip is, such as `#t=30,40`; empty for a whole file."""
    return path.fragment if isinstance(path, Part) else ""
