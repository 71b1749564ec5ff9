"""In which modality is a weak label true, and when? Answered from stored features and weak labels alone.

In each modality separately, a teacher learns what the weak labels have in common there. It scores clips that it was not
fitted to. A threshold per class lets a stated share of certain negatives pass: segments of clips without the class. A
weak label stays in a modality if a segment passes. Modalities are separate because a joint model lets the easier
modality explain the other away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.data import Dataset, check_dataset
from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo
from seehear.modality import display_name
from seehear.networks.spec import Classifier
from seehear.refinement.classifiers import classifiers_of
from seehear.refinement.explanation import strongest_sources
from seehear.refinement.fitted import FittedTeacher, Teachers, as_clips, available_of, mute, pseudo_labels
from seehear.refinement.out_of_fold import folds as folds_of
from seehear.refinement.out_of_fold import out_of_fold as scores_out_of_fold
from seehear.refinement.result import Refinement
from seehear.refinement.settings import DEFAULT_TEACHER, FALSE_ALARMS, FOLDS
from seehear.refinement.teachers import REGISTRY, Linear, Space, Teacher
from seehear.refinement.thresholds import Thresholds, from_negatives, share_for
from seehear.refinement.view import View

FEWEST_LOGITS = 100  # AudioSet has 527 classes, ImageNet 1,000


def refine(
    dataset: Dataset,
    teacher: str = DEFAULT_TEACHER,
    *,
    false_alarms: float = FALSE_ALARMS,
    folds: int = FOLDS,
    explain: bool = True,
) -> Refinement:
    """Find out in which modality each weak label holds, and in which segments.

    Args:
        dataset: Clips with features and weak labels. Ground truth is not looked at.
        teacher: Name from `list_teachers`.
        false_alarms: Share of the segments of certain negatives that pass a threshold, in (0, 1). It is lowered in
            proportion for clips that have more than ten segments on average; see `thresholds.share_for`.
        folds: A clip is scored by a teacher that was fitted to the other folds.
        explain: Name the classes of the networks' own classifiers that a teacher agrees with.

    Returns:
        Labels per modality with confidences, of the clips with features; and the teachers, for other clips.

    Raises:
        SeehearError: For an unknown teacher, an option out of range, fewer clips than folds, or a modality that no clip
            has.
    """
    check_dataset(dataset, "dataset")
    kind = REGISTRY[teacher]
    false_alarms, folds = arguments.real(false_alarms, "false_alarms"), arguments.whole(folds, "folds")
    if not 0 < false_alarms < 1:
        raise SeehearError(f"false_alarms is a share above 0 and below 1, not {false_alarms:g}")
    clips = dataset.usable()
    if not 2 <= folds <= len(clips):
        raise SeehearError(
            f"{folds} folds of {len(clips)} clips: folds must be 2 or more, and no more than there are clips"
        )
    if not clips.classes:
        raise SeehearError("the labels name no class: there is nothing to refine")
    fold = folds_of(clips.labels, folds)
    source = f"{teacher},α{false_alarms:g},{folds}folds"
    share = share_for(false_alarms, clips.lengths)
    fitted, margins, notes, sources = {}, {}, [*_one_modality(clips)], {}
    for m, modality in enumerate(clips.modalities):
        own = clips.subset(clips.available[:, m])  # a clip that lacks the modality teaches nothing of it
        if not len(own):
            names = " and ".join(clips.collocation[modality])
            raise SeehearError(f"no clip has features of {names}: extract them, or refine without {modality}")
        infos, packs = own.networks[modality], own.packs()[modality]
        known, more = classifiers_of(infos) if explain or kind.space is Space.LOGITS else ([None] * len(infos), [])
        seen = [each if kind.space is Space.LOGITS and _rich(each) else None for each in known]
        notes += [*more, *_without_classifier(kind, infos, known)]
        of_clip = fold[clips.available[:, m]]
        learnable = _learnable(own.labels, of_clip)  # (C,)
        linear, thresholds, out_of_fold = _fit(kind, packs, seen, own.labels, of_clip, share)
        fitted[modality] = FittedTeacher(linear, thresholds, learnable)
        lengths = np.where(clips.available[:, m], clips.lengths, 0)
        margins[modality] = as_clips(out_of_fold, lengths, segments=int(clips.lengths.max()))
        if explain:
            sources[modality] = strongest_sources(out_of_fold, packs, known, own.labels)
        notes += _unlearnable(own, modality, learnable)
    mute(margins, clips)
    usable = {name: teacher.usable for name, teacher in fitted.items()}
    pseudo = pseudo_labels(margins, clips.labels > 0, usable, clips.lengths, clips.classes, source, available_of(clips))
    teachers = Teachers(clips.classes, fitted, kind.link, source)
    best = {name: np.where(usable[name], array.max(axis=1), np.float32(np.nan)) for name, array in margins.items()}
    return Refinement(
        clips.clips, pseudo, clips.labels, best, clips.lengths, clips.segment, share, teachers, sources, notes
    )


def _fit(
    teacher: Teacher,
    packs: Sequence[Packed],
    classifiers: Sequence[Classifier | None],
    labels: NDArray[np.float32],
    fold: NDArray[np.int64],
    false_alarms: float,
) -> tuple[Linear, Thresholds, NDArray[np.float32]]:
    """Return the map of one modality, fitted to all clips, its thresholds, and these clips' margins out of fold.

    A network with a classifier is seen through its logits, any other by its features.
    """
    view = View.of(packs, classifiers)
    bags = view.bags(packs)
    scores = scores_out_of_fold(teacher, bags, labels, fold)  # (R, C)
    thresholds = from_negatives(scores, labels, bags.offsets, false_alarms)
    linear = view.of_features(teacher.fit(bags, labels.astype(np.float64)))
    return linear, thresholds, thresholds.margins(scores)


def _rich(classifier: Classifier | None) -> bool:
    """Return whether logits can stand for the features.

    Two of them, of a content filter, say little about a clip. And what a teacher learns from logits must be an affine
    map of the features, as the logits are then.
    """
    return classifier is not None and classifier.is_affine and len(classifier.names) >= FEWEST_LOGITS


def _lack(classifier: Classifier) -> str:
    """Return in words why the logits of a classifier that isn't rich can't stand for the features."""
    if not classifier.is_affine:
        return "is no affine map of its features"
    return f"has only {len(classifier.names)} classes"


def _learnable(labels: NDArray[np.float32], fold: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the classes that have positives and negatives in what each fold's teacher learns from, (C,)."""
    result = np.ones(labels.shape[1], dtype=bool)
    for number in np.unique(fold):
        others = labels[fold != number] > 0
        result &= others.any(axis=0) & ~others.all(axis=0)
    return result


def _unlearnable(clips: Dataset, modality: str, learnable: NDArray[np.bool_]) -> list[str]:
    names = [name for name, known in zip(clips.classes, learnable.tolist(), strict=True) if not known]
    occurring = [name for name in names if clips.labels[:, clips.classes.index(name)].any()]
    if not occurring:
        return []
    return [
        f"too few clips with or without {', '.join(occurring)} to learn what is {display_name(modality)}: there the "
        "weak label stays as it is, and nothing is known of its segments"
    ]


def _without_classifier(
    teacher: Teacher, infos: Sequence[NetworkInfo], classifiers: Sequence[Classifier | None]
) -> list[str]:
    """Return notes on networks whose features a teacher of logits gets."""
    if teacher.space is not Space.LOGITS:
        return []
    none = [info.name for info, known in zip(infos, classifiers, strict=True) if known is None]
    poor = [
        f"{info.name}: its classifier {_lack(known)}, so {teacher.name} learns from the features"
        for info, known in zip(infos, classifiers, strict=True)
        if known is not None and not _rich(known)
    ]
    if not none:
        return poor
    return [f"{' and '.join(none)}: without a classifier here, so {teacher.name} learns from the features", *poor]


def _one_modality(clips: Dataset) -> list[str]:
    if len(clips.modalities) > 1:
        return []
    only = display_name(clips.modalities[0])
    return [f"there is one modality, so every weak label is {only}: nothing to refine but the seconds"]
