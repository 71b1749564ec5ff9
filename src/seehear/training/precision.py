"""Which numbers a training multiplies: float32, or bfloat16 where that is faster.

In bfloat16, numbers that enter and leave the model's linear maps have 8 bits of precision instead of 24, and so have
the embeddings between them and what a step computes of the maps' gradients. Attention, softmax and losses are computed
in float32. Weights, the optimiser and every prediction are float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from seehear.data import Dataset
from seehear.device import multiplies_bfloat16, resolve
from seehear.stored import exists
from seehear.training.recipe import Precision, Recipe
from seehear.training.runs import Run, new_model

SMALL_MODEL = 2_000_000  # parameters up to which neither bfloat16 nor a second thread gains much


def settle(recipe: Recipe, train: Dataset, device: str = "auto", folders: Iterable[Path | None] = ()) -> Recipe:
    """Return the recipe with what its precision `auto` stands for; any other recipe as it is.

    It is the precision of a run that lies in one of the folders already: a run that is resumed goes on as it began,
    also on another machine. Otherwise it is what suits the model's size, the device and the processor.

    Args:
        recipe: Every setting of model and training.
        train: Clips to train on, which give the model's size.
        device: auto, cpu or cuda.
        folders: Where the runs are kept; None for runs in memory.
    """
    if recipe.precision != "auto":
        return recipe
    begun = [Run(folder) for folder in folders if folder is not None and exists(folder / "run.json")]
    widths = {modality: [info.width for info in infos] for modality, infos in train.networks.items()}
    chosen = begun[0].facts.recipe.precision if begun else faster(recipe, widths, len(train.classes), device)
    return recipe.model_copy(update={"precision": chosen})


def faster(recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int, device: str = "auto") -> Precision:
    """Return the precision in which a model trains fastest on this machine.

    On a GPU it is float32: nothing was measured there.

    Args:
        recipe: The model's settings.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        device: auto, cpu or cuda.
    """
    if is_small(recipe, widths, classes) or torch.device(resolve(device)).type != "cpu" or not multiplies_bfloat16():
        return "float32"
    return "bfloat16"


def is_small(recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int) -> bool:
    """Return whether a model has at most SMALL_MODEL parameters. The arguments are those of `new_model`."""
    with torch.device("meta"):  # shapes alone
        return parameter_count(new_model(recipe, widths, classes).parameters()) <= SMALL_MODEL


def parameter_count(parameters: Iterable[torch.Tensor]) -> int:
    """Return how many numbers these parameters have in all."""
    return sum(parameter.numel() for parameter in parameters)


def computing(recipe: Recipe, device: torch.device | str) -> AbstractContextManager[object]:
    """Return a context in which the model's linear maps take the numbers of a run's recipe."""
    if recipe.precision != "bfloat16":
        return nullcontext()
    return torch.autocast(torch.device(device).type, torch.bfloat16)
