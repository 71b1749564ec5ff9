"""The sample clip for checking networks: a recording of a barking dog, and a photo of a cat."""

from __future__ import annotations

from importlib import resources

import numpy as np
from numpy.typing import NDArray

from seehear.networks.spec import AudioInput, Batch, ClipInput, ImageInput


def sample(declared: AudioInput | ImageInput, count: int) -> Batch:
    """Make a batch from the sample.

    Args:
        declared: The input of a network.
        count: Items in the batch.

    Returns:
        For audio, windows (count, samples) float32 that together span the recording. For frames,
        (count, size, size, 3) uint8, the middle of the photo at growing zoom. For clips of frames,
        (count, frames, size, size, 3), where the zoom also grows within each clip.
    """
    if isinstance(declared, AudioInput):
        wave = sample_waveform(declared.rate)
        wave = np.resize(wave, max(len(wave), declared.samples))  # repeats a recording that is shorter than a window
        starts = np.linspace(0, len(wave) - declared.samples, count).astype(int)
        return np.stack([wave[start : start + declared.samples] for start in starts])
    zooms = np.linspace(1.0, 1.3, count)
    if isinstance(declared, ClipInput):
        steps = np.linspace(1.0, 1.1, declared.frames)
        return np.stack([[sample_image(declared.size, zoom * step) for step in steps] for zoom in zooms])
    return np.stack([sample_image(declared.size, zoom) for zoom in zooms])


def sample_waveform(rate: int) -> NDArray[np.float32]:
    """Return three seconds of a barking dog: (samples,) float32 in [-1, 1] at `rate` samples per second."""
    import av
    import soxr

    with (
        resources.files(__package__).joinpath("dog.flac").open("rb") as stream,
        av.open(stream, "r") as clip,
    ):
        own_rate = clip.streams.audio[0].rate
        frames = [frame.to_ndarray()[0] for frame in clip.decode(audio=0)]
    wave = np.concatenate(frames).astype(np.float32) / 32768
    resampled: NDArray[np.float32] = soxr.resample(wave, own_rate, rate)
    return resampled


def sample_image(size: int, zoom: float = 1.0) -> NDArray[np.uint8]:
    """Return the middle of a photo of a cat: (size, size, 3) uint8 RGB."""
    import av

    with (
        resources.files(__package__).joinpath("cat.jpg").open("rb") as stream,
        av.open(stream, "r") as clip,
    ):
        frame = next(clip.decode(video=0))
    scale = zoom * size / min(frame.width, frame.height)
    width, height = (max(size, round(side * scale)) for side in (frame.width, frame.height))
    image = frame.reformat(width, height, format="rgb24", interpolation="BICUBIC").to_ndarray().astype(np.uint8)
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size]
