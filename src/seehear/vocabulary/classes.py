"""Classes as a user names them, and which classes of pretrained classifiers each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from seehear.modality import AUDIO, VISUAL
from seehear.names import spelling
from seehear.results import Result, counted, import_pandas, table
from seehear.vocabulary.graph import Graph, audioset, imagenet

if TYPE_CHECKING:
    import pandas as pd

ANIMAL = "/m/0jbk"  # AudioSet's
COLUMNS = ("class", "modality", "concepts", "rule", "similarity", "sources")
MOST_SHOWN = 3  # concepts of a class in a row of text


class Rule(StrEnum):
    """Why a class stands for concepts."""

    NAME = "name"  # it is the concept's name
    ALIAS = "alias"  # it is a name within the concept's name, such as `fiddle` in `Violin, fiddle`
    SYNONYM = "synonym"  # WordNet has it and a name of AudioSet as words for one thing
    SENSE = "sense"  # it is a noun of WordNet; a rarer sense if the most frequent one is no class of ImageNet
    SIMILAR = "similar"  # its meaning is close to a name
    FILE = "file"  # a user wrote it into a file


@dataclass(frozen=True)
class Match:
    """What a class is in one modality.

    Attributes:
        concepts: Ids in AudioSet or WordNet. The class stands for them and for all below them.
        rule: Why.
        similarity: In [0, 1]: 1 for equal words, else the cosine of the two texts' vectors.
        without: Ids of concepts that are left out, with all below them.
    """

    concepts: tuple[str, ...]
    rule: Rule
    similarity: float = 1.0
    without: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class ClassMap(Result):
    """Classes, and the classes of pretrained classifiers that each stands for.

    Attributes:
        classes: As the user names them, or of the built-in vocabulary.
        sources: Modality, `audio` or `visual` -> class -> ids of the classifiers' classes: AudioSet's mids, or wnids of
            ImageNet-1k's leaves. A class that nothing corresponds to in a modality is absent there.
        parents: Class -> the classes above it: `Border collie` -> `Dog` and `Animal`. Every class has an entry.
        matches: Modality -> class -> what was found for it, and by which rule.
    """

    classes: tuple[str, ...]
    sources: Mapping[str, Mapping[str, tuple[str, ...]]]
    parents: Mapping[str, frozenset[str]]
    matches: Mapping[str, Mapping[str, Match]] = field(default_factory=dict)

    def __repr__(self) -> str:
        heard, seen = (len(self.sources.get(modality, {})) for modality in (AUDIO, VISUAL))
        return f"ClassMap({counted(len(self.classes), 'class', 'classes')}: {heard} heard, {seen} seen)"

    def unmapped(self) -> tuple[str, ...]:
        """Return the classes that no class of any classifier corresponds to."""
        return tuple(name for name in self.classes if not any(name in each for each in self.sources.values()))

    def unmapped_text(self) -> str:
        """Return the same in words, with names that are spelled almost like them."""
        return ", ".join(map(_with_hint, self.unmapped()))

    def text(self) -> str:
        """Return one line per class: as what it is heard and seen, and by which rule."""
        rows = [("class", "heard as", "seen as")]
        rows += [(name, self._cell(AUDIO, name), self._cell(VISUAL, name)) for name in self.classes]
        lines = [table(rows, right_from=len(rows[0]))]
        if self.unmapped():
            lines.append(f"nothing means {self.unmapped_text()}: never found")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the classes with their sources, parents and rules."""
        return {
            "classes": [
                {"class": name, "parents": sorted(self.parents[name]), **self._facts(name)} for name in self.classes
            ],
            "unmapped": list(self.unmapped()),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class and modality, with concepts, rule, similarity and sources as texts and numbers."""
        rows = [
            (name, modality, facts["concepts"], facts["rule"], facts["similarity"], facts["sources"])
            for name in self.classes
            for modality, facts in self._facts(name).items()
        ]
        return import_pandas().DataFrame(rows, columns=list(COLUMNS))

    def _facts(self, name: str) -> dict[str, dict[str, Any]]:
        found = {}
        for modality, sources in self.sources.items():
            if name in sources:
                match = self.matches.get(modality, {}).get(name)
                found[modality] = {
                    "concepts": [names_of(modality, each) for each in match.concepts] if match else [],
                    "rule": str(match.rule) if match else "",
                    "similarity": match.similarity if match else 1.0,
                    "sources": list(sources[name]),
                }
        return found

    def _cell(self, modality: str, name: str) -> str:
        if name not in self.sources.get(modality, {}):
            return "–"
        count = counted(len(self.sources[modality][name]), "class", "classes")
        match = self.matches.get(modality, {}).get(name)
        if match is None:
            return count
        concepts = [names_of(modality, each) for each in match.concepts]
        more = [f"and {len(concepts) - MOST_SHOWN} more"] if len(concepts) > MOST_SHOWN else []
        rule = f"{match.rule} {match.similarity:.2f}" if match.rule is Rule.SIMILAR else str(match.rule)
        return f"{'; '.join((*concepts[:MOST_SHOWN], *more))} ({rule}, {count})"


def _with_hint(name: str) -> str:
    """Return a name that nothing corresponds to, with the name of a concept that is spelled almost like it."""
    spelled = {
        spelling(concept.name): concept.name for each in (audioset(), imagenet()) for concept in each.concepts.values()
    }
    near = get_close_matches(spelling(name), spelled, n=1, cutoff=0.8)
    return f"{name} (did you mean {spelled[near[0]]}?)" if near else name


def graph_of(modality: str) -> Graph:
    """Return AudioSet for `audio`, and WordNet above ImageNet for `visual`."""
    return audioset() if modality == AUDIO else imagenet()


def names_of(modality: str, concept: str) -> str:
    """Return a concept's name, and a second one if the first has a more frequent sense."""
    found = graph_of(modality).concepts[concept]
    rarer = [sense for sense in found.senses[:1] if sense.number > 1]
    return ", ".join(found.names[: 2 if rarer else 1])


def build(classes: Sequence[str], matches: Mapping[str, Mapping[str, Match]]) -> ClassMap:
    """Return the map of classes whose concepts are known.

    A class stands for every named class at or below its concepts. Some calls have several animals above them in
    AudioSet, such as Growling: Dog and Cat. Where two animals of one map share such a call, it tells neither, and is
    left out of both.

    Args:
        classes: Their names.
        matches: Modality -> class -> what was found for it.
    """
    sources: dict[str, dict[str, tuple[str, ...]]] = {}
    for modality in (AUDIO, VISUAL):
        own = {name: match for name, match in matches.get(modality, {}).items() if name in classes}
        expanded = {name: _expanded(modality, match) for name, match in own.items()}
        if modality == AUDIO:
            expanded = _without_shared_calls(expanded, own)
        sources[modality] = {name: expanded[name] for name in classes if expanded.get(name)}
    kept = {m: {n: match for n, match in matches.get(m, {}).items() if n in sources[m]} for m in sources}
    return ClassMap(tuple(classes), sources, _parents(classes, sources, kept), kept)


def _expanded(modality: str, match: Match) -> tuple[str, ...]:
    graph = graph_of(modality)
    left_out = graph.below(match.without)
    return tuple(each for each in graph.sources(match.concepts) if each not in left_out)


def _without_shared_calls(
    expanded: Mapping[str, tuple[str, ...]], matches: Mapping[str, Match]
) -> dict[str, tuple[str, ...]]:
    graph = audioset()
    animals = graph.below([ANIMAL]) - {ANIMAL}
    groups = {name: set(match.concepts) for name, match in matches.items() if set(match.concepts) <= animals}
    shared: dict[str, set[str]] = {name: set() for name in groups}
    for one, concepts in groups.items():
        for other, others in groups.items():
            if concepts & graph.below(others) or others & graph.below(concepts):
                continue
            shared[one] |= set(expanded[one]).intersection(expanded[other])
    return {name: tuple(each for each in ids if each not in shared.get(name, ())) for name, ids in expanded.items()}


def _parents(
    classes: Sequence[str],
    sources: Mapping[str, Mapping[str, tuple[str, ...]]],
    matches: Mapping[str, Mapping[str, Match]],
) -> dict[str, frozenset[str]]:
    """Return the classes above each class, in any modality. Classes that are above each other are not."""
    found: dict[str, set[str]] = {name: set() for name in classes}
    for modality, own in matches.items():
        graph = graph_of(modality)
        held = {name: frozenset(sources[modality][name]) for name in own}
        below = {name: graph.below(match.concepts) for name, match in own.items()}
        for name, match in own.items():
            found[name] |= {
                other
                for other in own
                if other != name and below[other].issuperset(match.concepts) and held[other] >= held[name]
            }
    return {name: frozenset(each for each in above if name not in found[each]) for name, above in found.items()}
