"""A table or figure of the paper with our numbers: as text, Markdown, JSON, HTML and a DataFrame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seehear.paper.claims import Source, Verdict
from seehear.results import html_table, import_pandas, listed, table

if TYPE_CHECKING:
    import pandas as pd

    from seehear.paper.experiment import Experiment
    from seehear.paper.measurement import Findings, Measurement

NUMBERS = ("value", "low", "high", "p", "chance")


@dataclass(frozen=True, repr=False)
class Table:
    """One experiment: what the paper reports, what we measured, and a verdict on each claim.

    Attributes:
        name: Of the experiment.
        experiment: What was run, and what the paper reports.
        findings: What we measured.
        verdicts: One per claim.
        data: What it was run on, in words.
    """

    name: str
    experiment: Experiment
    findings: Findings
    verdicts: tuple[Verdict, ...]
    data: str = ""

    def __repr__(self) -> str:
        return f"Table({self.name}: {count_answers(self.verdicts)})"

    def _repr_html_(self) -> str:
        verdicts = [["claim", "verdict", "reason"]]
        verdicts += [[f"{one.claim}{_suffix(one)}", one.answer, one.reason] for one in self.verdicts]
        caption = f"{self.name}: {self.experiment.title} ({self.experiment.source}); paper | ours"
        return "\n".join([html_table(self.rows(), caption), html_table(verdicts)])

    def rows(self) -> list[list[str]]:
        """Return header and rows, `paper | ours`; rows are systems or scores, whichever are more."""
        experiment, findings = self.experiment, self.findings
        systems = list(dict.fromkeys([*experiment.systems, *findings.systems]))
        scores = list(experiment.scores)
        cells = {
            (system, score): _cell(experiment.reported(system, score), findings.get(system, score))
            for system in systems
            for score in scores
        }
        if len(systems) > len(scores):
            return [["", *scores], *([name, *(cells[name, score] for score in scores)] for name in systems)]
        return [["", *systems], *([score, *(cells[name, score] for name in systems)] for score in scores)]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per system and score: system, score, paper, value, low, high, p, chance, control."""
        pd = import_pandas()

        rows = [
            {
                "system": system,
                "score": score,
                "paper": self.experiment.reported(system, score),
                **{name: getattr(one, name) for name in NUMBERS},
                "control": system in self.findings.controls,
            }
            for system, row in self.findings.systems.items()
            for score, one in row.items()
        ]
        return pd.DataFrame(rows, columns=["system", "score", "paper", *NUMBERS, "control"])

    def text(self) -> str:
        """Return lines for people."""
        experiment, findings = self.experiment, self.findings
        lines = [
            f"{self.name}: {experiment.title} ({experiment.source})",
            self.data,
            table(self.rows()),
            f"paper | ours (95 % interval{self._over()}); –: not reported, or not measured here; p is not adjusted",
            *self._chances(),
            "",
        ]
        lines += [f"{one.answer.upper()}: {one.claim}{_suffix(one)}\n  {one.reason}" for one in self.verdicts]
        missing = findings.missing
        lines += ["", *findings.notes, listed(missing, f"{len(missing)} labelled clips without features")]
        lines += [*(f"figure {path}" for path in findings.figures), f"signature {findings.signature}"]
        return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])

    def _over(self) -> str:
        """Return what intervals are over."""
        seeds = {one.seeds for row in self.findings.systems.values() for one in row.values()}
        most = max(seeds, key=len, default=())
        if len(most) > 1:
            return f" over clips and {len(most)} seeds"
        return " over clips; one seed" if most else " over clips"

    def _chances(self) -> list[str]:
        """Return the chance level of each score that has one, if it is the same for all systems."""
        levels = []
        for score in self.experiment.scores:
            known = {round(one.chance, 1) for row in self.findings.systems.values() if (one := row.get(score))}
            if len(known) == 1 and not math.isnan(chance := known.pop()):
                levels.append(f"{score} {chance:.1f}")
        return [f"chance: {', '.join(levels)}"] if levels else []

    def markdown(self) -> str:
        """Return the same as Markdown, for a lab book."""
        head, *rows = self.rows()
        lines = [f"**{self.experiment.title}** ({self.experiment.source})", "", self.data, ""]
        lines += [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows), ""]
        lines += [f"- {one.answer}: {one.claim}{_suffix(one)} {one.reason}" for one in self.verdicts]
        missing = self.findings.missing
        lines += ["", *(f"- {note}" for note in self.findings.notes)]
        lines += [f"- {len(missing)} labelled clips have no features: {', '.join(missing)}"] if missing else []
        lines += ["", "What the paper leaves open:", "", *(f"- {note}" for note in self.experiment.notes)]
        lines += ["", f"`{self.findings.signature}`", ""]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the table as JSON has it."""
        return {
            "experiment": self.name,
            "title": self.experiment.title,
            "source": self.experiment.source,
            "systems": {
                system: {score: self._measurement(system, score, one) for score, one in row.items()}
                for system, row in self.findings.systems.items()
            },
            "paper": {name: dict(system.paper) for name, system in self.experiment.systems.items()},
            "controls": sorted(self.findings.controls),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "notes": self.findings.notes,
            "left_open": list(self.experiment.notes),
            "data": self.data,
            "missing": list(self.findings.missing),
            "figures": [str(path) for path in self.findings.figures],
            "signature": self.findings.signature,
        }

    def _measurement(self, system: str, score: str, one: Measurement) -> dict[str, Any]:
        numbers = {name: getattr(one, name) for name in NUMBERS}
        numbers = {name: None if math.isnan(value) else value for name, value in numbers.items()}
        return {"paper": self.experiment.reported(system, score), **numbers, "seeds": list(one.seeds)}


def count_answers(verdicts: Sequence[Verdict]) -> str:
    """Return how many claims have which answer, such as `2 confirmed, 1 inconclusive`."""
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.answer] = counts.get(verdict.answer, 0) + 1
    return ", ".join(f"{count} {answer}" for answer, count in counts.items()) or "no claim"


def _cell(reported: float | None, measured: Measurement | None) -> str:
    in_paper = "–" if reported is None else f"{reported:.1f}" if round(reported, 1) == reported else f"{reported:g}"
    if measured is None or math.isnan(measured.value):
        return f"{in_paper} | –" if reported is not None else "–"
    digits = 2 if abs(measured.value) < 2 else 1
    ours = f"{measured.value:.{digits}f}"
    interval = "" if math.isnan(measured.low) else f" ({measured.low:.{digits}f}–{measured.high:.{digits}f})"
    p = "" if math.isnan(measured.p) else f" p {measured.p:.2g}"
    return f"{in_paper} | {ours}{interval}{p}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace(" | ", " → ") for cell in cells) + " |"


def _suffix(verdict: Verdict) -> str:
    return "" if verdict.source is Source.PAPER else " (our control)"
