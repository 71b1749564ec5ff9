"""Validation: a model's loss and scores on a split, from weak labels, and from ground truth if it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.decoding import HALF, Decoding, Probabilities
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.losses.weak import weak_loss
from seehear.scoring.f1 import label_f1
from seehear.scoring.scores import Scores, score
from seehear.scoring.signature import Signature
from seehear.training.bags import Split
from seehear.training.inference import predict
from seehear.training.recipe import Recipe


@dataclass(frozen=True)
class Validation:
    """A model on a split.

    Attributes:
        loss: The weak loss.
        label_f1: F1 of each clip's set of classes, (N,) in [0, 1].
        scores: The official scores, if ground truth is known.
    """

    loss: float
    label_f1: NDArray[np.float64]
    scores: Scores | None

    def summary(self) -> dict[str, float]:
        """Return the loss and, in per cent, label_f1; with ground truth also segment Type@AV and the average score."""
        summary = {"loss": self.loss, "label_f1": 100 * float(self.label_f1.mean())}
        if self.scores is not None:
            summary |= {"type_at_av": self.scores.level("segment")["type_at_av"], "average": self.scores.average}
        return summary


def validate(model: ParsingModel, split: Split, recipe: Recipe, window: int, classes: tuple[str, ...]) -> Validation:
    """Return loss and scores of a model on a split, decoded by the official protocol.

    Args:
        model: The model.
        split: Clips with weak labels, and ground truth if it is known.
        recipe: Of the model's training.
        window: Segments of a window for prediction.
        classes: Names of the model's C classes.
    """
    return validate_probabilities(predict(model, split.bags, window), split, recipe, model.modalities, classes)


def validate_probabilities(
    probabilities: Probabilities, split: Split, recipe: Recipe, modalities: tuple[str, ...], classes: tuple[str, ...]
) -> Validation:
    """Return the same as `validate`, from a model's probabilities for the N clips of the split."""
    # A clip in several windows counts with the mean of their probabilities.
    inside = np.arange(probabilities.clip.shape[1]) < split.bags.lengths[:, None]  # (N, T)
    share = (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
    clip = np.einsum("nt,ntc->nc", share, probabilities.clip)
    output = Output(
        torch.from_numpy(probabilities.segment),
        torch.from_numpy(clip),
        torch.from_numpy(np.einsum("nt,ntmc->nmc", share, probabilities.modality_clip)),
    )
    labels = split.labels.cpu()
    has = split.bags.available  # (N, M)
    available = None if has is None else torch.from_numpy(has)
    loss = float(weak_loss(output, labels, recipe.confidences(modalities), available))
    scores = None
    if split.truth is not None:
        signature = Signature(str(Decoding()), split.revision, len(split.bags))
        scores = score(Decoding()(probabilities, classes, modalities), split.truth, classes, signature)
    return Validation(loss, label_f1(clip >= HALF, labels.numpy() > HALF), scores)
