"""A trained parser and an untrained one in one parse: own classes beside those of the networks' classifiers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.names import spelling
from seehear.parsing.base import FileParser
from seehear.parsing.clip import ParsedClip
from seehear.parsing.parser import Parser
from seehear.parsing.untrained import Untrained

if TYPE_CHECKING:
    from seehear.parsing.live import Part
    from seehear.parsing.reading import FileReader

MOST_NAMED = 20  # classes that are named in a line


class Combined(FileParser):
    """Parses a file by both, in one pass. Where both have a class of one name, the trained parser speaks for it."""

    def __init__(self, trained: Parser, untrained: Untrained) -> None:
        """Join two parsers.

        Args:
            trained: Of a run, or an ensemble.
            untrained: Its segments must be as long as those of the run.

        Raises:
            SeehearError: If the segments differ in length.
        """
        if trained.segment != untrained.segment:
            raise SeehearError(
                f"{trained.run.name}: its segments last {trained.segment:g} s; untrained classes need segments of "
                f"{untrained.segment:g} s"
            )
        self.trained, self.untrained = trained, untrained
        own = set(map(spelling, trained.classes))
        self._added = [name for name in untrained.classes if spelling(name) not in own]

    def __repr__(self) -> str:
        return f"Combined({self.trained!r}, {self.untrained!r})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the trained classes, and the untrained ones of other names."""
        return (*self.trained.classes, *self._added)

    @property
    def collocation(self) -> Mapping[str, list[str]]:
        """Return modality -> the networks of both, those of the trained parser first."""
        both = (self.trained.collocation, self.untrained.collocation)
        modalities = dict.fromkeys(modality for each in both for modality in each)
        return {
            modality: list(dict.fromkeys(name for each in both for name in each.get(modality, [])))
            for modality in modalities
        }

    @property
    def segment(self) -> float:
        """Seconds per segment."""
        return self.trained.segment

    @property
    def decoding(self) -> Decoding:
        """Return the trained parser's. The untrained one always uses its own."""
        return self.trained.decoding

    @property
    def identity(self) -> str:
        """Hash of both, and of the untrained parser's thresholds."""
        facts = (self.trained.identity, self.untrained.identity, self.untrained.decoding.as_json())
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    @cached_property
    def reader(self) -> FileReader:
        """The networks of both, with the settings of the trained parser's."""
        from seehear.parsing.reading import FileReader

        first = self.trained.reader
        known = {spec.name for spec, _ in first.networks}
        others = [(spec, network) for spec, network in self.untrained.reader.networks if spec.name not in known]
        return FileReader([*first.networks, *others], first.settings)

    def describe(self) -> str:
        """Return what people must know to read untrained events."""
        taken = [name for name in self.untrained.classes if name not in self._added]
        note = f"the trained model speaks for {', '.join(taken)}" if taken and len(taken) <= MOST_NAMED else ""
        return "\n".join(filter(None, [self.untrained.describe() if self._added else "", note]))

    def _parts(self, decoding: Decoding) -> list[Part]:
        from seehear.parsing.live import Part

        added = set(self._added)
        chosen = [name in added for name in self.untrained.classes]
        return [Part(self.trained, decoding), Part(self.untrained, self.untrained.decoding, chosen)]

    def _parsed(self, features: Mapping[str, Packed], decoding: Decoding, **facts: Any) -> ParsedClip:
        own = self.trained._parsed(features, decoding, **facts)
        other = self.untrained._parsed(features, self.untrained.decoding, **facts)
        added = set(self._added)
        order = {modality: n for n, modality in enumerate(own.modalities)}
        events = [*own.events, *(event for event in other.events if event.label in added)]
        events.sort(key=lambda event: (order.get(event.modality, len(order)), event.onset, event.label))
        modalities = own.modalities if len(own.modalities) >= len(other.modalities) else other.modalities
        probabilities = {
            modality: {
                **own.probabilities.get(modality, {}),
                **{name: row for name, row in other.probabilities.get(modality, {}).items() if name in added},
            }
            for modality in (*own.probabilities, *(set(other.probabilities) - set(own.probabilities)))
        }
        return replace(
            own,
            modalities=modalities,
            decoding=f"{own.decoding}; untrained {other.decoding}",
            events=tuple(events),
            probabilities=probabilities,
            classes=(*own.classes, *(name for name in other.classes if name in added)),
            highest={**own.highest, **{name: value for name, value in other.highest.items() if name in added}},
            origins=(*own.origins, *other.origins),
            meanings={name: meaning for name, meaning in other.meanings.items() if name in added},
        )
