"""A control: accuracies that the publishers of networks state, and the size of features. It looks at no clip.

Accuracies on different benchmarks do not compare, and most networks have none on the user's kind of clips. An estimator
is worth its cost only if it does better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Separate
from seehear.selection.task import Task

# Published shares. Audio: mean average precision on AudioSet; visual: top-1 accuracy on ImageNet-1k, of r2plus1d-18 on
# clips of Kinetics-400, of clip without training. Other networks have no such number.
PUBLISHED = {
    "yamnet": 0.306,
    "ast": 0.459,
    "efficientnet-lite0": 0.751,
    "efficientnet-lite2": 0.776,
    "resnet152": 0.783,
    "vgg19-bn": 0.742,
    "senet154": 0.813,
    "polynet": 0.813,
    "r2plus1d-18": 0.575,
    "clip": 0.632,
    "dinov2": 0.845,
}
WIDTH_WEIGHT = 1e-3  # a doubled width counts as a tenth of a per cent: it only orders networks without a number


def look(task: Task, split: str, alone: Collocation) -> float:
    """Return the best published accuracy of a modality's networks, and a little for the width of their features."""
    width = sum(task.bench.networks[name].width for name in alone.networks)
    return max(PUBLISHED.get(name, 0.0) for name in alone.networks) + WIDTH_WEIGHT * float(np.log2(width))


def score(task: Task, split: str, looks: Sequence[float]) -> NDArray[np.float64]:
    """Return their sum over modalities, (1,)."""
    return np.array([sum(looks)])


ESTIMATORS = (Separate("static", "published accuracy and width of features", "a control", "none", look, score),)
