"""Further rounds of refinement: the trained model is the teacher, for clips that it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit

from seehear.data import Dataset
from seehear.decoding import Probabilities
from seehear.events import inside_clips
from seehear.memory import zeros
from seehear.progress import Progress
from seehear.pseudo import PseudoLabels
from seehear.refinement.fitted import available_of, pseudo_labels
from seehear.refinement.out_of_fold import folds
from seehear.training.bags import Bags, Split
from seehear.training.fit import fit
from seehear.training.inference import predict
from seehear.training.runs import BaseRun, MemoryRun, Run, RunFacts

Labelled = tuple[Dataset, Dataset | None]  # clips to train on and to validate with


def next_round(
    train: Dataset,
    val: Dataset | None,
    facts: RunFacts,
    device: torch.device,
    folder: Path | None = None,
    progress: bool = False,
) -> Labelled:
    """Return the same clips, labelled per modality by models that were trained on the present labels.

    One model per fold learns from the other folds and labels this one. A segment has a class of the clip's weak label
    if its probability reaches the model's own threshold. Validation clips get the mean of all models.

    Args:
        train: Clips to train on, with labels per modality.
        val: Clips to validate with, likewise; their ground truth, if known, chooses epochs and thresholds.
        facts: Of the run whose labels are refined.
        device: Of the models.
        folder: Keeps the models' runs as fold-0, fold-1, …, so that a killed round resumes; None to keep nothing.
        progress: Show progress and time left.
    """
    train, val = train.usable(), None if val is None else val.usable()
    fold = folds(train.labels, facts.recipe.refine.folds)
    of_val = None if val is None else Split.of(val, train.classes, device)
    margins = zeros((len(train), int(train.lengths.max()), len(facts.modalities), len(train.classes)))
    on_val: list[NDArray[np.float32]] = []
    count = facts.recipe.refine.folds
    with Progress("refining by the model", count, show=progress) as bar:
        for number in range(count):
            others, own = train.subset(fold != number), np.flatnonzero(fold == number)
            run = _run(facts, others, number, folder)
            fit(run, Split.of(others, train.classes, device), of_val, device)
            predicted = _predict(run, train.subset(own), device)
            margins[own, : predicted.segment.shape[1]] = _margins(run, predicted)
            if val is not None:
                on_val.append(_margins(run, _predict(run, val, device)))
            bar.advance(f"fold {number + 1}")
    source = f"{train.pseudo.source if train.pseudo else ''}+model"
    labelled = train.with_pseudo(_labels(margins, train, facts, source))
    if val is None:
        return labelled, None
    return labelled, val.with_pseudo(_labels(np.mean(on_val, axis=0), val, facts, source))


def _run(facts: RunFacts, train: Dataset, number: int, folder: Path | None) -> BaseRun:
    recipe = facts.recipe.model_copy(
        update={"refine": facts.recipe.refine.model_copy(update={"rounds": 1, "teacher": "given"})}
    )
    inputs = {**facts.inputs, "fold": str(number), "pseudo": train.pseudo.revision if train.pseudo else ""}
    of_fold = replace(facts, recipe=recipe, inputs=inputs)
    return MemoryRun(of_fold) if folder is None else Run.start(folder / f"fold-{number}", of_fold)


def _predict(run: BaseRun, dataset: Dataset, device: torch.device) -> Probabilities:
    return predict(run.model(str(device)), Bags(dataset.packs(), device), run.facts.window)


def _margins(run: BaseRun, predicted: Probabilities) -> NDArray[np.float32]:
    """Return how far each segment's probability is from the threshold, in logits, (N, T, M, C)."""
    threshold = run.decoding.segment_thresholds(run.facts.classes, run.facts.modalities)  # (M, C)
    probability = np.clip(predicted.segment, 1e-6, 1 - 1e-6)
    margins: NDArray[np.float32] = logit(probability) - logit(np.clip(threshold, 1e-6, 1 - 1e-6))
    return margins


def _labels(margins: NDArray[np.float32], dataset: Dataset, facts: RunFacts, source: str) -> PseudoLabels:
    """Return what margins say, (N, T, M, C); they become −inf past a clip's end."""
    margins[~inside_clips(dataset.lengths, margins.shape[1])] = -np.inf
    by_modality = {name: margins[:, :, m] for m, name in enumerate(facts.modalities)}
    usable = {name: np.ones(len(dataset.classes), dtype=bool) for name in facts.modalities}
    has = available_of(dataset)
    return pseudo_labels(by_modality, dataset.labels > 0, usable, dataset.lengths, dataset.classes, source, has)
