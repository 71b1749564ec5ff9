"""Fine-tuning: a pretrained image network is trained as a whole to classify frames (Wu et al., Table 3)."""

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
from seehear.paper.probing.linear import Probe, fit_probe
from seehear.training.seeding import seed_torch

Frames = NDArray[np.uint8]  # (n, size, size, 3)

INFERENCE_BATCH = 32  # frames in one forward pass without gradients


@dataclass(frozen=True)
class Settings:
    """How a network is fine-tuned. The paper does not report it.

    Attributes:
        epochs: Number of epochs.
        learning_rate: Of the network at the start; it falls to 0 along a cosine.
        head_rate: Learning rate of the linear layer on top; it falls likewise.
        batch: Frames per step.
        weight_decay: Of AdamW, for every parameter.
        flip: Whether frames are mirrored at random.
    """

    epochs: int = 10
    learning_rate: float = 3e-5
    head_rate: float = 1e-3
    batch: int = 32
    weight_decay: float = 1e-2
    flip: bool = True


class Classifier(nn.Module):
    """A network and a linear layer on its standardised features: class scores (n, classes) of frames.

    The means and deviations of the features stay as before training, so that the layer's learning rate has the same
    effect on top of any network.
    """

    mean: Tensor
    gain: Tensor

    def __init__(self, trunk: nn.Module, probe: Probe, classes: NDArray[np.int64]) -> None:
        """Start as the probe.

        Args:
            trunk: From frames to features.
            probe: Of the features.
            classes: Numbers of the probe's classes to score.
        """
        super().__init__()
        self.trunk = trunk
        self.register_buffer("mean", torch.from_numpy(probe.scale.mean).float())
        self.register_buffer("gain", torch.from_numpy(probe.scale.gain).float())
        self.head = nn.Linear(*probe.weight[:, classes].shape)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(probe.weight[:, classes].T))
            self.head.bias.copy_(torch.from_numpy(probe.bias[classes]))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the class scores of frames (n, size, size, 3)."""
        return self.head((self.trunk(frames) - self.mean) * self.gain)


def fine_tune(
    module: nn.Module,
    width: int,
    frames: Frames,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    test_frames: Frames,
    n_classes: int,
    settings: Settings,
    seed: int,
    device: torch.device | str = "cpu",
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> NDArray[np.int64]:
    """Return the predicted class of each test frame, (m,), after the last epoch. No test label is used.

    The linear layer starts as the linear probe of the network's features. From zeros or at random, its gradients would
    distort the pretrained features (Kumar et al. 2022, arXiv:2202.10054). So 0 epochs are the probe itself, and the
    effect of training is visible. Norms and dropout stay as in evaluation: in most of our networks norms are folded.

    Deterministic to the bit on the CPU of one machine; on CUDA as far as cuDNN's deterministic algorithms are.

    Args:
        module: From frames (n, size, size, 3) uint8 to features (n, width); it is trained in place.
        width: Of the features.
        frames: (n, size, size, 3), to train on.
        labels: (n,), below n_classes; a class without frames is never predicted.
        groups: (n,), clip of each frame.
        test_frames: (m, size, size, 3).
        n_classes: Number of classes.
        settings: Of the training.
        seed: Of the order of frames and of which are mirrored.
        device: Where to compute.
        on_epoch: Called with the mean loss of each epoch.

    Raises:
        SeehearError: If the loss is no longer finite, or the features are not (n, width).
    """
    module.to(device).eval()
    features = _run(module, frames, device)  # (n, width)
    if features.shape[1:] != (width,):
        raise SeehearError(f"the network makes features of shape {features.shape[1:]}, not ({width},)")
    probe = fit_probe(features, labels, groups, n_classes)
    classes, index = np.unique(labels, return_inverse=True)
    steps = settings.epochs * math.ceil(len(frames) / settings.batch)
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
            seed_torch(seed, epoch)  # for networks that are random in evaluation
            order = rng.permutation(len(frames))
            mirrored = rng.random(len(frames)) < 0.5
            total = torch.zeros((), device=device)
            for start in range(0, len(order), settings.batch):
                chosen = order[start : start + settings.batch]
                batch = _batch(frames[chosen], mirrored[chosen] if settings.flip else None).to(device)
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
                raise SeehearError(f"the loss is no longer finite in epoch {epoch}: use a lower learning rate")
            on_epoch(entry)
        return classes[_run(model, test_frames, device).argmax(axis=1)]


def _batch(frames: Frames, mirrored: NDArray[np.bool_] | None) -> Tensor:
    """Return frames as a tensor, some of them mirrored left to right."""
    if mirrored is not None:
        frames = frames.copy()
        frames[mirrored] = frames[mirrored][..., ::-1, :]
    return torch.from_numpy(np.ascontiguousarray(frames))


@torch.no_grad()
def _run(module: nn.Module, frames: Frames, device: torch.device | str) -> NDArray[np.float32]:
    """Return the module's output for all frames, (n, …)."""
    pieces = [
        module(_batch(frames[start : start + INFERENCE_BATCH], None).to(device)).float().cpu().numpy()
        for start in range(0, len(frames), INFERENCE_BATCH)
    ]
    return np.concatenate(pieces)
