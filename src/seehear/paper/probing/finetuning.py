"""A pretrained image network trained further, all of it, to tell the classes of pictures (Wu et al., Table 3)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.probing.linear import Probe, fit_probe
from seehear.training.seeding import seed_torch

Pictures = NDArray[np.uint8]

EVALUATED = 32  # pictures in one run without gradients


@dataclass(frozen=True)
class Settings:
    """How a network is trained further. The paper gives nothing of it.

    learning_rate: of the network, head_rate: of the linear layer on top, at the start; both fall to 0 along a cosine.
    batch: pictures a step. weight_decay: AdamW's, of every parameter. flip: whether pictures are mirrored at random.
    """

    epochs: int = 10
    learning_rate: float = 3e-5
    head_rate: float = 1e-3
    batch: int = 32
    weight_decay: float = 1e-2
    flip: bool = True


class Classifier(nn.Module):
    """A network and, on its standardised features, a linear layer; class scores (n, classes) of pictures.

    The features' means and deviations stay as they were before training, so that the layer's learning rate means the
    same on top of any network.
    """

    mean: Tensor
    gain: Tensor

    def __init__(self, trunk: nn.Module, probe: Probe, classes: NDArray[np.int64]) -> None:
        """classes: those of the probe that there is a score for."""
        super().__init__()
        self.trunk = trunk
        self.register_buffer("mean", torch.from_numpy(probe.scale.mean).float())
        self.register_buffer("gain", torch.from_numpy(probe.scale.gain).float())
        self.head = nn.Linear(*probe.weight[:, classes].shape)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(probe.weight[:, classes].T))
            self.head.bias.copy_(torch.from_numpy(probe.bias[classes]))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head((self.trunk(pictures) - self.mean) * self.gain)


def fine_tune(
    module: nn.Module,
    width: int,
    pictures: Pictures,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    test_pictures: Pictures,
    n_classes: int,
    settings: Settings,
    seed: int,
    device: torch.device | str = "cpu",
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> NDArray[np.int64]:
    """The predicted class of each test picture, (m,), after the last epoch: no test label is looked at.

    module: from pictures (n, size, size, 3) uint8 to features (n, width); it is trained in place. labels: (n,), below
    n_classes; a class without pictures is never predicted. groups: (n,), which clip each picture is of. seed: of the
    order of pictures and of which are mirrored. on_epoch: is shown the mean loss of each epoch.

    The linear layer starts as the linear probe of the network's features. From zeros or at random it would send noise
    into the network until it has learnt what the probe knows, and spoil what was learnt in pretraining (Kumar et al.
    2022, "Fine-tuning can distort pretrained features", arXiv:2202.10054); this way no epoch is the probe itself, and
    what training adds is seen. Norms and dropout stay as in evaluation: in most of our networks norms are folded.

    The same on one machine's CPU to the bit; on CUDA as far as cuDNN's deterministic algorithms go. Raises SeehearError
    if the loss is no longer finite, or the features are not (n, width).
    """
    module.to(device).eval()
    features = _run(module, pictures, device)  # (n, width)
    if features.shape[1:] != (width,):
        raise SeehearError(f"the network makes features of shape {features.shape[1:]}, not ({width},)")
    probe = fit_probe(features, labels, groups, n_classes)
    classes, index = np.unique(labels, return_inverse=True)
    steps = settings.epochs * math.ceil(len(pictures) / settings.batch)
    done = 0
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices), torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        model = Classifier(module, probe, classes).to(device).eval()
        rates = (settings.learning_rate, settings.head_rate)
        parts = (model.trunk.parameters(), model.head.parameters())
        optimiser = torch.optim.AdamW(
            [{"params": list(part), "lr": rate} for part, rate in zip(parts, rates, strict=True)],
            weight_decay=settings.weight_decay,
        )
        for epoch in range(settings.epochs):
            began = time.monotonic()
            rng = np.random.default_rng([seed, epoch])
            seed_torch(seed, epoch)  # for networks that draw in evaluation
            order = rng.permutation(len(pictures))
            mirrored = rng.random(len(pictures)) < 0.5
            total = torch.zeros((), device=device)
            for start in range(0, len(order), settings.batch):
                chosen = order[start : start + settings.batch]
                batch = _batch(pictures[chosen], mirrored[chosen] if settings.flip else None).to(device)
                loss = F.cross_entropy(model(batch), torch.from_numpy(index[chosen]).to(device))
                for group, rate in zip(optimiser.param_groups, rates, strict=True):
                    group["lr"] = rate * (1 + math.cos(math.pi * done / steps)) / 2
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                total += loss.detach() * len(chosen)
                done += 1
            entry = {"epoch": epoch, "loss": float(total) / len(order), "seconds": round(time.monotonic() - began, 3)}
            if not math.isfinite(entry["loss"]):
                raise SeehearError(f"the loss is no longer finite in epoch {epoch}: take a lower learning rate")
            on_epoch(entry)
        return classes[_run(model, test_pictures, device).argmax(axis=1)]


def _batch(pictures: Pictures, mirrored: NDArray[np.bool_] | None) -> Tensor:
    """Pictures as a tensor, some of them mirrored left to right."""
    if mirrored is not None:
        pictures = pictures.copy()
        pictures[mirrored] = pictures[mirrored][..., ::-1, :]
    return torch.from_numpy(np.ascontiguousarray(pictures))


@torch.no_grad()
def _run(module: nn.Module, pictures: Pictures, device: torch.device | str) -> NDArray[np.float32]:
    """What the module makes of all pictures, (n, …)."""
    pieces = [
        module(_batch(pictures[start : start + EVALUATED], None).to(device)).float().cpu().numpy()
        for start in range(0, len(pictures), EVALUATED)
    ]
    return np.concatenate(pieces)
