"""How well modalities agree in meaning: the measures of features and of trained systems, and their views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.embeddings import Embeddings
from seehear.alignment.metrics import METRICS, Measure, by_clip
from seehear.alignment.retrieval import Matches
from seehear.alignment.search import Search
from seehear.results import Result, counted, html_table, import_pandas, listed, table
from seehear.scoring.comparison import HOW_TO_READ, Difference, describe_seeds, format_p
from seehear.storage.files import Local
from seehear.storage.parts import Part

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from seehear.data import Dataset
    from seehear.losses.contrastive.settings import ContrastSettings
    from seehear.scoring.intervals import Interval

COLUMNS = ("recall-top1", "by overlap", "distinguish", "precision", "by overlap")  # in the order of METRICS
LEGEND = (
    "per cent (95 % interval by bootstrap over the queries' clips, and over seeds if there are several)",
    "recall-top1: the nearest segment has the same labels, or none like the query",
    "  by overlap: of queries with labels, the nearest segment shares one",
    "distinguish: the nearest segment has a label",
    "precision: share of matches among the M nearest, of queries with M > 0 matches, exact or by overlap",
)


@dataclass(frozen=True, repr=False)
class AlignedSystem:
    """The measures of one system.

    Attributes:
        name: Of the system; `features` for features without training.
        seeds: Of its runs; none for features.
        matches: search -> the matches of each seed.
        measures: search -> measure -> its value, interval and chance level.
        clip: (n,), number of the clip of each segment.
        type_at_av: Segment Type@AV, per cent; None for features.
        embeddings: modality -> (n, d) of the first seed, for similarities within a modality.
        between: The same for similarities between modalities; None if features have no common width.
        contrast: The contrastive loss of the training; None for features.
    """

    name: str
    seeds: tuple[int, ...]
    matches: Mapping[Search, Sequence[Matches]]
    measures: Mapping[Search, Mapping[str, Measure]]
    clip: NDArray[np.int64]
    type_at_av: Interval | None = None
    embeddings: Embeddings = field(default_factory=dict)
    between: Embeddings | None = None
    contrast: ContrastSettings | None = None

    def __repr__(self) -> str:
        seeds = f", {len(self.seeds)} seeds" if len(self.seeds) > 1 else ""
        return f"AlignedSystem({self.name}{seeds}, {len(self.measures)} searches)"

    def per_clip(self, search: Search, metric: str) -> NDArray[np.float64]:
        """Return one value per seed and clip, (S, N), per cent, whose mean is the measure.

        Seeds are 1 for features. A clip's weight is its number of queries for which the measure is defined.
        """
        n_clips = int(self.clip.max()) + 1
        return np.stack([by_clip(getattr(one, metric), self.clip, n_clips) for one in self.matches[search]])

    def as_json(self) -> dict[str, Any]:
        """Return the measures, shares in [0, 1]."""
        return {
            "name": self.name,
            "seeds": list(self.seeds),
            "type_at_av": asdict(self.type_at_av) if self.type_at_av else None,
            "searches": [
                {**asdict(search), "measures": {name: asdict(one) for name, one in measures.items()}}
                for search, measures in self.measures.items()
            ],
        }


@dataclass(repr=False)
class Alignment(Result):
    """How well modalities agree in meaning.

    Attributes:
        systems: The features first, if they were measured, then each trained system.
        differences: search between modalities -> trained system -> measure -> difference from the first trained
            system, in points.
        signature: How the numbers were computed.
        missing: Clips without features, left out.
        notes: What a user should know.
        clips: The clips that were measured.
        files: Figures that were written.
    """

    systems: tuple[AlignedSystem, ...]
    differences: Mapping[Search, Mapping[str, Mapping[str, Difference]]]
    signature: str
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    clips: Dataset
    files: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out because they have no features, else 0."""
        return 1 if self.missing else 0

    @property
    def searches(self) -> list[Search]:
        """All searches, those of trained systems first."""
        return list(dict.fromkeys(search for system in reversed(self.systems) for search in system.measures))

    def __getitem__(self, name: str) -> AlignedSystem:
        """Return the system of this name.

        Raises:
            KeyError: If there is none.
        """
        for system in self.systems:
            if system.name == name:
                return system
        raise KeyError(name)

    def __repr__(self) -> str:
        search = self.searches[0]
        values = ", ".join(
            f"{system.name} {_per_cent(system.measures[search]['recall_exact'].value)}"
            for system in self.systems
            if search in system.measures
        )
        return f"Alignment({search}, recall-top1: {values}; {counted(len(self.clips), 'clip')})"

    def _repr_html_(self) -> str:
        return "\n".join(html_table(self._rows(search), self.signature) for search in self.searches)

    def to_frame(self) -> pd.DataFrame:
        """Return the measures as a table.

        Returns:
            One row per system, search and measure: system, queries, gallery, exclude, measure, value, low, high,
            deviation, chance (shares in [0, 1]), and the numbers of queries that count and that were left out.
        """
        pd = import_pandas()

        return pd.DataFrame(
            [
                {"system": system.name, **asdict(search), "measure": name, **_renamed(asdict(one))}
                for system in self.systems
                for search, measures in system.measures.items()
                for name, one in measures.items()
            ]
        )

    def plot(self, clip: str | None = None, file: str | Path | Part | None = None) -> Figure:
        """Draw the similarities of a clip's segments, within the first two modalities and between them.

        Args:
            clip: Name of a measured clip; the first one unless given.
            file: The clip's media file, to show thumbnails and spectrogram above.

        Returns:
            A figure of several panels, with one row of matrices per system, of its first seed.

        Raises:
            SeehearError: If the clip was not measured.
        """
        from seehear.alignment.figure import similarity_figure

        return similarity_figure(self, self.clips.clips[0] if clip is None else clip, file)

    def save(self, out: str | Path, draw: Sequence[str] = (), files: Mapping[str, Local] | None = None) -> Path:
        """Write OUT/alignment.json, and OUT/similarity-<clip>.png and .svg for some clips.

        Args:
            out: The folder; made if it does not exist.
            draw: Names of the clips to draw.
            files: clip -> its media file, to show thumbnails and spectrogram.

        Returns:
            The folder.
        """
        from seehear.files import atomic_json
        from seehear.plots import style

        folder = Path(out)
        for clip in draw:
            figure = self.plot(clip, (files or {}).get(clip))
            self.files += style.save(figure, folder / f"similarity-{clip}")
        atomic_json(folder / "alignment.json", self.as_json())
        return folder

    def text(self) -> str:
        """Return one table per search, the differences between systems, and the legend."""
        count = counted(len(self.missing), "clip")
        parts = [listed(self.missing, f"{count} without usable features of every network, left out")]
        for search in self.searches:
            parts += [*self._table(search), ""]
        parts += self._differences()
        parts += [*LEGEND, *self.notes, *(f"figure {path}" for path in self.files), f"signature {self.signature}"]
        return "\n".join(part for n, part in enumerate(parts) if part or n)

    def _rows(self, search: Search) -> list[list[str]]:
        """Return a header, every system's measures in one search, and the chance level."""
        systems = [system for system in self.systems if search in system.measures]
        scored = search == self.searches[0] and any(system.type_at_av for system in systems)
        rows = [[str(search), *COLUMNS, *(["Type@AV"] if scored else [])]]
        for system in systems:
            cells = [_with_interval(system.measures[search][name]) for name in METRICS]
            score = system.type_at_av
            last = f"{score.mean:.1f} ({score.low:.1f}–{score.high:.1f})" if score else ""
            rows.append([system.name, *cells, *([last] if scored else [])])
        measures = systems[0].measures[search]
        rows.append(["chance", *(_per_cent(measures[name].chance) for name in METRICS), *([""] if scored else [])])
        return rows

    def _table(self, search: Search) -> list[str]:
        measures = next(system.measures[search] for system in self.systems if search in system.measures)
        exact, overlap = (
            f"{one.left_out} of {one.queries + one.left_out}" for one in (measures[name] for name in METRICS[3:])
        )
        return [
            table(self._rows(search)),
            f"queries without a match, left out of precision: {exact}; by overlap: {overlap}",
        ]

    def _differences(self) -> list[str]:
        """Return the trained systems less the first of them."""
        if not self.differences:
            return []
        seeds = {system.name: system.seeds for system in self.systems if system.seeds}
        first, *others = seeds
        parts: list[str] = []
        for search, of_systems in self.differences.items():
            rows = [[f"{search}, less {first}", *COLUMNS]]
            for name, of_metrics in of_systems.items():
                cells = [
                    f"{one.mean:+.1f} ({one.low:+.1f} to {one.high:+.1f}) p {format_p(one.p)}"
                    for one in of_metrics.values()
                ]
                rows.append([name, *cells])
            parts += [table(rows), ""]
        some = next(iter(self.differences.values()))
        parts += [
            f"{name}: {describe_seeds(next(iter(some[name].values())), seeds[name], seeds[first])}" for name in others
        ]
        return [*parts, *HOW_TO_READ, "points; p is not adjusted for the number of comparisons", ""]

    def as_json(self) -> Any:
        """Return the systems, their differences, the clips left out, and the signature."""
        return {
            "systems": [system.as_json() for system in self.systems],
            "differences": [
                {
                    **asdict(search),
                    "systems": {
                        name: {metric: asdict(one) for metric, one in of_metrics.items()}
                        for name, of_metrics in systems.items()
                    },
                }
                for search, systems in self.differences.items()
            ],
            "signature": self.signature,
            "missing": list(self.missing),
            "notes": list(self.notes),
            "figures": [str(path) for path in self.files],
        }


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Return a measure's values as columns: `queries` is a search's modality already."""
    return {"n_queries" if name == "queries" else name: value for name, value in values.items()}


def _with_interval(measure: Measure) -> str:
    value, low, high = (_per_cent(part) for part in (measure.value, measure.low, measure.high))
    return f"{value} ({low}–{high})"


def _per_cent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"
