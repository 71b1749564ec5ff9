"""OpenL3: an audio and an image network, trained to predict whether a second of audio and a frame belong together.

Source: A. L. Cramer, H.-H. Wu, J. Salamon, J. P. Bello, "Look, listen and learn more: design choices for deep audio
embeddings", ICASSP 2019; the packages openl3 0.4.2 (Keras) and torchopenl3 1.0.1 (its audio networks in torch).

There are variants. Those in the registry take mel spectra of 256 bands, the default of the packages. They were trained
on environmental videos of AudioSet, not on music videos, and give 512 numbers. Two more can be named:
seehear.networks.openl3:AUDIO_6144_SPEC and seehear.networks.openl3:AUDIO_MUSIC_SPEC.

The audio networks get the input of their training, as in torchopenl3 and in openl3 before 0.4: roots of mel powers,
with silence at both ends. openl3 0.4 feeds other spectra to the same weights (mel magnitudes of other filters, silence
only at the end), so its features differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.networks import hdf5
from seehear.networks.mel import hertz_to_mel
from seehear.networks.spec import AudioInput, ImageInput, Network, NetworkSpec
from seehear.networks.weights import Url, WeightFile

if TYPE_CHECKING:
    from torch import Tensor, nn

RATE = 48000
FFT, HOP = 2048, 242  # samples
PADDING = (FFT - RATE % HOP) // 2  # samples of silence at both ends: 199 frames per second
BANDS = 256
SIZE = 224  # pixels
# Tiles of which the maximum is taken, from 32 bands × 24 frames and from 28 × 28 positions.
AUDIO_TILES = {512: (32, 24), 6144: (8, 8)}
IMAGE_TILE = (28, 28)

PAPER = "Cramer et al., Look, listen and learn more: design choices for deep audio embeddings, ICASSP 2019"
ORIGIN = "A. L. Cramer and others; https://github.com/marl/openl3"
LICENCE = "code MIT; weights CC BY 4.0"


def mel_filters(rate: int, fft: int, bands: int) -> NDArray[np.float32]:
    """Return triangular filters (bands, fft // 2 + 1) from 0 Hz to half the rate, each of area 1 over Hz.

    Their corners are evenly spaced on HTK's mel scale; they are linear in Hz.
    """
    bins = np.arange(fft // 2 + 1) * rate / fft
    last = float(hertz_to_mel(np.array(rate / 2)))
    corners = 700 * np.expm1(np.linspace(0, last, bands + 2) / 1127)[:, None]  # (bands + 2, 1) Hz
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    filters = np.maximum(0, np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)))
    return np.asarray(filters * 2 / (right - left), np.float32)


def build_audio(width: int = 512) -> nn.Module:
    """Build the module from waves (n, 48000) in [-1, 1] to features (n, width), 512 or 6144, with initial weights."""
    from seehear.networks.openl3_module import Audio

    return Audio(AUDIO_TILES[width], mel_filters(RATE, FFT, BANDS), HOP, PADDING)


def build_image() -> nn.Module:
    """Build the module from frames (n, 224, 224, 3) uint8 to features (n, 512), with initial weights."""
    from seehear.networks.openl3_module import Image

    return Image(IMAGE_TILE)


def read_keras(path: Path, module: nn.Module, what: str) -> dict[str, Tensor]:
    """Read a weight file of Keras 2 into the state dict of a module whose layers have the same order.

    Args:
        path: The file.
        module: With layers in the order of the file.
        what: The name of the network, for the message.

    Raises:
        SeehearError: If arrays do not fit; the message names the file and the arrays.
    """
    import h5py
    import torch

    try:
        with h5py.File(path) as file:
            root = hdf5.child(file, "model_weights") if "model_weights" in file else file  # in the file of a model
            groups = [hdf5.child(root, _text(name)) for name in root.attrs["layer_names"]]
            layers = [[hdf5.read(group, _text(name)) for name in group.attrs["weight_names"]] for group in groups]
    except (OSError, KeyError, ValueError) as error:
        raise SeehearError(f"{path}: can't be read as the weights of {what}: {error}") from None
    arrays = [_as_torch(array) for layer in layers for array in layer]
    own = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    if len(arrays) != len(own):
        raise SeehearError(f"{path}: is not the weights of {what}: it has {len(arrays)} arrays, not {len(own)}")
    for array, (name, value) in zip(arrays, own.items(), strict=True):
        if array.shape != value.shape:
            raise SeehearError(f"{path}: is not the weights of {what}: it has in another shape {name}")
    return {name: torch.from_numpy(array) for name, array in zip(own, arrays, strict=True)}


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _as_torch(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Transpose the kernel of a convolution to (out, in, height, width), as torch has it."""
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array, np.float32)


def _audio(name: str, content: str, width: int, domain: str) -> NetworkSpec:
    # torchopenl3 1.0.1, core.py. Its authors publish no hash.
    file = f"torchopenl3_mel256_{content}_{width}.pth.tar"
    weights = WeightFile(file, "", (Url(f"https://github.com/torchopenl3/torchopenl3-models/raw/master/{file}"),))

    def build() -> nn.Module:
        return build_audio(width)

    def load(paths: Mapping[str, Path], device: str) -> Network:
        from seehear.networks.torch_network import TorchNetwork, load_state

        return TorchNetwork(load_state(build(), paths[file], name, rename=_renamed), device, chunk=4)

    return NetworkSpec(
        name=name,
        input=AudioInput(rate=RATE, window=1.0),
        width=width,
        domain=domain,
        origin=f"{ORIGIN}; for torch https://github.com/torchopenl3/torchopenl3",
        paper=PAPER,
        licence=LICENCE,
        load=load,
        weights=(weights,),
        build=build,
    )


def _renamed(name: str) -> str | None:
    """Skip the sines from which torchopenl3 makes spectra."""
    return None if name.startswith("speclayer.dft_") else name


def _image(name: str, content: str, domain: str) -> NetworkSpec:
    # openl3 0.4.2, setup.py. Its authors publish no hash. The variants differ in the audio network of their training.
    file = f"openl3_image_mel256_{content}-v0_4_0.h5"
    weights = WeightFile(file, "", (Url(f"https://github.com/marl/openl3/raw/models/{file}.gz"),))

    def load(paths: Mapping[str, Path], device: str) -> Network:
        from seehear.networks.torch_network import TorchNetwork

        module = build_image()
        module.load_state_dict(read_keras(paths[file], module, name), strict=False)  # the file has no batch counters
        return TorchNetwork(module, device, chunk=4)

    return NetworkSpec(
        name=name,
        input=ImageInput(size=SIZE),
        width=512,
        domain=domain,
        origin=ORIGIN,
        paper=PAPER,
        licence=LICENCE,
        load=load,
        weights=(weights,),
        extra="openl3",
        build=build_image,
    )


ENVIRONMENT, MUSIC = "environmental videos (AudioSet)", "videos of music (AudioSet)"

AUDIO_SPEC = _audio("openl3-audio", "env", 512, ENVIRONMENT)
AUDIO_6144_SPEC = _audio("openl3-audio-6144", "env", 6144, ENVIRONMENT)
AUDIO_MUSIC_SPEC = _audio("openl3-audio-music", "music", 512, MUSIC)
IMAGE_SPEC = _image("openl3-image", "env", ENVIRONMENT)
