"""The settings of the contrastive losses. No torch here: recipes are read without it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from seehear.errors import SeehearError
from seehear.losses.contrastive.registry import LOSSES

if TYPE_CHECKING:
    from collections.abc import Sequence

Stage = Literal["joint", "pretrain"]
Pairs = Literal["part", "entire"]
Residual = Literal["squared", "absolute", "literal"]
Lag = Literal["clamped", "shifted"]
Within = Literal["first", "second", "both"]

REMOVED_LOSSES = ("mtsc-soft", "mil-nce")


class ContrastSettings(BaseModel):
    """Which contrastive loss brings the modalities' embeddings together, and how.

    By default there is none. The other defaults are our reading of MTSC (Wu et al., Eq. 6).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loss: str = Field("none", description=f"contrastive loss of the embeddings: none, {', '.join(LOSSES)}")
    weight: float = Field(1.0, ge=0, description="weight λ of this loss; the task's loss has weight 1")
    warmup: int = Field(0, ge=0, description="epochs over which the weight grows from 0 to λ")
    stage: Stage = Field(
        "joint",
        description="joint: together with the task; pretrain: alone and before the task, as in Algorithm 1, which "
        "then drops the projection",
    )
    epochs: int = Field(10, ge=1, description="passes over the training clips, for stage pretrain")
    projection: str = Field(
        "auto",
        description="modalities with a linear layer g after their linear map: none, shared (one g for all), separate "
        "(one g each), or the name of one modality; auto is visual for a joint loss, shared for pretraining, and none "
        "without a loss",
    )
    pairs: Pairs = Field("entire", description="pairs of segments in a clip: part, of the same time; entire, all")
    residual: Residual = Field(
        "squared", description="residual of similarity and target: squared, absolute, or literal (Eq. 6 as printed)"
    )
    lag: Lag = Field("clamped", description="weight of a pair at lag l: clamped, 1/max(l, 1)^e; shifted, 1/(l + 1)^e")
    exponent: float = Field(5.0, ge=0, description="exponent e of the lag weight")
    within: Within = Field("first", description="modality whose own similarity is the target: first, second, both")
    temperature: float = Field(0.1, gt=0, description="temperature τ of simclr and time-weighted")
    disjoint: float = Field(
        0.0, ge=0, description="weight of the term that pushes the similarity of clips without a common label to 0"
    )
    between: tuple[str, ...] = Field(
        (), description="pairs of modalities, FIRST+SECOND; by default all pairs, in the collocation's order"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_removed(cls, values: object) -> object:
        """Read runs written before `follow` was removed, and refuse those that used it."""
        if not isinstance(values, Mapping) or "follow" not in values:
            return values
        if values["follow"] != "nothing":
            raise ValueError("the setting 'follow' was removed: leave it out")
        return {name: value for name, value in values.items() if name != "follow"}

    @field_validator("between", mode="before")
    @classmethod
    def _as_tuple(cls, between: object) -> object:
        return (between,) if isinstance(between, str) else between

    @field_validator("loss")
    @classmethod
    def _is_known(cls, loss: str) -> str:
        if loss == "none" or loss in LOSSES:
            return loss
        choices = f"choose from none, {', '.join(LOSSES)}"
        if loss in REMOVED_LOSSES:
            raise ValueError(f"the contrastive loss {loss!r} was removed: {choices}")
        close = get_close_matches(loss.lower(), LOSSES, n=1)
        raise ValueError(f"no contrastive loss {loss!r}: " + (f"did you mean {close[0]}?" if close else choices))

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Return what differs from the defaults, for `repr`."""
        return [(name, getattr(self, name)) for name in self.model_dump(exclude_defaults=True)]

    def __str__(self) -> str:
        """Return the same as `repr`."""
        return repr(self)

    @property
    def joint(self) -> bool:
        """Whether the loss is trained together with the task's."""
        return self.loss != "none" and self.stage == "joint"

    @property
    def before(self) -> bool:
        """Whether the loss is trained alone, before the task's."""
        return self.loss != "none" and self.stage == "pretrain"

    def check(self, modalities: Sequence[str]) -> None:
        """Check the settings against the modalities of a collocation.

        Raises:
            SeehearError: If there are fewer than two modalities to compare, or a setting names another one.
        """
        names = ", ".join(modalities)
        if self.loss != "none" and len(modalities) < 2:
            raise SeehearError(
                f"contrast.loss={self.loss} compares two modalities, and the collocation has only {names}: "
                "add another modality, or set contrast.loss=none"
            )
        if self.projection not in ("auto", "none", "shared", "separate", *modalities):
            raise SeehearError(
                f"contrast.projection={self.projection}: choose from auto, none, shared, separate, {names}"
            )
        for pair in self.between:
            parts = pair.split("+")
            if len(parts) != 2 or parts[0] == parts[1] or not {*parts} <= {*modalities}:
                raise SeehearError(f"contrast.between: {pair!r} is not FIRST+SECOND, two of the modalities {names}")

    def projection_of_task(self, modalities: Sequence[str]) -> str:
        """Return which modalities have a projection g in the task model, as `ParsingModel` takes it."""
        if self.before or (self.projection == "auto" and self.loss == "none"):
            return "none"
        if self.projection == "auto":
            return "visual" if "visual" in modalities else modalities[-1]
        return self.projection

    @property
    def projection_before(self) -> str:
        """Which modalities have a projection g in pretraining. Algorithm 1 has one g for all."""
        return "shared" if self.projection == "auto" else self.projection

    def weight_in(self, epoch: int) -> float:
        """Return λ in an epoch, counted from 0."""
        return self.weight * min(1.0, (epoch + 1) / (self.warmup + 1))

    def pairs_of(self, modalities: Sequence[str]) -> list[tuple[int, int]]:
        """Return the pairs of modalities to compare: the index of the first and of the second."""
        if not self.between:
            return [(m, n) for n in range(len(modalities)) for m in range(n)]
        return [tuple(modalities.index(name) for name in pair.split("+")) for pair in self.between]  # type: ignore[misc]
