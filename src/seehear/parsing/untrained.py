"""Parsing without training: what the networks' own classifiers hear and see, second by second.

parser = Untrained(["Dog", "Speech"])
parser.parse("new.mp4")        # a ParsedClip
parser.map                     # which classes of AudioSet and ImageNet the words stand for
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.data import Dataset, check_dataset
from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.errors import SeehearError
from seehear.events import Activity, inside_clips
from seehear.features.packed import Packed
from seehear.modality import AUDIO, VISUAL, with_joint
from seehear.networks.spec import Classifier
from seehear.parsing.base import BaseParser
from seehear.parsing.class_scores import in_context, of_classes, without_parents
from seehear.parsing.clip import Origin, ParsedClip
from seehear.parsing.namers import classifier_of, default_networks, networks_in, specs_of
from seehear.parsing.reach import Reach
from seehear.progress import say
from seehear.results import counted
from seehear.vocabulary import ClassMap, as_map, builtin, map_classes

if TYPE_CHECKING:
    from seehear.parsing.reading import FileReader

FPS = 2.0  # frames per second that visual networks see
SEGMENT = 1.0  # seconds
FALSE_ALARM_SHARE = 0.01  # share of the background seconds in which a class may be found, for a user's own words
LEAST = {AUDIO: 0.01, VISUAL: 0.05}  # probability, however rarely the background reaches it; see docs/lab.md
LEAST_BUILT_IN = 0.2  # of a class of the built-in vocabulary, of which hundreds could be found by chance
CONTEXT = 5.0  # seconds before and after a segment that say how probable a sound is there
LABELLED_SHARE = 0.05  # false alarms per second without a class, where it is known which classes a clip has


class Untrained(BaseParser):
    """Parses by the networks' own classifiers, in their words or the user's own. Nothing is trained.

    Attributes:
        map: The classes, and the classes of the networks' classifiers that each stands for.
        false_alarm_share: Share of the background seconds in which each class may be found.
    """

    def __init__(
        self,
        classes: Sequence[str] | ClassMap | str | Path | None = None,
        *,
        networks: Mapping[str, str] | None = None,
        background: arguments.Paths | Dataset | None = None,
        false_alarm_share: float = FALSE_ALARM_SHARE,
        decoding: Decoding | None = None,
        device: str = "auto",
    ) -> None:
        """Choose classes and networks. Networks are loaded when they are first needed.

        Args:
            classes: Your own words, in a list or with commas between them; a map of them, or the table of one
                (FILE.csv). By default AudioSet's classes are heard, and ImageNet's are seen, with the kinds that they
                belong to.
            networks: modality -> a network with a classifier of AudioSet or ImageNet.
            background: Clips without your classes, or a data set whose weak labels say in which clips each class does
                not occur. Thresholds come from them. By default clips that come with seehear.
            false_alarm_share: Share of the background's seconds in which each class may be found, in (0, 1).
            decoding: From probabilities to events, with thresholds of your own.
            device: auto, cpu or cuda.

        Raises:
            SeehearError: If a class, network or value can't be used.
        """
        false_alarm_share = arguments.real(false_alarm_share, "false_alarm_share")
        if not 0 < false_alarm_share < 1:
            raise SeehearError(f"false_alarm_share must be above 0 and below 1, not {false_alarm_share:g}")
        self.map = builtin() if classes is None else as_map(classes)
        self._of_networks: tuple[str, ...] = ()
        self.false_alarm_share, self.device = false_alarm_share, device
        self._background, self._decoding = background, decoding
        if networks is None:
            networks, self._of_networks = default_networks()
        self._specs = dict(specs_of(networks))
        if not any(self.map.sources.get(modality) for modality in self._specs):
            words = self.map.unmapped_text() or ", ".join(self.map.classes)
            raise SeehearError(f"{words}: no class of {' or '.join(self._names)} means this; try other words")

    @staticmethod
    def of_dataset(dataset: Dataset, *, device: str = "auto") -> Untrained:
        """Return the parser of a data set's classes, by those networks with features there that name classes.

        Raises:
            SeehearError: If there are no such features of a modality.
        """
        return Untrained(list(dataset.classes), networks=networks_in(dataset), device=device)

    def __repr__(self) -> str:
        return f"Untrained({' × '.join(self._names)}, {counted(len(self.classes), 'class', 'classes')})"

    @property
    def _names(self) -> list[str]:
        return [spec.name for spec in self._specs.values()]

    # What it is

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: a network that could not be had, and words that nothing means."""
        unmapped = self.map.unmapped_text()
        return (*self._of_networks, *([f"nothing means {unmapped}: never found"] if unmapped else []))

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that it predicts, in the order of its probabilities."""
        return self.map.classes

    @property
    def collocation(self) -> Mapping[str, list[str]]:
        """Return modality -> its network."""
        return {modality: [spec.name] for modality, spec in self._specs.items()}

    @property
    def segment(self) -> float:
        """Seconds per segment."""
        return SEGMENT

    @property
    def origin(self) -> Origin:
        """Return that its classes were not trained."""
        return Origin.UNTRAINED

    @property
    def reach(self) -> Reach:
        """On how many segments around it a prediction depends: on the context of what is heard."""
        context = round(CONTEXT / SEGMENT) if AUDIO in self.modalities else 0
        return Reach(context, context, clip=False)

    @property
    def identity(self) -> str:
        """Hash of its networks and of what its classes stand for."""
        from seehear.features.segments import Settings

        settings = Settings(FPS, SEGMENT)
        made_by = [settings.made_by(spec) for spec in self._specs.values()]
        facts = [made_by, self.map.classes, sorted((m, sorted(of_m.items())) for m, of_m in self.map.sources.items())]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    @cached_property
    def decoding(self) -> Decoding:
        """From probabilities to events: a threshold per class and modality, from the background."""
        return self._decoding or self.thresholds(self._calibration())

    @cached_property
    def reader(self) -> FileReader:
        """Its networks in memory, which read media files."""
        from seehear.features.jobs import load_networks
        from seehear.features.segments import Settings
        from seehear.parsing.reading import FileReader

        return FileReader(load_networks(list(self._specs.values()), self.device), Settings(FPS, SEGMENT))

    def describe(self) -> str:
        """Return what untrained means, and what the user's words stand for."""
        heard_and_seen = " and ".join(
            f"{spec.name} ({classifier.vocabulary})"
            for spec, classifier in zip(self._specs.values(), self._classifiers.values(), strict=True)
        )
        head = (
            f"untrained: these are the classes of {heard_and_seen}; nothing was learned from your clips. Confidences "
            "of different classes do not compare"
        )
        return "\n".join(filter(None, [*self._of_networks, head, self.map.text() if self._typed else ""]))

    def meanings(self, labels: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """Return what classes stand for: label -> modality -> the classes of its network's classifier."""
        found: dict[str, dict[str, list[str]]] = {}
        for modality, classifier in self._classifiers.items():
            name_of = dict(zip(classifier.ids, classifier.names, strict=True))
            for label in dict.fromkeys(labels):
                sources = [
                    name_of[each] for each in self.map.sources.get(modality, {}).get(label, ()) if each in name_of
                ]
                if sources:
                    found.setdefault(label, {})[modality] = sources
        return found

    # Prediction

    def thresholds(
        self, background: Dataset, false_alarm_share: float | None = None, *, least: bool = True
    ) -> Decoding:
        """Return thresholds from background clips.

        Args:
            background: Clips whose weak labels say what occurs in them. A class of this parser is taken to be absent
                from a clip if none of the clip's classes has a source in common with it. Without labels, all classes
                are taken to be absent.
            false_alarm_share: Share of the segments without a class in which it may be found; by default the parser's.
            least: Let no threshold be lower than LEAST, since a background never holds all that there is.

        Returns:
            A decoding with a threshold per modality and class.
        """
        from seehear.parsing.background import thresholds

        share = self.false_alarm_share if false_alarm_share is None else false_alarm_share
        values = thresholds(self.predict_proba(background), background, self._negative(background), share)
        by_modality = {}
        for m, modality in enumerate(self.modalities):
            floor = np.float32((LEAST[modality] if self._typed else LEAST_BUILT_IN) if least else 0)
            by_modality[modality] = dict(zip(self.classes, np.maximum(values[m], floor).tolist(), strict=True))
        return Decoding("none", ByModality(by_modality))

    def predict_labelled(self, dataset: Dataset, decoding: Decoding | None = None) -> Activity:
        """Return which segments are active, if it is known which classes occur in each clip.

        Args:
            dataset: Clips with weak labels, over the parser's classes in any order.
            decoding: From probabilities to events; by default thresholds from the clips themselves: LABELLED_SHARE of
                the segments of clips without a class reach its threshold.

        Returns:
            As `predict`, without the classes that a clip's weak label lacks.

        Raises:
            SeehearError: If a class of the data set is not one of the parser's.
        """
        data = dataset.with_classes(self.classes)
        found = self.predict(data, decoding or self.thresholds(data, LABELLED_SHARE, least=False))
        active = {modality: array & (data.labels[:, None] > 0) for modality, array in found.items()}
        return Activity(active, classes=found.classes, source=f"{found.source},weak-labels")

    def _predict(self, packs: dict[str, list[Packed]]) -> Probabilities:
        """Return the probability of each class: the largest of its sources', or their sum if only one can hold.

        What is heard goes on for a while: there, it is the geometric mean of the probability in the segment, and of the
        mean around it. Pictures change at once.
        """
        ((first, *_), *_) = packs.values()
        within = inside_clips(first.lengths())  # (N, T)
        segment = np.zeros((*within.shape, len(packs), len(self.classes)), dtype=np.float32)
        for m, (modality, (pack, *_)) in enumerate(packs.items()):
            classifier = self._classifiers[modality]
            columns = self._columns[modality]
            exclusive = classifier.vocabulary is not None and classifier.vocabulary.is_exclusive
            known = within if pack.available is None else within & pack.available[:, None]
            of_sources = classifier.probabilities(pack.known())  # (R, K)
            segment[..., m, :][known] = of_classes(of_sources, columns, len(self.classes), exclusive=exclusive)
            if modality == AUDIO:
                segment[..., m, :] = in_context(segment[..., m, :], within, round(CONTEXT / SEGMENT))
        return Probabilities.of_segments(segment)

    def _tracks(self, active: Mapping[str, NDArray[np.bool_]]) -> Mapping[str, NDArray[np.bool_]]:
        if not self.specific:
            return active
        # What is both heard and seen may be seen as something more specific, and heard as another.
        tracks = with_joint(active, self.modalities)
        return {modality: without_parents(array, self.specific) for modality, array in tracks.items()}

    def _parsed(self, features: Mapping[str, Packed], decoding: Decoding, **facts: Any) -> ParsedClip:
        parsed = super()._parsed(features, decoding, **facts)
        if self._typed:
            return parsed
        found = {event.label for event in parsed.events}  # a list of all classes would be longer than the rest
        classes = tuple(name for name in self.classes if name in found)
        return replace(parsed, classes=classes, highest={name: parsed.highest[name] for name in classes})

    def _features(self, dataset: Dataset) -> Dataset:
        from seehear.features.segments import Settings

        check_dataset(dataset, "dataset")
        if dataset.collocation != self.collocation:
            dataset = dataset.with_networks({modality: spec.name for modality, spec in self._specs.items()})
        for info, spec in zip(dataset.infos, self._specs.values(), strict=True):
            if info.reference and not Settings(info.fps or FPS, dataset.segment).are_of(info.made_by, spec):
                place = str(dataset.store) if dataset.store else "the data set"
                raise SeehearError(f"{place}: features of {info.name} were made by another version; extract again")
        return dataset

    @cached_property
    def _typed(self) -> bool:
        """Whether the classes are the user's own."""
        return self.map is not builtin()

    @cached_property
    def _classifiers(self) -> dict[str, Classifier]:
        return {spec.modality: classifier_of(spec, network) for spec, network in self.reader.networks}

    @cached_property
    def _columns(self) -> dict[str, dict[int, list[int]]]:
        """Modality -> number of a class -> numbers of its sources in the classifier; only classes that have some."""
        columns: dict[str, dict[int, list[int]]] = {}
        for modality, classifier in self._classifiers.items():
            number = {each: n for n, each in enumerate(classifier.ids)}
            sources = self.map.sources.get(modality, {})
            own = {
                c: [number[each] for each in sources.get(name, ()) if each in number]
                for c, name in enumerate(self.classes)
            }
            columns[modality] = {c: numbers for c, numbers in own.items() if numbers}
        return columns

    @cached_property
    def specific(self) -> Mapping[int, list[int]]:
        """Number of a class -> numbers of the classes below it; empty for the user's own: each was asked for."""
        if self._typed:
            return {}
        number = {name: c for c, name in enumerate(self.classes)}
        children: dict[int, list[int]] = {}
        for name, above in self.map.parents.items():
            for parent in above:
                children.setdefault(number[parent], []).append(number[name])
        return children

    def _calibration(self) -> Dataset:
        from seehear.parsing.background import bundled, read_background

        if isinstance(self._background, Dataset):
            return self._background
        if self._background is None:
            return bundled(self.collocation, self.device)
        return read_background(self._background, self.collocation, FPS, self.device)

    def _negative(self, background: Dataset) -> NDArray[np.bool_]:
        """Return (N, C), whether no class of a clip's weak label has a source in common with a class."""
        if not background.labels.any():
            return np.ones((len(background), len(self.classes)), dtype=bool)
        known = map_classes(background.classes)
        shared = np.array(
            [[_overlap(self.map, own, known, other) for own in self.classes] for other in known.classes], dtype=bool
        )  # (labels, C)
        return ~((background.labels > 0) @ shared)


def parse(
    file: str | Path,
    classes: Sequence[str] | ClassMap | str | Path | None = None,
    *,
    networks: Mapping[str, str] | None = None,
    background: arguments.Paths | Dataset | None = None,
    false_alarm_share: float = FALSE_ALARM_SHARE,
    audio_track: int | None = None,
    device: str = "auto",
) -> ParsedClip:
    """Parse a media file without training: what the networks' own classifiers hear and see.

    Args:
        file: A media file of this machine; or elsewhere, such as `s3://bucket/clip.mp4` or `https://…`.
        classes: Your own words; by default AudioSet's classes are heard, and ImageNet's are seen.
        networks: modality -> a network with a classifier of AudioSet or ImageNet.
        background: Clips without your classes, from which thresholds come; by default clips that come with seehear.
        false_alarm_share: Share of the background's seconds in which each class may be found.
        audio_track: Which of the file's audio tracks to use, from 1; by default the one that players choose.
        device: auto, cpu or cuda.

    Returns:
        The clip. Each of its events is marked as untrained.

    Raises:
        ClipError: If the file can't be used.
        SeehearError: If a class, network or value can't be used.
    """
    parser = Untrained(
        classes, networks=networks, background=background, false_alarm_share=false_alarm_share, device=device
    )
    for note in parser.notes:
        say(note)
    return parser.parse(file, audio_track=audio_track)


def _overlap(one: ClassMap, name: str, other: ClassMap, label: str) -> bool:
    return any(
        not set(sources.get(name, ())).isdisjoint(other.sources.get(modality, {}).get(label, ()))
        for modality, sources in one.sources.items()
    )
