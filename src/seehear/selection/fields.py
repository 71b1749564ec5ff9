"""What the files of selections and judgements hold, field by field: they are checked against this when read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from seehear.selection.sources import Sources
from seehear.selection.trainings import Metric
from seehear.stored import Count, Flag, Number, Positive, Probability
from seehear.training.recipe import Recipe

Known = Number | None  # None for a number that is not known
Networks = Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]


class RankedFields(BaseModel):
    """A collocation and its place."""

    name: str
    place: Known
    rank: Positive
    rank_low: Positive
    rank_high: Positive
    p_best: Probability
    tied: Flag


class OutlookFields(BaseModel):
    """What more training would bring."""

    seconds: Number
    probability: Probability


class TrialsFields(BaseModel):
    """Trainings of an estimator."""

    pilots: dict[str, Count]
    full: dict[str, Count]
    spent: Number
    cheapest: Number
    worthwhile: Flag = True
    outlook: list[OutlookFields] = []


class EstimatesFields(BaseModel):
    """What an estimator says of every collocation."""

    name: str
    split: str
    unit: str
    scores: dict[str, Known]
    low: dict[str, Known]
    high: dict[str, Known]
    measured: dict[str, Flag]
    seeds: dict[str, list[Known]] | None
    failures: dict[str, str]
    trainings: Count
    of_traversals: Flag
    seconds: Number
    flops: Number
    trials: TrialsFields | None


class SharesFields(BaseModel):
    """Shares of the variance."""

    main: list[Known]
    interaction: Known
    noise: Known


class EffectsFields(BaseModel):
    """What each network adds. The shape of the interaction is that of the grid, and is checked with it."""

    grand: Known
    main: list[list[Known]]
    interaction: list[Any]
    shares: SharesFields
    interaction_deviation: Known
    low: Known
    high: Known
    f: Known
    p: Known
    additive_choice: Count
    additive_regret: Known
    seeds: Positive


class SettingsFields(BaseModel):
    """What decides a selection, apart from the data."""

    networks: Networks
    together: Positive
    recipe: Recipe
    seeds: Annotated[list[Count], Field(min_length=1)]
    budget: Number
    leaks: Flag


class SelectionFields(BaseModel):
    """Of selection.json."""

    settings: SettingsFields
    ranking: list[RankedFields]
    estimators: Annotated[list[EstimatesFields], Field(min_length=1)]
    effects: EffectsFields | None
    effects_of: str
    traversal_seconds: Annotated[list[Number], Field(min_length=2, max_length=2)] | None
    metric: Metric
    signature: str
    missing: list[str]
    notes: list[str]
    failed: dict[str, str]
    sources: Sources | None


class AgreementFields(BaseModel):
    """How an estimator agrees with traversal."""

    tau_b: Known
    weighted_tau: Known
    spearman: Known
    within_tau: list[Known]
    p: Known
    regret: Known
    p_regret: Known
    chosen: list[Count]
    best: Count
    tied_hit: Flag | None
    tied_size: Count | None
    failed: Count


class JudgedFields(EstimatesFields):
    """An estimator beside traversal."""

    agreement: AgreementFields
    leaks: Flag


class ChanceFields(BaseModel):
    """Expected agreement of a random choice."""

    tau_b: Known
    regret: Known
    p_regret: Known


class CeilingFields(BaseModel):
    """Agreement of traversal with itself."""

    halves: Known
    one_seed: Known
    halves_and_clips: Known


class JudgementFields(BaseModel):
    """Of judged-NAME.json."""

    options: Annotated[dict[str, Annotated[list[list[str]], Field(min_length=1)]], Field(min_length=1)]
    ranking: list[RankedFields]
    traversal: EstimatesFields
    seed_deviation: Known
    estimators: list[JudgedFields]
    failed: dict[str, str]
    chance: ChanceFields
    ceiling: CeilingFields
    effects: EffectsFields | None
    metric: Metric
    signature: str
    missing: list[str]
    notes: list[str]
    plotted: list[str]
