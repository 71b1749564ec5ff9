"""The history of a training: one entry per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.stored import (
    Count,
    Flag,
    Number,
    as_model,
)
from seehear.training.runs.facts import REMEDY

if TYPE_CHECKING:
    pass


class Epoch(BaseModel):
    """What has to be known of an epoch in a history. Losses and other scores are kept as they are."""

    model_config = ConfigDict(extra="allow")

    epoch: Count
    seconds: Annotated[Number, Field(ge=0)]
    best: Flag = False  # of the task; pretraining has none
    val: Mapping[str, Annotated[float, Field(strict=True)]] | None = None
    never_found: Mapping[str, Sequence[str]] = {}


def checked_history(value: Any, where: object) -> list[dict[str, Any]]:
    """Return a history as it was written. Raises SeehearError naming `where` and the field that is wrong."""
    as_model(value, list[Epoch], where, REMEDY)
    if [entry["epoch"] for entry in value] != list(range(len(value))):
        raise SeehearError(f"{where}: its epochs are not numbered from 0 on; {REMEDY}")
    for entry in value:
        try:
            Decoding.from_json(entry.get("decoding", {}))
        except SeehearError as error:
            raise SeehearError(f"{where}: epoch {entry['epoch']}: {error}; {REMEDY}") from None
    return list(value)
