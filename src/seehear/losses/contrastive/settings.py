"""The settings of contrastive losses, and the losses by name. No torch here: recipes are read without it."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from seehear.losses.contrastive.pair import Pair

# name -> the file beside this one whose `of` it is
LOSSES = {
    "simclr": "simclr",
    "time-weighted": "time_weighted",
    "mtsc": "mtsc",
    "mtsc-soft": "mtsc_soft",
    "mil-nce": "mil_nce",
}

Stage = Literal["joint", "pretrain"]
Pairs = Literal["part", "entire"]
Residual = Literal["squared", "absolute", "literal"]
Lag = Literal["clamped", "shifted"]
Within = Literal["first", "second", "both"]
Follow = Literal["nothing", "agreement"]


class ContrastSettings(BaseModel):
    """What brings the modalities' embeddings together, and how. The defaults of the readings are MTSC as we read it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loss: str = Field("none", description=f"contrastive loss of the embeddings: none, {', '.join(LOSSES)}")
    weight: float = Field(1.0, ge=0, description="λ, the loss's weight beside the task's, which weighs 1")
    warmup: int = Field(0, ge=0, description="epochs over which the weight grows from 0")
    stage: Stage = Field(
        "joint",
        description="joint, with the task; pretrain, alone and before it, as in Algorithm 1: the projection is dropped",
    )
    epochs: int = Field(10, ge=1, description="passes over the training clips, where stage is pretrain")
    projection: str = Field(
        "auto",
        description="linear layer g after the linear maps: none, shared, separate, or the one modality that has it; "
        "auto: visual for a joint loss, shared for pretraining, none without a loss",
    )
    pairs: Pairs = Field("entire", description="pairs of segments of a clip: part, of one time; entire, of all times")
    residual: Residual = Field("squared", description="of similarity and target: squared, absolute, or literal (Eq. 6)")
    lag: Lag = Field("clamped", description="pairs' weight at lag l: clamped, 1/max(l, 1)^e; shifted, 1/(l + 1)^e")
    exponent: float = Field(5.0, ge=0, description="e of the lag's weight")
    within: Within = Field("first", description="modality whose own similarity is the target: first, second, both")
    temperature: float = Field(0.1, gt=0, description="τ of simclr, time-weighted, mtsc-soft and mil-nce")
    disjoint: float = Field(
        0.0, ge=0, description="weight of pairs from clips without a common label, to have similarity 0"
    )
    follow: Follow = Field(
        "nothing",
        description="agreement: a clip's loss counts as much, 0 to 1, as its modalities' own similarities agree",
    )
    between: tuple[str, ...] = Field(
        (), description="pairs of modalities FIRST+SECOND; all of them, in the collocation's order, unless given"
    )

    @field_validator("between", mode="before")
    @classmethod
    def _several(cls, between: object) -> object:
        return (between,) if isinstance(between, str) else between

    @field_validator("loss")
    @classmethod
    def _is_known(cls, loss: str) -> str:
        if loss != "none" and loss not in LOSSES:
            close = get_close_matches(loss.lower(), LOSSES, n=1)
            meant = f"did you mean {close[0]}?" if close else f"choose from none, {', '.join(LOSSES)}"
            raise ValueError(f"no contrastive loss {loss!r}: {meant}")
        return loss

    @property
    def joint(self) -> bool:
        """Whether the loss acts beside the task's."""
        return self.loss != "none" and self.stage == "joint"

    @property
    def before(self) -> bool:
        """Whether the loss acts alone, before the task's."""
        return self.loss != "none" and self.stage == "pretrain"

    def check(self, modalities: Sequence[str]) -> None:
        """Raises SeehearError where these modalities can't be compared, or one that is named isn't there."""
        have = ", ".join(modalities)
        if self.loss != "none" and len(modalities) < 2:
            raise SeehearError(
                f"contrast.loss={self.loss} brings two modalities together, and there is only {have}: give the "
                "collocation another one, or set contrast.loss=none"
            )
        if self.projection not in ("auto", "none", "shared", "separate", *modalities):
            raise SeehearError(
                f"contrast.projection={self.projection}: choose from auto, none, shared, separate, {have}"
            )
        for pair in self.between:
            names = pair.split("+")
            if len(names) != 2 or names[0] == names[1] or not {*names} <= {*modalities}:
                raise SeehearError(f"contrast.between: {pair!r} is not FIRST+SECOND, two of the modalities {have}")

    def projection_of_task(self, modalities: Sequence[str]) -> str:
        """Which modalities have a g in the task model, as `ParsingModel` wants it said."""
        if self.before or (self.projection == "auto" and self.loss == "none"):
            return "none"
        if self.projection == "auto":
            return "visual" if "visual" in modalities else modalities[-1]
        return self.projection

    @property
    def projection_before(self) -> str:
        """The same while t is pretrained. Algorithm 1 has one g for all."""
        return "shared" if self.projection == "auto" else self.projection

    def weight_in(self, epoch: int) -> float:
        """λ in an epoch, counted from 0."""
        return self.weight * min(1.0, (epoch + 1) / (self.warmup + 1))

    def pairs_of(self, modalities: Sequence[str]) -> list[tuple[int, int]]:
        """Numbers of the first and the second modality of each pair."""
        if not self.between:
            return [(m, n) for n in range(len(modalities)) for m in range(n)]
        return [tuple(modalities.index(name) for name in pair.split("+")) for pair in self.between]  # type: ignore[misc]


def find(name: str) -> Callable[[Pair, ContrastSettings], Tensor]:
    """The loss of each clip, (B,), by the loss's name."""
    found: Callable[[Pair, ContrastSettings], Tensor] = import_module(f"{__package__}.{LOSSES[name]}").of
    return found
