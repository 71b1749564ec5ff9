"""What a run is, in a folder or in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from seehear.decoding import Decoding
from seehear.device import limit_torch
from seehear.errors import SeehearError
from seehear.features.required import check_required
from seehear.features.store import NetworkInfo
from seehear.stored import (
    shape_faults,
)
from seehear.training.recipe import Recipe
from seehear.training.runs.facts import REMEDY, RunFacts

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from seehear.fusion.model import ParsingModel
    from seehear.refinement.fitted import Teachers
    from seehear.scoring.false_alarms import FalseAlarms

Stage = Literal["task", "pretrain"]
WEIGHTS = "model.safetensors"


def new_model(
    recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int, projection: str | None = None
) -> ParsingModel:
    """Return a model with initial weights.

    Args:
        recipe: Its settings.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        projection: Another than the recipe's.
    """
    from seehear.fusion.model import ParsingModel

    return ParsingModel(
        widths,
        classes,
        width=recipe.width,
        heads=recipe.heads,
        layers=recipe.layers,
        feed_forward=recipe.feed_forward,
        dropout=recipe.dropout,
        input_dropout=recipe.input_dropout,
        projection=projection or recipe.contrast.projection_of_task(tuple(widths)),
        blend=recipe.blend,
        window=recipe.window,
    )


class BaseRun(ABC):
    """One training: what decides its result, its progress, and the trained model. In a folder, or in memory."""

    facts: RunFacts

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether training has finished."""

    @abstractmethod
    def history(self) -> list[dict[str, Any]]:
        """Return one entry per epoch: losses, validation scores, seconds, and whether it was the best so far."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """Return the state dict of the chosen epoch's model. Raises SeehearError if training has not finished."""

    @abstractmethod
    def keep_weights(self, state: Mapping[str, Tensor], epoch: int) -> None:
        """Keep the weights of the best epoch so far."""

    @abstractmethod
    def resume(self, model: ParsingModel, optimiser: Optimizer, stage: Stage = "task") -> list[dict[str, Any]]:
        """Load the last checkpoint into model and optimiser.

        Args:
            model: Gets the weights of the last epoch.
            optimiser: Gets its state.
            stage: `task`, or `pretrain` for the stage before it.

        Returns:
            The history of the epochs so far; empty without a checkpoint.
        """

    @abstractmethod
    def checkpoint(
        self, model: ParsingModel, optimiser: Optimizer, history: list[dict[str, Any]], stage: Stage = "task"
    ) -> None:
        """Keep everything that is needed to resume bit-exactly.

        Args:
            model: After the last epoch.
            optimiser: After the last epoch.
            history: One entry per epoch so far.
            stage: `task`, or `pretrain` for the stage before it.
        """

    def alone(self) -> AbstractContextManager[None]:
        """Return a context in which no other process trains this run."""
        return nullcontext()

    @abstractmethod
    def finish(self, rule: str, history: list[dict[str, Any]]) -> None:
        """Mark the training done. rule: what chose the epoch."""

    def new_model(self, projection: str | None = None) -> ParsingModel:
        """Return a model of this run's shape with its initial weights. projection: another than the recipe's."""
        return new_model(self.facts.recipe, self.facts.widths, len(self.facts.classes), projection)

    def model(self, device: str = "cpu") -> ParsingModel:
        """Return the trained model. Raises SeehearError if training has not finished."""
        import torch

        limit_torch()
        weights = self.weights()
        with torch.device("meta"):  # shapes alone: what is asked for may not fit into memory
            expected = self.new_model().state_dict()
        if fault := shape_faults(weights, expected):
            raise SeehearError(f"{self.name}: {WEIGHTS} does not fit run.json: {fault}; {REMEDY}")
        for name, tensor in weights.items():
            if not torch.isfinite(tensor).all():
                raise SeehearError(f"{self.name}: {name} in {WEIGHTS} holds numbers that are not finite; {REMEDY}")
        model = self.new_model()
        model.load_state_dict(weights)
        return model.to(device).eval()

    @property
    def chosen(self) -> dict[str, Any]:
        """The history's entry of the chosen epoch."""
        best = [entry for entry in self.history() if entry.get("best")]
        if not best:
            raise SeehearError(f"{self.name}: its history names no chosen epoch; {REMEDY}")
        return best[-1]

    @abstractmethod
    def keep_teachers(self, teachers: Teachers) -> None:
        """Keep the teachers that labelled the training clips, which evaluations compare the model with."""

    @abstractmethod
    def teachers(self) -> Teachers | None:
        """Return the teachers that labelled the training clips, if there were any."""

    @property
    def decoding(self) -> Decoding:
        """From probabilities to events: thresholds that were kept, else the chosen epoch's, else the official."""
        return self.kept_thresholds() or self.trained_decoding

    @property
    def trained_decoding(self) -> Decoding:
        """The same without thresholds that were kept after the training."""
        return Decoding.from_json(self.chosen.get("decoding", {}))

    @abstractmethod
    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Keep thresholds that were chosen after the training, in the place of its own."""

    @abstractmethod
    def kept_thresholds(self) -> Decoding | None:
        """Return the decoding with the thresholds that were kept, if there are any."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call the run in messages."""

    def check_networks(self, networks: Mapping[str, NetworkInfo], segment: float, where: str) -> None:
        """Check that features were made as those that the run was trained on.

        Args:
            networks: Name -> network, of the features.
            segment: Seconds per segment, of the features.
            where: The place of the features, for the message.

        Raises:
            SeehearError: Naming the network whose features were made with other settings or weights.
        """
        required = [info for infos in self.facts.networks.values() for info in infos]
        check_required(required, self.facts.segment, networks, segment, where, self.name)
