"""What a recipe minimises: the task's loss on a batch, and the losses between modalities."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.losses.contrastive.avss import avss
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.losses.contrastive.reduction import segment_mask
from seehear.losses.contrastive.windows import over_windows
from seehear.losses.dense import dense_loss
from seehear.losses.refined import refined_loss
from seehear.losses.weak import weak_loss
from seehear.pseudo import CONFIDENT
from seehear.training.augment import Example, augmented
from seehear.training.bags import Batch, Split
from seehear.training.divergence import explain
from seehear.training.inference import predict
from seehear.training.precision import computing
from seehear.training.runs import RunFacts

COUNTED = 4096  # clips whose positive segments are counted at once


class Objective:
    """The loss of a recipe on the training clips.

    It draws from random generators that depend on the run's seed and the epoch's number alone.
    """

    def __init__(self, facts: RunFacts, train: Split, model: ParsingModel) -> None:
        """Prepare the targets.

        Args:
            facts: Of the run.
            train: The training clips.
            model: The model to train.

        Raises:
            SeehearError: If the recipe needs labels that the training clips do not have.
        """
        recipe = facts.recipe
        check_supervision(facts, train)
        self._facts, self._train, self._model, self._recipe = facts, train, model, recipe
        self._confidence = recipe.confidences(model.modalities)
        self._truth = train.dense() if recipe.supervision == "dense" else None
        contrast = recipe.contrast
        self._contrast = ContrastiveLoss(contrast, model.modalities, recipe.window) if contrast.joint else None
        refined = recipe.refine.active
        self._labels = _weak_labels(train, recipe.refine.weak) if refined else None
        self._weak, self._segments = self._labels, train.confidence if refined else None
        self._positive = _positive_weight(self._segments, recipe.balance, recipe.refine.soft)
        self._weight, self._rng = 1.0, np.random.default_rng(0)

    @property
    def has_contrast(self) -> bool:
        """Whether there is a contrastive loss."""
        return self._contrast is not None

    def begin(self, epoch: int) -> None:
        """Prepare an epoch, counted from 0."""
        recipe = self._recipe
        self._weight = recipe.contrast.weight_in(epoch)
        self._rng = np.random.default_rng([self._facts.seed, epoch, 5])
        if recipe.denoise and self._labels is not None and epoch > 0:
            clip = predict(self._model, self._train.bags, self._facts.window).modality_clip[:, 0]  # (N, M, C)
            self._weak = fitted_labels(torch.from_numpy(clip).to(self._labels), self._labels, recipe.denoise)
        self._model.train()

    def __call__(self, clips: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Return the loss of a batch, and in it the contrastive loss before it is weighted.

        Args:
            clips: Numbers of the clips, (B,).

        Raises:
            SeehearError: If the model's output is not finite, naming the clip and network at fault.
        """
        index = torch.from_numpy(clips)
        example = self._example(self._train.bags.batch(clips), index)
        features, present, available, labels, _, _ = example
        with computing(self._recipe, labels.device):
            embeddings = self._model.embed(features)  # (M, B, T, d)
            output = self._model.parse(embeddings, present, available)
        embeddings = embeddings.float()
        if not output.clip.isfinite().all():
            names = [self._train.clip(n) for n in np.resize(clips, len(labels)).tolist()]
            raise explain(self._model, self._facts, features, names)
        loss = self._task_loss(output, example, index)
        if self._recipe.avss:
            loss = loss + self._recipe.avss * self._semantic(embeddings, example)
        if self._contrast is None:
            return loss, None
        alignment = self._contrast(embeddings, labels, present, available)
        return loss + self._weight * alignment, alignment

    def _example(self, batch: Batch, index: Tensor) -> Example:
        """Return the clips of a batch with all that is known of them, as the recipe augments them."""
        labels = self._train.labels[index]  # (B, C)
        size, length = next(iter(batch.features.values())).shape[:2]
        if self._weak is None or self._segments is None:
            weak = labels[:, None].expand(size, len(batch.features), -1)
            unknown = labels.new_full((), torch.nan).expand(size, length, len(batch.features), labels.shape[1])
            return Example(*batch, labels, weak, unknown)
        segments = _targets(self._segments[index, :length], self._recipe.refine.soft)
        example = Example(*batch, labels, self._weak[index], segments)
        return augmented(example, self._recipe, self._rng)

    def _task_loss(self, output: Output, example: Example, index: Tensor) -> Tensor:
        if self._truth is not None:
            return dense_loss(output, self._truth[index, : output.segment.shape[1]], example.available)
        if self._weak is None:
            return weak_loss(output, example.labels, self._confidence, example.available)
        return refined_loss(
            output,
            example.labels,
            example.weak,
            example.segments,
            example.present,
            example.available,
            segment_weight=self._recipe.segment_weight,
            positive_weight=self._positive,
        )

    def _semantic(self, embeddings: Tensor, example: Example) -> Tensor:
        """Return AVSS, the mean over pairs of modalities and the clips that have both."""
        each = []
        for m, n in combinations(range(len(embeddings)), 2):
            segments = example.segments[:, :, m], example.segments[:, :, n]
            inside = segment_mask(embeddings[m], example.present)
            parts = embeddings[m], embeddings[n], *segments
            of_clip = over_windows(avss, self._recipe.window, inside, *parts)  # (B,)
            both = torch.ones_like(of_clip) if example.available is None else example.available[:, [m, n]].all(dim=1)
            each.append((of_clip * both).sum() / both.sum().clamp(min=1))
        return torch.stack(each).mean()


def check_supervision(facts: RunFacts, train: Split) -> None:
    """Raise SeehearError if the recipe needs labels that the training clips do not have."""
    recipe = facts.recipe
    if recipe.supervision == "dense" and train.truth is None:
        raise SeehearError("supervision=dense needs dense labels of the training clips, in every modality")
    recipe.check_supervision()
    if recipe.avss and len(facts.modalities) < 2:
        raise SeehearError(f"avss compares modalities, and there is only {facts.modalities[0]}: set avss=0")
    if recipe.refine.active and train.confidence is None:
        raise SeehearError(
            "refine.teacher=given needs labels per modality: give them by Dataset.with_pseudo (train --refined on the "
            "command line), or name a teacher"
        )


def fitted_labels(probabilities: Tensor, weak: Tensor, share: float) -> Tensor:
    """Return the labels per modality without those that the model fits worst (JoMoLD, Cheng et al. 2022).

    Of each class and modality, this share of the labels is left out: those whose loss here exceeds the least loss in
    another modality by most, if it does. So a label is never left out of all modalities.

    Args:
        probabilities: Of clips by modality, (N, M, C) in [0, 1].
        weak: Labels per modality, (N, M, C).
        share: In [0, 1).
    """
    loss = -probabilities.clamp(min=1e-7).log()  # (N, M, C)
    kept = weak.clone()
    for m in range(weak.shape[1]):
        others = [k for k in range(weak.shape[1]) if k != m]
        if not others:
            return kept
        elsewhere = torch.where(weak[:, others] > 0, loss[:, others], torch.inf).amin(dim=1)  # (N, C)
        excess = torch.where(weak[:, m] > 0, loss[:, m] - elsewhere, -torch.inf)  # (N, C)
        counts = (share * (weak[:, m] > 0).sum(dim=0)).floor().long()  # (C,)
        order = excess.argsort(dim=0, descending=True, stable=True)  # (N, C)
        for c in range(weak.shape[2]):
            worst = order[: int(counts[c]), c]
            kept[worst[excess[worst, c] > 0], m, c] = 0
    return kept


def _weak_labels(train: Split, refined: bool) -> Tensor | None:
    """Return weak labels per modality, (N, M, C): refined, or those of the clip in every modality that it has."""
    if train.weak is None or refined:
        return train.weak
    every = train.labels[:, None].expand_as(train.weak)
    has = train.bags.available
    return every.clone() if has is None else every * torch.from_numpy(has).to(every)[..., None]


def _targets(confidence: Tensor, soft: bool) -> Tensor:
    """Return pseudo-labels as targets: confidences, or 0 and 1; NaN stays."""
    if soft:
        return confidence
    return torch.where(confidence.isnan(), confidence, (confidence >= CONFIDENT).to(confidence))


def _positive_weight(confidence: Tensor | None, balance: float, soft: bool) -> Tensor | None:
    """Return the weight of a positive segment, (M, C): ((1 − f) / f)^balance, where f is the share of positives.

    Args:
        confidence: Of pseudo-labels, (N, T, M, C); NaN where nothing is known.
        balance: 0 for no weights.
        soft: Whether the targets are confidences.
    """
    if confidence is None or not balance:
        return None
    # Clips are counted some at a time; confidences are summed at once, as the order of a sum shows in its last digits.
    parts = [confidence] if soft else confidence.split(COUNTED)
    known = torch.stack([(~part.isnan()).sum(dim=(0, 1)) for part in parts]).sum(dim=0)  # (M, C)
    positives = torch.stack([_targets(part, soft).nan_to_num().sum(dim=(0, 1)) for part in parts]).sum(dim=0)
    share = (positives / known.clamp(min=1)).clamp(1e-3, 1 - 1e-3)
    return ((1 - share) / share) ** balance
