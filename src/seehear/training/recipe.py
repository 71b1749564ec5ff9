"""How a model is built and trained: the one place for these defaults, and recipes by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from seehear.errors import SeehearError, unknown
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.refinement.settings import RefineSettings
from seehear.settings import Changes, apply_changes, setting_fields, validated
from seehear.stored import read_toml

Choice = Literal["auto", "last", "loss", "type_at_av", "average"]
Decode = Literal["official", "tuned", "negatives"]
Supervision = Literal["weak", "dense"]
Precision = Literal["auto", "float32", "bfloat16"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]

DEFAULT_RECIPE, LARGE_RECIPE = "refined", "refined-large"
MAX_MODEL_WIDTH, MAX_LAYERS = 1 << 14, 100  # numbers beyond these are mistakes, and would not fit into memory
MAX_COUNT = 1_000_000  # epochs, clips per step, segments of a window
FEW_CLIPS = 2000  # training clips under which a recipe for few clips is suggested


class Recipe(BaseModel):
    """Every setting of the model and its training. The defaults are the paper's baseline (Wu et al., Sec. 4.1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    width: Positive = Field(512, le=MAX_MODEL_WIDTH, description="width d of the model")
    heads: Positive = Field(1, description="attention heads; they must divide the width")
    layers: int = Field(1, ge=0, le=MAX_LAYERS, description="hybrid attention layers")
    feed_forward: Positive = Field(512, le=MAX_MODEL_WIDTH, description="width inside a layer's feed-forward block")
    window: int = Field(
        0,
        ge=0,
        le=MAX_COUNT,
        description="segments less than this far apart attend to each other, and are compared by the losses between "
        "embeddings; 0 for all of a clip",
    )
    dropout: Share = Field(0.1, description="dropout inside the layers")
    input_dropout: Share = Field(0.0, description="dropout of the features before the linear maps")
    standardise: bool = Field(
        False, description="subtract each feature's mean in the training clips and divide by its standard deviation"
    )
    scale: bool = Field(
        False, description="divide each network's features by their root mean square in the training clips"
    )
    learning_rate: float = Field(3e-4, gt=0, description="learning rate of Adam")
    decay_every: int = Field(
        10, ge=0, le=MAX_COUNT, description="epochs between decays of the learning rate; 0 for no decay"
    )
    decay_by: float = Field(0.1, gt=0, le=1, description="factor of each decay of the learning rate")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay (AdamW)")
    epochs: Positive = Field(40, le=MAX_COUNT, description="passes over the training clips")
    batch: Positive = Field(16, le=MAX_COUNT, description="clips per step")
    batch_segments: Positive = Field(
        4096,
        description="segments that are computed with at once, or one clip if it has more; a step whose clips have more "
        "adds up the gradients of parts",
    )
    patience: int = Field(
        0, ge=0, le=MAX_COUNT, description="stop after this many epochs without improvement; 0 to never stop early"
    )
    confidence: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {"audio": 1.0, "visual": 0.9},
        description="per modality, how far a clip's labels are trusted to hold in it (label smoothing); by default 1",
    )
    precision: Precision = Field(
        "auto",
        description="numbers of the model's matrix products in training; auto is bfloat16 for a model of more than two "
        "million parameters on a processor with instructions for it, else float32",
    )
    supervision: Supervision = Field(
        "weak",
        description="labels for training: weak, per clip; dense, per segment, which shows what dense labels would add",
    )
    refine: RefineSettings = Field(
        RefineSettings.model_validate({}), description="labels per modality and second, estimated from weak labels"
    )
    segment_weight: float = Field(1.0, ge=0, description="weight of the pseudo-labels of segments in the loss")
    balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="class balance: positive segments weigh ((1 − f) / f)^balance, f their share of all (UWAV)",
    )
    mixup: float = Field(
        0.0, ge=0, description="parameter α of mixup: clips are mixed in pairs by λ ~ Beta(α, α) (UWAV); 0 for none"
    )
    recombine: float = Field(
        0.0, ge=0, le=4, description="clips with the sound of one and the pictures of another, per real clip"
    )
    swap: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of clips whose partner in recombination has no class in common (MA); the others are random",
    )
    denoise: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of each class's labels per modality that are left out in an epoch: those that the model "
        "fits worst there while it fits them in another modality (JoMoLD)",
    )
    avss: float = Field(0.0, ge=0, description="weight of AVSS: segments are as similar as their pseudo-labels (LEAP)")
    blend: Share = Field(0.0, description="share of a pass in which modalities do not attend to each other")
    contrast: ContrastSettings = Field(
        ContrastSettings.model_validate({}), description="contrastive loss between the modalities' embeddings"
    )
    decode: Decode = Field(
        "official",
        description="from probabilities to events: official, thresholds of .5; tuned, clip and segment thresholds per "
        "modality that score best on the validation clips; negatives, thresholds per class that a stated share of "
        "segments without the class passes, by weak labels alone. tuned looks at ground truth if it is known, else at "
        "pseudo-labels",
    )
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.02, description="share of segments without a class that may be active, for decode=negatives"
    )
    choose: Choice = Field(
        "auto",
        description="epoch to keep: last, or the best on the validation clips by loss, segment type_at_av, or average; "
        "auto is average with refined labels or other thresholds than the official ones; else type_at_av with dense "
        "validation labels, loss with weak ones, and last without validation clips",
    )

    @field_validator("heads")
    @classmethod
    def _divide_width(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("width", heads)
        if width % heads:
            raise ValueError(f"{heads} heads do not divide the width {width}")
        return heads

    @property
    def least_epochs(self) -> int:
        """The fewest epochs that a training can take: patience has to run out first."""
        return min(self.epochs, self.patience + 1) if self.patience else self.epochs

    @property
    def may_stop(self) -> bool:
        """Whether a training may take fewer epochs than it has."""
        return 0 < self.patience < self.epochs - 1

    @property
    def all_epochs(self) -> int:
        """The most epochs that a training can take, those before the task included."""
        return self.epochs + (self.contrast.epochs if self.contrast.before else 0)

    @property
    def plain(self) -> bool:
        """Whether training needs nothing but weak labels or ground truth, so that several seeds can train at once."""
        parts = (self.mixup, self.recombine, self.denoise, self.avss, self.blend)
        return self.contrast.loss == "none" and not self.refine.active and not any(parts) and self.decode == "official"

    def check_supervision(self) -> None:
        """Raise SeehearError if clips are to be made from others, whose ground truth per segment nobody knows."""
        made = [name for name in ("mixup", "recombine") if getattr(self, name)]
        if self.supervision == "dense" and self.refine.active and made:
            raise SeehearError(
                f"supervision=dense trains on the ground truth of clips, and clips made by {' and '.join(made)} have "
                f"none: set {' '.join(f'{name}=0' for name in made)}, or take another recipe, such as small"
            )

    def confidences(self, modalities: Sequence[str]) -> list[float]:
        """Return the confidence of these modalities, in their order."""
        return [self.confidence.get(name, 1.0) for name in modalities]

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Return what differs from the paper's defaults, for `repr`."""
        return [(name, getattr(self, name)) for name in self.model_dump(exclude_defaults=True)]

    def __str__(self) -> str:
        """Return the same as `repr`."""
        return repr(self)


@cache
def shipped_recipes() -> Mapping[str, Recipe]:
    """Return the recipes that come with seehear, by name."""
    files = [file for file in resources.files(__package__).joinpath("recipes").iterdir() if file.name.endswith(".toml")]
    recipes = {
        file.name.removesuffix(".toml"): Recipe(**tomllib.loads(file.read_text(encoding="utf-8"))) for file in files
    }
    return dict(sorted(recipes.items()))


def list_recipes() -> list[str]:
    """Return the names of the recipes that come with seehear."""
    return [*shipped_recipes()]


def load_recipe(recipe: str | Path | Recipe = DEFAULT_RECIPE, overrides: Changes = (), **settings: Any) -> Recipe:
    """Return a recipe, with changed settings if given.

    Args:
        recipe: A name from `list_recipes`, a TOML file, or a `Recipe`.
        overrides: Settings to change: a mapping such as `{"contrast.loss": "mtsc"}` or
            `{"contrast": {"loss": "mtsc"}}`, or KEY=VALUE texts such as `["contrast.loss=mtsc"]`.
        **settings: The same as keyword arguments: `epochs=20, contrast={"loss": "mtsc"}`.

    Raises:
        SeehearError: If there is no such recipe, or a setting is unknown or has a bad value.

    Examples:
        >>> load_recipe("small", epochs=20, contrast={"loss": "mtsc"})
    """
    values = apply_changes(apply_changes(_values(recipe), overrides, Recipe), settings, Recipe)
    return validated(Recipe, values, "recipe" if isinstance(recipe, Recipe) else f"recipe {recipe}")


def _values(recipe: str | Path | Recipe) -> Mapping[str, Any]:
    if isinstance(recipe, Recipe):
        return recipe.model_dump()
    if str(recipe) in shipped_recipes():
        return shipped_recipes()[str(recipe)].model_dump()
    if not Path(recipe).is_file():
        raise unknown("recipe", str(recipe), shipped_recipes(), "A recipe can also be a TOML file.")
    return read_toml(Path(recipe))


def recipe_table(recipes: Mapping[str, Recipe]) -> list[list[str]]:
    """Return a table of all settings: a header, then per setting its value in each recipe and its meaning."""
    rows = [["setting", *recipes, "meaning"]]
    for name, field in setting_fields(Recipe).items():
        values = [_as_text(attrgetter(name)(recipe)) for recipe in recipes.values()]
        rows.append([name, *values, field.description or ""])
    return rows


def _as_text(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={part:g}" for key, part in value.items())
    return (" ".join(value) or "all") if isinstance(value, tuple) else str(value)
