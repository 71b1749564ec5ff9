"""Which tracks of a file are used: those that players choose, or the audio track that the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
from av.container.input import InputContainer

from seehear.errors import ClipError
from seehear.media.opening import MAX_PIXELS, REMEDY
from seehear.media.tracks import Listing, Stream, Track
from seehear.results import counted

S = TypeVar("S", av.VideoStream, av.AudioStream)

HIGHEST_RATE = 1_000_000  # audio samples per second
FLOATS = ("flt", "dbl")  # formats of samples that may exceed full scale


@dataclass(frozen=True)
class Choice:
    """The tracks of a file that are used.

    Attributes:
        video: The video track; None without one.
        audio: The audio track; None without one.
        rate: Audio samples per second; 0 without audio.
        exact: Whether the audio's codec is lossless, or there is no audio.
        unbounded: Whether samples may exceed full scale.
        videos: Video tracks from which one was chosen.
        audios: Audio tracks from which one was chosen; 0 if the user chose it.
    """

    video: Track | None
    audio: Track | None
    rate: int
    exact: bool
    unbounded: bool
    videos: int
    audios: int


def choose(path: Path, container: InputContainer, listing: Listing, audio_track: int | None) -> Choice:
    """Choose the tracks that players choose: of those that can be decoded, the default one, else the first.

    Args:
        path: The file, for messages.
        container: The same, opened.
        listing: Its packets.
        audio_track: The audio track that the user chose, from 1; None for none.

    Raises:
        ClipError: The file has no track that can be used, or not the chosen one, or it claims what can't be.
    """
    pictures = [each for each in container.streams.video if each.index in listing.tracks and not is_cover(each)]
    moving = [each for each in pictures if len(listing.tracks[each.index].stamps) > 1] or pictures
    sounds = [each for each in container.streams.audio if each.codec_context]
    heard = [each for each in sounds if each.index in listing.tracks and not lacks_parameters(each)]
    if not moving and not heard:
        empty = container.streams.video or sounds
        what = "holds no frames and no audio, it may be cut off" if empty else "has neither a video nor an audio track"
        raise ClipError(f"{path}: {what}: {REMEDY}")
    video = default_track(moving) if moving else None
    if video is not None:
        _check_size(path, video)
    audio = (_asked_for(path, sounds, audio_track) or default_track(heard)) if heard else None
    if audio is not None:
        _check_audio(path, audio, listing, audio_track)
    exact = audio is None or audio.codec_context.codec.lossless
    return Choice(
        video=None if video is None else listing.tracks[video.index],
        audio=None if audio is None else listing.tracks[audio.index],
        rate=0 if audio is None else audio.codec_context.sample_rate,
        exact=exact,
        unbounded=audio is not None and exact and audio.codec_context.format.name[:3] in FLOATS,
        videos=len(moving),
        audios=len(heard) if audio_track is None else 0,
    )


def _asked_for(path: Path, sounds: Sequence[av.AudioStream], audio_track: int | None) -> av.AudioStream | None:
    """Return the audio track that the user chose, if any."""
    if audio_track is None:
        return None
    if not 1 <= audio_track <= len(sounds):
        raise ClipError(f"{path}: has {counted(len(sounds), 'audio track')}, so there is no number {audio_track}")
    return sounds[audio_track - 1]


def _check_size(path: Path, stream: av.VideoStream) -> None:
    """Raise ClipError for frames that would not fit into memory."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise ClipError(
            f"{path}: has frames of {width} × {height} pixels, more than {MAX_PIXELS} in all: scale it down"
        )


def _check_audio(path: Path, stream: av.AudioStream, listing: Listing, audio_track: int | None) -> None:
    """Raise ClipError for an audio track that can't be used."""
    if stream.index not in listing.tracks or lacks_parameters(stream):
        raise ClipError(f"{path}: its audio track {audio_track} holds no audio: choose another one")
    if (rate := stream.codec_context.sample_rate) > HIGHEST_RATE:
        raise ClipError(f"{path}: claims {rate} samples per second, it may be damaged: {REMEDY}")


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether the stream is the cover image of an audio file."""
    return bool(stream.disposition & (av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails))


def default_track(streams: Sequence[S]) -> S:
    """Return the track that players choose: the first one that is flagged as default and made for everybody."""
    flags = av.stream.Disposition
    special = flags.hearing_impaired | flags.visual_impaired | flags.comment | flags.dub | flags.dependent
    return min(streams, key=lambda each: (not each.disposition & flags.default, bool(each.disposition & special)))


def lacks_parameters(stream: Stream) -> bool:
    """Return whether the size of a track's frames, or its samples per second, is unknown."""
    if isinstance(stream, av.VideoStream):
        return not stream.codec_context.width
    return not stream.codec_context.sample_rate
