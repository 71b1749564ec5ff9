"""Validation: a model's loss on a split, and its scores against ground truth, or pseudo-labels if that is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.decoding import HALF, Decoding, Probabilities
from seehear.events import inside_clips
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.losses.weak import weak_loss
from seehear.memory import taken
from seehear.scoring.f1 import label_f1
from seehear.scoring.negatives import decoding_from_negatives
from seehear.scoring.never_found import never_found
from seehear.scoring.scores import TYPE_AT_AV, Scores, score
from seehear.scoring.signature import Signature
from seehear.scoring.tuning import tune
from seehear.training.bags import Split
from seehear.training.inference import predict
from seehear.training.recipe import Recipe


@dataclass(frozen=True)
class Validation:
    """A model on a split.

    Attributes:
        loss: The weak loss.
        label_f1: F1 of each clip's set of classes, (N,) in [0, 1].
        scores: The official scores against ground truth, or against pseudo-labels; None if neither is known. They count
            the clips that `Split.scored` names.
        estimated: Whether the scores are against pseudo-labels.
        decoding: How probabilities became the events that were scored.
        never_found: modality -> classes that occur in the clips and were found in none.
    """

    loss: float
    label_f1: NDArray[np.float64]
    scores: Scores | None
    estimated: bool = False
    decoding: Decoding = field(default_factory=Decoding)
    never_found: Mapping[str, list[str]] = field(default_factory=dict)

    def summary(self) -> dict[str, float]:
        """Return the loss and, in per cent, label_f1; with scores also segment Type@AV and the average score.

        Of one modality, `type_at_av` is its own score.
        """
        summary = {"loss": self.loss, "label_f1": 100 * float(self.label_f1.mean())}
        if self.scores is not None:
            summary |= {"type_at_av": self.scores.level("segment")[self.scores.summary], "average": self.scores.average}
        return summary

    def as_entry(self) -> dict[str, Any]:
        """Return what the history keeps: the summary, thresholds other than the official, and classes never found."""
        entry: dict[str, Any] = {"val": self.summary()}
        if self.scores is not None and self.scores.summary != TYPE_AT_AV:
            entry["summary"] = self.scores.summary
        if self.estimated:
            entry["against"] = "pseudo-labels"
        if self.decoding != Decoding():
            entry["decoding"] = self.decoding.as_json()
        if any(self.never_found.values()):
            entry["never_found"] = {name: names for name, names in self.never_found.items() if names}
        return entry


def validate(
    model: ParsingModel,
    split: Split,
    recipe: Recipe,
    window: int,
    classes: tuple[str, ...],
    decoding: Decoding | None = None,
) -> Validation:
    """Return loss and scores of a model on a split.

    Args:
        model: The model.
        split: Clips with weak labels, and ground truth or pseudo-labels if they are known.
        recipe: Of the model's training.
        window: Segments of a window for prediction.
        classes: Names of the model's C classes.
        decoding: From probabilities to events; by default as the recipe says, with thresholds chosen on these clips.
    """
    probabilities = predict(model, split.bags, window)
    return validate_probabilities(probabilities, split, recipe, model.modalities, classes, decoding)


def validate_probabilities(
    probabilities: Probabilities,
    split: Split,
    recipe: Recipe,
    modalities: tuple[str, ...],
    classes: tuple[str, ...],
    decoding: Decoding | None = None,
) -> Validation:
    """Return the same as `validate`, from a model's probabilities for the N clips of the split."""
    # A clip in several windows counts with the mean of their probabilities.
    inside = inside_clips(split.bags.lengths, probabilities.clip.shape[1])  # (N, T)
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
    of_labels = label_f1(clip >= HALF, labels.numpy() > HALF)
    known, truth = _scored(probabilities, split, modalities)
    if decoding is None and recipe.decode == "tuned" and truth is not None:
        decoding = tune(known, truth, modalities).decoding
    decoding = decoding or _decoding(probabilities, split, recipe, modalities, classes)
    if truth is None:
        return Validation(loss, of_labels, None, decoding=decoding)
    active = decoding(known, classes, modalities)
    signature = Signature(str(decoding), split.revision, len(known.segment))
    scores = score(active, truth, classes, signature)
    missed = {name: never_found([scores.classes], name) for name in truth}
    never = {name: [label for label in classes if label in of_modality] for name, of_modality in missed.items()}
    return Validation(loss, of_labels, scores, split.truth is None, decoding, never)


def _scored(
    probabilities: Probabilities, split: Split, modalities: tuple[str, ...]
) -> tuple[Probabilities, dict[str, NDArray[np.bool_]] | None]:
    """Return the probabilities of the clips that count in scores, and what they are scored against, if known."""
    counted, truth = split.scored(), split.estimated(modalities)
    if counted is None or truth is None:
        return probabilities, None
    if counted.all():
        return probabilities, truth
    known = Probabilities(*(taken(each, np.flatnonzero(counted)) for each in vars(probabilities).values()))
    return known, {name: taken(array, np.flatnonzero(counted)) for name, array in truth.items()}


def _decoding(
    probabilities: Probabilities, split: Split, recipe: Recipe, modalities: tuple[str, ...], classes: tuple[str, ...]
) -> Decoding:
    """Return how the recipe makes events of probabilities where nothing is known but weak labels."""
    if recipe.decode == "negatives":
        labels = split.labels.cpu().numpy() > 0
        return decoding_from_negatives(
            probabilities, labels, split.bags.lengths, modalities, classes, recipe.false_alarms
        )
    return Decoding()
