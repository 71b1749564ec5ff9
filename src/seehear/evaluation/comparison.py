"""Systems compared with the first of them, score by score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear.data import Dataset, check_dataset
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.evaluation.arrays import ActivityLike
from seehear.evaluation.parsers import evaluate_modalities, evaluate_predictions, predictions_of
from seehear.evaluation.result import LONGEST_NAME, Evaluation
from seehear.evaluation.systems import (
    System,
    Systems,
    check_distinct,
    describe_settings,
    named_folders,
    open_parsers,
)
from seehear.files import check_folder
from seehear.parsing.parser import Parser
from seehear.results import Result, counted, html_table, import_pandas, listed, table
from seehear.scoring.comparison import HOW_TO_READ, LEVEL, ScoreDifference, describe_seeds, difference, holm
from seehear.scoring.scores import AVERAGE, ScoreKey
from seehear.scoring.signature import Signature
from seehear.scoring.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FILE = "comparison.json"
HEADER = ("", "first", "this", "difference", "95 % interval", "p", "adjusted")
ADJUSTED = (
    f"adjusted: p by Holm over the systems, each score by itself; *: below {LEVEL:g}, better or worse, over clips and "
    f"seeds; (*): likewise over clips alone, in these runs, as a system has one seed; no star: {LEVEL:g} or more, "
    "inconclusive. Decide beforehand which score counts: many scores are not as many findings"
)

Compared = Systems | ActivityLike | Sequence[ActivityLike] | Evaluation


@dataclass(repr=False)
class Comparison(Result):
    """Systems compared with the first of them.

    Attributes:
        evaluations: Name -> scores of the system; the first is the one that others are compared with.
        rows: Name -> its scores compared with the first's, the average last. Of all systems but the first.
        settings: Name -> the settings, other than seeds, in which it differs from the first; empty for predictions.
        folder: Where it was saved.
        plots: Files of the plot, once it was saved.
    """

    evaluations: dict[str, Evaluation]
    rows: dict[str, list[ScoreDifference]]
    settings: dict[str, str]
    folder: Path | None = None
    plots: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips without features were scored as empty, else 0."""
        return 1 if self.missing else 0

    @property
    def first(self) -> str:
        """Name of the system that others are compared with."""
        return next(iter(self.evaluations))

    @property
    def runs(self) -> dict[str, list[str]]:
        """Name -> runs of the system: folders, or parsers in memory."""
        return {name: list(evaluation.runs) for name, evaluation in self.evaluations.items()}

    @property
    def seeds(self) -> dict[str, list[int]]:
        """Name -> seeds of the system; none if they are not known."""
        return {name: list(evaluation.seeds) for name, evaluation in self.evaluations.items()}

    @property
    def signature(self) -> Signature:
        """Return the signature of the first system's scores."""
        return self.evaluations[self.first].signature

    @property
    def signatures(self) -> dict[str, Signature]:
        """Name -> signature of the system's scores: systems may make events of probabilities in different ways."""
        return {name: evaluation.signature for name, evaluation in self.evaluations.items()}

    @property
    def described_signatures(self) -> list[str]:
        """The signature that all systems share, or a line per system."""
        if len(set(map(str, self.signatures.values()))) == 1:
            return [str(self.signature)]
        return [f"{name}: {signature}" for name, signature in self.signatures.items()]

    @property
    def ensembles(self) -> list[str]:
        """Names of the systems whose seeds were scored as one."""
        return [name for name, evaluation in self.evaluations.items() if evaluation.signature.ensemble > 1]

    @property
    def missing(self) -> list[str]:
        """Clips without features, scored as if nothing was predicted."""
        return sorted({clip for evaluation in self.evaluations.values() for clip in evaluation.missing})

    @property
    def notes(self) -> list[str]:
        """Return the notes of all evaluations, each once."""
        return list(dict.fromkeys(note for evaluation in self.evaluations.values() for note in evaluation.notes))

    @property
    def page(self) -> Path | None:
        """The page that shows it, once it was saved."""
        return self.folder / "comparison.html" if self.folder is not None else None

    def average(self, name: str) -> ScoreDifference:
        """Return how the average of a system differs from the first's."""
        return self.rows[name][-1]

    def verdict(self, name: str, level: str = "", score: str = "average") -> Verdict:
        """Return how a system compares with the first in a score, by default in the average.

        Args:
            name: Of the system.
            level: segment or event; empty for the average.
            score: Its kind, such as type_at_av.

        Raises:
            SeehearError: If there is no such score.
        """
        for row in self.rows[name]:
            if (row.level, row.score) == (level, score):
                return row.verdict
        raise SeehearError(f"no score {level} {score}; available: {', '.join(row.name for row in self.rows[name])}")

    def __repr__(self) -> str:
        parts = []
        for name, rows in list(self.rows.items())[:3]:
            mean = rows[-1].difference.mean
            parts.append(f"{_shortened(name, 24)} {mean:+.1f} {rows[-1].verdict}")
        more = f", {len(self.rows) - 3} more" if len(self.rows) > 3 else ""
        return f"Comparison(average against {_shortened(self.first, 24)}: {', '.join(parts)}{more})"

    def _repr_html_(self) -> str:
        return "\n".join(
            html_table(
                [[*HEADER, "verdict"], *([*row.cells(), str(row.verdict)] for row in rows)],
                f"{name} against {self.first}; {'; '.join(self.described_signatures)}",
            )
            for name, rows in self.rows.items()
        )

    def describe_seeds(self, name: str) -> str:
        """Return how a system's seeds were compared with the first's."""
        text = describe_seeds(self.rows[name][0].difference, self.seeds[name], self.seeds[self.first])
        ensembles = [each for each in (name, self.first) if each in self.ensembles]
        return "; ".join([text, *(f"{each} is an ensemble: its seeds are scored as one" for each in ensembles)])

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per system and score; per cent and points.

        Returns:
            The columns system, level, kind, first, this, difference, low, high, p, adjusted and verdict.
        """
        pd = import_pandas()

        return pd.DataFrame(
            {
                "system": name,
                "level": row.level,
                "kind": row.score,
                "first": row.baseline,
                "this": row.baseline + row.difference.mean,
                "difference": row.difference.mean,
                "low": row.difference.low,
                "high": row.difference.high,
                "p": row.difference.p,
                "adjusted": row.adjusted,
                "verdict": str(row.verdict),
            }
            for name, rows in self.rows.items()
            for row in rows
        )

    def plot(self) -> Figure:
        """Return a figure of the differences with their intervals, a panel per system."""
        from seehear.plots.comparison import Compared, plot_forest

        systems = [Compared(name, rows) for name, rows in self.rows.items()]
        return plot_forest(systems, baseline=self.first, signature="; ".join(self.described_signatures))

    def text(self) -> str:
        """Return one table per system that is compared with the first."""
        lines = []
        if self.missing:
            count = counted(len(self.missing), "clip")
            headline = f"{count} without usable features, scored as if nothing was predicted"
            lines.append(listed(self.missing, headline))
        for name, rows in self.rows.items():
            lines += [f"{name} against {self.first}", *([self.settings[name]] if self.settings[name] else [])]
            lines += [table([HEADER, *(row.cells() for row in rows)]), self.describe_seeds(name), ""]
        lines += [
            "per cent; average: of all the scores above it",
            *HOW_TO_READ,
            ADJUSTED,
            *self.notes,
            *(f"plot {path}" for path in self.plots),
            *([f"open {self.page} in a browser"] if self.page else []),
            *(f"signature {line}" for line in self.described_signatures),
        ]
        return "\n".join(lines)

    def as_json(self) -> Any:
        """Return the rows of each system, its runs, seeds and settings, and the signature."""
        return {
            "runs": self.runs,
            "seeds": self.seeds,
            "ensembles": self.ensembles,
            "settings": self.settings,
            "systems": {
                name: [{**asdict(row), "verdict": str(row.verdict)} for row in rows] for name, rows in self.rows.items()
            },
            "signature": str(self.signature),
            "signatures": {name: str(signature) for name, signature in self.signatures.items()},
            "missing": self.missing,
            "notes": self.notes,
            "plots": [path.name for path in self.plots],
        }

    def save(self, folder: str | Path) -> Path:
        """Write FOLDER/comparison.html, a page; comparison.json; and the plot as PNG and SVG. Returns the page."""
        from seehear import pages
        from seehear.files import atomic_json
        from seehear.plots import style

        self.folder = Path(folder)
        self.plots = style.save(self.plot(), self.folder / "comparison")
        atomic_json(self.folder / FILE, self.as_json())
        return pages.comparison.write(self, self.folder)


def compare(
    systems: Mapping[str, Compared] | Sequence[str | Path],
    dataset: Dataset,
    *,
    decoding: Decoding | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Comparison:
    """Compare systems with the first of them, score by score.

    Every difference is paired by clip, and by seed if both systems were trained with the same seeds. It comes with a
    95 % interval over clips and seeds and a permutation p, see `scoring.comparison.difference`. Parsers of different
    modalities are compared by those that all predict.

    Args:
        systems: Name -> system, two or more, the baseline first. A system is a parser, a run folder, predictions
            (modality -> (N, T, C)), a list of these (one per seed), an ensemble, or an Evaluation on the same data
            set. A list of run folders is named by the folders.
        dataset: Clips with ground truth.
        decoding: From probabilities to events; by default that of the parsers.
        out: Folder for a page, the numbers and a plot. Nothing is written unless it is given.
        device: Where parsers of run folders compute: auto, cpu or cuda.
        progress: Show progress and time left.

    Returns:
        The differences of all scores.

    Raises:
        SeehearError: If there are fewer than two systems, a run is in two of them, or their scores are not comparable.
    """
    check_folder(out)
    check_dataset(dataset, "dataset")
    named = _named(systems)
    opened = {name: _opened(system, device) for name, system in named.items()}
    trained = {name: system for name, system in opened.items() if _is_parsers(system)}
    check_distinct(trained)
    own = {name: of_system[0].modalities for name, of_system in trained.items()}
    shared = shared_modalities(own)
    evaluations = {}
    for name, system in opened.items():
        if isinstance(system, Evaluation):
            evaluations[name] = system
        elif _is_parsers(system):
            evaluations[name] = evaluate_modalities(system, dataset, shared, decoding=decoding, progress=progress)
            evaluations[name].notes += _unscored(name, own[name], shared)
        else:
            evaluations[name] = evaluate_predictions(system, dataset, name)
    first, *others = evaluations
    _check_comparable(evaluations)
    settings = {
        name: describe_settings(trained[first][0].run, trained[name][0].run) if {first, name} <= set(trained) else ""
        for name in others
    }
    comparison = Comparison(evaluations, _differences(evaluations), settings)
    if out is not None:
        comparison.save(out)
    return comparison


def _named(systems: Mapping[str, Compared] | Sequence[str | Path]) -> Mapping[str, Any]:
    if isinstance(systems, str | Path | Parser) or len(systems) < 2:
        raise SeehearError("a comparison takes two systems or more, the one to compare with first")
    if isinstance(systems, Mapping):
        return systems
    if not all(isinstance(system, str | Path) for system in systems):
        raise SeehearError("systems other than run folders need names: give a mapping of name to system")
    return named_folders(systems)


def _opened(system: Any, device: str) -> Any:
    """Return parsers, or predictions, one per seed; an Evaluation as it is."""
    return system if isinstance(system, Evaluation) else predictions_of(system) or open_parsers(system, device)


def _is_parsers(system: Any) -> bool:
    return isinstance(system, list) and isinstance(system[0], Parser)


def shared_modalities(modalities: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the modalities that all systems predict, in the order of the first; none if there is no system.

    Args:
        modalities: Name of a system -> what it predicts.

    Raises:
        SeehearError: If there is no such modality.
    """
    first = next(iter(modalities), "")
    shared = [each for each in modalities.get(first, ()) if all(each in own for own in modalities.values())]
    if modalities and not shared:
        predict = "; ".join(f"{name} predicts {' and '.join(own)}" for name, own in modalities.items())
        raise SeehearError(f"no modality is predicted by every system, so nothing can be compared: {predict}")
    return shared


def _unscored(name: str, own: Sequence[str], shared: Sequence[str]) -> list[str]:
    """Return a note on modalities that one system predicts and another does not."""
    others = [each for each in own if each not in shared]
    if not others:
        return []
    return [f"{name} predicts {' and '.join(others)} too: compared by {' and '.join(shared)} alone, as all predict it"]


def _check_comparable(evaluations: Mapping[str, Evaluation]) -> None:
    """Raises SeehearError if systems have other scores, clips or labels than the first."""
    first, *others = evaluations
    keys = evaluations[first].scores[0].per_clip.keys()
    for name in others:
        if evaluations[name].scores[0].per_clip.keys() != keys:
            own, of_first = (_kinds_of(evaluations[each]) for each in (name, first))
            raise SeehearError(
                f"{name} has scores of {own}, {first} of {of_first}: give both as runs, parsers or predictions of the "
                "same modalities"
            )
        one, other = evaluations[name].signature, evaluations[first].signature
        if (one.clips, one.iou) != (other.clips, other.iou):
            raise SeehearError(f"{name} and {first} can't be compared: their signatures are {one} and {other}")


def _kinds_of(evaluation: Evaluation) -> str:
    return ", ".join(dict.fromkeys(kind for _, kind in evaluation.scores[0].per_clip))


def _differences(evaluations: Mapping[str, Evaluation]) -> dict[str, list[ScoreDifference]]:
    """Return the rows of all systems but the first."""
    first, *others = evaluations
    rows: dict[str, list[ScoreDifference]] = {name: [] for name in others}
    keys: list[ScoreKey] = [*evaluations[first].scores[0].per_clip, AVERAGE]
    for key in keys:
        values = {name: _values(evaluation, key) for name, evaluation in evaluations.items()}  # (S, N) each
        differences = [
            difference(values[name], values[first], _seeds(evaluations[name], evaluations[first])) for name in others
        ]
        adjusted = holm([each.p for each in differences])
        level, kind = key
        for name, each, p in zip(others, differences, adjusted, strict=True):
            rows[name].append(ScoreDifference(kind, level, float(values[first].mean()), each, p))
    return rows


def _values(evaluation: Evaluation, key: ScoreKey) -> np.ndarray[Any, np.dtype[np.float64]]:
    return evaluation.average_per_clip() if key == AVERAGE else evaluation.per_clip(*key)


def _seeds(one: Evaluation, other: Evaluation) -> tuple[Sequence[int], Sequence[int]] | None:
    known = all(len(each.seeds) == len(each.scores) for each in (one, other))  # not those of an ensemble
    return (one.seeds, other.seeds) if known else None


def _shortened(name: str, longest: int = LONGEST_NAME) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


__all__ = ["Compared", "Comparison", "System", "compare"]
