"""How much memory a training step takes, said and checked before it takes it.

The numbers are about what torch keeps for the way back, counted for the model as it is written, and somewhat above the
peaks that were measured (docs/long-clips.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.memory import GIB, free_memory
from seehear.training.parts import fits, rows_of
from seehear.training.recipe import Recipe
from seehear.training.runs import RunFacts

LONG = 60  # segments of a clip; beyond that, a training says how it takes long clips
SUGGESTED = 30  # segments of a window that is suggested
LESS = 0.7  # share of the memory from which down it is
NUMBER = 4  # bytes
SPARE = 1.25  # what the allocator takes, beside what is in use
# How often each number is kept, for the way back or while it is computed:
FEATURES, MIXED = 3, 1  # a segment's features: centred and scaled; also mixed
EMBEDDINGS, HIDDEN, OUTSIDE = 20, 4, 4  # a width: in a layer's attention, in its feed-forward block, around layers
CLASSES = 16  # a class
MAPS = 2.4  # an attention's weight, one per pair of segments
COMPARED = 8  # a pair of segments in a loss between embeddings


@dataclass(frozen=True)
class Footprint:
    """What decides the memory of a training step.

    Attributes:
        recipe: Every setting of model and training.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        lengths: Segments of the training clips, (N,).
    """

    recipe: Recipe
    widths: Mapping[str, Sequence[int]]
    classes: int
    lengths: NDArray[np.int64]

    @staticmethod
    def of(facts: RunFacts, lengths: NDArray[np.int64]) -> Footprint:
        """Return that of a run on training clips of these lengths."""
        return Footprint(facts.recipe, facts.widths, len(facts.classes), lengths)

    @property
    def longest(self) -> int:
        """Segments of the longest clip."""
        return int(self.lengths.max())

    def step_memory(self) -> int:
        """Return about how many bytes the largest step takes beside the features of all clips and the parameters."""
        recipe, modalities, longest = self.recipe, len(self.widths), self.longest
        rows = rows_of(self._clips_at_once, recipe)
        # Shorter clips may fill a part to its bound, which clips of the greatest length do not reach.
        segments = max(rows * longest, min(recipe.batch_segments, self._whole))
        near = 0 < recipe.window < longest
        seen, within = (3 * recipe.window, recipe.window) if near else (longest, longest)
        passes = recipe.layers * (2 if recipe.blend else 1)
        layer = EMBEDDINGS * recipe.width + HIDDEN * recipe.feed_forward
        each = modalities * (passes * layer + OUTSIDE * recipe.width + CLASSES * self.classes)
        copies = FEATURES + (MIXED if recipe.mixup or recipe.recombine else 0)
        each += copies * sum(sum(widths) for widths in self.widths.values())
        maps = passes * modalities * modalities * recipe.heads * MAPS * seen
        compared = modalities * (modalities - 1) / 2 * COMPARED * within
        if recipe.contrast.joint:
            maps += compared * (1 + (rows if recipe.contrast.disjoint else 0))
        maps += compared if recipe.avss else 0
        return int(SPARE * NUMBER * segments * (each + maps))

    @property
    def _clips_at_once(self) -> int:
        """Clips of the greatest length that are computed with at once."""
        counts = range(min(self.recipe.batch, len(self.lengths)), 0, -1)
        return next((count for count in counts if fits(count, self.longest, self.recipe)), 1)

    @property
    def suggested(self) -> Footprint:
        """The same with a window for attention."""
        return replace(self, recipe=self.recipe.model_copy(update={"window": SUGGESTED}))

    def sentence(self) -> str | None:
        """Return what a training makes of long clips, and the memory of a step; None if no clip is long."""
        if self.longest <= LONG:
            return None
        recipe, size, other = self.recipe, self.step_memory(), self.suggested.step_memory()
        attention = f"segments less than {recipe.window} apart" if recipe.window else "all segments of a clip"
        less = not recipe.window and other < LESS * size
        hint = f"; with window={SUGGESTED} it would be {_gib(other)}" if less else ""
        return (
            f"clips have {int(self.lengths.min())} to {self.longest} segments, {int(np.median(self.lengths))} in the "
            f"middle; attention is between {attention} (window={recipe.window}); a step computes with at most "
            f"{recipe.batch_segments} segments at once, or one clip (batch_segments), and takes up to about "
            f"{_gib(size)} of memory{hint}"
        )

    def check(self, device: torch.device) -> None:
        """Raise SeehearError if a step takes more memory than is free, before the process is killed for it.

        Args:
            device: Of the model.
        """
        size = self.step_memory()
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()
        if free is None or size <= free:
            return
        ways = []
        if not self.recipe.window and self.longest > SUGGESTED:
            ways.append(f"set window={SUGGESTED}, with which it takes {_gib(self.suggested.step_memory())}")
        if self._clips_at_once > 1:
            ways.append(f"set batch_segments to less than {min(self.recipe.batch_segments, self._whole)}")
        ways.append("leave the longest clips out, or cut them into several")
        raise SeehearError(
            f"a training step takes about {_gib(size)} of memory, and {_gib(free)} are free; the longest clip has "
            f"{self.longest} segments: {'; or '.join(ways)}"
        )

    @property
    def _whole(self) -> int:
        """Segments of a step of the longest clips that is not cut into parts."""
        return rows_of(min(self.recipe.batch, len(self.lengths)), self.recipe) * self.longest


def _gib(size: int) -> str:
    return f"{size / GIB:.2g} GiB" if size < 10 * GIB else f"{size / GIB:.0f} GiB"
