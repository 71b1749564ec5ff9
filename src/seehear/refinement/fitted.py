"""Teachers that were fitted: a linear map and a threshold per class, in each modality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from seehear.data import Dataset
from seehear.decoding import ByModality, Decoding, Probabilities, silenced
from seehear.errors import SeehearError
from seehear.events import Activity, inside_clips
from seehear.features.packed import Packed
from seehear.memory import blocks, zeros
from seehear.modality import AUDIO
from seehear.pseudo import CONFIDENT, PseudoLabels
from seehear.refinement.teachers import Linear, Link
from seehear.refinement.thresholds import Thresholds
from seehear.stored import as_model, shape_faults

UNCONFIDENT = np.nextafter(np.float32(CONFIDENT), np.float32(0))  # of a segment that just fails to pass


@dataclass(frozen=True)
class _Facts:
    """What the file of teachers holds beside their tensors."""

    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    modalities: Annotated[tuple[str, ...], Field(min_length=1)]
    link: Link
    source: str
    tuned: dict[str, Any] | None


@dataclass(frozen=True)
class FittedTeacher:
    """A teacher of one modality.

    Attributes:
        linear: From the features of the modality's networks, side by side, to scores.
        thresholds: Of the scores.
        usable: (C,) bool: False for classes that it could not learn.
    """

    linear: Linear
    thresholds: Thresholds
    usable: NDArray[np.bool_]

    def scores(self, packs: Sequence[Packed]) -> NDArray[np.float32]:
        """Return the scores of segments, (R, C)."""
        scores: NDArray[np.float32] = zeros((len(packs[0].rows), len(self.usable)))
        for part in blocks(len(scores), len(self.linear.weight)):
            scores[part] = self.linear(np.concatenate([pack.rows[part] for pack in packs], axis=1))
        return scores

    def margins(self, packs: Sequence[Packed]) -> NDArray[np.float32]:
        """Return by how many standard deviations each segment passes the threshold, (R, C)."""
        return self.thresholds.margins(self.scores(packs))


@dataclass(frozen=True)
class Teachers:
    """The teachers of all modalities.

    Attributes:
        classes: Names of the C classes.
        by_modality: modality -> its teacher.
        link: How their scores become probabilities.
        source: Their name and settings.
        tuned: From their probabilities to events; None for the thresholds from negatives.
    """

    classes: tuple[str, ...]
    by_modality: Mapping[str, FittedTeacher]
    link: Link
    source: str
    tuned: Decoding | None = None

    @property
    def meaning(self) -> str:
        """What their prediction is, in words, for people."""
        how = "thresholds tuned on validation clips" if self.tuned else "thresholds from clips without the class"
        return f"a linear map per modality ({self.source}), without fusion, {how}"

    def as_tensors(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays by name, and a JSON value: what `from_tensors` reads."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, teacher in self.by_modality.items():
            arrays[f"{name}.weight"], arrays[f"{name}.bias"] = teacher.linear.weight, teacher.linear.bias
            arrays[f"{name}.threshold"] = teacher.thresholds.value
            arrays[f"{name}.deviation"] = teacher.thresholds.deviation
            arrays[f"{name}.usable"] = teacher.usable
        facts = {"classes": list(self.classes), "modalities": list(self.by_modality), "link": str(self.link)}
        tuned = None if self.tuned is None else self.tuned.as_json()
        return arrays, {**facts, "source": self.source, "tuned": tuned}

    @staticmethod
    def from_tensors(arrays: Mapping[str, NDArray[Any]], content: object, where: object = "teachers") -> Teachers:
        """Return the teachers that `as_tensors` described. Raises SeehearError naming `where` for anything else."""
        facts = as_model(content, _Facts, where, "train again")
        _check(arrays, facts, where)
        by_modality = {}
        for name in facts.modalities:
            weight, bias, threshold, deviation, usable = (
                arrays[f"{name}.{part}"] for part in ("weight", "bias", "threshold", "deviation", "usable")
            )
            by_modality[name] = FittedTeacher(Linear(weight, bias), Thresholds(threshold, deviation), usable)
        try:
            tuned = None if facts.tuned is None else Decoding.from_json(facts.tuned)
        except SeehearError as error:
            raise SeehearError(f"{where}: tuned: {error}; train again") from None
        return Teachers(facts.classes, by_modality, facts.link, facts.source, tuned)

    @property
    def decoding(self) -> Decoding:
        """From their probabilities to events."""
        if self.tuned is not None:
            return self.tuned
        values = {}
        for name, teacher in self.by_modality.items():
            thresholds = self.link(np.nan_to_num(teacher.thresholds.value, posinf=1e3).astype(np.float32))
            values[name] = dict(zip(self.classes, thresholds.tolist(), strict=True))
        return Decoding("none", ByModality(values))

    def margins(self, dataset: Dataset) -> dict[str, NDArray[np.float32]]:
        """Return modality -> (N, T, C), of clips that the teachers were not fitted to; −inf past a clip's end.

        Raises:
            SeehearError: If the clips lack a modality of the teachers, or have features of other networks.
        """
        packs = self._packs(dataset)
        margins = {
            name: as_clips(each.margins(packs[name]), dataset.lengths) for name, each in self.by_modality.items()
        }
        mute(margins, dataset)
        return margins

    def _packs(self, dataset: Dataset) -> dict[str, list[Packed]]:
        """Return modality -> features, of the teachers' networks as far as can be seen."""
        packs = dataset.packs()
        for name, teacher in self.by_modality.items():
            width = sum(pack.rows.shape[1] for pack in packs.get(name, ()))
            if width != len(teacher.linear.weight):
                found = f"{width} numbers" if width else "no features"
                raise SeehearError(
                    f"the teacher of {name} learnt from features of {len(teacher.linear.weight)} numbers, but these "
                    f"clips have {found} of {name}: give them the same networks"
                )
        return packs

    def label(self, dataset: Dataset) -> PseudoLabels:
        """Return pseudo-labels of clips that have weak labels, and that the teachers were not fitted to."""
        known = dataset.with_classes(self.classes)
        usable = {name: teacher.usable for name, teacher in self.by_modality.items()}
        margins, has = self.margins(known), available_of(known)
        return pseudo_labels(margins, known.labels > 0, usable, known.lengths, self.classes, self.source, has)

    def probabilities(self, dataset: Dataset) -> Probabilities:
        """Return probabilities of clips with features, as a parser does; a clip's is the largest of its segments'.

        Raises:
            SeehearError: If the clips lack a modality of the teachers, or have features of other networks.
        """
        packs, clips = self._packs(dataset), dataset.usable()
        segment: NDArray[np.float32] = zeros(
            (len(clips), int(clips.lengths.max()), len(self.by_modality), len(self.classes))
        )  # (N, T, M, C)
        for m, (name, teacher) in enumerate(self.by_modality.items()):
            scores = teacher.scores(packs[name])
            for part in blocks(*scores.shape):
                scores[part] = self.link(scores[part])
            segment[:, :, m] = as_clips(scores, clips.lengths, 0.0)
        has = available_of(clips)
        segment *= np.stack([has[name] for name in self.by_modality], axis=1)[:, None, :, None]  # (N, 1, M, 1)
        return silenced(Probabilities.of_segments(segment), clips.silent, tuple(self.by_modality))

    def predict(self, dataset: Dataset) -> Activity:
        """Return which segments are active, by modality and class: a parser without fusion. No clip has a weak label.

        Returns:
            modality -> (N, T, C) bool, over `classes`, of all clips of the data set.
        """
        decoded = self.decoding(self.probabilities(dataset), self.classes, tuple(self.by_modality))
        shape = (len(dataset), next(iter(decoded.values())).shape[1], len(self.classes))
        active = {name: np.zeros(shape, dtype=bool) for name in decoded}
        for name, array in decoded.items():
            active[name][dataset.featured] = array
        return Activity(active, classes=self.classes, source=self.source)


def _check(arrays: Mapping[str, NDArray[Any]], facts: _Facts, where: object) -> None:
    """Raise SeehearError naming `where` if tensors are missing, of wrong shapes or types, or not finite."""
    classes, expected = len(facts.classes), {}
    for name in facts.modalities:
        weight = arrays.get(f"{name}.weight", np.empty(0))
        rows = weight.shape[0] if weight.ndim else 0
        expected[f"{name}.weight"] = np.broadcast_to(np.float64(0), (rows, classes))
        expected |= {f"{name}.{part}": np.empty(classes) for part in ("bias", "threshold", "deviation")}
        expected[f"{name}.usable"] = np.empty(classes, dtype=bool)
    for key in expected.keys() & arrays.keys():
        if arrays[key].dtype.kind == expected[key].dtype.kind == "f":  # of any precision
            expected[key] = expected[key].astype(arrays[key].dtype)
    if problem := shape_faults(arrays, expected):
        raise SeehearError(f"{where}: damaged: {problem}; train again")
    for key, array in arrays.items():
        infinite = np.isinf(array).any() and not key.endswith(".threshold")  # of a class without negatives
        if np.isnan(array).any() or infinite or (key.endswith(".deviation") and not (array > 0).all()):
            raise SeehearError(f"{where}: {key} holds numbers that make no sense; train again")


def available_of(dataset: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Return modality -> which clips have it, (N,)."""
    return {name: dataset.available[:, m] for m, name in enumerate(dataset.modalities)}


def unrefined(dataset: Dataset) -> PseudoLabels:
    """Return the weak labels in every modality that a clip has; nothing is known of the segments."""
    labels, has = dataset.labels > 0, available_of(dataset)
    inside = inside_clips(dataset.lengths)  # (N, T)
    weak = {name: labels & of_modality[:, None] for name, of_modality in has.items()}
    confidence: dict[str, NDArray[np.float32]] = {
        name: zeros((*inside.shape, labels.shape[1])) for name in weak
    }  # (N, T, C) each
    for name, own in weak.items():
        for part in blocks(len(own), inside.shape[1] * own.shape[1]):
            confidence[name][part][inside[part, :, None] & own[part, None]] = np.nan
    return PseudoLabels(dataset.classes, weak, confidence, "unrefined")


def as_clips(
    rows: NDArray[np.float32], lengths: NDArray[np.int64], outside: float = -np.inf, segments: int = 0
) -> NDArray[np.float32]:
    """Return segments (R, C) as clips (N, T, C); `outside` past a clip's end.

    Args:
        rows: The segments of all clips, one clip after another.
        lengths: Segments per clip, (N,).
        outside: What stands past a clip's end.
        segments: T, at least; by default that of the longest clip.
    """
    inside = inside_clips(lengths, max(segments, int(lengths.max())))  # (N, T)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    result: NDArray[np.float32] = zeros((*inside.shape, rows.shape[1]))
    for part in blocks(len(result), inside.shape[1] * rows.shape[1]):
        result[part] = outside
        result[part][inside[part]] = rows[offsets[part.start] : offsets[part.stop]]
    return result


def mute(margins: Mapping[str, NDArray[np.float32]], dataset: Dataset) -> None:
    """Set the margins of audio, (N, T, C), to −inf in digital silence, in place: nothing can be heard there."""
    if AUDIO in margins:
        margins[AUDIO][dataset.silent] = -np.inf


def pseudo_labels(
    margins: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.bool_],
    usable: Mapping[str, NDArray[np.bool_]],
    lengths: NDArray[np.int64],
    classes: tuple[str, ...],
    source: str,
    available: Mapping[str, NDArray[np.bool_]] | None = None,
) -> PseudoLabels:
    """Return labels per modality and second.

    A weak label stays in a modality if its best segment there passes the threshold. If it passes nowhere, it stays in
    the modality with the larger margin. The confidence of a segment is σ(margin) where the clip has the class: at least
    CONFIDENT exactly if it passes.

    Args:
        margins: modality -> (N, T, C), −inf past a clip's end.
        labels: Weak labels, (N, C).
        usable: modality -> (C,): classes that its teacher knows. Of others, the weak label stays as it is, and nothing
            is known of its segments.
        lengths: Segments per clip, (N,).
        classes: Names of the C classes.
        source: What made the margins.
        available: modality -> which clips have it, (N,); None if all have. A label does not hold in a modality that
            its clip lacks.
    """
    available = available or {name: np.ones(len(labels), dtype=bool) for name in margins}
    best = {name: array.max(axis=1, initial=-np.inf) for name, array in margins.items()}  # (N, C) each
    has = np.stack([available[name] for name in margins])[..., None]  # (M, N, 1)
    stacked = np.where(has, np.stack([np.where(usable[name], best[name], np.inf) for name in margins]), -np.inf)
    passes = ((stacked > 0) | (stacked == stacked.max(axis=0))) & has  # (M, N, C)
    weak = {name: labels & passes[m] for m, name in enumerate(margins)}
    inside = inside_clips(lengths, next(iter(margins.values())).shape[1])  # (N, T)
    confidence: dict[str, NDArray[np.float32]] = {name: zeros(array.shape) for name, array in margins.items()}
    for name, array in margins.items():
        for part in blocks(len(array), math.prod(array.shape[1:])):
            likely = np.where(array[part] > 0, expit(array[part]), np.minimum(expit(array[part]), UNCONFIDENT))
            of_class = np.where(usable[name], likely, np.float32(np.nan))
            known = inside[part, :, None] & labels[part, None] & available[name][part, None, None]
            confidence[name][part] = np.where(known, of_class, np.float32(0))
    return PseudoLabels(classes, weak, confidence, source)
