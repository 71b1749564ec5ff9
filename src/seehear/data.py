"""A data set: clips with their features, their weak labels and, if it is known, their per-second ground truth.

    train = Dataset.from_tables("train.csv", store="STORE", collocation={"audio": "yamnet", "visual": "open-nsfw"})
    toy = Dataset.from_arrays({"audio": audio, "visual": visual}, labels=labels, classes=names)

Training, prediction, scoring, alignment and selection all take this one type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear import arguments
from seehear.errors import SeehearError
from seehear.events import Activity, reindexed
from seehear.features.notes import missing_truth
from seehear.features.packed import NotFinite, Packed, silence_of
from seehear.features.source import ArrayFeatures, FeatureSource, PartOf, StoredFeatures
from seehear.features.store import NetworkInfo, Store
from seehear.labels import (
    DenseTable,
    WeakTable,
    classes_of,
    clip_hint,
    doubts,
    past_end,
    raise_fatal,
    read_classes,
    read_dense,
    read_weak,
    segments_of,
    suggestion,
)
from seehear.labels.plausible import MAX_OVERHANG
from seehear.labels.tables import stated_lengths
from seehear.memory import zeros
from seehear.modality import AUDIO, JOINT
from seehear.pseudo import PseudoLabels
from seehear.results import counted, import_pandas
from seehear.scoring.signature import revision

if TYPE_CHECKING:
    from pandas import DataFrame

    from seehear.features.arrays import Extraction
    from seehear.refinement.result import Refinement

Selection = slice | Sequence[int] | Sequence[str] | NDArray[Any]
Arrays = ArrayLike | Sequence[ArrayLike | None]  # (N, T, D), or N arrays (T, D), None if a clip has none


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N labelled clips and their features.

    Attributes:
        clips: Names of the N clips, those without features included.
        classes: Names of the C classes.
        labels: Weak labels, (N, C) float32 in [0, 1]: which classes occur anywhere in a clip, in any modality.
        truth: Per-second ground truth, modality -> (N, T, C) bool; None if it is not known for every modality.
            T is at least the length of the longest clip.
        networks: modality -> the networks that feed it, in order.
        available: (N, M) bool over `modalities`, which of them a clip has: those with features of all their networks.
        segment: Seconds per segment.
        revision: Name and hash of the labels, for signatures.
        source: Where the features come from.
        pseudo: Labels per modality and second that a teacher estimated; None if there are none.
    """

    clips: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.float32]
    truth: Activity | None
    networks: Mapping[str, tuple[NetworkInfo, ...]]
    available: NDArray[np.bool_]
    source: FeatureSource
    segment: float = 1.0
    revision: str = ""
    _notes: tuple[str, ...] = ()
    pseudo: PseudoLabels | None = None
    _packs: dict[str, Packed] = field(default_factory=dict)

    # How a data set is made

    @staticmethod
    def from_tables(
        labels: str | Path,
        *,
        store: str | Path | Store | Extraction,
        collocation: Mapping[str, str | Sequence[str]] | Sequence[str] | None = None,
        truth: Mapping[str, str | Path] | Sequence[str] | None = None,
        classes: Sequence[str] | str | Path | None = None,
    ) -> Dataset:
        """Return a data set from label tables and a store of features.

        Args:
            labels: Weak table: filename, event_labels.
            store: The folder that `extract` filled, or what `extract` returned.
            collocation: modality -> network, or several networks that feed it together; by default all networks of
                the store.
            truth: modality -> dense table (filename, onset, offset, event_labels). Needed for every modality, or none.
            classes: Names of the classes, or a file with one name per line. A class outside of them is an error. By
                default the classes that occur in the tables: those of the weak table first, in alphabetical order.

        Raises:
            SeehearError: Naming file and line, for tables that can't be read; for networks that the store does not
                have; if no clip has features; if those of most clips differ in length between networks.
        """
        kept = _store_of(store)
        source = StoredFeatures(kept)
        networks = _chosen(source, arguments.collocation(collocation) if collocation else None)
        names = _class_names(classes)
        weak = read_weak(labels, names)
        dense = {modality: read_dense(path, names) for modality, path in arguments.by_modality(truth).items()}
        notes = missing_truth(weak, dense) if dense else []
        notes += map(str, doubts([weak], list(dense.values()), names or ()))
        known = names or _classes_in(weak, dense)
        available, more, packs = _usable(source, networks, weak.clips, f"{labels}", str(kept))
        dataset = Dataset(
            clips=weak.clips,
            classes=known,
            labels=weak.array(weak.clips, known),
            truth=None,
            networks=networks,
            available=available,
            source=source,
            segment=kept.segment,
            revision=revision([weak.path, *(table.path for table in dense.values())]),
            _notes=(*notes, *more),
            _packs=packs,
        )
        return replace(dataset, truth=_truth_of(dataset, dense)) if dense else dataset

    @staticmethod
    def from_arrays(
        features: Mapping[str, Arrays | Mapping[str, Arrays]],
        labels: ArrayLike | Sequence[Iterable[str]] | None = None,
        classes: Sequence[str] | None = None,
        *,
        truth: Mapping[str, ArrayLike | Sequence[ArrayLike]] | None = None,
        clips: Sequence[str] | None = None,
        segment: float = 1.0,
    ) -> Dataset:
        """Return a data set from arrays in memory.

        Args:
            features: modality -> features: (N, T, D), or a list of N arrays (T, D), None for a clip that has none.
                A clip is used by the modalities that it has.
                Where several networks feed a modality, or are to be chosen from: modality -> network -> the same.
                Empty for clips of which only the ground truth is known, to score predictions of another system.
            labels: (N, C) numbers in [0, 1], or for each clip the names of its classes. None: those of the
                ground truth where it is given, else unlabelled clips.
            classes: Names of the C classes; by default those named in `labels`, else their numbers.
            truth: modality -> (N, T, C) 0 or 1, or a list of N arrays (T, C), each at least as long as its clip.
            clips: Names of the N clips, for messages; by default their numbers.
            segment: Seconds per segment.

        Raises:
            SeehearError: If numbers of clips, classes or segments do not agree.
        """
        if not isinstance(features, Mapping):
            raise SeehearError(f"features must map each modality to arrays, not {type(features).__name__}")
        if isinstance(classes, str):
            raise SeehearError(f"classes must be a list of names, not the text {classes!r}")
        by_network = {
            modality: dict(of_modality) if isinstance(of_modality, Mapping) else {modality: of_modality}
            for modality, of_modality in features.items()
        }
        names = _clip_names(by_network or {"ground truth": truth or {}}, clips)
        infos, arrays = _read_arrays(by_network, names)
        source = ArrayFeatures(infos, arrays)
        networks = {modality: tuple(infos[name] for name in each) for modality, each in by_network.items()}
        known, given = _read_labels(labels, classes, len(names), truth)
        available, notes, packs = np.ones((len(names), len(truth or ())), dtype=bool), list[str](), dict[str, Packed]()
        if networks:
            available, notes, packs = _usable(source, networks, names, "the arrays", "")
        labelled = _revision_of_arrays(given, known, truth)
        dataset = Dataset(
            names, known, given, None, networks, available, source, segment, labelled, tuple(notes), _packs=packs
        )
        return replace(dataset, truth=_truth_from_arrays(dataset, truth)) if truth is not None else dataset

    # What it holds

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        networks = " × ".join("+".join(names) for names in self.collocation.values())
        known = "weak labels and ground truth" if self.truth is not None else "weak labels"
        known += ", labels per modality" if self.pseudo is not None else ""
        networks = networks or "no features"
        missing = f", {len(self.missing)} without features" if self.missing else ""
        missing += "".join(f", {len(clips)} without {name}" for name, clips in self._lacking.items())
        classes = counted(len(self.classes), "class", "classes")
        return f"Dataset({counted(len(self), 'clip')}{missing}, {classes}, {known}; {networks})"

    def to_frame(self) -> DataFrame:
        """Return one row per clip as a pandas DataFrame: clip, segments (0 without features), labels."""
        pd = import_pandas()

        names = np.array(self.classes, dtype=object)
        labels = [", ".join(names[row > 0]) for row in self.labels]
        return pd.DataFrame({"clip": self.clips, "segments": self.lengths, "labels": labels})

    @property
    def modalities(self) -> tuple[str, ...]:
        """Return the modalities that have features, in order."""
        return tuple(self.networks) or tuple(self.truth or ())

    @property
    def collocation(self) -> dict[str, list[str]]:
        """Return modality -> names of its networks, in order."""
        return {modality: [info.name for info in infos] for modality, infos in self.networks.items()}

    @property
    def infos(self) -> tuple[NetworkInfo, ...]:
        """All networks, modality by modality."""
        return tuple(info for infos in self.networks.values() for info in infos)

    @property
    def store(self) -> Store | None:
        """The store that the features come from; None for arrays."""
        return self.source.store

    @cached_property
    def featured(self) -> NDArray[np.bool_]:
        """Which clips have at least one modality, (N,) bool."""
        return np.asarray(self.available.any(axis=1))

    @cached_property
    def _complete(self) -> NDArray[np.bool_]:
        """Which clips have every modality, (N,) bool."""
        return np.asarray(self.available.all(axis=1))

    @property
    def missing(self) -> tuple[str, ...]:
        """Clips without usable features of any modality."""
        return _where(self.clips, ~self.featured)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Clips that lack at least one modality, those without any included."""
        return _where(self.clips, ~self._complete)

    @cached_property
    def featured_clips(self) -> tuple[str, ...]:
        """Clips with at least one modality, in order."""
        return _where(self.clips, self.featured)

    @property
    def _lacking(self) -> dict[str, tuple[str, ...]]:
        """Return modality -> clips that lack it and have another, of the modalities that some clips lack."""
        lacking = {
            name: _where(self.clips, self.featured & ~has)
            for name, has in zip(self.modalities, self.available.T, strict=True)
        }
        return {name: clips for name, clips in lacking.items() if clips}

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a user should know about the labels and features."""
        return (*self._notes, *(note for name, clips in self._lacking.items() for note in self._without(name, clips)))

    def _without(self, modality: str, clips: Sequence[str]) -> list[str]:
        """Return notes on clips that lack a modality, by the network of it that has no features of them."""
        names = self.collocation.get(modality, [])
        taken = f" {modality} takes {' and '.join(names)} together, so" * (len(names) > 1)
        notes = []
        for name in names:
            having = self.source.clips(name)  # those with features that can't be used have a note of their own
            if lacking := [clip for clip in clips if clip not in having]:
                have, of = "has" if len(lacking) == 1 else "have", f" of {name}" * bool(taken)
                notes.append(
                    f"{counted(len(lacking), 'clip')} {have} no {modality} features{of}, for example {lacking[0]}:"
                    f"{taken} they are used by what they have"
                )
        return notes

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Segments per clip, (N,); 0 for clips without features."""
        if not self.networks:
            return np.full(len(self), next(iter(self.truth.values())).shape[1] if self.truth else 0, dtype=np.int64)
        lengths = np.zeros(len(self), dtype=np.int64)
        lengths[self.featured] = self.packed(self.infos[0].name).lengths()
        return lengths

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Segments of digital silence, in which nothing can be heard, (N, T); False where it is not known."""
        silent = np.zeros((len(self), int(self.lengths.max(initial=0))), dtype=bool)
        if AUDIO in self.networks:
            silent[self.featured] = silence_of([self.packed(info.name) for info in self.networks[AUDIO]])
        return silent

    @property
    def content(self) -> str:
        """Hash of the features, per network."""
        return "+".join(self.packed(info.name).contents for info in self.infos)

    def packed(self, network: str) -> Packed:
        """Return a network's features of the featured clips, in order; zeros for a clip that lacks its modality."""
        if network not in self._packs:
            available = self.available[self.featured]
            self._packs[network] = _pack(self.source, self.networks, self.featured_clips, available, network)
        return self._packs[network]

    def packs(self) -> dict[str, list[Packed]]:
        """Return modality -> features of its networks, of the featured clips."""
        return {modality: [self.packed(info.name) for info in infos] for modality, infos in self.networks.items()}

    def arrays(self, name: str) -> list[NDArray[np.float32]]:
        """Return the features of a network, or of a modality with its networks side by side.

        Returns:
            N arrays (T, D); (0, D) for a clip that has none.

        Raises:
            SeehearError: If the data set has neither a network nor a modality of that name.
        """
        names = self.collocation.get(name, [name])
        if unknown := [each for each in names if each not in {info.name for info in self.infos}]:
            available = [*self.modalities, *(info.name for info in self.infos)]
            raise SeehearError(f"no features of {unknown[0]!r}; available: {', '.join(dict.fromkeys(available))}")
        packs = [self.packed(each) for each in names]
        parts = iter(np.split(np.concatenate([pack.rows for pack in packs], axis=1), packs[0].offsets[1:-1]))
        lacks = packs[0].lacks(self.featured_clips)
        arrays = {clip: part for clip, part in zip(self.featured_clips, parts, strict=True) if clip not in lacks}
        nothing = np.zeros((0, sum(pack.rows.shape[1] for pack in packs)), dtype=np.float32)
        return [arrays.get(clip, nothing) for clip in self.clips]

    # Other views of it

    def subset(self, selection: Selection) -> Dataset:
        """Return a data set of some of the clips.

        Args:
            selection: Numbers of clips, a slice, a mask (N,) of bool, or names of clips.

        Raises:
            SeehearError: For a clip that is not in the data set, or a mask of another length.
        """
        chosen = self._numbers(selection)
        truth = self.truth
        if truth is not None:
            arrays = {name: array[chosen] for name, array in truth.items()}
            truth = Activity(arrays, classes=truth.classes, source=truth.source)
        return replace(
            self,
            clips=tuple(self.clips[n] for n in chosen),
            labels=self.labels[chosen],
            truth=truth,
            pseudo=self.pseudo.subset(chosen) if self.pseudo is not None else None,
            available=self.available[chosen],
            source=PartOf(self.source, self.featured_clips, self.packed),
            _packs={},
        )

    def __getitem__(self, selection: Selection) -> Dataset:
        return self.subset(selection)

    def usable(self) -> Dataset:
        """Return the clips that have at least one modality."""
        return self if self.featured.all() else self.subset(self.featured)

    def complete(self) -> Dataset:
        """Return the clips that have every modality."""
        return self if self._complete.all() else self.subset(self._complete)

    def repacked(self) -> Dataset:
        """Return the same clips, their features packed anew rather than cut from the packs of a larger data set."""
        return replace(self, source=self.source.root, _packs={})

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packs": {}}  # without memory maps: another process opens its own

    def with_networks(self, collocation: Mapping[str, str | Sequence[str]] | Sequence[str]) -> Dataset:
        """Return the same clips with other networks of the same store or arrays.

        Args:
            collocation: modality -> network, or several networks.

        Raises:
            SeehearError: For a network that has no features here, or is of another modality.
        """
        networks = _chosen(self.source, arguments.collocation(collocation))
        if [*networks.items()] == [*self.networks.items()]:  # in the same order
            return self
        where = str(self.store) if self.store else ""
        available, notes, packs = _usable(self.source, networks, self.clips, "the data set", where)
        same = tuple(networks) == self.modalities
        lost = [] if same and (available >= self.available).all() else notes
        known = tuple(dict.fromkeys([*self._notes, *lost]))
        changed = replace(self, networks=networks, available=available, _notes=known, _packs=packs)
        changed._packs.update(self._packs_for(changed))
        return changed

    def _packs_for(self, other: Dataset) -> dict[str, Packed]:
        """Return the packs that serve another data set of the same clips: of modalities that the same clips have."""
        if not np.array_equal(other.featured, self.featured):
            return {}
        shared = [name for name in self.networks if name in other.networks]
        same = [name for name in shared if np.array_equal(self._column(name), other._column(name))]
        names = {info.name for name in same for info in self.networks[name]}
        return {name: packed for name, packed in self._packs.items() if name in names}

    def _column(self, modality: str) -> NDArray[np.bool_]:
        """Return which clips have a modality, (N,) bool."""
        column: NDArray[np.bool_] = self.available[:, self.modalities.index(modality)]
        return column

    def with_classes(self, classes: Sequence[str]) -> Dataset:
        """Return labels and truth with these classes as columns: others are dropped, new ones never occur."""
        if tuple(classes) == self.classes:
            return self
        truth = self.truth
        if truth is not None:
            arrays = {name: reindexed(array, self.classes, classes) for name, array in truth.items()}
            truth = Activity(arrays, classes=classes, source=truth.source)
        labels = reindexed(self.labels, self.classes, classes)
        pseudo = self.pseudo.with_classes(classes) if self.pseudo is not None else None
        return replace(self, classes=tuple(classes), labels=labels, truth=truth, pseudo=pseudo)

    def with_pseudo(self, labels: PseudoLabels | Refinement) -> Dataset:
        """Return the same clips with labels per modality, such as `refine(dataset)`.

        Args:
            labels: Of all clips, or of those with features.

        Raises:
            SeehearError: If they are of other clips or modalities, or shorter than a clip.
        """
        pseudo = labels if isinstance(labels, PseudoLabels) else labels.of(self.featured_clips)
        return replace(self, pseudo=_pseudo_of(self, pseudo.with_classes(self.classes)))

    def _numbers(self, selection: Selection) -> NDArray[np.int64]:
        if isinstance(selection, slice):
            return np.arange(len(self))[selection]
        given = np.asarray([selection] if isinstance(selection, str) else selection)
        if given.dtype == bool:
            if given.shape != (len(self),):
                raise SeehearError(f"a mask of {counted(len(self), 'clip')} must be ({len(self)},), not {given.shape}")
            return np.flatnonzero(given)
        if given.dtype.kind in "US":
            number = {clip: n for n, clip in enumerate(self.clips)}
            if unknown := [clip for clip in given.tolist() if clip not in number]:
                more = f", nor {len(unknown) - 1} others of those named" if len(unknown) > 1 else ""
                raise SeehearError(f"no clip {unknown[0]!r} in this data set{more}")
            return np.array([number[clip] for clip in given.tolist()], dtype=np.int64)
        try:
            return np.arange(len(self))[given.astype(np.int64)]
        except IndexError as error:
            raise SeehearError(f"the data set has {counted(len(self), 'clip')}: {error}") from None


def store_markers(*datasets: Dataset | None) -> tuple[Path, ...]:
    """Return the files by which the stores of data sets are known, of those that are folders, each once."""
    stores = [dataset.store for dataset in datasets if dataset is not None and dataset.store is not None]
    return tuple(dict.fromkeys(store.marker for store in stores if store.is_here))


def check_dataset(value: object, name: str) -> None:
    """Raise SeehearError if an argument is not a data set, or has no clip."""
    if not isinstance(value, Dataset):
        raise SeehearError(
            f"{name} must be a Dataset, not {type(value).__name__}: make one by Dataset.from_tables or .from_arrays"
        )
    if not len(value):
        raise SeehearError(f"{name} is a data set without a clip")


# What the constructors share


def _store_of(store: str | Path | Store | Extraction) -> Store:
    if isinstance(store, Store):
        return store
    if isinstance(store, str | Path):
        return Store(store)
    if store.kept is None:
        raise SeehearError(
            "these features were extracted without a store: extract with store=FOLDER, or use from_arrays"
        )
    return store.kept


def _class_names(classes: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    return read_classes(classes) if isinstance(classes, str | Path) else tuple(classes)


def _classes_in(weak: WeakTable, dense: Mapping[str, DenseTable]) -> tuple[str, ...]:
    """Return the classes of the weak table, and after them those that only the ground truth of its clips has."""
    events = (event for table in dense.values() for event in table.events)
    more = sorted({event.label for event in events if event.clip in weak.labels})
    return tuple(dict.fromkeys([*classes_of([weak]), *more]))


def _chosen(
    source: FeatureSource, collocation: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[NetworkInfo, ...]]:
    """Return modality -> networks: those of the collocation, else all."""
    known = source.networks()
    where = f"{source.store}: " if source.store else ""
    if collocation is None:
        if not known:
            raise SeehearError(f"{where}holds no features yet; `seehear extract` makes them")
        by_modality: dict[str, list[NetworkInfo]] = {}
        for info in known.values():
            by_modality.setdefault(info.modality, []).append(info)
        first = [name for name in ("audio", "visual") if name in by_modality]  # the order that people expect
        return {name: tuple(by_modality[name]) for name in dict.fromkeys([*first, *by_modality])}
    chosen: dict[str, tuple[NetworkInfo, ...]] = {}
    for modality, names in collocation.items():
        for name in names:
            if name not in known:
                raise SeehearError(f"{where}no features of {name!r}; available: {', '.join(known) or 'none'}")
            if known[name].modality != modality:
                raise SeehearError(f"{name} is a network of modality {known[name].modality}: it can't feed {modality}")
        chosen[modality] = tuple(known[name] for name in names)
    return chosen


def _where(clips: Sequence[str], mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(clip for clip, chosen in zip(clips, mask, strict=True) if chosen)


def _pack(
    source: FeatureSource,
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: tuple[str, ...],
    available: NDArray[np.bool_],
    network: str,
) -> Packed:
    """Return a network's features of clips, zeros for those that lack its modality, as long as the modality they have.

    Args:
        source: Of the features.
        networks: modality -> its networks, M modalities. The network may be another one of the source.
        clips: N clips, each with at least one modality.
        available: (N, M) bool, which modalities a clip has.
        network: Whose features.

    Raises:
        NotFinite: If a value is NaN or infinite.
    """
    own = [m for m, infos in enumerate(networks.values()) if network in {info.name for info in infos}]
    having = source.clips(network) if not own else frozenset[str]()
    has = available[:, own[0]] if own else np.array([clip in having for clip in clips], dtype=bool)
    first = [infos[0].name for infos in networks.values()]
    absent = {clips[n]: source.length(first[int(available[n].argmax())], clips[n]) for n in np.flatnonzero(~has)}
    return source.pack(network, clips, absent)


def _usable(
    source: FeatureSource, networks: Mapping[str, Sequence[NetworkInfo]], clips: Sequence[str], what: str, where: str
) -> tuple[NDArray[np.bool_], list[str], dict[str, Packed]]:
    """Return which modalities clips have, (N, M), and notes on those whose features can't be used.

    A clip has a modality if it has finite features of all its networks, of equal length. The features that were packed
    to find out come with them, by network; none if clips differed in length.

    Raises:
        SeehearError: If no clip has any, or most clips differ in length between networks.
    """
    names = [info.name for infos in networks.values() for info in infos]
    complete = [source.clips(*(info.name for info in infos)) for infos in networks.values()]
    available = np.array([[clip in having for having in complete] for clip in clips], dtype=bool)  # (N, M)
    if not available.any():
        counts = ", ".join(f"{name} {sum(clip in source.clips(name) for clip in clips)}" for name in names)
        featured = sorted({clip for name in names for clip in source.clips(name)})
        hint = clip_hint(clips, featured) or "; a clip is named by its file's stem"
        raise SeehearError(
            f"none of the {len(clips)} clips of {what} has features of {' and '.join(names)}"
            f"{' in ' * bool(where)}{where} (clips with features: {counts}){hint}"
        )
    available, notes, packs = _finite(source, networks, clips, available)
    if not available.any():
        raise SeehearError(f"no clip of {what} has finite features of all networks of a modality: {'; '.join(notes)}")
    usable = np.asarray(available.any(axis=1))
    chosen = _where(clips, usable)
    if notes:
        packs = {name: _pack(source, networks, chosen, available[usable], name) for name in names}
    lengths = np.stack([packs[name].lengths() for name in names], axis=1)  # (usable clips, networks)
    available[usable], differ = _equally_long(networks, chosen, available[usable], lengths)
    return available, [*notes, *differ], {} if differ else packs


def _finite(
    source: FeatureSource,
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: Sequence[str],
    available: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], list[str], dict[str, Packed]]:
    """Return which modalities clips have, (N, M), without features that are not finite, notes on them, and the packs.

    Args:
        source: Of the features.
        networks: modality -> its networks, M modalities.
        clips: N clips.
        available: (N, M) bool, which modalities a clip has features of.
    """
    available, notes, packs = available.copy(), list[str](), dict[str, Packed]()
    usable = np.asarray(available.any(axis=1))
    chosen, before = _where(clips, usable), available[usable]
    for m, (modality, infos) in enumerate(networks.items()):
        for name in [info.name for info in infos]:
            try:
                packs[name] = _pack(source, networks, chosen, before, name)
            except NotFinite:
                having = _where(chosen, before[:, m])
                bad = _where(having, ~np.array(source.finite(name, having), dtype=bool))
                have = "clip has" if len(bad) == 1 else "clips have"
                notes.append(
                    f"{len(bad)} {have} features of {name} that are not finite, for example {bad[0]}: "
                    f"left out of {modality}"
                )
                available[np.isin(np.array(clips), bad), m] = False
    return available, notes, packs


def _equally_long(
    networks: Mapping[str, Sequence[NetworkInfo]],
    clips: Sequence[str],
    available: NDArray[np.bool_],
    lengths: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which modalities clips have, (N, M), without those that differ in length, and notes on these.

    A clip whose networks of a modality differ lacks that modality. One whose modalities differ lacks all of them, since
    nothing tells which of them is right.

    Args:
        networks: modality -> its networks, M modalities, K networks in all.
        clips: N clips.
        available: (N, M) bool, which modalities a clip has.
        lengths: (N, K), segments; of networks whose modality a clip lacks they don't count.

    Raises:
        SeehearError: If more than half of the clips that have several networks differ.
    """
    names = [info.name for infos in networks.values() for info in infos]
    column = np.repeat(np.arange(len(networks)), [len(infos) for infos in networks.values()])  # (K,)
    kept, found = available.copy(), list[tuple[str, str, int, str, int]]()
    for mask in [*(column == m for m in range(len(networks))), np.ones(len(column), dtype=bool)]:
        counts = kept[:, column] & mask  # (N, K)
        low = np.where(counts, lengths, np.iinfo(np.int64).max)
        high = np.where(counts, lengths, -1)
        for n in np.flatnonzero(low.min(axis=1) < high.max(axis=1)).tolist():
            shortest, longest = int(low[n].argmin()), int(high[n].argmax())
            found.append((clips[n], names[shortest], int(low[n].min()), names[longest], int(high[n].max())))
            kept[n, column[mask]] = False
    if not found:
        return available, []
    compared = int((available[:, column].sum(axis=1) > 1).sum())
    differing = len({clip for clip, *_ in found})
    if 2 * differing > compared:
        clip, one, short, other, long = found[0]
        raise SeehearError(
            f"clip {clip} has {counted(short, 'segment')} of {one} but {long} of {other}, and {differing} of "
            f"{counted(compared, 'clip')} differ like that: these features don't belong together; extract or import "
            "them from the same files"
        )
    return kept, _length_notes(networks, found)


def _length_notes(
    networks: Mapping[str, Sequence[NetworkInfo]], found: Sequence[tuple[str, str, int, str, int]]
) -> list[str]:
    """Return notes on clips that differ in length, by networks. found: clip, network, its segments, and the longer."""
    modality = {info.name: name for name, infos in networks.items() for info in infos}
    notes = []
    for shorter, longer in dict.fromkeys((each[1], each[3]) for each in found):
        own = [each for each in found if (each[1], each[3]) == (shorter, longer)]
        clip, _, short, _, long = own[0]
        have = "has" if len(own) == 1 else "have"
        of = f" of {modality[shorter]}" if modality[shorter] == modality[longer] else ""
        notes.append(
            f"{counted(len(own), 'clip')} {have} fewer segments of {shorter} than of {longer}, for example {clip} with "
            f"{short} and {long}: left out{of}; extract or import both from the same files"
        )
    return notes


def _for_benchmark(truth: Iterable[str]) -> str:
    """Return where truth of what is heard and seen at once belongs, if there is some."""
    return f"; truth of {JOINT} is for sh.benchmark(…, truth=…), which needs no other" if JOINT in truth else ""


def _truth_of(dataset: Dataset, dense: Mapping[str, DenseTable]) -> Activity:
    """Return the ground truth of every modality from dense tables.

    Raises:
        SeehearError: If a modality has none, or naming every event that lies past the end of its clip.
    """
    if missing := [name for name in dataset.modalities if name not in dense]:
        raise SeehearError(
            f"ground truth is given for {', '.join(dense)} only: give a dense table for {' and '.join(missing)} too"
            f"{_for_benchmark(dense)}"
        )
    clips = set(dataset.clips)
    own = [replace(table, events=tuple(e for e in table.events if e.clip in clips)) for table in dense.values()]
    seconds = (dataset.lengths * dataset.segment).tolist()
    length = stated_lengths(own) | {clip: each for clip, each in zip(dataset.clips, seconds, strict=True) if each}
    raise_fatal(past_end(own, length.get, max(MAX_OVERHANG, dataset.segment)))
    last = segments_of(own, len(dataset), len(dataset.classes), dataset.segment)
    segments = max(int(dataset.lengths.max()), last)
    arrays = {
        name: dense[name].array(dataset.clips, dataset.classes, segments, dataset.segment)
        for name in dataset.modalities
    }
    return Activity(arrays, classes=dataset.classes, source=dataset.revision)


def _clip_names(features: Mapping[str, Mapping[str, Any]], clips: Sequence[str] | None) -> tuple[str, ...]:
    """Return the clips' names, by default numbers. Raises SeehearError if arrays differ in the number of clips."""
    counts = {name: len(arrays) for of_modality in features.values() for name, arrays in of_modality.items()}
    if not counts:
        raise SeehearError("a data set needs the features of at least one modality")
    count = next(iter(counts.values()))
    if len(set(counts.values())) > 1 or not count:
        raise SeehearError(f"features must be of the same clips, one or more: {counts}")
    names = tuple(map(str, range(count))) if clips is None else tuple(clips)
    if len(names) != count or len(set(names)) < count:
        raise SeehearError(f"{counted(count, 'clip')} need {count} different names, not {len(names)}")
    return names


def _read_arrays(
    features: Mapping[str, Mapping[str, Any]], clips: tuple[str, ...]
) -> tuple[dict[str, NetworkInfo], dict[str, dict[str, NDArray[np.float32]]]]:
    """Return what networks there are, and network -> clip -> (T, D)."""
    infos: dict[str, NetworkInfo] = {}
    arrays: dict[str, dict[str, NDArray[np.float32]]] = {}
    for modality, of_modality in features.items():
        for name, given in of_modality.items():
            if name in infos:
                raise SeehearError(f"network {name} is given twice")
            arrays[name] = {
                clip: np.ascontiguousarray(array, dtype=np.float32)
                for clip, array in zip(clips, given, strict=True)
                if array is not None
            }
            shapes = {array.shape[1:] if array.ndim == 2 and len(array) else None for array in arrays[name].values()}
            if len(shapes) != 1 or None in shapes:
                raise SeehearError(
                    f"features of {name} must be (T, D) per clip, T at least 1 and D the same for all clips"
                )
            width = next(iter(arrays[name].values())).shape[1]
            infos[name] = NetworkInfo(name, modality, width, "arrays")
    return infos, arrays


def _read_labels(
    labels: Any, classes: Sequence[str] | None, count: int, truth: Mapping[str, Any] | None
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the names of the classes, and the labels (N, C)."""
    if labels is None:
        width = len(classes) if classes is not None else _columns(truth)
        known = tuple(classes) if classes is not None else tuple(map(str, range(width)))
        weak = np.zeros((count, width), dtype=np.float32)
        for rows in (truth or {}).values():
            for n, row in enumerate(rows[:count]):
                active = np.asarray(row)
                if active.ndim == 2 and active.shape[1] == width:  # another shape is refused with the ground truth
                    weak[n] = np.maximum(weak[n], active.max(axis=0, initial=0) > 0.5)
        return known, weak
    if len(labels) != count:
        raise SeehearError(f"there are {count} clips and labels of {len(labels)}")
    if any(isinstance(row, str) for row in labels):
        raise SeehearError("labels must be numbers (N, C), or for each clip a list of names such as ['Dog', 'Speech']")
    if count and not isinstance(labels, np.ndarray) and all(_are_names(row) for row in labels):
        rows = [list(row) for row in labels]
        known = tuple(classes) if classes is not None else tuple(sorted({name for row in rows for name in row}))
        if unknown := {name for row in rows for name in row} - set(known):
            name = min(unknown)
            raise SeehearError(f"class {name!r} is not in the list of classes{suggestion(name, known)}")
        column = {name: c for c, name in enumerate(known)}
        array = np.zeros((count, len(known)), dtype=np.float32)
        for n, row in enumerate(rows):
            array[n, [column[name] for name in row]] = 1.0
        return known, array
    array = np.asarray(labels, dtype=np.float32)
    if array.ndim != 2 or (classes is not None and array.shape[1] != len(classes)):
        expected = f"({count}, {len(classes) if classes is not None else 'classes'})"
        raise SeehearError(f"labels must be {expected}, not {array.shape}")
    if not ((array >= 0) & (array <= 1)).all():
        raise SeehearError("labels must be numbers from 0 to 1")
    return tuple(classes) if classes is not None else tuple(map(str, range(array.shape[1]))), array


def _are_names(row: Any) -> bool:
    return isinstance(row, list | tuple | set | frozenset) and all(isinstance(name, str) for name in row)


def _columns(truth: Mapping[str, Any] | None) -> int:
    first = next(iter(truth.values()), None) if truth else None
    return int(np.asarray(first[0]).shape[-1]) if first is not None and len(first) else 0


def _truth_from_arrays(dataset: Dataset, truth: Mapping[str, Any]) -> Activity:
    """Return the ground truth (N, T, C) of every modality; shorter clips are padded with inactive segments."""
    if missing := [name for name in dataset.modalities if name not in truth]:
        what = f"ground truth is needed for every modality: give {' and '.join(missing)} too"
        raise SeehearError(f"{what}{_for_benchmark(truth)}")
    lengths = dataset.lengths if dataset.networks else np.zeros(len(dataset), dtype=np.int64)
    longest = int(lengths.max())
    arrays = {}
    for name in dataset.modalities or truth:
        rows = [np.asarray(row) > 0.5 for row in truth[name]]  # (T, C) each
        if len(rows) != len(dataset) or any(row.ndim != 2 or row.shape[1] != len(dataset.classes) for row in rows):
            raise SeehearError(
                f"ground truth of {name} must be ({len(dataset)}, T, {len(dataset.classes)}): clips, segments, classes"
            )
        short = [n for n, row in enumerate(rows) if len(row) < lengths[n]]
        if short:
            n = short[0]
            raise SeehearError(
                f"clip {dataset.clips[n]} has {lengths[n]} segments, but its ground truth of {name} has {len(rows[n])}"
            )
        segments = max(longest, *(len(row) for row in rows))
        arrays[name] = np.zeros((len(rows), segments, len(dataset.classes)), dtype=bool)
        for n, row in enumerate(rows):
            arrays[name][n, : len(row)] = row
    segments = max(array.shape[1] for array in arrays.values())
    padded = {name: np.pad(array, ((0, 0), (0, segments - array.shape[1]), (0, 0))) for name, array in arrays.items()}
    return Activity(padded, classes=dataset.classes, source=dataset.revision)


def _revision_of_arrays(labels: NDArray[np.float32], classes: Sequence[str], truth: Mapping[str, Any] | None) -> str:
    """Return the revision of labels that came as arrays: `arrays@` and eight hex digits of their content."""
    digest = hashlib.sha256(repr((tuple(classes), labels.shape)).encode())
    digest.update(labels.tobytes())
    for name, rows in (truth or {}).items():
        digest.update(name.encode())
        for row in rows:
            digest.update(np.packbits(np.asarray(row) > 0.5).tobytes())
    return f"arrays@{digest.hexdigest()[:8]}"


def _pseudo_of(dataset: Dataset, pseudo: PseudoLabels) -> PseudoLabels:
    """Return pseudo-labels for every clip of a data set; clips without features get none.

    Raises:
        SeehearError: If they do not fit the data set.
    """
    if missing := [name for name in dataset.modalities if name not in pseudo.weak]:
        raise SeehearError(f"labels per modality are for {', '.join(pseudo.weak)}, but not for {missing[0]}")
    first = next(iter(pseudo.confidence.values()))
    lengths = dataset.lengths
    if len(first) not in (len(dataset), int(dataset.featured.sum())):
        raise SeehearError(f"labels per modality of {len(first)} clips for a data set of {len(dataset)} clips")
    if first.shape[1] < int(lengths.max()):
        raise SeehearError(
            f"labels per modality have {first.shape[1]} segments, but the longest clip has {int(lengths.max())}"
        )
    if len(first) == len(dataset):
        return pseudo
    weak, confidence = (
        {name: _of_featured(dataset, array) for name, array in each.items()}
        for each in (pseudo.weak, pseudo.confidence)
    )
    return PseudoLabels(pseudo.classes, weak, confidence, pseudo.source)


def _of_featured(dataset: Dataset, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array (featured clips, ...) as one of all clips, with zeros for the others."""
    result = zeros((len(dataset), *array.shape[1:]), array.dtype)
    result[dataset.featured] = array
    return result
