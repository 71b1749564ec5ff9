"""From data sets to everything that a training starts from: splits on the device, the run's facts, and advice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seehear.data import Dataset, check_dataset
from seehear.device import multiplies_bfloat16
from seehear.device import resolve as resolve_device
from seehear.errors import SeehearError
from seehear.features.notes import frame_rates, loudness, unknown_classes
from seehear.refinement.fitted import Teachers, unrefined
from seehear.refinement.out_of_fold import folds
from seehear.refinement.refine import refine
from seehear.refinement.settings import GIVEN
from seehear.results import counted
from seehear.scoring.tuning import tune
from seehear.training.bags import Split
from seehear.training.footprint import Footprint
from seehear.training.precision import settle
from seehear.training.recipe import DEFAULT_RECIPE, FEW_CLIPS, LARGE_RECIPE, Recipe, load_recipe
from seehear.training.rounds import next_round
from seehear.training.runs import RunFacts
from seehear.windows import window_length

ENOUGH_PER_CLASS = 5  # labelled clips at which a model begins to beat untrained parsing (docs/labelling.md)
HELD_OUT, FEWEST_HELD_OUT = 5, 4  # one clip in five validates, if that makes four


@dataclass(frozen=True)
class Setup:
    """What a training starts from.

    Attributes:
        train: Clips to train on.
        val: Clips to validate with, if any.
        facts: Everything that decides the run's result.
        device: Of the model; the splits are on the same.
        notes: What would likely do better, or is likely a mistake.
        teachers: Those that labelled the clips per modality, if there are any.
        sizes: How long clips are, what is made of long ones, and the memory of a step; None if no clip is long.
    """

    train: Split
    val: Split | None
    facts: RunFacts
    device: torch.device
    notes: tuple[str, ...]
    teachers: Teachers | None = None
    sizes: str | None = None

    def with_seed(self, seed: int) -> RunFacts:
        """Return the facts of the run with another seed."""
        return replace(self.facts, seed=seed)


def set_up(
    train: Dataset,
    val: Dataset | None,
    recipe: Recipe,
    seed: int = 0,
    device: str = "auto",
    rounds: Path | None = None,
    progress: bool = False,
    folders: Iterable[Path | None] = (),
) -> Setup:
    """Bring data sets to the device and state what decides the result.

    Args:
        train: Clips to train on. Its classes are those of the model.
        val: Clips to validate with. Its ground truth, if known, chooses the epoch.
        recipe: Every setting of model and training.
        seed: Fixes the run.
        device: auto, cpu or cuda.
        rounds: Folder for the models of further rounds of refinement; None to keep none.
        progress: Show progress of these models.
        folders: Where the runs are kept, which may have begun: see `settle`.

    Raises:
        SeehearError: If there is no class, no training clip has a modality, or the validation clips lack the networks
            of the training clips, or a step takes more memory than is free.
    """
    check_dataset(train, "train")
    if val is not None:
        check_dataset(val, "val")
    if not train.classes:
        raise SeehearError("the training labels name no class: there is nothing to learn")
    if not train.usable().labels.any():
        raise SeehearError(
            f"no training clip has a label: all {len(train)} count as clips without any class, and there is nothing "
            "to learn"
        )
    recipe.contrast.check(train.modalities)
    recipe.check_supervision()
    _check_modalities(train, recipe)
    if val is not None and val.collocation != train.collocation:
        raise SeehearError(
            f"training clips have features of {train.collocation}, validation clips of {val.collocation}: "
            "give both the same collocation"
        )
    if val is not None and val.modalities != train.modalities:  # the model has one order
        val = val.with_networks(train.collocation)
    given = _validation_notes(train, val)  # before the teachers leave out classes that they do not know
    train, val, held_out = with_validation(train, val, recipe)
    labelled = val
    train, val, teachers, notes = with_labels_per_modality(train, val, recipe)
    val = _of_known_classes(val, labelled, train.classes)
    notes = [*given, *held_out, *notes]
    on = torch.device(resolve_device(device))
    given_recipe, recipe = recipe, settle(recipe, train, device, folders)
    footprint = Footprint.of(_facts(train, val, recipe, seed), train.lengths[train.featured])
    footprint.check(on)
    for number in range(2, recipe.refine.rounds + 1):
        place = None if rounds is None else rounds / f"round-{number}"
        train, val = next_round(train, val, _facts(train, val, recipe, seed), on, place, progress)
    splits = [None if data is None else Split.of(data, train.classes, on) for data in (train, val)]
    of_train, of_val = splits
    assert of_train is not None
    if of_val is not None and labelled is not None:
        notes += _unscored(of_val, len(labelled.usable()))
    every = (*train.notes, *(val.notes if val else ()), *notes, *advice(train, val, given_recipe), *_slow(recipe, on))
    return Setup(of_train, of_val, _facts(train, val, recipe, seed), on, every, teachers, footprint.sentence())


def _facts(train: Dataset, val: Dataset | None, recipe: Recipe, seed: int) -> RunFacts:
    """Return everything that decides the result of a training on these clips."""
    inputs = {"labels": train.revision, "features": train.content}
    if val is not None:
        inputs |= {"val": val.revision, "val_features": val.content}
    for name, data in (("pseudo", train), ("val_pseudo", val)):
        if data is not None and data.pseudo is not None and (data is val or recipe.refine.active):
            inputs[name] = data.pseudo.revision
    networks = {modality: list(infos) for modality, infos in train.networks.items()}
    window = window_length(train.lengths[train.featured], recipe.window)
    return RunFacts(recipe, seed, networks, train.classes, train.segment, window, inputs)


def with_validation(train: Dataset, val: Dataset | None, recipe: Recipe) -> tuple[Dataset, Dataset | None, list[str]]:
    """Return the data sets, and a note if a fifth of the training clips were held out to validate with.

    They are held out if there are no validation clips and the recipe chooses thresholds, which it can't do without.
    """
    usable = train.usable()
    if val is not None or recipe.decode == "official" or len(usable) < FEWEST_HELD_OUT * HELD_OUT:
        return train, val, []
    held = folds(usable.labels, HELD_OUT) == 0
    note = f"no validation clips: {int(held.sum())} of the training clips choose the epoch and the thresholds instead"
    return usable.subset(~held), usable.subset(held), [note]


def with_labels_per_modality(
    train: Dataset, val: Dataset | None, recipe: Recipe
) -> tuple[Dataset, Dataset | None, Teachers | None, list[str]]:
    """Return the data sets with labels per modality and second as the recipe says, the teachers, and notes.

    Labels that a data set brings are used as they are. Validation clips are labelled by the teacher of the training
    clips; without ground truth, they choose the epoch and the thresholds.
    """
    settings = recipe.refine
    if not settings.active or settings.teacher == GIVEN:
        return train, val, None, _without_labels(val, recipe)
    if int(train.featured.sum()) < settings.folds:
        few = (
            f"{int(train.featured.sum())} training clips are too few for {settings.folds} folds: labels are not refined"
        )
        labelled = train if train.pseudo is not None else train.usable().with_pseudo(unrefined(train.usable()))
        return labelled, val, None, [few]
    refinement = refine(
        train, settings.teacher, false_alarms=settings.false_alarms, folds=settings.folds, explain=False
    )
    teachers = refinement.teachers
    assert teachers is not None
    if val is not None:
        val = val.with_classes(train.classes).usable()
        if val.truth is not None:
            truth = {name: val.truth[name] for name in val.modalities}
            teachers = replace(teachers, tuned=tune(teachers.probabilities(val), truth, val.modalities).decoding)
    notes = [] if train.pseudo is not None else list(refinement.notes)
    if val is not None and val.pseudo is None:
        pseudo = teachers.label(val)
        placed, every = pseudo.found()
        if val.truth is None and 2 * placed < every:
            notes.append(_few_placed(placed, every, settings.teacher))
        if val.truth is not None or placed:
            val = val.with_pseudo(pseudo)
    if train.pseudo is not None:  # labels that it brings are used as they are; the teacher labels the validation clips
        return train, val, teachers, notes
    return train.usable().with_pseudo(refinement), val, teachers, notes


def _of_known_classes(val: Dataset | None, labelled: Dataset | None, classes: tuple[str, ...]) -> Dataset | None:
    """Return the validation clips without those whose labels are all of unknown classes, unless truth is known.

    Pseudo-labels say nothing of what happens in these.

    Args:
        val: The clips, with pseudo-labels if there are some.
        labelled: The same and perhaps others, with their labels of all classes.
        classes: That the model knows.
    """
    if val is None or labelled is None or val.truth is not None or val.pseudo is None:
        return val
    unknown = labelled.labels.any(axis=1) & ~labelled.with_classes(classes).labels.any(axis=1)
    names = {labelled.clips[n] for n in np.flatnonzero(unknown)}
    known = [n for n, clip in enumerate(val.clips) if clip not in names]
    return val.subset(known) if known else replace(val, pseudo=None)


def _unscored(val: Split, count: int) -> list[str]:
    """Return a note on validation clips that scores against pseudo-labels leave out, of so many.

    Args:
        val: Without those whose labels are all of unknown classes.
        count: Of all clips.
    """
    if val.truth is not None or val.confidence is None:
        return []
    scored = val.scored()
    if scored is None:
        return [
            "pseudo-labels of the validation clips are in no second: the epoch is chosen by the loss, and thresholds "
            "are not tuned; give ground truth, or better features"
        ]
    left = count - int(scored.sum())
    if not left:
        return []
    return [
        f"{left} of {counted(count, 'validation clip')} {'is' if left == 1 else 'are'} left out of the scores, which "
        "choose epoch and thresholds: no pseudo-label holds any of their labels in any second; ground truth would let "
        "them count"
    ]


def _few_placed(placed: int, every: int, teacher: str) -> str:
    """Return a note on validation clips in which the teacher finds few labels: silence then seems to be right."""
    found = f"{teacher} finds {placed} of the {every} labels of the validation clips in a second of theirs"
    if placed:
        return f"{found}: scores against its pseudo-labels are too high; give ground truth, or better features"
    return (
        f"{found}: its pseudo-labels are not used, the epoch is chosen by the loss, and the thresholds are the "
        "official ones; give ground truth, or better features"
    )


def _without_labels(val: Dataset | None, recipe: Recipe) -> list[str]:
    """Return a note if thresholds can't be tuned, because nothing is known of the validation clips but weak labels."""
    if val is None or val.truth is not None or val.pseudo is not None or recipe.decode != "tuned":
        return []
    return [
        "nothing is known of the validation clips' modalities: the epoch is chosen by the loss, and the thresholds are "
        "the official ones; give ground truth, or a teacher (refine.teacher)"
    ]


def _check_modalities(train: Dataset, recipe: Recipe) -> None:
    """Raise SeehearError if a modality, or a pair that the contrastive loss compares, occurs in no training clip."""
    for name, has in zip(train.modalities, train.available.T, strict=True):
        if not has.any():
            names = " and ".join(train.collocation[name])
            raise SeehearError(f"no training clip has features of {names}: extract them, or train without {name}")
    contrast = recipe.contrast
    for m, n in contrast.pairs_of(train.modalities) if contrast.loss != "none" else ():
        if not (train.available[:, m] & train.available[:, n]).any():
            names = f"{train.modalities[m]} and {train.modalities[n]}"
            raise SeehearError(
                f"contrast.loss={contrast.loss} compares {names}, and no training clip has features of both: "
                "set contrast.loss=none"
            )


def advice(train: Dataset, val: Dataset | None, recipe: Recipe) -> list[str]:
    """Return what would likely do better, and what is likely a mistake."""
    few = int(train.featured.sum()) < FEW_CLIPS
    return [
        *_few_labels(train),
        *_idle_settings(recipe),
        *_not_compared(train, recipe),
        *frame_rates(train.networks),
        *([] if recipe.scale or recipe.standardise else loudness(train)),
        *_other_recipe(recipe, few),
        *([] if val else [_without_validation(recipe)]),
    ]


def _few_labels(train: Dataset) -> list[str]:
    """Return a note if there are so few labelled clips that a model of them is worse than none."""
    clips, classes = int(train.usable().labels.any(axis=1).sum()), len(train.classes)
    if clips >= ENOUGH_PER_CLASS * classes:
        return []
    return [
        f"{clips} labelled training clips for {classes} classes: until about {ENOUGH_PER_CLASS} per class, untrained "
        "parsing does better (docs/labelling.md#how-many-labels)"
    ]


def _without_validation(recipe: Recipe) -> str:
    kept = "the last epoch is kept" + ("" if recipe.decode == "official" else ", with the official thresholds")
    return f"without validation clips {kept}: with some, even without dense labels, the epoch can be chosen"


def _other_recipe(recipe: Recipe, few: bool) -> list[str]:
    """Return a note on a recipe that suits this number of clips better. few: fewer than FEW_CLIPS."""
    if few and recipe == load_recipe("paper"):
        return [f"the paper's recipe was tuned for 10,000 clips: try the recipe `{DEFAULT_RECIPE}`"]
    if not few and recipe == load_recipe(DEFAULT_RECIPE):
        return [
            f"the recipe `{DEFAULT_RECIPE}` was chosen on 400 clips: `{LARGE_RECIPE}` takes a twentieth of the steps"
        ]
    return []


def _validation_notes(train: Dataset, val: Dataset | None) -> list[str]:
    if val is None:
        return []
    occurring = [name for c, name in enumerate(val.classes) if val.labels[:, c].any()]
    where = f"the validation labels ({val.revision})"
    notes = unknown_classes(occurring, train.classes, where, "validation leaves them out")
    if shared := {*train.featured_clips} & {*val.featured_clips}:
        notes.append(f"{len(shared)} clips are used for training and for validation, for example {min(shared)}")
    return notes


def _idle_settings(recipe: Recipe) -> list[str]:
    """Return notes on settings that were changed and have no effect."""
    contrast = recipe.contrast
    parts = [name for name in ("balance", "mixup", "recombine", "denoise", "avss") if getattr(recipe, name)]
    if parts and not recipe.refine.active:
        return [f"refine.teacher is none: {', '.join(parts)} need labels per modality, and have no effect"]
    if recipe.swap and not recipe.recombine:
        return ["swap says how clips are recombined, and recombine is 0: it has no effect"]
    if contrast.loss == "none" and contrast.model_dump(exclude_defaults=True).keys() - {"projection"}:
        return ["contrast.loss is none: the other settings of contrast have no effect, except the projection"]
    if contrast.joint and contrast.warmup >= recipe.epochs:
        return [f"contrast.warmup={contrast.warmup} is longer than the {recipe.epochs} epochs of training"]
    return []


def _slow(recipe: Recipe, device: torch.device) -> list[str]:
    """Return a note if bfloat16 is wanted of a processor that has no instructions for it."""
    if recipe.precision != "bfloat16" or device.type != "cpu" or multiplies_bfloat16():
        return []
    return ["this processor has no instructions for bfloat16, and takes longer for it: precision=float32 is faster"]


def _not_compared(train: Dataset, recipe: Recipe) -> list[str]:
    """Return a note on training clips that the contrastive loss leaves out."""
    lacking = len(train.incomplete) - len(train.missing)
    if recipe.contrast.loss == "none" or not lacking:
        return []
    return [f"{lacking} training clips lack a modality: the contrastive loss does not compare it with the others"]


def describe_epoch(entry: dict[str, Any]) -> str:
    """Return an entry of a history in one line."""
    if "stage" in entry:
        return f"{entry['stage']}, contrast {entry['contrast']:.4f}"
    names = {"type_at_av": entry.get("summary", "type_at_av")}  # of one modality its own score
    val = "".join(f" {names.get(name, name)} {value:.4g}" for name, value in entry.get("val", {}).items())
    contrast = f" with contrast {entry['contrast']:.4f}" if "contrast" in entry else ""
    against = f" against {entry['against']}" if "against" in entry else ""
    return f"loss {entry['loss']:.4f}{contrast}" + (f", validation{against}{val}" if val else "")
