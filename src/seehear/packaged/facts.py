"""What a package says of its model, beside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from seehear.decoding import Decoding
from seehear.errors import ClipError, SeehearError
from seehear.features.store import NetworkInfo
from seehear.names import valid_line, valid_modality_name, valid_network_name
from seehear.stored import Count, Number, Positive, Segment, as_model
from seehear.version import __version__

REMEDY = "package the run again"


@dataclass(frozen=True)
class Chosen:
    """The epoch that a seed's model is from.

    Attributes:
        seed: Of the training.
        epoch: From 0.
        scores: Name -> score of the validation clips, in percent, and their loss; empty without validation.
    """

    seed: Count
    epoch: Count
    scores: Mapping[str, Number]


@dataclass(frozen=True)
class Facts:
    """What decides the predictions of a packaged model, and where it comes from.

    Attributes:
        classes: Names of the C classes, in the order of the model's output.
        networks: modality -> its networks, in order: how to load each, and the fingerprint of its features.
        segment: Seconds per segment.
        window: Segments of the windows in which longer clips are parsed.
        decoding: From probabilities to events, with the thresholds, as `Decoding.as_json` gives it.
        chosen: One entry per seed; of several, the model gives the means.
        inputs: Name -> revision of the labels and features that the model was trained with.
        recipe: All settings of the training.
        files: Network -> name -> sha256 of the files that the package brings along; of others, the reference says
            where they are found.
        licences: Network -> licence of its code and weights.
        version: Of seehear.
    """

    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    networks: Annotated[Mapping[str, Annotated[Sequence[NetworkInfo], Field(min_length=1)]], Field(min_length=1)]
    segment: Segment
    window: Positive
    decoding: Mapping[str, Any]
    chosen: Annotated[tuple[Chosen, ...], Field(min_length=1)]
    inputs: Mapping[str, str]
    recipe: Mapping[str, Any]
    files: Mapping[str, Mapping[str, str]]
    licences: Mapping[str, str]
    version: str = __version__

    @property
    def collocation(self) -> dict[str, list[str]]:
        """Return modality -> names of its networks."""
        return {modality: [info.name for info in infos] for modality, infos in self.networks.items()}

    @property
    def infos(self) -> list[NetworkInfo]:
        """Return the networks of all modalities, in order."""
        return [info for infos in self.networks.values() for info in infos]

    @property
    def signature(self) -> str:
        """What the model was made of, in one line: two packages of the same signature predict the same."""
        networks = " × ".join("+".join(names) for names in self.collocation.values())
        inputs = "|".join(f"{name}:{revision}" for name, revision in self.inputs.items())
        seeds = ",".join(str(each.seed) for each in self.chosen)
        decoding = Decoding.from_json(self.decoding)
        return f"parser|{networks}|{inputs}|seeds:{seeds}|decoding:{decoding}|seehear{self.version}"

    def as_json(self) -> dict[str, Any]:
        """Return the content of package.json."""
        return {**asdict(self), "signature": self.signature}

    @staticmethod
    def from_json(content: Any, where: object) -> Facts:
        """Return the facts that `as_json` wrote. Raises SeehearError naming `where` and the field that is wrong."""
        facts = as_model(content, Facts, where, REMEDY)
        try:
            for modality in facts.networks:
                valid_modality_name(modality)
            for name in facts.classes:
                valid_line(name)
            for info in facts.infos:
                valid_network_name(info.name)
            Decoding.from_json(facts.decoding)
        except (ClipError, SeehearError) as error:
            raise SeehearError(f"{where}: {error}; {REMEDY}") from None
        return replace(facts, networks={name: tuple(infos) for name, infos in facts.networks.items()})
