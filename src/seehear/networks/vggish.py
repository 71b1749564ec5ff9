"""VGGish: the VGG behind the features released with AudioSet, and the features shared for LLP.

Source: S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017,
https://arxiv.org/abs/1609.09430; post-processing as in
https://github.com/tensorflow/models/tree/master/research/audioset/vggish: embeddings are whitened, clipped to ±2 and
quantised to 8 bits. The features are these integers, 0 to 255, as in Google's code and in torchvggish. This code and
torchvggish round them; Google's code truncates them. So a feature is the same or one more.

The original cuts a clip into consecutive patches of 0.96 s, about 10.4 in ten seconds. Here one patch is centred in
each second. In the features of AVE, by the authors of LLP, patches start at each second instead, 12.5 ms earlier; see
vggish_input.py in https://github.com/YapengTian/AVE-ECCV18.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.networks import archives
from seehear.networks.mel import mel_filters
from seehear.networks.spec import AudioInput, Network, NetworkSpec
from seehear.networks.weights import Url, WeightFile
from seehear.networks.yamnet import BANDS, FFT, RATE, WINDOW, spectra  # whose front end follows this one

if TYPE_CHECKING:
    from torch import nn

WIDTH = 128
OFFSET = 0.01  # of magnitudes, before the logarithm

# The digits in the names are the first of the sha256 of the files: convert_tf_to_torch.ipynb in the same repository.
# All digits are as others state them who have checked these files.
_TORCHVGGISH = "https://github.com/harritaylor/torchvggish/releases/download/v0.1"  # as in torchvggish 0.2
MODEL = WeightFile(
    "vggish-10086976.pth",
    "10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b",
    (Url(f"{_TORCHVGGISH}/vggish-10086976.pth"),),
)
WHITENING = WeightFile(
    "vggish_pca_params.npz",
    "4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d",
    (
        Url("https://storage.googleapis.com/audioset/vggish_pca_params.npz"),  # README.md of Google's code
        Url(f"{_TORCHVGGISH}/vggish_pca_params-4d878af3.npz"),
    ),
)

_FILTERS = mel_filters(RATE, FFT, BANDS, 125.0, 7500.0)


def log_mel(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Patches (n, 96, 64) of waves (n, 15600) in [-1, 1] at 16 kHz."""
    return np.log(spectra(waves) @ _FILTERS + np.float32(OFFSET))


def build() -> nn.Module:
    """Build the module from patches (n, 96, 64) to features (n, 128), with initial weights."""
    from seehear.networks.vggish_module import VGGish

    return VGGish(WIDTH)


def read_whitening(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the axes (128, 128), one per row, and means (128,). Raises SeehearError for another file."""
    what = "the whitening of vggish"
    try:
        arrays = archives.read_npz(path, ("pca_eigen_vectors", "pca_means"))
        axes, means = (np.asarray(array, np.float32) for array in arrays.values())
    except Exception as error:  # of the archive, or of the arrays in it: the file is damaged
        raise SeehearError(f"{path}: can't be read as {what}: {error}") from None
    if axes.shape != (WIDTH, WIDTH) or means.size != WIDTH:
        raise SeehearError(f"{path}: is not {what}: it has axes {axes.shape} and means {means.shape}")
    return {"pca_eigen_vectors": axes, "pca_means": means.reshape(WIDTH)}


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device. paths: file name -> verified file."""
    import torch

    from seehear.networks.torch_network import TorchNetwork, load_state
    from seehear.networks.vggish_module import VGGish

    module = VGGish(WIDTH)
    load_state(module.trunk, paths[MODEL.name], "vggish")
    arrays = read_whitening(paths[WHITENING.name])
    module.whitening.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return TorchNetwork(module, device, front_end=log_mel)


SPEC = NetworkSpec(
    name="vggish",
    input=AudioInput(rate=RATE, window=WINDOW),
    width=WIDTH,
    domain="audio of videos (an early YouTube-8M)",
    origin="Google; https://github.com/tensorflow/models/tree/master/research/audioset/vggish; weights for torch by "
    "H. Taylor, https://github.com/harritaylor/torchvggish",
    paper="Hershey et al., CNN architectures for large-scale audio classification, ICASSP 2017 (arXiv:1609.09430)",
    licence="Apache-2.0",
    load=load,
    weights=(MODEL, WHITENING),
    build=build,
)
