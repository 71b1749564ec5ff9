"""The two vocabularies of pretrained classifiers, as graphs: AudioSet's ontology, and WordNet above ImageNet-1k.

A concept of one of them has an id, names, and concepts above it. Classifiers name only some of the concepts: 527 of
AudioSet's, and the 1000 leaves of ImageNet-1k. The other concepts stand for the named ones below them.

Sources: J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP 2017; and
WordNet 3.0, Princeton University, of which ImageNet's ids are the offsets of nouns. See `data/SOURCES.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from seehear.names import spelling
from seehear.vocabulary.words import key, parts, read_rows

USUAL = 5  # more than one in so many occurrences of a word have a sense that is usual


@dataclass(frozen=True)
class Sense:
    """One name of a concept of WordNet.

    Attributes:
        name: The lemma, with spaces.
        number: Of this sense among all of the name's, from 1: the most frequent one first.
        count: How often the name has this sense in WordNet's tagged texts, and one more.
        total: Likewise, of all its senses; 0 if none of them is tagged.
    """

    name: str
    number: int
    count: int
    total: int

    @property
    def is_usual(self) -> bool:
        """Whether the name by itself may mean this: it is the most frequent sense, or more than a fifth."""
        return self.number == 1 or USUAL * self.count > self.total


@dataclass(frozen=True)
class Concept:
    """A node of a graph.

    Attributes:
        id: AudioSet's mid, or ImageNet's wnid.
        name: Its first name.
        named: Whether a classifier has a class of this id.
        parents: Ids of the concepts right above it.
        senses: Its names in WordNet; none in AudioSet.
        gloss: What it is, in WordNet's words.
    """

    id: str
    name: str
    named: bool
    parents: tuple[str, ...]
    senses: tuple[Sense, ...] = ()
    gloss: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names."""
        return tuple(sense.name for sense in self.senses) or (self.name,)


@dataclass(frozen=True, eq=False)
class Graph:
    """Concepts and what is above and below them.

    Attributes:
        concepts: Id -> concept.
    """

    concepts: Mapping[str, Concept] = field(repr=False)

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        children: dict[str, list[str]] = defaultdict(list)
        for concept in self.concepts.values():
            for parent in concept.parents:
                children[parent].append(concept.id)
        return {parent: tuple(ids) for parent, ids in children.items()}

    def children(self, of: str) -> tuple[str, ...]:
        """Return the ids of the concepts right below one."""
        return self._children.get(of, ())

    def below(self, ids: Iterable[str]) -> frozenset[str]:
        """Return the ids of concepts and of all below them."""
        return _reached(ids, self.children)

    def above(self, ids: Iterable[str]) -> frozenset[str]:
        """Return the ids of concepts and of all above them."""
        return _reached(ids, lambda of: self.concepts[of].parents)

    def sources(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of the classifiers' classes that are concepts, or below them, in the order of the graph."""
        below = self.below(ids)
        return tuple(each for each, concept in self.concepts.items() if concept.named and each in below)

    def topmost(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the ids that are below no other of them, each once."""
        unique = tuple(dict.fromkeys(ids))
        return tuple(each for each in unique if not (self.above([each]) - {each}).intersection(unique))


def _reached(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += following(each)
    return frozenset(found)


@cache
def audioset() -> Graph:
    """Return AudioSet's ontology: 632 classes, of which classifiers name 527."""
    rows = read_rows("audioset.tsv")
    return Graph({mid: Concept(mid, name, named == "1", tuple(above.split())) for mid, name, named, above in rows})


@cache
def imagenet() -> Graph:
    """Return the nouns of WordNet 3.0 that are ImageNet-1k's leaves or above one."""
    found = {}
    for wnid, named, above, lemmas, gloss in read_rows("imagenet.tsv"):
        senses = tuple(_sense(text) for text in lemmas.split())
        found[wnid] = Concept(wnid, senses[0].name, named == "1", tuple(above.split()), senses, gloss)
    return Graph(found)


def _sense(text: str) -> Sense:
    lemma, number, count, total = text.rsplit(":", 3)
    return Sense(lemma.replace("_", " "), int(number), int(count), int(total))


@cache
def heard_by_name() -> Mapping[str, tuple[str, ...]]:
    """Return the key of a full name of AudioSet -> ids."""
    return _indexed((key(concept.name), concept.id) for concept in audioset().concepts.values())


@cache
def heard_by_alias() -> Mapping[str, tuple[str, ...]]:
    """Return the key of a name within a name of AudioSet -> ids; `fiddle` -> that of `Violin, fiddle`."""
    concepts = audioset().concepts.values()
    return _indexed((key(part), concept.id) for concept in concepts for part in parts(concept.name))


@cache
def seen_by_name() -> Mapping[str, tuple[tuple[str, Sense], ...]]:
    """Return a noun, as WordNet spells it and as its key -> ids of the synsets it names, its most frequent one first.

    `Glasses` are not `glass`, which is the key of both: what WordNet spells so comes before what has the key.
    """
    found: dict[str, dict[str, Sense]] = defaultdict(dict)
    pairs = [(sense, concept.id) for concept in imagenet().concepts.values() for sense in concept.senses]
    pairs.sort(key=lambda pair: (pair[0].number, -pair[0].count))
    spelled = {spelling(sense.name) for sense, _ in pairs}
    for sense, wnid in pairs:
        found[spelling(sense.name)].setdefault(wnid, sense)
        for name in {key(sense.name), key(sense.name).replace(" ", "")} - spelled:
            found[name].setdefault(wnid, sense)
    return {name: tuple(senses.items()) for name, senses in found.items()}


def senses_of(name: str) -> tuple[tuple[str, Sense], ...]:
    """Return the ids of the synsets that a noun names, the most frequent one first, each with the sense."""
    index, short = seen_by_name(), key(name)
    return next((index[each] for each in (spelling(name), short, short.replace(" ", "")) if each in index), ())


def _indexed(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name, of in pairs:
        found[name][of] = None
        found[name.replace(" ", "")].setdefault(of)  # Chainsaw is chain saw
    return {name: tuple(ids) for name, ids in found.items()}
