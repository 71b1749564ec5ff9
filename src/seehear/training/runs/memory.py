"""A training that writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.training.runs.base import BaseRun, Stage
from seehear.training.runs.facts import RunFacts
from seehear.training.runs.folder import Run

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from seehear.fusion.model import ParsingModel
    from seehear.refinement.fitted import Teachers
    from seehear.scoring.false_alarms import FalseAlarms


class MemoryRun(BaseRun):
    """A training that writes nothing."""

    name = "this parser"

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self._done = False
        self._history: list[dict[str, Any]] = []
        self._weights: dict[str, Tensor] = {}
        self._teachers: Teachers | None = None
        self._thresholds: FalseAlarms | None = None

    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Keep them in memory."""
        self._thresholds = thresholds

    def kept_thresholds(self) -> Decoding | None:
        """Return the decoding with those that were kept."""
        return self._thresholds.decoding if self._thresholds is not None else None

    def keep_teachers(self, teachers: Teachers) -> None:
        """Keep them in memory."""
        self._teachers = teachers

    def teachers(self) -> Teachers | None:
        """Return those that were kept."""
        return self._teachers

    @property
    def done(self) -> bool:
        """Return whether `finish` was called."""
        return self._done

    def history(self) -> list[dict[str, Any]]:
        """Return a copy of the history."""
        return list(self._history)

    def weights(self) -> dict[str, Tensor]:
        """Return the chosen epoch's state dict. Raises SeehearError if training has not finished."""
        if not self._done:
            raise SeehearError("training has not finished: call fit first")
        return self._weights

    def keep_weights(self, state: Mapping[str, Tensor], epoch: int) -> None:
        """Keep a copy of the weights, on the CPU."""
        self._weights = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def resume(self, model: ParsingModel, optimiser: Optimizer, stage: Stage = "task") -> list[dict[str, Any]]:
        """Return an empty history: nothing is kept between processes."""
        return []

    def checkpoint(
        self, model: ParsingModel, optimiser: Optimizer, history: list[dict[str, Any]], stage: Stage = "task"
    ) -> None:
        """Do nothing."""
        return None

    def finish(self, rule: str, history: list[dict[str, Any]]) -> None:
        """Keep the history and mark the training done."""
        self._history, self._done = list(history), True

    def save(self, path: Path) -> Run:
        """Write the finished training as a run folder. Raises SeehearError if another run lies there."""
        run = Run.start(path, self.facts)
        run.keep_weights(self.weights(), self.chosen["epoch"])
        if self._teachers is not None:
            run.keep_teachers(self._teachers)
        run.finish("the training in memory", self.history())
        if self._thresholds is not None:
            run.keep_thresholds(self._thresholds)
        return run
