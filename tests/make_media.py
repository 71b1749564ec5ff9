"""Small media files for tests: frames that carry their number, and known audio."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

CLOCK = Fraction(1, 90000)  # time base of frames
# File names that are hard for tables, shells, pages and patterns
ODD = [
    "with space",
    'it\'s "quoted"',
    "$HOME & co; `x` $x$",
    "Vögel 鳥 🐦",
    "a.b.c",
    "-dash",
    "100%d",
    "<tag>&amp;",
    "a:b",
]


def numbered(n: int, width: int = 64, height: int = 64) -> NDArray[np.uint8]:
    """Make a frame of 4 × 4 blocks, black or white by the bits of its number."""
    bits = np.array([n >> bit & 1 for bit in range(16)], dtype=bool).reshape(4, 4)
    grey = np.where(bits, 235, 20).astype(np.uint8)
    blocks = grey.repeat(height // 4, axis=0).repeat(width // 4, axis=1)
    return np.repeat(blocks[:, :, None], 3, axis=2)


def number_of(picture: NDArray[np.uint8]) -> int:
    """Read the number of a frame of any size."""
    rows, columns = ((np.arange(4) + 0.5) * side / 4 for side in picture.shape[:2])
    bits = picture.mean(axis=2)[np.ix_(rows.astype(int), columns.astype(int))].ravel() > 127
    return int(sum(1 << bit for bit in np.flatnonzero(bits)))


def clicks(times: Sequence[float], seconds: float, rate: int) -> NDArray[np.float32]:
    """Silence with a burst of 2 ms, loud enough for any codec, at each of the times: (samples,) float32."""
    sound = np.zeros(round(seconds * rate), dtype=np.float32)
    for time in times:
        sound[round(time * rate) : round((time + 0.002) * rate)] = 0.9
    return sound


def tone(hertz: float, seconds: float, rate: int = 16000) -> NDArray[np.float32]:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@contextmanager
def usual_scheduling() -> Iterator[None]:
    """Keep how this thread is scheduled.

    For root, SVT-AV1 makes the thread that encodes a real-time one, and whatever it starts later: a browser would then
    keep all else from running.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def write(
    path: Path,
    *,
    times: Sequence[float] | NDArray[np.float64] = (),
    picture: Callable[[int], NDArray[np.uint8]] = numbered,
    codec: str = "libx264",
    fps: float = 30,
    pixels: str = "yuv420p",
    sound: NDArray[np.float32] | None = None,
    rate: int = 16000,
    layout: str = "mono",
    sound_codec: str = "aac",
    sound_starts: float = 0.0,
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
) -> Path:
    """Write a media file with a frame at each of the times (seconds) and a waveform (samples,) or (channels, samples).

    picture: from its number to (height, width, 3) RGB. fps: what the file says of itself.
    options: of the picture's codec. container: of the file's format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with usual_scheduling(), av.open(str(path), "w", container_options=dict(container or {})) as file:
        frames: list[tuple[float, int, av.VideoFrame | av.AudioFrame]] = []
        streams: list[av.VideoStream | av.AudioStream] = []
        if len(times):
            first = picture(0)
            video = file.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=dict(options or {}))
            video.height, video.width = first.shape[:2]
            video.pix_fmt = pixels
            exact = codec not in ("mpeg4", "mpeg2video")  # those count whole frames
            video.codec_context.time_base = CLOCK if exact else 1 / Fraction(fps).limit_denominator(1001)
            for n, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(picture(n), format="rgb24")
                frame.time_base = video.codec_context.time_base
                frame.pts = round(time / frame.time_base)
                frames.append((time, len(streams), frame))
            streams.append(video)
        if sound is not None:
            audio = file.add_stream(sound_codec, rate=rate, layout=layout)
            if sound_codec in ("aac", "wmav2"):
                audio.bit_rate = 96000
            for start, samples in _pieces(np.atleast_2d(sound), 1024):
                packed = len(samples) > 7  # PyAV makes no frames with more planes
                values = samples.T.reshape(1, -1) if packed else samples
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(values), format="flt" if packed else "fltp", layout=layout
                )
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = round(sound_starts * rate) + start
                frames.append((frame.pts / rate, len(streams), frame))
            streams.append(audio)
        packets = [packet for _, stream, frame in frames for packet in streams[stream].encode(frame)]
        packets += [packet for stream in streams for packet in stream.encode(None)]
        if len(times):
            last = max((p for p in packets if p.stream.type == "video"), key=lambda packet: packet.pts)
            last.duration = round(1 / fps / last.time_base)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            file.mux(packet)
    return path


def movie(path: Path, seconds: float = 3.0, *, fps: float = 10, hertz: float = 440.0, **settings: object) -> Path:
    """Write a common clip: numbered frames and a tone."""
    settings = {"times": np.arange(round(seconds * fps)) / fps, "sound": tone(hertz, seconds), **settings}
    return write(path, fps=fps, **settings)  # type: ignore[arg-type]


def _pieces(sound: NDArray[np.float32], length: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, sound.shape[1], length):
        yield start, sound[:, start : start + length]


def rotate(path: Path, clockwise: int) -> Path:
    """Make players of an mp4 rotate its frames clockwise by 90, 180 or 270 degrees."""
    return set_matrix(path, {90: [[0, 1], [-1, 0]], 180: [[-1, 0], [0, -1]], 270: [[0, -1], [1, 0]]}[clockwise])


def set_matrix(path: Path, matrix: Sequence[Sequence[int]]) -> Path:
    """Make players of an mp4 show the pixel in column and row [x, y] at [x, y] @ matrix, (2, 2)."""
    one = 1 << 16
    (a, b), (c, d) = matrix
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # of version 0: flags, times, numbers, layer, volume come first
    assert struct.unpack(">9i", data[at : at + 36]) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    data[at : at + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut_start(path: Path, seconds: float) -> Path:
    """Write into the edit list of an mp4's first track that it is shown from `seconds` on."""
    data = bytearray(path.read_bytes())
    scale = struct.unpack(">I", data[(at := data.index(b"mdhd") + 4 + 12) : at + 4])[0]
    at = data.index(b"elst") + 4 + 4
    count, duration, begin = struct.unpack(">IIi", data[at : at + 12])
    assert count == 1
    movie_scale = struct.unpack(">I", data[(mvhd := data.index(b"mvhd") + 4 + 12) : mvhd + 4])[0]
    shorter = duration - round(seconds * movie_scale)
    data[at : at + 12] = struct.pack(">IIi", count, shorter, begin + round(seconds * scale))
    path.write_bytes(data)
    return path


def with_cover(path: Path, picture: bytes) -> Path:
    """Put a PNG on the cover of an mp3."""
    body = b"\x00image/png\x00\x03\x00" + picture
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\x00\x00" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = path.read_bytes()
    if data[:3] == b"ID3":
        data = data[10 + sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True)) :]
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + data)
    return path


def damage(path: Path, start: float, stop: float, seed: int = 0) -> Path:
    """Overwrite the bytes between two fractions of a file with noise."""
    data = bytearray(path.read_bytes())
    a, b = int(start * len(data)), int(stop * len(data))
    data[a:b] = np.random.default_rng(seed).bytes(b - a)
    path.write_bytes(data)
    return path


def damage_packets(path: Path, kind: str) -> Path:
    """Overwrite every packet of a file's video or audio with noise, leaving its index as it is."""
    with av.open(str(path)) as file:
        places = [(p.pos, p.size) for p in file.demux() if p.size and p.stream.type == kind]
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(1)
    for at, size in places:
        data[at : at + size] = noise.bytes(size)
    path.write_bytes(data)
    return path


def with_tracks(path: Path, sounds: Sequence[NDArray[np.float32]], *, rate: int = 16000, default: int = 0) -> Path:
    """Write frames with several audio tracks that no codec changes, of which players choose number `default`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=10)
        video.width = video.height = 64
        tracks = [file.add_stream("flac", rate=rate, layout="mono") for _ in sounds]
        for n, track in enumerate(tracks):
            track.disposition = av.stream.Disposition.default if n == default else av.stream.Disposition(0)
        packets = [
            packet
            for n in range(round(len(sounds[0]) / rate * 10))
            for packet in video.encode(av.VideoFrame.from_ndarray(numbered(n), format="rgb24"))
        ]
        packets += video.encode(None)
        for track, sound in zip(tracks, sounds, strict=True):
            whole = (np.atleast_2d(sound) * 2**15).astype(np.int16)  # (1, samples)
            for start in range(0, whole.shape[1], 4096):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(whole[:, start : start + 4096]), format="s16", layout="mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                packets += track.encode(frame)
            packets += track.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            file.mux(packet)
    return path
