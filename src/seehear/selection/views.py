"""Selections and judgements as people read them: rows of tables, and sentences about numbers and verdicts.

The terminal, notebooks and the page show the same rows and sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seehear.results import listed, table
from seehear.selection.collocation import Grid
from seehear.selection.effects import Effects, Pairing
from seehear.selection.judge import Judgement
from seehear.selection.judge import Row as JudgedEstimator
from seehear.selection.plan import duration, duration_range
from seehear.selection.result import RankedCollocation, Selection, Status
from seehear.selection.task import Estimates
from seehear.selection.trainings import Metric

# Shown above everything else of a selection that looked at them.
LEAKING = (
    "THIS CHOICE USED EVALUATION LABELS: the clips that chose are those that the paper reports on. "
    "Scores of the chosen collocation on these clips are not those of new ones"
)
NOTHING = "–"
MAX_ROWS = 20  # of the ranking on the terminal; selection.json has all
MORE_CLIPS = "it takes more clips to see a difference, or there is none that matters"
LIKELY = 0.5  # a probability to settle the choice that makes more training worth while
SMALL_SHARE = 5.0  # per cent of the variance: a share below it is called small
METRICS = {
    Metric.AVERAGE: "the average of all segment- and event-level scores, per cent",
    Metric.LABEL_F1: "F1 of the clip's set of classes, per cent (there is no per-second ground truth)",
}
SELECTION_LEGEND = """\
tied (*): the fewest that hold the best with probability .95; P(best): probability that training all of them in full
would put it first; ranks: 95 % interval of its place there; score: {unit}; –: it was not trained"""


def number(value: float, form: str = ".2f") -> str:
    """Return a number as text; a dash for NaN."""
    return NOTHING if math.isnan(value) else format(value, form)


# Selections


def selection_text(selection: Selection) -> str:
    """Return all results of a selection, in lines."""
    first = selection.estimates[0]
    *plots, page = selection.files or (None,)
    lines = [
        LEAKING if selection.leaks else "",
        listed(selection.missing, f"{len(selection.missing)} labelled clips were left out"),
        *selection.notes,
        *(f"{name} failed: {why}" for name, why in selection.failed.items()),
        table(ranking_rows(selection), right_from=3),
        _more(selection),
        SELECTION_LEGEND.format(unit=unit(selection)),
        listed([f"{name}: {why}" for name, why in first.failures.items()], "failed"),
        None,
        f"use {selection.best.argument}",
        tied(selection),
        outlook(selection),
        pairing(selection),
        cost(selection),
        f"signature {selection.signature}",
        *(f"plot {path}" for path in plots),
        f"open {page} in a browser" if page else "",
        f"train it: {selection.sources.train_command(selection.best.argument)}" if selection.sources else "",
    ]
    return "\n".join(line or "" for line in lines if line or line is None)


@dataclass(frozen=True)
class TextRow:
    """A collocation in a ranking, in text but for the probability.

    Attributes:
        name: Of the collocation.
        rank: Its rank.
        ranks: 95 % interval of the rank.
        p_best: Probability that it is the best, in [0, 1].
        tied: Whether it is in the tied set.
        score: Its score.
        interval: 95 % interval of the score.
        trainings: Spent on it; None where the first estimator counts none.
        others: Scores by the other estimators.
    """

    name: str
    rank: str
    ranks: str
    p_best: float
    tied: bool
    score: str
    interval: str
    trainings: int | None = None
    others: tuple[str, ...] = ()


def _text_row(
    row: RankedCollocation, score_form: str, interval_form: str, others: Sequence[float] = (), form: str = ""
) -> TextRow:
    failed = row.status is Status.FAILED
    return TextRow(
        row.name,
        NOTHING if failed else str(row.rank),
        "failed" if failed else f"{row.rank_low} to {row.rank_high}",
        row.p_best,
        row.tied,
        number(row.score, score_form),
        NOTHING if math.isnan(row.low) else f"{number(row.low, interval_form)} to {number(row.high, interval_form)}",
        row.trainings,
        tuple(number(value, form) for value in others),
    )


def ranking(selection: Selection, max_rows: int) -> list[TextRow]:
    """Return the first rows of the ranking, with scores by all estimators."""
    _, *others = selection.estimates
    numbers = {str(collocation): n for n, collocation in enumerate(selection.grid)}
    return [
        _text_row(row, ".4g", ".4g", [each.scores[numbers[row.name]] for each in others], ".4g")
        for row in selection.ranking[:max_rows]
    ]


def ranking_rows(selection: Selection) -> list[list[str]]:
    """Return the first rows of the ranking as cells, the header first."""
    first, *others = selection.estimates
    rows = [["", "collocation", "tied", "ranks (95 %)", "P(best)", "score"]]
    rows[0] += ["trainings"] if first.trials else []
    rows[0] += [estimator_name(each, first) for each in others]
    for row in ranking(selection, MAX_ROWS):
        trainings = [] if row.trainings is None else [str(row.trainings)]
        cells = [row.rank, row.name, "*" if row.tied else "", row.ranks, f"{row.p_best:.2f}", row.score]
        rows.append([*cells, *trainings, *row.others])
    return rows


def _more(selection: Selection) -> str:
    more = len(selection.ranking) - MAX_ROWS
    return f"… and {more} more in selection.json" if more > 0 else ""


def estimator_name(estimates: Estimates, first: Estimates) -> str:
    """Return the estimator's name, with its split where that is not the first estimator's."""
    return estimates.name if estimates.split == first.split else estimates.label


def unit(selection: Selection) -> str:
    """Return what a score is."""
    first = selection.estimates[0]
    if not selection.in_percent:
        return first.unit
    return f"{'expected of a full training: ' if first.trials else ''}{METRICS[selection.metric]}"


def tied(selection: Selection) -> str:
    """Return the tied set in words."""
    if len(selection.grid) == 1:
        return ""
    others = [row for row in selection.ranking if row.tied and row.collocation != selection.best]
    if not others:
        return f"nothing else is as good: P(best) {selection.p_best[selection.best]:.2f}"
    named = ", ".join(f"{row.name} ({row.p_best:.2f})" for row in others[:MAX_ROWS])
    more = " …" if len(others) > MAX_ROWS else ""
    are = "is" if len(others) == 1 else "are"
    return f"{named}{more} {are} as good as can be known (P(best) in brackets)"


def outlook(selection: Selection) -> str:
    """Return what more training would bring; an empty text where the choice is settled."""
    first = selection.estimates[0]
    if first.trials is None or len(selection.tied) < 2:
        return ""
    if not first.trials.trainings:
        if first.trials.worthwhile:
            return f"no training was done: a budget of {first.trials.cheapest:.2g} allows the first"
        return f"no training was done, since none is expected to change the choice: {MORE_CLIPS}"
    if not selection.outlook:
        return ""
    likely = next((each for each in selection.outlook if each.probability >= LIKELY), selection.outlook[-1])
    more, probability = f"another {duration(likely.seconds)} of training", f"probability {likely.probability:.2f}"
    if likely.probability >= LIKELY:
        return f"{more} would settle it with {probability}"
    return f"{more}, as much as a traversal, would settle it with {probability} only: {MORE_CLIPS}"


def pairing(selection: Selection) -> str:
    """Return whether it matters which networks are paired, or only how good each is alone."""
    effects, by = selection.effects, selection.effects_of
    if effects is None:
        return ""
    if effects.verdict is not Pairing.UNTESTED:
        return f"pairing, by {by}: {effects_sentence(effects)}"
    share = 100 * effects.shares.interaction
    text = f"pairing explains {share:.0f} % of the differences between collocations by {by}"
    if not effects.on_other_clips:
        text += ", which is not significant: here only each network by itself seems to matter"
    elif share < SMALL_SHARE:
        text += ": it hardly matters here; each network by itself nearly decides"
    choice = selection.grid.collocations[effects.additive_choice]
    return f"{text}; by it the best networks one by one are {choice}"


def effects_sentence(effects: Effects) -> str:
    """Return the verdict on pairing in words."""
    verdict = effects.verdict
    if verdict is Pairing.NO_CHOICE:
        return "fewer than two modalities have a choice of networks: there is no pairing to choose"
    if verdict is Pairing.ALL_EQUAL:
        return "all collocations have the same score: there is nothing for pairing to explain"
    if verdict is Pairing.UNTESTED:
        within = "" if math.isnan(effects.low) else f" (95 % interval {effects.low:.3g} to {effects.high:.3g})"
        return (
            f"pairing has an SD of {effects.interaction_deviation:.3g}{within} between collocations; "
            "without seeds that differ, the noise of training in it is unknown"
        )
    p = "p < .001" if effects.p < 0.001 else f"p = {f'{effects.p:.3f}' if effects.p < 0.1 else f'{effects.p:.2f}'}"
    share = f"pairing explains {100 * effects.shares.interaction:.0f} % of the variance between collocations"
    share += f" ({p.replace('0.', '.')}): "
    if verdict is Pairing.NOT_SIGNIFICANT:
        return (
            f"{share}not significant with {effects.seeds} seeds; choosing the best network of each modality by itself "
            "would do as well"
        )
    together = (
        f"need not be the best together; choosing them so loses {effects.additive_regret:.2f} points"
        if effects.additive_regret > 0
        else "are still the best together"
    )
    elsewhere = "" if effects.on_other_clips else "; on other clips it may explain nothing"
    return f"{share}the best networks of each modality by themselves {together}{elsewhere}"


def cost(selection: Selection) -> str:
    """Return what the first estimator cost, and that of traversal where it is known."""
    first = selection.estimates[0]
    trainings = f"{first.trainings} trainings, " if first.trainings else ""
    text = f"{first.name} took {trainings}{duration(first.seconds)} of one core, {first.flops:.2g} FLOP"
    if selection.traversal_seconds is None:
        return text
    of_traversal = duration_range(*selection.traversal_seconds)
    return f"{text}; traversal would take {of_traversal}: {cost_share(selection, first)} of it"


def cost_share(selection: Selection, estimates: Estimates) -> str:
    """Return an estimator's share of traversal's time, such as 1/150, 1/20 to 1/150, or 2.5 where it takes longer."""
    if selection.traversal_seconds is None:
        return NOTHING
    times = [end / max(estimates.seconds, 1e-9) for end in selection.traversal_seconds]
    return " to ".join(dict.fromkeys(f"1/{each:.0f}" if each >= 1 else f"{1 / each:.1f}" for each in times))


# Judgements


def judgement_text(judgement: Judgement) -> str:
    """Return all results of a judgement, in lines."""
    *plots, page = judgement.files or (None,)
    lines = [
        listed(judgement.missing, f"{len(judgement.missing)} labelled clips were left out"),
        *judgement.notes,
        table(traversal_rows(judgement)),
        None,
        table(agreement_rows(judgement)),
        f"score: {METRICS[judgement.metric]}",
        *agreement_legend(judgement),
        "! looks at the clips that it is judged on" if any(row.leaks for row in judgement.rows) else "",
        random_choice(judgement),
        ceiling(judgement),
        effects_sentence(judgement.effects) if judgement.effects else "",
        listed([f"{name}: {why}" for name, why in judgement.failed.items()], "estimators that failed"),
        f"signature {judgement.signature}",
        *(f"plot {path}" for path in plots),
        f"open {page} in a browser" if page else "",
    ]
    return "\n".join(line or "" for line in lines if line or line is None)


def traversal(judgement: Judgement) -> list[TextRow]:
    """Return the collocations from the best down by traversal."""
    return [_text_row(row, ".2f", ".1f") for row in judgement.ranking]


def traversal_rows(judgement: Judgement) -> list[list[str]]:
    """Return the collocations by traversal as cells, the header first."""
    rows = [["traversal", "score", "95 % interval", "ranks (95 %)", "P(best)", "tied"]]
    for row in traversal(judgement):
        rows.append([row.name, row.score, row.interval, row.ranks, f"{row.p_best:.2f}", "*" if row.tied else ""])
    return rows


def agreement_header(judgement: Judgement) -> list[str]:
    """Return the names of the columns of `agreement_rows`; the first is of the estimators."""
    within_modalities = [f"within {name}" for name in with_choice(judgement.grid)]
    measures = ["p", "regret", "P(≤ SD)", "best tied", "cost", "FLOP"]
    return ["estimator", "τ", "weighted", "Spearman", *within_modalities, *measures]


def agreement_cells(judgement: Judgement, row: JudgedEstimator) -> list[str]:
    """Return an estimator's agreement with traversal, a text per column after the first."""
    agreement = row.agreement
    hit = NOTHING
    if agreement.tied_hit is not None:
        hit = f"{'yes' if agreement.tied_hit else 'no'} of {agreement.tied_size}"
    return [
        *(number(value) for value in (agreement.tau_b, agreement.weighted_tau, agreement.spearman)),
        *(number(value) for value in within(judgement.grid, agreement.within_tau)),
        number(agreement.p, ".3f"),
        number(agreement.regret),
        number(agreement.p_regret),
        hit + (f", {agreement.failed} failed" if agreement.failed else ""),
        number(judgement.cost(row), ".2g"),
        number(row.estimates.flops, ".1g"),
    ]


def agreement_rows(judgement: Judgement) -> list[list[str]]:
    """Return the estimators' agreement with traversal as cells, the header first."""
    rows = [[row.name + ("!" if row.leaks else ""), *agreement_cells(judgement, row)] for row in judgement.by_agreement]
    return [agreement_header(judgement), *rows]


def agreement_legend(judgement: Judgement) -> list[str]:
    """Return what the columns of `agreement_rows` mean, one text per line."""
    return [
        "τ: Kendall's τ-b with traversal; weighted: the same, the top counting most; Spearman: correlation of ranks",
        "within: τ over one modality's networks, the others fixed",
        "p: of τ, one-sided, networks' names shuffled within modalities",
        "regret: points lost by the choice; P(≤ SD): probability that it is no more than the SD between seeds, "
        f"{number(judgement.deviation)}",
        "best tied: whether the tied set contains the best, and its size; cost: seconds as a share of traversal's",
    ]


def with_choice(grid: Grid) -> list[str]:
    """Return the modalities that have a choice of networks."""
    return [modality for modality, options in grid.options.items() if len(options) > 1]


def within(grid: Grid, values: Sequence[float]) -> list[float]:
    """Return those of one number per modality whose modality has a choice."""
    return [value for value, options in zip(values, grid.shape, strict=True) if options > 1]


def random_choice(judgement: Judgement) -> str:
    """Return what a random choice comes to."""
    chance = judgement.chance
    return f"a random choice: τ 0, regret {chance.regret:.2f}, P(≤ SD) {number(chance.p_regret)}"


def ceiling(judgement: Judgement) -> str:
    """Return traversal's agreement with itself."""
    itself = judgement.ceiling
    if np.isnan(itself.halves):
        return "traversal with itself: unknown for one seed or one collocation"
    return (
        f"traversal with itself: τ {itself.halves:.2f} between halves of the seeds, {itself.one_seed:.2f} one seed "
        f"with the others, {number(itself.halves_and_clips)} between halves of seeds and clips"
    )
