"""Numbers that are the same wherever they are made: weights and frames for stored outputs to be compared with."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn


def numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """256 values evenly spread in (-1, 1), drawn by a seed that the name gives."""
    count = math.prod(shape)
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(-(-count // 8)).astype("<u8")
    spread = raw.view(np.int8)[:count].astype(np.float32)
    spread += 0.5
    spread /= 128
    return spread.reshape(shape)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A weight of that name, of a size that keeps what passes through about as large as it was."""
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return torch.tensor(0)
    spread = numbers(name, shape)
    if kind == "running_var":
        spread = 1 + spread / 2
    elif kind in ("running_mean", "bias"):
        spread = spread / 10
    elif len(shape) == 1:  # of a norm
        spread = 0.75 + spread / 4
    else:
        spread *= math.sqrt(6 / math.prod(shape[1:]))
    return torch.from_numpy(spread)


def fill(module: nn.Module) -> None:
    """Give every weight of the module its number, one at a time, as some fill half a gigabyte."""
    for name, tensor in module.state_dict().items():
        tensor.copy_(weight(name, tuple(tensor.shape)))


def frames(*shape: int) -> np.ndarray:
    """uint8 (…, size, size, 3): squares of 1/7 of the side, with noise on them."""
    *batch, size, _, _ = shape
    coarse = numbers("squares", (*batch, 7, 7, 3))
    side = -(-size // 7)
    squares = coarse.repeat(side, axis=-3).repeat(side, axis=-2)[..., :size, :size, :]
    return (127.5 + 80 * squares + 47 * numbers("noise", shape)).astype(np.uint8)
