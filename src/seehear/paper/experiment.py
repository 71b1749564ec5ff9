"""An experiment: one TOML file with what is run, what the paper reports, and what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seehear.errors import SeehearError, unknown
from seehear.paper.claims import Claim
from seehear.stored import read_toml

Kind = Literal["trainings", "alignment", "selection", "fine-tuning", "discrimination"]
Collocation = Mapping[str, tuple[str, ...]]  # modality -> networks


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tuned(_Data):
    """A setting that the paper does not report: the value with the best average validation score is used.

    Attributes:
        setting: Its name, such as contrast.weight.
        values: Those to try.
    """

    setting: str
    values: tuple[float, ...] = Field(min_length=1)


class System(_Data):
    """A row of the paper's table.

    Attributes:
        settings: On top of the recipe.
        tune: A setting to tune.
        networks: What it is trained on: the baseline's networks, or those that a selection chooses.
        paper: score -> what the paper reports, per cent.
    """

    settings: Mapping[str, Any] = {}
    tune: Tuned | None = None
    networks: Literal["baseline", "selected"] = "baseline"
    paper: Mapping[str, float] = {}


class Score(_Data):
    """A column.

    Attributes:
        metric: One of the experiment kind's metrics.
        queries: For alignment: the modality of the queries.
        gallery: For alignment: the modality that is searched.
        exclude: For alignment: what a query may not find.
    """

    metric: str
    queries: str = "audio"
    gallery: str = "visual"
    exclude: Literal["none", "self", "clip"] = "none"


class Experiment(_Data):
    """A table or figure of the paper.

    Attributes:
        title: In words.
        source: The paper and its table.
        kind: How it is run.
        notes: What the paper leaves open.
        baseline: Networks of the paper's baseline.
        networks: Networks that it chooses from, or compares.
        scores: column -> what is measured.
        systems: row -> what is run; for kinds that run single networks or pairs, the paper's rows only.
        estimators: For selection: those that are compared with traversal.
        claims: To be tested.
    """

    title: str
    source: str
    kind: Kind
    notes: tuple[str, ...] = Field(min_length=1)
    baseline: Collocation = {}
    networks: Collocation = {}
    scores: Mapping[str, Score] = Field(min_length=1)
    systems: Mapping[str, System] = {}
    estimators: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> Experiment:
        trains = self.kind in ("trainings", "alignment")
        chooses = any(system.networks == "selected" for system in self.systems.values())
        if trains and not (self.systems and self.baseline):
            raise ValueError(f"the kind {self.kind} needs systems, and the networks of a baseline to train them on")
        if (chooses or not trains) and not self.networks:
            raise ValueError("it needs networks to compare or to choose from")
        for name, system in self.systems.items():
            if unknown := [score for score in system.paper if score not in self.scores]:
                raise ValueError(f"systems.{name}.paper: {unknown[0]!r} is no score of this experiment")
        for claim in self.claims:
            if unknown := [score for score in claim.scores if score not in self.scores]:
                raise ValueError(f"claim {claim.text!r}: {unknown[0]!r} is no score of this experiment")
            if trains and (unknown := [system for system in claim.systems if system not in (*self.systems, "*")]):
                raise ValueError(f"claim {claim.text!r}: {unknown[0]!r} is no system of this experiment")
        return self

    def reported(self, system: str, score: str) -> float | None:
        """Return what the paper reports, per cent, or None."""
        return self.systems[system].paper.get(score) if system in self.systems else None

    def check_metrics(self, known: tuple[str, ...] | list[str] | Mapping[str, Any]) -> None:
        """Raise SeehearError for a score whose metric the kind of experiment does not have."""
        for score in self.scores.values():
            if score.metric not in known:
                raise SeehearError(
                    f"no metric {score.metric!r} in experiments of kind {self.kind}: choose from {', '.join(known)}"
                )


def shipped_experiments() -> dict[str, Path]:
    """Return the files of the experiments that come with seehear, by name."""
    folder = Path(str(resources.files(__package__).joinpath("experiments")))
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def list_experiments() -> list[str]:
    """Return the names of the experiments that come with seehear."""
    return [*shipped_experiments()]


def load_experiment(name: str | Path) -> Experiment:
    """Return an experiment.

    Args:
        name: From `list_experiments`, or a TOML file.

    Raises:
        SeehearError: If there is none of that name, or the file is not an experiment.
    """
    files = shipped_experiments()
    path = files.get(str(name), Path(name))
    if not path.is_file():
        raise unknown("experiment", str(name), files, "For your own, name a TOML file.")
    try:
        return Experiment.model_validate(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = first["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
        raise SeehearError(f"{path}: {place}: {problem}" if place else f"{path}: {problem}") from None
