"""Clips as the model sees them: bags of segments with one set of labels each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.features.packed import Packed, modalities_of, some_missing
from seehear.features.rows import Rows
from seehear.memory import PART, memory_limit, zeros
from seehear.pseudo import CONFIDENT

if TYPE_CHECKING:
    from seehear.data import Dataset

MOMENT_ROWS, MOMENT_COLUMNS = 65536, 32  # summed at once: bounds the memory, and the sums keep one order


class Batch(NamedTuple):
    """Some clips, padded to the longest.

    Attributes:
        features: modality -> (B, T, sum of widths).
        present: (B, T) bool, True within a clip; None if all clips have T segments.
        available: (B, M) bool, which modalities a clip has; None if all clips have all. The features of others are 0.
    """

    features: dict[str, Tensor]
    present: Tensor | None
    available: Tensor | None


class Bags:
    """The features of several clips, modality by modality, ready to be taken in batches.

    They are kept on the device if they fit into `in_memory` bytes, else read from the memory map batch by batch. Then
    memory holds a batch, whatever the number of clips.

    Attributes:
        lengths: Segments per clip, (N,).
        available: (N, M) bool, which modalities a clip has; None if all clips have all.
    """

    def __init__(
        self,
        packs: Mapping[str, Sequence[Packed]],
        device: torch.device | str = "cpu",
        in_memory: int | None = None,
    ) -> None:
        """Take features to the device, or where they are read from.

        Args:
            packs: modality -> its networks' features of the same clips, of the same length each.
            device: Where they go.
            in_memory: Bytes that they may take; by default `memory_limit`.
        """
        self.device = torch.device(device)
        every = [pack for of_modality in packs.values() for pack in of_modality]
        self.offsets = every[0].offsets
        self.lengths: NDArray[np.int64] = every[0].lengths()
        self.available = modalities_of(packs)
        fits = sum(pack.rows.nbytes for pack in every) <= (memory_limit() if in_memory is None else in_memory)
        self._rows: dict[str, list[Tensor | Rows]] = {}
        for modality, of_modality in packs.items():
            arrays = [pack.rows for pack in of_modality]
            if fits:
                joined = np.concatenate([np.asarray(rows) for rows in arrays], axis=1)
                self._rows[modality] = [torch.from_numpy(joined).to(self.device)]
            else:
                self._rows[modality] = list(arrays)

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, clips: NDArray[np.int64]) -> Batch:
        """Return the bags of these clips, by number."""
        return self.windows(self.offsets[clips], self.lengths[clips])

    def windows(self, first: NDArray[np.int64], lengths: NDArray[np.int64]) -> Batch:
        """Bags of the `lengths` rows from row `first` on, padded to the longest."""
        time = np.arange(int(lengths.max()))
        inside = time < lengths[:, None]  # (B, T)
        rows = first[:, None] + np.where(inside, time, 0)  # (B, T)
        features = {name: self._take(parts, rows) for name, parts in self._rows.items()}
        present = None if inside.all() else torch.from_numpy(inside).to(self.device)
        return Batch(features, present, self._available_from(first))

    def _available_from(self, first: NDArray[np.int64]) -> Tensor | None:
        """Return which modalities the clips have that rows are in, (B, M) bool; None if all have all."""
        if self.available is None:
            return None
        clips = np.searchsorted(self.offsets, first, side="right") - 1
        available = some_missing(self.available[clips])
        return None if available is None else torch.from_numpy(available).to(self.device)

    def _take(self, parts: Sequence[Tensor | Rows], rows: NDArray[np.int64]) -> Tensor:
        chosen = []
        for part in parts:
            if isinstance(part, Tensor):
                index = torch.from_numpy(rows.reshape(-1)).to(self.device)
                chosen.append(part.index_select(0, index).unflatten(0, rows.shape))
            else:
                chosen.append(torch.from_numpy(part[rows]).to(self.device))
        return chosen[0] if len(chosen) == 1 else torch.cat(chosen, dim=-1)

    def moments(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return each modality's mean and standard deviation over its segments, (sum of widths,) each.

        A clip that lacks the modality has rows of zeros there: they add nothing to the sums, and do not count.
        """
        result = {}
        for m, (name, parts) in enumerate(self._rows.items()):
            missing = 0 if self.available is None else int(self.lengths[~self.available[:, m]].sum())
            means, deviations = [], []
            for part in parts:
                total, squares = _sums(part)
                count = max(1, len(part) - missing)
                mean = total / count
                means.append(mean)
                deviations.append((squares / count - mean * mean).clamp(min=0).sqrt())
            result[name] = (torch.cat(means).float(), torch.cat(deviations).float())
        return result


def _sums(part: Tensor | Rows) -> tuple[Tensor, Tensor]:
    """Return the sums of the columns of features and of their squares, (D,) float64 each."""
    total, squares = torch.zeros(2, part.shape[1], dtype=torch.float64)
    # Rows that stay on the disk are read as few times as memory allows: each reading takes all of a row's pages.
    groups = max(1, memory_limit() // PART // (4 * MOMENT_ROWS * MOMENT_COLUMNS))
    for start in range(0, len(part), MOMENT_ROWS):
        for left in range(0, part.shape[1], groups * MOMENT_COLUMNS):
            read = part[start : start + MOMENT_ROWS, left : left + groups * MOMENT_COLUMNS]
            several = read if isinstance(read, Tensor) else torch.from_numpy(np.array(read))
            for first in range(0, several.shape[1], MOMENT_COLUMNS):
                rows = several[:, first : first + MOMENT_COLUMNS].double().cpu()
                columns = slice(left + first, left + first + rows.shape[1])
                total[columns] += rows.sum(0)
                squares[columns] += (rows * rows).sum(0)
    return total, squares


@dataclass(frozen=True)
class Split:
    """What training holds of a data set on its device.

    Attributes:
        bags: Features of the clips.
        labels: Weak labels, (N, C) in [0, 1].
        truth: modality -> (N, T, C) bool, if per-second ground truth is known; T of the longest clip.
        weak: Refined weak labels, (N, M, C) 0 or 1, if there are labels per modality.
        confidence: Of pseudo-labels, (N, T, M, C) in [0, 1], NaN where nothing is known; likewise.
        revision: Of the labels, for signatures.
        clips: Names, for messages.
    """

    bags: Bags
    labels: Tensor
    truth: Mapping[str, NDArray[np.bool_]] | None = None
    weak: Tensor | None = None
    confidence: Tensor | None = None
    revision: str = ""
    clips: tuple[str, ...] = ()

    @staticmethod
    def of(
        dataset: Dataset,
        classes: Sequence[str],
        device: torch.device | str = "cpu",
        in_memory: int | None = None,
    ) -> Split:
        """Return the clips of a data set that have at least one modality.

        Args:
            dataset: Labelled clips.
            classes: The classes of the labels, in order.
            device: Where labels and features are put.
            in_memory: Bytes of features that the device may keep, see `Bags`; larger sets stay memory-mapped.
        """
        usable = dataset.with_classes(classes).usable()
        bags = Bags(usable.packs(), device, in_memory)
        labels = torch.from_numpy(usable.labels).to(device)
        truth, weak, confidence = None, None, None
        longest = int(bags.lengths.max())
        if usable.truth is not None:
            truth = {name: array[:, :longest] for name, array in usable.truth.items()}
        if (pseudo := usable.pseudo) is not None:
            names = usable.modalities
            weak = torch.from_numpy(np.stack([pseudo.weak[name] for name in names], axis=1)).to(device, labels.dtype)
            stacked = zeros((len(labels), longest, len(names), labels.shape[1]))
            for m, name in enumerate(names):
                stacked[:, :, m] = pseudo.confidence[name][:, :longest]
            confidence = torch.from_numpy(stacked).to(device, labels.dtype)
        return Split(bags, labels, truth, weak, confidence, usable.revision, usable.clips)

    def clip(self, n: int) -> str:
        """Return the name of clip n, or its number if no names were given."""
        return self.clips[n] if self.clips else f"number {n}"

    def estimated(self, modalities: Sequence[str]) -> dict[str, NDArray[np.bool_]] | None:
        """Return the ground truth, or the pseudo-labels if it is not known, or None: modality -> (N, T, C) bool."""
        if self.truth is not None or self.confidence is None:
            return None if self.truth is None else dict(self.truth)
        active = (self.confidence >= CONFIDENT).cpu().numpy()  # (N, T, M, C), False for NaN
        return {name: active[:, :, m] for m, name in enumerate(modalities)}

    def scored(self) -> NDArray[np.bool_] | None:
        """Return which clips count in scores, (N,) bool; None if there is nothing to score against.

        Against pseudo-labels, clips with a pseudo-label in some second count, and clips without a weak label. Of others
        nothing is known: counted as empty clips, they would reward a model that finds nothing.
        """
        if self.truth is not None:
            return np.ones(len(self.labels), dtype=bool)
        if self.confidence is None:
            return None
        labelled = (self.labels > 0).any(dim=1).cpu().numpy()
        placed = (self.confidence >= CONFIDENT).flatten(1).any(dim=1).cpu().numpy()
        return None if labelled.any() and not placed.any() else placed | ~labelled

    def dense(self) -> Tensor:
        """Return the ground truth as targets of a loss, (N, T, M, C), on the device of the labels."""
        assert self.truth is not None
        stacked = np.stack(list(self.truth.values()), axis=2)
        return torch.from_numpy(stacked).to(self.labels.device, self.labels.dtype)
