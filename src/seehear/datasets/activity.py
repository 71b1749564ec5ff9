"""What is active in the clips of a data set, for synthetic features: as the ground truth says, and drawn where it ends.

Events of dense tables are active in their modality, or in both if the truth says what is heard and seen at once. If no
table says when, the weak labels of each modality are active all the time. Clips of a split without events, such as
training clips, have weak labels alone: for each label, when it is heard and seen is copied from a random clip that has
the label and events, a val clip if there are any. So labels are heard only, seen only and both as often as in those,
class by class. If the weak labels of these clips are published per modality, they decide what is heard and seen.

A clip is as long as its name, the tables or the data set say. Otherwise it is as long as its events last, or else as a
random clip whose length is known.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seehear.datasets.spec import DataSet, shared_folders
from seehear.datasets.tables import EVALUATED, Tables
from seehear.errors import SeehearError
from seehear.labels import DenseTable, Event, classes_of
from seehear.modality import AUDIO, JOINT, VISUAL

SECONDS = 10  # of a clip if no clip's length is known

Example = dict[str, NDArray[np.bool_]]  # modality -> when one class is active in one clip, (T,)


@dataclass(frozen=True)
class SyntheticActivity:
    """What is active in the clips of a data set. It is drawn clip by clip, on demand: there may be very many.

    Attributes:
        dataset: The data set.
        tables: Its tables.
        seed: Determines the draws.
        classes: Names of the C classes.
        labels: Clip -> its weak labels.
        by_modality: Modality -> clip -> its weak labels, where they are published.
        events: Modality -> clip -> its events.
        observed: Clips of the splits that have events.
        lengths: The known lengths of clips, in segments.
        examples: Class -> when it is active in each clip that is an example for others.
    """

    dataset: DataSet
    tables: Tables
    seed: int
    classes: tuple[str, ...]
    labels: Mapping[str, Sequence[str]]
    by_modality: Mapping[str, Mapping[str, Sequence[str]]]
    events: Mapping[str, Mapping[str, Sequence[Event]]]
    observed: frozenset[str]
    lengths: list[int] = field(default_factory=list)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    @staticmethod
    def of(dataset: DataSet, tables: Tables, seed: int) -> SyntheticActivity:
        """Return the activity of a data set's clips.

        Raises:
            SeehearError: If no clip with events can be an example for those without.
        """
        events = _events(dataset, tables)
        active = {clip for own in events.values() for clip in own}
        observed = [split for split, table in tables.weak.items() if active.intersection(table.clips)]
        activity = SyntheticActivity(
            dataset,
            tables,
            seed,
            classes_of([*tables.weak.values(), *(table for dense in tables.dense.values() for table in dense)]),
            {clip: names for table in tables.weak.values() for clip, names in table.labels.items()},
            {
                modality: {clip: names for table in splits.values() for clip, names in table.labels.items()}
                for modality, splits in tables.by_modality.items()
            },
            events,
            frozenset(clip for split in observed for clip in tables.weak[split].clips),
        )
        activity.lengths.extend(filter(None, map(activity._known_length, tables.clips)))
        if tables.dense and set(tables.weak) - set(observed):
            activity._collect_examples(next((split for split in EVALUATED if split in observed), None))
        return activity

    def _collect_examples(self, split: str | None) -> None:
        """Keep when each class is active in each clip of a split. Raises SeehearError if it has no event."""
        for clip in self.tables.weak[split].clips if split else ():
            active = {modality: self.active(modality, clip) for modality in self.events}  # (T, C) each
            for c, name in enumerate(self.classes):
                example = {modality: of_clip[:, c] for modality, of_clip in active.items()}  # (T,) each
                if any(of_modality.any() for of_modality in example.values()):
                    self.examples.setdefault(name, []).append(example)
        if not self.examples:
            raise SeehearError(f"{self.tables.files[0].parent}: the dense tables have no event in a val clip")
        self.examples[""] = [example for of_class in self.examples.values() for example in of_class]  # of any class

    def active(self, modality: str, clip: str) -> NDArray[np.bool_]:
        """Return which classes are active in each segment of a clip, boolean (T, C)."""
        segments = self.segments(clip)
        if clip in self.observed:
            table = DenseTable(self.tables.files[0], tuple(self.events[modality].get(clip, ())))
            return table.array([clip], self.classes, segments)[0]
        active = np.zeros((segments, len(self.classes)), dtype=bool)
        published = self.by_modality.get(modality, {}).get(clip)
        if not self.tables.dense:  # no table says when
            for name in published or ():
                active[:, self.classes.index(name)] = True
            return active
        rng = rng_of(self.seed, "activity", clip)
        for name in sorted(self.labels[clip]):
            choices = self.examples.get(name, self.examples[""])
            example = choices[rng.integers(len(choices))]
            when = example[modality]
            if published is not None:
                when = _of_any(example, modality) if name in published else np.zeros_like(when)
            active[:, self.classes.index(name)] = _stretched(when, segments)
        return active

    def segments(self, clip: str) -> int:
        """Return a clip's length in segments, T."""
        if length := self._known_length(clip):
            return length
        if not self.lengths:
            return SECONDS
        return self.lengths[rng_of(self.seed, "length", clip).integers(len(self.lengths))]

    def _known_length(self, clip: str) -> int:
        """Return a clip's length in segments if it is published, or its events say it; else 0."""
        fixed = max((form.form.duration for form in shared_folders(self.dataset)), default=0)
        seconds = self.tables.lengths.get(clip, self.dataset.length(clip))
        if fixed or seconds:
            return fixed or math.ceil(seconds or 0.0)
        return math.ceil(max((event.offset for own in self.events.values() for event in own.get(clip, ())), default=0))


def _events(dataset: DataSet, tables: Tables) -> dict[str, dict[str, list[Event]]]:
    """Return modality -> clip -> events; those of what is heard and seen at once are in both modalities."""
    events: dict[str, dict[str, list[Event]]] = {modality: {} for modality in dataset.modalities(tables.dense)}
    for kind, dense in tables.dense.items():
        for modality in (AUDIO, VISUAL) if kind == JOINT else (kind,):
            for event in (event for table in dense for event in table.events):
                events[modality].setdefault(event.clip, []).append(event)
    return events


def _of_any(example: Example, modality: str) -> NDArray[np.bool_]:
    """Return when an example's class is active in a modality; if never, when in another."""
    return example[modality] if example[modality].any() else max(example.values(), key=lambda own: own.sum())


def _stretched(when: NDArray[np.bool_], segments: int) -> NDArray[np.bool_]:
    """Return activity (T,) of a clip as that of a clip of another length, (segments,)."""
    return when if len(when) == segments else when[np.arange(segments) * len(when) // segments]


def rng_of(seed: int, *names: str) -> np.random.Generator:
    """Return the random numbers that a seed and names determine."""
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
