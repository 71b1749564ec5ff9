"""Measure the alignment of a data set's features and of trained systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.alignment.embeddings import Embeddings, Point, embeddings
from seehear.alignment.metrics import METRICS, summarise
from seehear.alignment.projection import PROJECTIONS, WIDTH, ProjectionName
from seehear.alignment.result import AlignedSystem, Alignment
from seehear.alignment.retrieval import Matches
from seehear.alignment.search import Search, between, within
from seehear.data import Dataset
from seehear.decoding import Decoding
from seehear.device import resolve
from seehear.errors import SeehearError
from seehear.evaluation.systems import System, Systems, check_distinct, named_folders, open_parsers, released
from seehear.events import inside_clips
from seehear.features.store import NetworkInfo
from seehear.parsing.parser import Parser
from seehear.progress import Progress
from seehear.scoring.comparison import Difference, difference
from seehear.scoring.intervals import Interval, bootstrap
from seehear.version import __version__

FEATURES = "features"  # the name of the system without training

NamedSystems = Mapping[str, Systems] | Systems | Sequence[Systems] | None


def align(
    systems: NamedSystems,
    dataset: Dataset,
    *,
    fit: Dataset | None = None,
    projection: ProjectionName = "cca",
    width: int = WIDTH,
    point: Point = "embedding",
    searches: Sequence[Search] | None = None,
    features: bool = True,
    device: str = "auto",
    progress: bool = True,
) -> Alignment:
    """Measure how well modalities agree in meaning: do the nearest segments have the same labels?

    Each segment of one modality is a query. All segments of another modality, or of its own, are ranked by the cosine
    of their embeddings. The measures are those of Wu et al., Tables 1 and 2, each with its chance level. Only clips
    with features of every network, and so of every modality, are measured.

    Args:
        systems: Trained systems: name -> a Parser, a run folder, or a list of them that differ in their seeds; or a
            sequence of these, which are named by their folders. None or empty: the features alone.
        dataset: Clips with per-second ground truth. The features of its networks are measured as they are, and under
            the projection.
        fit: Other clips. The projection is fitted to their features by what happens at the same time, not by labels.
        projection: How features get a common width, which a search between modalities needs. `cca`: by canonical
            correlation, needs `fit`. `random`: by random matrices, which gives the chance level. `none`: they have a
            common width already.
        width: Common width of projected features; that of the narrowest modality if it is less.
        point: Where embeddings are taken in a model: `mapped`, after the linear maps; `embedding`, after the
            projections too, before the attention; `fused`, after it.
        searches: What to search for and where; by default `between` and `within` all modalities.
        features: Whether to measure the features too.
        device: Where models of run folders compute: auto, cpu or cuda.
        progress: Show progress and time left.

    Returns:
        The five measures of the features and of each system, and the differences from the first system.

    Raises:
        SeehearError: If there is nothing to measure, or the data set has no ground truth or fewer than two modalities.
            If a system has other modalities, or a run is in two systems. If `fit` shares clips with the data set, or an
            embedding is not finite.
    """
    trained = open_systems(systems, device)
    if not trained and not features:
        raise SeehearError("nothing to measure: name systems, or measure the features")
    measured = _Measured.of(dataset, trained, features)
    chosen = [*between(measured.modalities), *within(measured.modalities)] if searches is None else list(searches)
    raw = _Features.of(dataset, measured, fit, projection, width) if features else None
    count = len(raw.possible(chosen)) if raw else 0
    total = count + len(chosen) * sum(len(parsers) for parsers in trained.values())
    results = []
    with Progress("aligning", total, show=progress) as bar:

        def run(some: Sequence[Search], embedded: Embeddings) -> dict[Search, Matches]:
            matches = {}
            for search in some:
                matches[search] = search(embedded, measured.labels, measured.clip)
                bar.advance(str(search))
            return matches

        if raw is not None:
            results.append(raw.system(chosen, run, measured))
        for name, parsers in trained.items():
            results.append(_trained_system(name, parsers, dataset, measured, point, chosen, run))
    return Alignment(
        systems=tuple(results),
        differences=_differences([system for system in results if system.seeds], chosen, measured),
        signature=f"alignment|cosine|{f'point:{point}|' if trained else ''}{f'features:{raw.how}|' if raw else ''}"
        f"labels:{dataset.revision}|clips:{len(measured.clips)}|segments:{len(measured.clip)}|seehear{__version__}",
        missing=measured.missing,
        notes=tuple(dict.fromkeys([*measured.clips.notes, *(raw.notes if raw else ())])),
        clips=measured.clips,
    )


def align_arrays(
    embeddings: Mapping[str, ArrayLike | Sequence[ArrayLike]],
    truth: Mapping[str, ArrayLike | Sequence[ArrayLike]],
    *,
    clips: Sequence[str] | None = None,
    progress: bool = True,
) -> Alignment:
    """Measure the alignment of arrays.

    Args:
        embeddings: modality -> (N, T, d), or a list of N arrays (T, d). The width d is the same in all modalities.
        truth: modality -> (N, T, C) 0 or 1, or a list of N arrays (T, C).
        clips: Names of the N clips; by default their numbers.
        progress: Show progress and time left.

    Returns:
        The five measures between the modalities and within each.

    Raises:
        SeehearError: If numbers of clips, segments, classes or widths do not agree.
    """
    dataset = Dataset.from_arrays(embeddings, truth=truth, clips=clips)
    return align(None, dataset, projection="none", progress=progress)


def open_systems(systems: NamedSystems, device: str = "auto") -> dict[str, list[Parser]]:
    """Return name -> parsers, one per seed; see `align`.

    Raises:
        SeehearError: If a run is in two systems, or parsers of a system differ in more than their seeds.
    """
    if systems is None:
        return {}
    if isinstance(systems, Mapping):
        opened = {name: open_parsers(each, device) for name, each in systems.items()}
    else:
        listed = [systems] if isinstance(systems, Parser | str | Path) else list(systems)
        opened = {name: open_parsers(each, device) for name, each in zip(_names(listed), listed, strict=True)}
    check_distinct(opened)
    return opened


def _names(systems: Sequence[System | Sequence[System]]) -> list[str]:
    """Return a name per system: its folder's, else its number."""
    folders = [each.path if isinstance(each, Parser) else each for each in systems]
    paths = [folder for folder in folders if isinstance(folder, str | Path)]
    by_folder = iter(named_folders(paths))
    return [next(by_folder) if isinstance(each, str | Path) else f"system {n + 1}" for n, each in enumerate(folders)]


@dataclass(frozen=True)
class _Measured:
    """The clips that are measured: those with features of every network.

    Attributes:
        clips: With all networks that are measured.
        modalities: In order.
        clip: (n,), number of the clip of each segment.
        labels: modality -> (n, C), ground truth of the segments.
        missing: Clips of the data set that lack features of a network.
    """

    clips: Dataset
    modalities: tuple[str, ...]
    clip: NDArray[np.int64]
    labels: Mapping[str, NDArray[np.bool_]]
    missing: tuple[str, ...]

    @staticmethod
    def of(dataset: Dataset, trained: Mapping[str, Sequence[Parser]], features: bool) -> _Measured:
        """Return the clips with features for all systems, and for all the data set's networks if these are measured."""
        parsers = [parser for of_system in trained.values() for parser in of_system]
        modalities = dataset.modalities if features else parsers[0].modalities
        if len(modalities) < 2:
            raise SeehearError(f"alignment is between modalities, but there is only {modalities[0]}")
        if dataset.truth is None:
            raise SeehearError(
                "alignment needs per-second ground truth of every modality: give a dense table for "
                + " and ".join(modalities)
            )
        for parser in parsers:
            if parser.modalities != modalities:
                raise SeehearError(
                    f"{parser.run.name}: has the modalities {', '.join(parser.modalities)}, not {', '.join(modalities)}"
                )
        networks: dict[str, dict[str, None]] = {name: {} for name in modalities}
        for collocation in [
            *([dataset.collocation] if features else []),
            *(parser.run.facts.collocation for parser in parsers),
        ]:
            for name, names in collocation.items():
                networks[name].update(dict.fromkeys(names))
        clips = dataset.with_networks({name: [*names] for name, names in networks.items()}).complete()
        if not len(clips):
            raise SeehearError(f"no clip has features of {' and '.join(modalities)}: there is nothing to compare")
        for parser in parsers:
            known = {info.name: info for info in clips.infos}
            parser.run.check_networks(known, clips.segment, str(clips.store) if clips.store else "the data set")
        lengths, truth = clips.lengths, clips.truth
        assert truth is not None
        inside = inside_clips(lengths, truth.shape[1])  # (N, T)
        present = set(clips.clips)
        return _Measured(
            clips,
            modalities,
            np.repeat(np.arange(len(lengths)), lengths),
            {name: truth[name][inside] for name in modalities},
            tuple(clip for clip in dataset.clips if clip not in present),
        )

    def check_finite(self, embedded: Embeddings, networks: Mapping[str, Sequence[NetworkInfo]]) -> None:
        """Raise SeehearError naming clip and networks of the first embedding that is not finite."""
        for name, rows in embedded.items():
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                clip = self.clips.clips[self.clip[int(finite.argmin())]]
                raise SeehearError(
                    f"clip {clip}: its embedding of {_joined(networks[name])} ({name}) is not finite; leave it out"
                )

    def system(
        self, name: str, seeds: Sequence[int], matches: Sequence[Mapping[Search, Matches]], **more: object
    ) -> AlignedSystem:
        """Return the measures of one system from its matches, one mapping per seed."""
        by_search = {search: [of_seed[search] for of_seed in matches] for search in matches[0]}
        measures = {search: summarise(of_search, self.clip) for search, of_search in by_search.items()}
        return AlignedSystem(name, tuple(seeds), by_search, measures, self.clip, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Features:
    """The features of a data set's networks, and how they got a common width.

    Attributes:
        own: modality -> (n, d_m), as they are.
        projected: modality -> (n, width); None without a projection.
        how: The projection, for the signature.
        notes: What a user should know.
    """

    own: Embeddings
    projected: Embeddings | None
    how: str
    notes: list[str]

    @staticmethod
    def of(
        dataset: Dataset, measured: _Measured, fit: Dataset | None, projection: ProjectionName, width: int
    ) -> _Features:
        clips = measured.clips.with_networks(dataset.collocation)
        own = _rows(clips)
        measured.check_finite(own, clips.networks)
        notes = [f"features: {', '.join(f'{name}={_joined(infos)}' for name, infos in clips.networks.items())}"]
        if projection == "none":
            widths = {name: rows.shape[1] for name, rows in own.items()}
            if len(set(widths.values())) > 1:
                listed = ", ".join(f"{name} {size}" for name, size in widths.items())
                raise SeehearError(f"without a projection, all modalities must have one width, not {listed}")
            return _Features(own, own, "as given", notes)
        if projection not in PROJECTIONS:
            raise SeehearError(f"projection {projection!r}: choose from {', '.join(PROJECTIONS)} and none")
        if fit is None and projection != "random":
            notes.append(
                "features were not searched for between modalities: that needs other clips to fit a projection to "
                "(fit), or the random projection for the chance level"
            )
            return _Features(own, None, "unprojected", notes)
        rows, revision = own, ""
        if fit is not None:
            other = fit.with_networks(dataset.collocation).complete()
            if not len(other):
                raise SeehearError(f"no clip to fit the projection to has features of {' and '.join(own)}")
            _check_other_clips(other, clips)
            rows, revision = _rows(other), f"@{other.revision}"
        width = min(width, *(part.shape[1] for part in own.values()))
        projections = PROJECTIONS[projection](rows, width, 0)
        projected = {name: projections[name](part) for name, part in own.items()}
        measured.check_finite(projected, clips.networks)
        return _Features(own, projected, f"{projection}{width}{revision}", notes)

    def possible(self, searches: Sequence[Search]) -> list[Search]:
        """Return those searches that need no common width, or have one."""
        return [search for search in searches if self.projected is not None or search.queries == search.gallery]

    def system(
        self,
        searches: Sequence[Search],
        run: Callable[[Sequence[Search], Embeddings], dict[Search, Matches]],
        measured: _Measured,
    ) -> AlignedSystem:
        """Return the measures of the features: projected between modalities, as they are within each."""
        possible = self.possible(searches)
        matches: dict[Search, Matches] = {}
        if self.projected is not None:
            matches |= run([search for search in possible if search.queries != search.gallery], self.projected)
        matches |= run([search for search in possible if search.queries == search.gallery], self.own)
        return measured.system(FEATURES, (), [matches], embeddings=self.own, between=self.projected)


def _trained_system(
    name: str,
    parsers: Sequence[Parser],
    dataset: Dataset,
    measured: _Measured,
    point: Point,
    searches: Sequence[Search],
    run: Callable[[Sequence[Search], Embeddings], dict[Search, Matches]],
) -> AlignedSystem:
    """Return the measures of the parsers of one system, one per seed, and their Type@AV."""
    from seehear.training.bags import Bags

    first: Embeddings = {}  # the first seed's, for figures
    matches, scores = [], []
    for parser in released(parsers):
        own = measured.clips.with_networks(parser.run.facts.collocation)
        embedded = embeddings(parser.model, Bags(own.packs(), resolve(parser.device)), point)
        measured.check_finite(embedded, own.networks)
        first = first or embedded
        matches.append(run(searches, embedded))
        scores.append(_type_at_av(parser, dataset))
    facts = parsers[0].run.facts
    interval: Interval = bootstrap(100 * np.stack(scores))  # (S, N)
    seeds = [parser.run.facts.seed for parser in parsers]
    contrast = facts.recipe.contrast
    return measured.system(
        name, seeds, matches, type_at_av=interval, embeddings=first, between=first, contrast=contrast
    )


def _type_at_av(parser: Parser, dataset: Dataset) -> NDArray[np.float64]:
    """Return segment Type@AV of each clip, (N,) in [0, 1], by the official decoding; of clips without features too."""
    from seehear.evaluation.arrays import score

    own = dataset.with_networks(parser.run.facts.collocation)
    assert own.truth is not None
    scores = score(parser.predict(own, Decoding()), own.truth)
    return scores.per_clip["segment", scores.summary]


def _rows(dataset: Dataset) -> Embeddings:
    """Return the features of all segments, modality -> (n, d), its networks side by side."""
    return {
        name: np.concatenate([pack.rows for pack in packs], axis=1)  # (n, d)
        for name, packs in dataset.packs().items()
    }


def _check_other_clips(fit: Dataset, measured: Dataset) -> None:
    """Raise SeehearError if the clips to fit to are measured too. Clips of arrays may share names by chance."""
    shared = [clip for clip in fit.clips if clip in set(measured.clips)]
    name = measured.modalities[0]
    if shared and (fit.store is None or measured.store is None):
        pairs = zip(fit[shared].arrays(name), measured[shared].arrays(name), strict=True)
        shared = [clip for clip, (one, other) in zip(shared, pairs, strict=True) if np.array_equal(one, other)]
    if shared:
        raise SeehearError(
            f"{len(shared)} clips of {fit.revision} are measured too, for example {min(shared)}: a projection that is "
            "fitted to the measured clips overstates their alignment; fit to other clips"
        )


def _differences(
    systems: Sequence[AlignedSystem], searches: Sequence[Search], measured: _Measured
) -> dict[Search, dict[str, dict[str, Difference]]]:
    """Return how far each trained system is from the first, in searches between modalities without exclusion."""
    if len(systems) < 2:
        return {}
    first, *others = systems
    return {
        search: {
            system.name: {
                metric: difference(
                    system.per_clip(search, metric), first.per_clip(search, metric), (system.seeds, first.seeds)
                )
                for metric in METRICS
            }
            for system in others
        }
        for search in searches
        if search.exclude == "none" and search.queries != search.gallery
    }


def _joined(infos: Sequence[NetworkInfo]) -> str:
    return "+".join(info.name for info in infos)
