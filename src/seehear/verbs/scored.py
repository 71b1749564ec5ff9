"""Scores as they are printed: with intervals, beside predictions that need no model, and class by class."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.labels import DenseTable, WeakTable, suggestion
from seehear.scoring.intervals import Interval, bootstrap
from seehear.scoring.references import PAINTED
from seehear.scoring.scores import LEVELS, ClassRow, Scores
from seehear.verbs.result import Result, listed, table

if TYPE_CHECKING:
    from seehear.verbs.details import Details

AVERAGE = ("", "average")
BETTER, WORSE, OPEN = "better than painting", "worse than painting", "can't be told from painting"


@dataclass
class Scored(Result):
    """Scores of one system, several where it was trained with several seeds.

    runs: their folders, none where predictions were given. references: name -> scores of a prediction that needs no
    model. missing: labelled clips without features, scored as if nothing had been found. notes: what else to know.
    details: what lies behind the scores, where that was asked for. page: that shows it.
    """

    runs: list[Path]
    scores: list[Scores]
    references: dict[str, Scores]
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: Details | None = None
    page: Path | None = None

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing or (self.details and self.details.examples.failed) else 0

    def per_clip(self, level: str, name: str) -> NDArray[np.float64]:
        """A score in per cent, (seeds, clips)."""
        return 100 * np.stack([scores.per_clip[level, name] for scores in self.scores])

    def average_per_clip(self) -> NDArray[np.float64]:
        """The Average Score in per cent, (seeds, clips)."""
        return np.mean([self.per_clip(level, name) for level, name in self.scores[0].per_clip], axis=0)

    def interval(self, level: str, name: str) -> Interval:
        return self._intervals[level, name]

    @cached_property
    def _intervals(self) -> dict[tuple[str, str], Interval]:
        return {(level, name): bootstrap(self.per_clip(level, name)) for level, name in self.scores[0].per_clip}

    @cached_property
    def average(self) -> Interval:
        return bootstrap(self.average_per_clip())

    @cached_property
    def beyond_painting(self) -> dict[tuple[str, str], Interval]:
        """Each score less that of the weak labels painted over all of a clip, points, paired by clip."""
        painted = self.references[PAINTED].per_clip  # (N,) each
        apart = {key: self.per_clip(*key) - 100 * painted[key] for key in self.scores[0].per_clip}  # (S, N) each
        apart[AVERAGE] = np.mean([*apart.values()], axis=0)
        return {key: bootstrap(each) for key, each in apart.items()}

    def text(self) -> str:
        several = len(self.scores) > 1
        rows = [["", "score", "95 % interval", *(["seed SD"] if several else []), *self.references]]
        beside: dict[str, list[str]] = {}

        def row(key: tuple[str, str], found: Interval, of: Mapping[str, float]) -> None:
            label = " ".join(filter(None, key))
            spread = [f"{found.deviation:.2f}"] if several else []
            cells = [f"{found.mean:.2f}", f"{found.low:.2f} to {found.high:.2f}", *spread]
            rows.append([label, *cells, *(f"{value:.2f}" for value in of.values())])
            beside.setdefault(told(self.beyond_painting[key]), []).append(label)

        for level, name in self.scores[0].per_clip:
            references = {known: scores.level(level)[name] for known, scores in self.references.items()}
            row((level, name), self.interval(level, name), references)
        row(AVERAGE, self.average, {known: scores.average for known, scores in self.references.items()})
        over = "clips and seeds" if several else "clips"
        of_what = f"{len(self.runs)} seeds" if several else str(self.runs[0]) if self.runs else "given predictions"
        lines = [
            listed(self.missing, f"{len(self.missing)} clips without features, scored as if nothing was found"),
            *self.notes,
            table(rows),
            f"per cent; {of_what}; intervals by bootstrap over {over}",
            "nothing: no event anywhere, right where there is none; weak labels: the true labels painted over all of a "
            "clip, in every modality",
            f"signature {self.scores[0].signature}",
            *(f"{verdict}: {', '.join(beside[verdict])}" for verdict in (WORSE, OPEN) if verdict in beside),
            "",
            f"segment F1 by class{', mean over seeds' if several else ''}; of: segments in the truth",
            self._classes(),
        ]
        lines = [line for n, line in enumerate(lines) if line or n == len(lines) - 3]
        if self.details:
            failed = list(self.details.examples.failed.values())
            lines += [listed(failed, f"{len(failed)} clips to be shown left out")] * bool(failed)
            folder = self.details.folder
            view = (
                f"; open {self.page} in a browser, or run: seehear view {shlex.quote(str(folder))}" if self.page else ""
            )
            lines.append(f"what lies behind the scores: {folder}{view}")
        return "\n".join(lines)

    def _classes(self) -> str:
        found: dict[str, dict[str, list[ClassRow]]] = {}
        for scores in self.scores:
            for row in scores.classes:
                if row.level == "segment":
                    found.setdefault(row.label, {}).setdefault(row.kind, []).append(row)
        kinds = list(next(iter(found.values())))
        rows = [["class", *(text for kind in kinds for text in (kind, "of"))]]
        for label, by_kind in found.items():
            cells = []
            for kind in kinds:
                f1 = [row.f1 for row in by_kind[kind]]
                support = by_kind[kind][0].support
                # A class that is neither there nor found has no score; found by some seeds only, it has their zeros.
                cells += ["–" if np.isnan(f1).all() else f"{np.nan_to_num(f1).mean():.1f}", str(support)]
            rows.append([label, *cells])
        return table(rows)

    def as_json(self) -> Any:
        def spelled(found: Interval) -> dict[str, float]:
            return {"low": found.low, "high": found.high, "seed_deviation": found.deviation}

        def beyond(found: Interval) -> dict[str, float | str]:
            return {"mean": found.mean, "low": found.low, "high": found.high, "verdict": told(found)}

        names = [name for level, name in self.scores[0].per_clip if level == LEVELS[0]]
        return {
            **{level: {name: self.interval(level, name).mean for name in names} for level in LEVELS},
            "average": self.average.mean,
            "signature": str(self.scores[0].signature),
            "runs": [str(run) for run in self.runs],
            "intervals": {
                **{level: {name: spelled(self.interval(level, name)) for name in names} for level in LEVELS},
                "average": spelled(self.average),
            },
            "each": [scores.as_json() for scores in self.scores],
            "references": {name: scores.as_json() for name, scores in self.references.items()},
            "beyond_painting": {
                **{level: {name: beyond(self.beyond_painting[level, name]) for name in names} for level in LEVELS},
                "average": beyond(self.beyond_painting[AVERAGE]),
            },
            "classes": [[row.as_json() for row in scores.classes] for scores in self.scores],
            "missing": self.missing,
            "notes": self.notes,
            **(self.details.as_json() if self.details else {}),
        }


def told(beyond: Interval) -> str:
    """Whether a score is better than painting, by the interval of the difference."""
    return BETTER if beyond.low > 0 else WORSE if beyond.high < 0 else OPEN


def covered(weak: WeakTable, dense: Mapping[str, DenseTable]) -> list[str]:
    """What is suspicious about the truth of these clips; raises SeehearError if the tables name none of them."""
    labelled = [clip for clip in weak.clips if weak.labels[clip]]
    known = {event.clip for one in dense.values() for event in one.events}
    bare = [clip for clip in labelled if clip not in known]
    tables = ", ".join(str(one.path) for one in dense.values())
    if labelled and len(bare) == len(labelled):
        raise SeehearError(
            f"{tables}: name none of the clips of {weak.path}; are these the dense tables of other clips?"
        )
    if bare:
        return [f"{len(bare)} clips of {weak.path} have labels but no row in {tables}, as {bare[0]}: taken as empty"]
    return []


def strangers(names: Sequence[str], known: Sequence[str], where: str) -> list[str]:
    """A note on classes that are not among those known, with what may have been meant."""
    unknown = sorted(set(names) - set(known))
    return [f"class {name!r} of {where} is not known{suggestion(name, known)}" for name in unknown]
