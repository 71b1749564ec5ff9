"""What decides the result of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seehear.errors import ClipError, SeehearError
from seehear.features.store import NetworkInfo
from seehear.names import valid_line, valid_modality_name
from seehear.stored import (
    Count,
    Positive,
    Segment,
    as_model,
)
from seehear.training.recipe import Recipe

if TYPE_CHECKING:
    pass

REMEDY = "train again"


@dataclass(frozen=True)
class RunFacts:
    """Everything that decides a run's result.

    Attributes:
        recipe: Every setting of model and training. Its precision is that of the run, see `settle`: float32 where
            nobody has settled it, as in runs of versions without the setting.
        seed: Of the initial weights, the order of clips and dropout.
        networks: modality -> its networks, in order.
        classes: Names of the C classes, in the order of the model's output.
        segment: Seconds per segment.
        window: Segments of a training clip: the length of the windows in which longer clips are parsed. Attention has
            a window of its own, `recipe.window`.
        inputs: name -> revision of the labels and features that were read.
    """

    recipe: Recipe
    seed: Count
    networks: Mapping[str, Sequence[NetworkInfo]]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    segment: Segment
    window: Positive
    inputs: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.recipe.precision == "auto":
            object.__setattr__(self, "recipe", self.recipe.model_copy(update={"precision": "float32"}))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Return the modalities, in order."""
        return tuple(self.networks)

    @property
    def widths(self) -> dict[str, list[int]]:
        """Return modality -> widths of its networks' features."""
        return {modality: [info.width for info in infos] for modality, infos in self.networks.items()}

    @property
    def collocation(self) -> dict[str, list[str]]:
        """Return modality -> names of its networks."""
        return {modality: [info.name for info in infos] for modality, infos in self.networks.items()}

    def as_json(self) -> dict[str, Any]:
        """Return the content of RUN/run.json, without format and versions."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "seed": self.seed,
            "networks": {modality: [asdict(info) for info in infos] for modality, infos in self.networks.items()},
            "classes": list(self.classes),
            "segment": self.segment,
            "window": self.window,
            "inputs": dict(self.inputs),
        }

    @staticmethod
    def from_json(facts: Mapping[str, Any], where: object) -> RunFacts:
        """Return the facts that `as_json` wrote. Raises SeehearError naming `where` and the field that is wrong."""
        read = as_model(facts, RunFacts, where, f"{REMEDY}, or use the version of seehear that made it")
        try:
            for modality in read.modalities:
                valid_modality_name(modality)
            for name in read.classes:
                valid_line(name)
        except ClipError as error:
            raise SeehearError(f"{where}: {error}") from None
        return read
