"""How much memory a training step takes, said and checked before it takes it.

The numbers are upper bounds of what torch keeps for the way back, counted for the model as it is written and compared
with measured peaks (docs/long-clips.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.memory import GIB, free_memory
from seehear.training.parts import fits, rows_of
from seehear.training.recipe import Recipe

LONG = 60  # segments of a clip from which on a training says what it makes of long clips
SUGGESTED = 30  # segments of a window that is suggested
NUMBER = 4  # bytes
# Copies that are kept of each number, backward included
FEATURES, MIXED = 3, 3  # of a segment's features: centred and scaled; and of partners, to be mixed
EMBEDDINGS, HIDDEN, OUTSIDE = 15, 4, 4  # of a width: in a layer's attention, in its feed-forward block, around layers
CLASSES = 16  # of a class
MAPS = 3.2  # of an attention's weights, one per pair of segments
COMPARED = 10  # of a pair of segments in a loss between embeddings


def step_memory(
    recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int, lengths: NDArray[np.int64], window: int | None = None
) -> int:
    """Return about how many bytes the largest step takes beside the features of all clips and the parameters.

    Args:
        recipe: Every setting of model and training.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        lengths: Segments of the training clips, (N,).
        window: In place of the recipe's.
    """
    window = recipe.window if window is None else window
    longest, modalities = int(lengths.max()), len(widths)
    count = min(recipe.batch, len(lengths))
    while count > 1 and not fits(count, longest, recipe):
        count -= 1
    rows = rows_of(count, recipe)
    # Shorter clips fill a part to the bound, which fewer long ones may not reach.
    segments = max(rows * longest, min(recipe.batch_segments, rows_of(min(recipe.batch, len(lengths)), recipe) * longest))
    near = window and longest > window
    seen, within = (3 * window, window) if near else (longest, longest)
    layer = EMBEDDINGS * recipe.width + HIDDEN * recipe.feed_forward
    passes = recipe.layers * (2 if recipe.blend else 1)
    each = modalities * (passes * layer + OUTSIDE * recipe.width + CLASSES * classes)
    each += (FEATURES + (MIXED if recipe.mixup or recipe.recombine else 0)) * sum(map(sum, widths.values()))
    maps = passes * modalities * modalities * recipe.heads * MAPS * seen
    compared = modalities * (modalities - 1) / 2 * COMPARED * within
    if recipe.contrast.joint:
        maps += compared * (1 + (rows if recipe.contrast.disjoint else 0))
    if recipe.avss:
        maps += compared
    return int(NUMBER * segments * (each + maps))


def describe(
    recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int, lengths: NDArray[np.int64]
) -> str | None:
    """Return what a training makes of long clips, and the memory of a step, in a sentence; None if there are none."""
    longest = int(lengths.max())
    if longest <= LONG:
        return None
    size = step_memory(recipe, widths, classes, lengths)
    attention = f"segments less than {recipe.window} apart" if recipe.window else "all segments of a clip"
    other = step_memory(recipe, widths, classes, lengths, SUGGESTED)
    hint = f"; with window={SUGGESTED} it would be {_gib(other)}" if not recipe.window and other < 0.7 * size else ""
    return (
        f"clips have {int(lengths.min())} to {longest} segments, {int(np.median(lengths))} in the middle; attention is "
        f"between {attention} (window={recipe.window}); a step computes with {recipe.batch_segments} segments at once, "
        f"or one clip (batch_segments), and takes up to about {_gib(size)} of memory{hint}"
    )


def check_memory(
    recipe: Recipe,
    widths: Mapping[str, Sequence[int]],
    classes: int,
    lengths: NDArray[np.int64],
    device: torch.device,
) -> None:
    """Raise SeehearError if a step takes more memory than is free, before the process is killed for it.

    Args:
        recipe: Every setting of model and training.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        lengths: Segments of the training clips, (N,).
        device: Of the model.
    """
    size = step_memory(recipe, widths, classes, lengths)
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()
    if free is None or size <= free:
        return
    longest = int(lengths.max())
    ways = []
    if not recipe.window and longest > SUGGESTED:
        ways.append(f"set window={SUGGESTED}, with which it takes {_gib(step_memory(recipe, widths, classes, lengths, SUGGESTED))}")
    if recipe.batch_segments > longest and not fits(recipe.batch, longest, recipe):
        ways.append(f"set batch_segments lower than {recipe.batch_segments}")
    if fits(recipe.batch, longest, recipe) and recipe.batch > 1:
        ways.append(f"set batch_segments below {rows_of(recipe.batch, recipe) * longest}")
    ways.append("leave out the longest clips, or cut them into parts")
    raise SeehearError(
        f"a training step takes about {_gib(size)} of memory, and {_gib(free)} are free: the longest clip has {longest} "
        f"segments. {'; or '.join(ways)}"
    )


def _gib(size: int) -> str:
    return f"{size / GIB:.2g} GiB" if size < 10 * GIB else f"{size / GIB:.0f} GiB"
