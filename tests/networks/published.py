"""Files of weights in the forms in which their makers publish them, and sound to try them on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from frozen import numbers
from safetensors.torch import save_file
from torch import nn

from seehear.networks.vggish_module import VGGish


def write(path: Path, module: nn.Module) -> None:
    """The module's weights in the file of that name of its network."""
    if path.suffix == ".h5":
        write_keras(path, module)
    elif isinstance(module, VGGish) and path.suffix == ".npz":
        write_whitening(path, module.whitening)
    elif path.suffix == ".safetensors":
        save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    else:
        torch.save((module.trunk if isinstance(module, VGGish) else module).state_dict(), path)


def write_keras(path: Path, module: nn.Module) -> None:
    """The weights of a module as Keras 2 keeps those of a model whose layers are in the same order."""
    import h5py

    names = []
    with h5py.File(path, "w") as file:
        for name, layer in module.named_modules():
            own = {key: value for key, value in layer.state_dict().items() if key != "num_batches_tracked"}
            if isinstance(layer, nn.Conv2d):
                keys = dict(zip(("kernel:0", "bias:0"), own.values(), strict=True))
            elif isinstance(layer, nn.BatchNorm2d):
                keys = dict(zip(("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"), own.values(), strict=True))
            else:
                continue
            names.append(name)
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{key}".encode() for key in keys]
            for key, value in keys.items():
                array = value.numpy()
                group[f"{name}/{key}"] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        file.create_group("activation_1").attrs["weight_names"] = np.array([], dtype="S1")
        file.attrs["layer_names"] = [name.encode() for name in (names[0], "activation_1", *names[1:])]


def write_whitening(path: Path, whitening: nn.Module) -> None:
    """The whitening of VGGish as Google keeps it: means as a column."""
    state = {name: value.numpy() for name, value in whitening.state_dict().items()}
    np.savez(path, pca_eigen_vectors=state["pca_eigen_vectors"], pca_means=state["pca_means"][:, None])


def waves(rate: int, samples: int) -> np.ndarray:
    """Two rising tones that fade, with noise (2, samples) float32."""
    time = np.arange(samples) / rate
    rise = np.array([[200.0], [500.0]]) + 900 * time
    tones = 0.4 * np.sin(2 * np.pi * rise * time) * np.exp(-2 * time)
    return (tones + 0.02 * numbers("noise", (2, samples))).astype(np.float32)
