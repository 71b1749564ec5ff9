"""A data set: clips with their features, their weak labels and, if it is known, their per-second ground truth.

    train = Dataset.from_tables("train.csv", store="STORE", collocation={"audio": "yamnet", "visual": "open-nsfw"})
    toy = Dataset.from_arrays({"audio": audio, "visual": visual}, labels=labels, classes=names)

Training, prediction, scoring, alignment and selection all take this one type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear import arguments
from seehear.data.arrays import clip_names, read_arrays, read_labels, revision_of_arrays
from seehear.data.tables import class_names, classes_in, read_tables, store_of
from seehear.data.truth import revisions_of_truth, truth_from_arrays, truth_from_tables, used_truth
from seehear.data.usable import availability, chosen_networks, clips_where, pack
from seehear.errors import SeehearError
from seehear.events import Activity, reindexed
from seehear.features.packed import Packed, silence_of
from seehear.features.source import ArrayFeatures, FeatureSource, PartOf, StoredFeatures
from seehear.features.store import NetworkInfo, Store
from seehear.labels import doubts, missing_truth
from seehear.memory import zeros
from seehear.modality import AUDIO
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
    _revisions: Mapping[frozenset[str], str] = field(default_factory=dict)  # by modalities of truth, if some are unused

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
            classes: Names of the classes, or a file with one name per line. A clip with a class outside of them is an
                error. By default the classes that occur in the tables: those of the weak table first, in alphabetical
                order, and then those that only the ground truth of its clips has.

        Raises:
            SeehearError: Naming file and line, for tables that can't be read; for networks that the store does not
                have; if no clip has features; if those of most clips differ in length between networks.
        """
        kept = store_of(store)
        source = StoredFeatures(kept)
        networks = chosen_networks(source, arguments.collocation(collocation) if collocation else None)
        names = class_names(classes)
        weak, given = read_tables(labels, arguments.by_modality(truth), names)
        dense, unused = used_truth(given, networks)
        labelled = [clip for clip in weak.clips if weak.labels[clip]]
        notes = [*unused, *missing_truth(dense, weak.clips, labelled, f"{labels}")]
        notes += map(str, doubts([weak], list(dense.values()), names or ()))
        known = names or classes_in(weak, dense)
        available, more, packs = availability(source, networks, weak.clips, f"{labels}", str(kept))
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
            _revisions=revisions_of_truth(weak, dense),
        )
        return replace(dataset, truth=truth_from_tables(dataset, dense)) if dense else dataset

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
        segment = arguments.real(segment, "segment")
        names = clip_names(by_network or {"ground truth": truth or {}}, clips)
        infos, arrays = read_arrays(by_network, names)
        source = ArrayFeatures(infos, arrays)
        networks = {modality: tuple(infos[name] for name in each) for modality, each in by_network.items()}
        known, given = read_labels(labels, classes, len(names), truth)
        available, notes, packs = np.ones((len(names), len(truth or ())), dtype=bool), list[str](), dict[str, Packed]()
        if networks:
            available, notes, packs = availability(source, networks, names, "the arrays", "")
        labelled = revision_of_arrays(given, known, truth)
        dataset = Dataset(
            names, known, given, None, networks, available, source, segment, labelled, tuple(notes), _packs=packs
        )
        return replace(dataset, truth=truth_from_arrays(dataset, truth)) if truth is not None else dataset

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
        return clips_where(self.clips, ~self.featured)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Clips that lack at least one modality, those without any included."""
        return clips_where(self.clips, ~self._complete)

    @cached_property
    def featured_clips(self) -> tuple[str, ...]:
        """Clips with at least one modality, in order."""
        return clips_where(self.clips, self.featured)

    @property
    def _lacking(self) -> dict[str, tuple[str, ...]]:
        """Return modality -> clips that lack it and have another, of the modalities that some clips lack."""
        lacking = {
            name: clips_where(self.clips, self.featured & ~has)
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

    def revision_of(self, modalities: Iterable[str]) -> str:
        """Return the revision of the labels and of the ground truth of these modalities alone, where it is known."""
        return self._revisions.get(frozenset(modalities), self.revision)

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
            self._packs[network] = pack(self.source, self.networks, self.featured_clips, available, network)
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
        networks = chosen_networks(self.source, arguments.collocation(collocation))
        if [*networks.items()] == [*self.networks.items()]:  # in the same order
            return self
        where = str(self.store) if self.store else ""
        available, notes, packs = availability(self.source, networks, self.clips, "the data set", where)
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
                others = counted(len(unknown) - 1, "other")
                more = f", nor {others} of those named" if len(unknown) > 1 else ""
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
        given, own = counted(len(first), "clip"), counted(len(dataset), "clip")
        raise SeehearError(f"labels per modality of {given} for a data set of {own}")
    if first.shape[1] < int(lengths.max()):
        raise SeehearError(
            f"labels per modality have {counted(first.shape[1], 'segment')}, but the longest clip has "
            f"{int(lengths.max())}"
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
