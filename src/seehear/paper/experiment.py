"""An experiment: one TOML file, with what to run, what the paper reports, and what it claims."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seehear.errors import SeehearError, unknown
from seehear.experiments.claims import Claim

Kind = Literal["trainings", "alignment", "selection", "fine-tuning", "discrimination"]
Collocated = Mapping[str, tuple[str, ...]]  # modality -> networks


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tuned(_Data):
    """A setting that the paper does not tell: the value with the best average score on validation clips is taken."""

    setting: str
    values: tuple[float, ...] = Field(min_length=1)


class System(_Data):
    """A row of the paper's table.

    set: settings on top of the recipe, KEY=VALUE. networks: those that it is trained on: the baseline's, or those that
    are selected. paper: score -> what the paper reports, per cent.
    """

    set: tuple[str, ...] = ()
    tune: Tuned | None = None
    networks: Literal["baseline", "selected"] = "baseline"
    paper: Mapping[str, float] = {}


class Score(_Data):
    """A column. metric: which of the kind's measures; the others, of alignment: who is looked for among whom."""

    metric: str
    queries: str = "audio"
    gallery: str = "visual"
    exclude: Literal["none", "self", "clip"] = "none"


class Experiment(_Data):
    """baseline: networks of the paper's baseline. networks: those that it chooses from, or compares.

    scores: column -> what is measured. systems: row -> what is run; of the kinds that run networks one by one, or in
    pairs, the paper's rows only. estimators: of kind selection, who is compared with traversal.
    """

    title: str
    source: str
    kind: Kind
    notes: tuple[str, ...] = Field(min_length=1)
    baseline: Collocated = {}
    networks: Collocated = {}
    scores: Mapping[str, Score] = Field(min_length=1)
    systems: Mapping[str, System] = {}
    estimators: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _hangs_together(self) -> Experiment:
        trains = self.kind in ("trainings", "alignment")
        chooses = any(system.networks == "selected" for system in self.systems.values())
        if trains and not (self.systems and self.baseline):
            raise ValueError(f"of kind {self.kind}, it needs systems, and the networks of a baseline to train them on")
        if (chooses or not trains) and not self.networks:
            raise ValueError("it needs networks to compare or to choose from")
        for name, system in self.systems.items():
            if strange := [score for score in system.paper if score not in self.scores]:
                raise ValueError(f"systems.{name}.paper: {strange[0]!r} is no score of this experiment")
        for claim in self.claims:
            if strange := [score for score in claim.scores if score not in self.scores]:
                raise ValueError(f"claim {claim.says!r}: {strange[0]!r} is no score of this experiment")
            if trains and (unknown := [system for system in claim.systems if system not in (*self.systems, "*")]):
                raise ValueError(f"claim {claim.says!r}: {unknown[0]!r} is no system of this experiment")
        return self

    def reported(self, system: str, score: str) -> float | None:
        """What the paper reports, per cent."""
        return self.systems[system].paper.get(score) if system in self.systems else None


def named() -> dict[str, Path]:
    """The experiments that come with seehear, by name."""
    folder = Path(str(resources.files(__package__)))
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def read(name: str) -> Experiment:
    """An experiment by name, or from a TOML file. Raises SeehearError naming what is wrong with it."""
    files = named()
    path = files.get(name, Path(name))
    if not path.is_file():
        raise unknown("experiment", name, files, "For your own, name a TOML file.")
    try:
        return Experiment.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeehearError(f"{path}: not a TOML file: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
        raise SeehearError(f"{path}: {place}: {said}" if place else f"{path}: {said}") from None
