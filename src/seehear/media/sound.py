"""The audio of a clip: any channels and samples, mixed to a waveform on the clock of the clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

SILENCE = 2.0**-15  # one step of 16-bit audio: where no sample is larger, nothing can be heard
ROUNDING = 0.02  # seconds by which time stamps are rounded: a smaller gap or overlap is none
CANCELLED = 1e-3  # of the channels' mean power: where their mix has less, they cancel each other out
LOUDEST = 2.0**32  # times full scale; a larger sample is damaged
LOUDEST_DECODED = 4.0  # times full scale; a codec that rounds overshoots by less, a damaged packet often by more
SETTLING = 0.5  # seconds before a part begins whose audio counts, of those that are decoded before it
CLIPPED = 1 - 2.0**-14  # of full scale
UNSAFE_PLANES = 8  # channels: where so many have planes of their own, PyAV reads past the last one
CLIPPED_RUN = 3  # samples in a row at full scale are clipped


@dataclass
class Findings:
    """What is odd about the samples of a clip.

    Attributes:
        not_finite: Samples that are not finite numbers.
        cancelled: Samples at which the channels cancel each other out.
        clipped: Samples in runs at full scale.
        garbled: Samples of packets that are decoded to far more than full scale.
        unknown_layout: Channels of a layout that nothing names; 0 if it is known.
        peak: The largest magnitude of a channel, in full scales.
        heard: The largest magnitude of the mix, in full scales.
    """

    not_finite: int = 0
    cancelled: int = 0
    clipped: int = 0
    garbled: int = 0
    unknown_layout: int = 0
    peak: float = 0.0
    heard: float = 0.0


class Mixer:
    """Mixes frames of audio to mono or stereo, in [-1, 1] where the channels are.

    Attributes:
        findings: What was odd so far.
    """

    def __init__(self, gain: float = 1.0, loudest: float = LOUDEST) -> None:
        """Mix, and multiply by a gain. Frames that exceed `loudest` full scales are silence."""
        self.gain, self.loudest = gain, loudest
        self.findings = Findings()

    def mix(self, frame: AudioFrame, output: str = "mono") -> NDArray[np.float32]:
        """Return a frame in another layout, mono or stereo: (1 or 2, samples)."""
        mix = self._mixed(frame, self._sound(frame), output)
        self.findings.heard = max(self.findings.heard, float(np.abs(mix).max(initial=0.0)))
        return mix

    def _mixed(self, frame: AudioFrame, channels: NDArray[np.float32], output: str) -> NDArray[np.float32]:
        """Mix the channels of a frame, (channels, samples)."""
        if len(channels) == 1 or (len(channels) == 2 and output == "stereo"):
            return channels
        if not layout_is_known(frame.layout.name):
            self.findings.unknown_layout = len(channels)
        matrix = np.array(mixing_matrix(frame.layout.name, len(channels), output), dtype=np.float32)
        mix = matrix @ channels  # (1 or 2, samples)
        power = np.einsum("cs,cs->c", channels, channels) * (matrix.sum(axis=0) > 0)  # (channels,), of those mixed
        if float(np.vdot(mix, mix)) < CANCELLED * float(power.mean()):
            self.findings.cancelled += mix.shape[1]
            first = int(np.argmax(power > 0.1 * power.max()))  # that sounds
            return np.repeat(channels[first : first + 1], len(mix), axis=0)
        return mix

    def _sound(self, frame: AudioFrame) -> NDArray[np.float32]:
        """Return the samples of a frame, repaired and noted: (channels, samples)."""
        channels = samples_of(frame)
        magnitudes = np.abs(channels)
        peak = float(magnitudes.max(initial=0.0))
        if not peak <= LOUDEST:  # also if it is no number
            bad = ~(magnitudes <= LOUDEST)
            self.findings.not_finite += int(bad.sum())
            channels, magnitudes = (np.where(bad, np.float32(0), each) for each in (channels, magnitudes))
            peak = float(magnitudes.max(initial=0.0))
        if peak > self.loudest:
            self.findings.garbled += channels.shape[1]
            return np.zeros_like(channels)
        self._note_clipping(magnitudes, peak)
        return channels if self.gain == 1 else channels * np.float32(self.gain)

    def _note_clipping(self, magnitudes: NDArray[np.float32], peak: float) -> None:
        """Note the peak of a frame, and its samples in runs at full scale. magnitudes: (channels, samples)."""
        self.findings.peak = max(self.findings.peak, peak)
        if peak < CLIPPED or magnitudes.shape[1] < CLIPPED_RUN:
            return
        full = magnitudes >= max(CLIPPED, peak * CLIPPED)
        runs = full[:, 2:] & full[:, 1:-1] & full[:, :-2]  # the last of three in a row, (channels, samples - 2)
        self.findings.clipped += int(runs.any(axis=0).sum())


def samples_of(frame: AudioFrame) -> NDArray[np.float32]:
    """Return the samples of a frame as (channels, samples) float32, where 1 is full scale."""
    if frame.format.is_planar and frame.layout.nb_channels >= UNSAFE_PLANES:
        frame = _interleaved(frame)
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=np.float32)
    if array.dtype == np.uint8:
        return np.asarray((array.astype(np.float32) - 128) / 128, dtype=np.float32)
    samples: NDArray[np.float32] = (array / float(2 ** (8 * array.dtype.itemsize - 1))).astype(np.float32)
    return samples


def _interleaved(frame: AudioFrame) -> AudioFrame:
    """Return a frame with all channels in one plane."""
    resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate, frame_size=frame.samples)
    return resampler.resample(frame)[0]


@lru_cache(maxsize=64)
def mixing_matrix(layout: str, channels: int, output: str = "mono") -> tuple[tuple[float, ...], ...]:
    """Return the weight of each channel in a mix, (1 or 2, channels), so that full scale stays full scale.

    They are those of FFmpeg, read off by mixing one channel at a time: it leaves out the channel of low frequencies.
    A channel whose place FFmpeg can't mix counts like the mean of the others. Without a layout, all count alike. Of
    ambisonics, the first channel is what is heard from everywhere.

    Args:
        layout: FFmpeg's name of it.
        channels: How many it has.
        output: mono or stereo.
    """
    rows = av.AudioLayout(output).nb_channels
    if layout.startswith("ambisonic"):
        return ((1.0, *[0.0] * (channels - 1)),) * rows
    known = layout_is_known(layout)
    weights = [_weights(layout, channels, channel, output) for channel in range(channels)] if known else []
    if not np.any(weights):
        return ((1 / channels,) * channels,) * rows
    matrix = np.array(weights).T  # (rows, channels)
    low = np.array([channel.name.startswith("LFE") for channel in av.AudioLayout(layout).channels])
    unplaced = (matrix == 0).all(axis=0) & ~low
    matrix[:, unplaced] = matrix.sum() / np.count_nonzero(matrix)
    return tuple(tuple(row) for row in (matrix / matrix.sum(axis=1).max()).tolist())


def layout_is_known(layout: str) -> bool:
    """Return whether a layout places its channels; `16 channels` does not. One or two channels need no places."""
    return layout in ("1 channels", "2 channels") or not layout.endswith(" channels")


def _weights(layout: str, channels: int, channel: int, output: str) -> list[float]:
    """Return the weight of a channel in FFmpeg's mix, (rows,); 0 if it leaves the channel out or can't mix."""
    samples = np.zeros((64, channels), dtype=np.int32)
    samples[:, channel] = 2**30
    rows = av.AudioLayout(output).nb_channels
    try:
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s32", layout=layout)
        frame.sample_rate = 16000
        mixed = av.AudioResampler(format="s32p", layout=output, rate=16000).resample(frame)
    except (av.FFmpegError, ValueError):
        return [0.0] * rows
    return [float(value) / 2**30 for value in mixed[0].to_ndarray()[:, 32]] if mixed else [0.0] * rows


class Resampler:
    """Changes the rate of mixed frames; frames of the right rate pass through."""

    def __init__(self, rate: int, output: str = "mono") -> None:
        """Bring audio of an output layout, mono or stereo, to `rate` samples per second."""
        self.rate, self._output = rate, output
        self._inner: tuple[int, av.AudioResampler] | None = None  # with the rate of its input

    def add(self, samples: NDArray[np.float32], frame: AudioFrame) -> list[tuple[NDArray[np.float32], float | None]]:
        """Return the samples of a frame and of those before it that are complete, (channels, n), each with its second.

        Args:
            samples: (channels, samples), mixed from the frame.
            frame: Where they are from.
        """
        before = self.flush() if self._inner and self._inner[0] != frame.sample_rate else []
        if frame.sample_rate == self.rate:
            return [*before, (samples, frame.time)]
        if self._inner is None:
            inner = av.AudioResampler(format="fltp", layout=self._output, rate=self.rate)
            self._inner = frame.sample_rate, inner
        whole = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._output)
        whole.sample_rate, whole.pts, whole.time_base = frame.sample_rate, frame.pts, frame.time_base
        return before + [_timed(each) for each in self._inner[1].resample(whole)]

    def flush(self) -> list[tuple[NDArray[np.float32], float | None]]:
        """Return what is left."""
        if self._inner is None:
            return []
        rest = [_timed(each) for each in self._inner[1].resample(None)]
        self._inner = None
        return rest


def _timed(frame: AudioFrame) -> tuple[NDArray[np.float32], float | None]:
    return np.asarray(frame.to_ndarray(), dtype=np.float32), frame.time


@dataclass(frozen=True)
class Cut:
    """What of a file's audio a part is.

    Attributes:
        first: The part's first sample, counted from the beginning of the file.
        length: Samples.
        packets: Audio packets of the file before the one with which decoding begins.
        sample_at: From seconds of the file's clock to the sample there, counted from the beginning of the file.
        settling: Mixes what is decoded before the part.
    """

    first: int
    length: int
    packets: int
    sample_at: Callable[[float], int]
    settling: Mixer


class WaveformCollector:
    """Collects mono samples on the clock of the clip; where there are none, the waveform is zero."""

    def __init__(
        self,
        rate: int,
        margin: float,
        origin: float,
        next_audio: NDArray[np.float64],
        mixer: Mixer,
        cut: Cut | None = None,
    ) -> None:
        """Await frames of audio.

        Args:
            rate: Samples per second of the waveform.
            margin: Seconds around each span.
            origin: Seconds of the file's clock at which the file begins.
            next_audio: (n + 1,) the earliest audio still to come once so many packets were read, seconds of the clip.
            mixer: Of the channels.
            cut: What of the file the clip is, if it is a part of it.
        """
        self.rate, self.margin = rate, margin
        self.mixer, self._resampler = mixer, Resampler(rate)
        self._origin, self._next_audio = origin, next_audio
        self._cut = cut
        self._packets = cut.packets if cut is not None else 0  # audio packets read so far
        self._pieces: list[tuple[int, NDArray[np.float32]]] = []  # (number of the first sample, samples)
        self._first = -round(margin * self.rate)  # samples before this one are no longer needed
        self._end: int | None = None  # the samples decoded so far end before this one

    @property
    def empty(self) -> bool:
        """Whether no audio came."""
        return self._end is None

    def add(self, frame: AudioFrame) -> None:
        """Add a decoded frame. Its channels and its rate may differ from those of the frame before it."""
        mixer = self._mixer_of(frame)
        if frame.samples and mixer is not None:
            for mono, time in self._resampler.add(mixer.mix(frame), frame):
                self._place(mono[0], time)

    def _mixer_of(self, frame: AudioFrame) -> Mixer | None:
        """Return the mixer of a frame: another one before a part begins, where nothing counts that is odd.

        None for the first frames before it: after a leap, FFmpeg may take their first samples for an encoder's delay.
        """
        if self._cut is None or frame.time is None:
            return self.mixer
        end = frame.time - self._origin + frame.samples / frame.sample_rate - self._cut.first / self.rate
        return None if end <= -SETTLING else self._cut.settling if end <= 0 else self.mixer

    def count_packet(self) -> None:
        """Note that a packet with content was read."""
        self._packets += 1

    def flush(self) -> None:
        """Add what a resampler still holds."""
        for mono, time in self._resampler.flush():
            self._place(mono[0], time)

    def _place(self, mono: NDArray[np.float32], time: float | None) -> None:
        start = (self._end or 0) if time is None else self._sample_at(time)
        # Containers round time stamps to their clock, so a small gap or overlap is rounding.
        if self._end is not None and abs(start - self._end) <= ROUNDING * self.rate:
            start = self._end
        end = start + len(mono)
        self._end = end if self._end is None else max(self._end, end)
        if end > self._first:
            self._pieces.append((start, mono))

    def _sample_at(self, time: float) -> int:
        """Return the sample of the clip at a second of the file's clock."""
        if self._cut is None:
            return round((time - self._origin) * self.rate)
        placed = self._cut.sample_at(time) if self._end is None else round((time - self._origin) * self.rate)
        return placed - self._cut.first

    def reached(self, stop: float) -> bool:
        """Return whether all audio before `stop` is decoded: later audio is here, or no more comes before `stop`."""
        if self._end is not None and self._end >= round(stop * self.rate):
            return True
        last = len(self._next_audio) - 1
        none_to_come = self._next_audio[min(self._packets, last)] >= stop + ROUNDING
        # All packets may have been damaged; then `empty` is reported at the end.
        return bool(none_to_come) and not (self._packets >= last and self.empty)

    def take(self, start: float, stop: float) -> NDArray[np.float32]:
        """Return the samples from `start` to `stop`, and forget those before `stop` minus two margins."""
        first, end = round(start * self.rate), round(stop * self.rate)
        samples = np.zeros(end - first, dtype=np.float32)
        for place, piece in self._pieces:
            low, high = max(first, place), min(end, place + len(piece))
            if self._cut is not None:  # what lies around a part is not of the clip
                low, high = max(low, 0), min(high, self._cut.length)
            if high > low:
                samples[low - first : high - first] = piece[low - place : high - place]
        self._first = max(self._first, end - round(2 * self.margin * self.rate))
        self._pieces = [(place, piece) for place, piece in self._pieces if place + len(piece) > self._first]
        return samples
