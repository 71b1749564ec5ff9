"""seehear compare: how far trained systems are from the first of them, and whether clips and seeds could make it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.scoring.comparison import LEVEL, READ, difference, holm, of_seeds
from seehear.scoring.decoding import HALF, Filter
from seehear.verbs import differences, options
from seehear.verbs.result import Result, listed, table
from seehear.verbs.scored import AVERAGE, Scored

if TYPE_CHECKING:
    from seehear.report.comparison import Row


@dataclass
class Comparison(Result):
    """runs: the systems' folders, by name; the first is the one that others are compared with.

    settings: what each other differs in. rows: its scores beside the first's. seeds: of each system. missing: clips
    without features, which count as ones in which nothing was found.
    """

    runs: dict[str, str]
    seeds: dict[str, list[int]]
    settings: dict[str, str]
    rows: dict[str, list[Row]]
    signature: str
    missing: list[str]
    notes: list[str] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    page: Path | None = None

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing else 0

    def text(self) -> str:
        first, *others = self.runs
        lines = [listed(self.missing, f"{len(self.missing)} clips without features, scored as if nothing was found")]
        for name in others:
            head = ["", "first", "this", "difference", "95 % interval", "p", "adjusted"]
            rows = [head, *(row.cells() for row in self.rows[name])]
            found = self.rows[name][0].difference
            how = of_seeds(found, self.seeds[name], self.seeds[first])
            lines += [f"{name} beside {first}", self.settings[name], table(rows), how, ""]
        lines += [
            "per cent; average: of all the scores above it",
            *READ,
            f"adjusted: p by Holm over the systems, each score by itself; *: under {LEVEL:g}, of several "
            "seeds. So many scores are not as many findings: decide beforehand which one counts",
            *self.notes,
            *(f"picture {path}" for path in self.pictures),
            *([f"open {self.page} in a browser"] if self.page else []),
            f"signature {self.signature}",
        ]
        return "\n".join(line for n, line in enumerate(lines) if line or n)

    def as_json(self) -> Any:
        return {
            "runs": self.runs,
            "seeds": self.seeds,
            "settings": self.settings,
            "systems": {name: [asdict(row) for row in rows] for name, rows in self.rows.items()},
            "signature": self.signature,
            "missing": self.missing,
            "notes": self.notes,
            "pictures": [str(path) for path in self.pictures],
        }


def compare(
    runs: Sequence[str | Path],
    *,
    store: str | Path,
    labels: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
) -> Comparison:
    """Compare trained systems with the first of them, score by score.

    Every difference is paired by clip, and by seed where both were trained with the same seeds. It comes with a 95 %
    interval over clips and seeds and a permutation p that both must beat.

    Args:
        runs: Two or more folders, each a system: a run, or the runs of several seeds (RUN/seed-N).
        store: The folder with the clips' features.
        labels: Weak table: which clips to score, with their labels.
        dense_audio: Dense table of what is heard in them.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Probability from which on a segment is active.
        clip_threshold: Probability from which on a class is kept.
        thresholds: JSON file with thresholds by class.
        out: Folder for comparison.json, a picture of the differences, and a page with both.
        device: auto, cpu or cuda.

    Returns:
        The differences of all scores, with intervals and p.
    """
    from seehear import pages
    from seehear.files import atomic_json
    from seehear.report.comparison import Compared as System
    from seehear.report.comparison import forest
    from seehear.training.run import find_runs
    from seehear.verbs.evaluate import score_runs

    if isinstance(runs, str) or len(runs) < 2:
        raise SeehearError(
            "to compare takes two systems or more: name their run folders, the one to compare with first"
        )
    systems = options.systems(runs)
    trained = {name: find_runs([path]) for name, path in systems.items()}
    differences.check_apart(trained)
    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    truths = options.by_modality(dense_audio, dense_visual, dense)
    found = {
        name: score_runs(of_system, store, labels, truths, protocol, device) for name, of_system in trained.items()
    }
    seeds = {name: [run.facts.seed for run in of_system] for name, of_system in trained.items()}
    baseline, *others = systems
    first = found[baseline]
    for name, scored in found.items():
        if scored.scores[0].per_clip.keys() != first.scores[0].per_clip.keys():
            raise SeehearError(f"{name} and {baseline} are of other modalities: their scores can't be compared")
    report = Comparison(
        {name: str(path) for name, path in systems.items()},
        seeds,
        {name: differences.of_settings(trained[baseline][0], trained[name][0]) for name in others},
        _rows(found, seeds),
        str(first.scores[0].signature),
        sorted({clip for scored in found.values() for clip in scored.missing}),
        list(dict.fromkeys(note for scored in found.values() for note in scored.notes)),
    )
    if out is not None:
        drawn = [System(name, rows) for name, rows in report.rows.items()]
        report.pictures = forest(drawn, Path(out) / "comparison", baseline=baseline, signature=report.signature)
        atomic_json(Path(out) / "comparison.json", report.as_json())
        report.page = pages.comparison.write(Path(out))
    return report


def _rows(found: Mapping[str, Scored], seeds: Mapping[str, list[int]]) -> dict[str, list[Row]]:
    """By system, all but the first."""
    from seehear.report.comparison import Row

    first, *others = found
    rows: dict[str, list[Row]] = {name: [] for name in others}
    for level, score in [*found[first].scores[0].per_clip, AVERAGE]:
        values = {
            name: scored.average_per_clip() if (level, score) == AVERAGE else scored.per_clip(level, score)
            for name, scored in found.items()
        }  # (S, N) each
        found_each = [difference(values[name], values[first], (seeds[name], seeds[first])) for name in others]
        adjusted = holm([each.p for each in found_each])
        for name, each, p in zip(others, found_each, adjusted, strict=True):
            rows[name].append(Row(score, level, float(values[first].mean()), each, p))
    return rows
