"""seehear thresholds: a run's thresholds per class, by a stated number of false alarms per hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.cli.options import NO_TRUTH, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result

if TYPE_CHECKING:
    from seehear.scoring.false_alarms import FalseAlarms


@dataclass(repr=False)
class Chosen(Result):
    """Thresholds of runs, and the file that keeps each."""

    thresholds: Sequence[FalseAlarms]
    files: Sequence[Path]

    def text(self) -> str:
        """Return the table of each run."""
        pairs = zip(self.thresholds, self.files, strict=True)
        return "\n".join(f"{each.text()}\nkept in {file}" for each, file in pairs)

    def as_json(self) -> Any:
        """Return file, thresholds and table of each run."""
        pairs = zip(self.thresholds, self.files, strict=True)
        return [{"file": str(file), **each.as_json()} for each, file in pairs]


def thresholds(
    run: str | Path,
    *,
    store: str | Path,
    labels: str | Path,
    false_alarms: Sequence[str],
    truth: TruthOptions = NO_TRUTH,
    sure: bool = False,
    ensemble: bool = False,
    out: str | Path | None = None,
    device: str = "auto",
) -> Chosen:
    """Choose thresholds with at most so many false alarms per hour, per class and modality.

    A false alarm is an event that overlaps no true event of its class and modality. With ground truth, all hours count.
    Without, the hours of the clips whose label lacks the class count; a row with an empty label is a clip without any.
    No threshold becomes lower than that of the training. RUN/thresholds.json keeps the thresholds, and every command
    then uses them with the run; delete it to return to those of the training.

    Args:
        run: A run folder, or one of several seeds (RUN/seed-N), of which each gets its own thresholds.
        store: The folder with the clips' features.
        labels: Weak table of clips that the run was not trained on.
        false_alarms: A number per hour for every class, or CLASS=NUMBER for single classes, as in `1` or
            `Dog=1 Speech=6`. Other classes keep their thresholds.
        truth: Per-second ground truth of these clips.
        sure: Choose by the upper end of the rate's 95 % interval, not by the observed rate.
        ensemble: Choose for the mean of the probabilities of all seeds; needs --out.
        out: A file for the thresholds, for --thresholds of `parse` and `evaluate`. The run then stays as it is.
        device: auto, cpu or cuda.

    Returns:
        Per class and modality the threshold, the false alarms, their rate with its interval, and whether the hours are
        enough to show it.
    """
    from seehear.data import Dataset
    from seehear.evaluation.systems import open_parsers
    from seehear.training.runs import THRESHOLDS

    if ensemble and out is None:
        raise SeehearError("the thresholds of an ensemble belong to no single run: give a file with --out")
    parsers = open_parsers(run, device, ensemble=ensemble)
    if out is not None and len(parsers) > 1:
        raise SeehearError(f"{run}: holds {len(parsers)} seeds: name one, or take them as one with --ensemble")
    facts = parsers[0].run.facts
    dataset = Dataset.from_tables(labels, store=store, collocation=facts.collocation, truth=truth.tables())
    rates = arguments.by_class(false_alarms, facts.classes, "false alarms")
    chosen, files = [], []
    for parser in parsers:
        before = None if ensemble else parser.run.trained_decoding
        found = parser.limit_false_alarms(dataset, rates, decoding=before, sure=sure)
        if out is None:
            parser.keep_thresholds(found)
        else:
            found.save(out)
        chosen.append(found)
        files.append(Path(out) if out is not None else Path(parser.run.name) / THRESHOLDS)
    return Chosen(chosen, files)
