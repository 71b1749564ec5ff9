"""How a model is built and trained: the one place for these defaults, and recipes by name."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from seehear.errors import SeehearError
from seehear.losses.contrastive.settings import ContrastSettings

Choice = Literal["auto", "last", "loss", "type_at_av", "average"]
Supervision = Literal["weak", "dense"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Recipe(BaseModel):
    """Every setting of model and training; the defaults are the paper's baseline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Positive = Field(512, description="width d of the model")
    heads: Positive = Field(1, description="attention heads")
    layers: int = Field(1, ge=0, description="hybrid attention layers")
    feed_forward: Positive = Field(512, description="width within a layer's feed-forward block")
    dropout: Share = Field(0.1, description="dropout within the layers")
    input_dropout: Share = Field(0.0, description="dropout of features before the linear maps")
    standardise: bool = Field(False, description="centre and scale features by the training clips' mean and deviation")
    scale: bool = Field(
        False, description="divide each network's features by their root mean square in the training clips"
    )
    learning_rate: float = Field(3e-4, gt=0, description="Adam's learning rate")
    decay_every: int = Field(10, ge=0, description="epochs between cuts of the learning rate, 0 for none")
    decay_by: float = Field(0.1, gt=0, le=1, description="factor of each cut")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay (AdamW)")
    epochs: Positive = Field(40, description="passes over the training clips")
    batch: Positive = Field(16, description="clips in a step")
    patience: int = Field(0, ge=0, description="stop after so many epochs without a better one, 0 for never")
    confidence: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {"audio": 1.0, "visual": 0.9},
        description="per modality, how far a clip's label is trusted to hold in it; 1 where not named",
    )
    supervision: Supervision = Field(
        "weak", description="labels that the loss sees: weak, of the clip; dense, of each segment, to see what they add"
    )
    contrast: ContrastSettings = Field(
        ContrastSettings.model_validate({}), description="what brings the modalities' embeddings together"
    )
    choose: Choice = Field(
        "auto",
        description="which epoch's model is kept: last, or the best on validation clips by loss, segment type_at_av or "
        "average; auto is type_at_av where their dense labels are given, else loss, else last",
    )

    @property
    def least_epochs(self) -> int:
        """Fewer a training can't take: patience has to run out first."""
        return min(self.epochs, self.patience + 1) if self.patience else self.epochs

    def confidences(self, modalities: Sequence[str]) -> list[float]:
        """Of these modalities, in their order."""
        return [self.confidence.get(name, 1.0) for name in modalities]


def settings(of: type[BaseModel] = Recipe, within: str = "") -> dict[str, FieldInfo]:
    """Every setting by the name that overrides give it, as `epochs` or `contrast.weight`."""
    found: dict[str, FieldInfo] = {}
    for name, field in of.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= settings(field.annotation, f"{within}{name}.")
        else:
            found[within + name] = field
    return found


def named() -> dict[str, Recipe]:
    """The recipes that come with seehear."""
    files = sorted(resources.files(__package__).joinpath("recipes").iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".toml"): Recipe(**tomllib.loads(file.read_text(encoding="utf-8")))
        for file in files
        if file.name.endswith(".toml")
    }


def resolve(recipe: str | Path | Recipe = "paper", overrides: Sequence[str] | Mapping[str, Any] = ()) -> Recipe:
    """A recipe by name or from a TOML file, with KEY=VALUE overrides on top.

    Raises SeehearError naming the recipe, key or value that isn't one.
    """
    if isinstance(recipe, Recipe):
        base: dict[str, Any] = recipe.model_dump()
    elif str(recipe) in named():
        base = named()[str(recipe)].model_dump()
    elif Path(recipe).is_file():
        try:
            base = tomllib.loads(Path(recipe).read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SeehearError(f"{recipe}: not a TOML file: {error}") from None
    else:
        raise SeehearError(f"no recipe {str(recipe)!r}: choose from {', '.join(named())}, or name a TOML file")
    if isinstance(overrides, Mapping):
        base |= overrides
        overrides = ()
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise SeehearError(f'{override!r}: a setting is KEY=VALUE, as in set=["learning_rate=1e-3"]')
        top, _, part = key.strip().partition(".")
        if part:
            if not isinstance(base.get(top, {}), Mapping):
                raise SeehearError(f"{override!r}: {top} is one value, it has no {part}")
            base[top] = {**base.get(top, {}), part: _value(value)}
        else:
            base[top] = _value(value)
    try:
        return TypeAdapter(Recipe).validate_python(base)
    except ValidationError as error:
        problems = "; ".join(_problem(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in error.errors())
        raise SeehearError(f"recipe {recipe}: {problems}") from None


def _problem(setting: str, kind: str, message: str) -> str:
    if kind == "model_type":
        return (
            f"{setting}: is a group of settings, as in {next(name for name in settings() if name.startswith(setting))}"
        )
    if kind != "extra_forbidden":
        return f"{setting}: {message.removeprefix('Value error, ')}"
    # Of a group that is unknown, the group alone is named.
    groups = {name.partition(".")[0] for name in settings()}
    close = difflib.get_close_matches(setting, [*settings(), *groups], n=1)
    return f"no setting {setting!r}: " + (f"did you mean {close[0]}?" if close else "`seehear recipes` lists them")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
