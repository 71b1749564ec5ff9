"""The built-in vocabulary: all that pretrained classifiers hear, and all that they see, under one name where they meet.

Heard are the 527 classes of AudioSet. Seen are the 1000 leaves of ImageNet-1k, and the kinds of things above them that
people have words for. A kind or leaf that AudioSet has, too, is one class under AudioSet's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from seehear.modality import AUDIO, VISUAL
from seehear.vocabulary.classes import ClassMap, Match, Rule, build
from seehear.vocabulary.find import PERSON, find_seen
from seehear.vocabulary.graph import Concept, audioset, imagenet

# A kind has at least so many leaves, at most so many, and at least so many kinds above it: no `object`, no `artifact`.
LEAST_LEAVES, MOST_LEAVES, LEAST_DEPTH = 2, 250, 4
# Words for what a thing is for, or is part of, not for what is seen.
ROLES = frozenset(
    {
        *("commodity", "piece", "system", "obstruction", "barrier", "device", "equipment", "implement", "instrument"),
        *("fluid", "communication system", "transducer", "reflector", "place of business", "electronic device"),
        *("paraphernalia", "attire", "outlet", "sustenance", "transport", "produce", "stick", "housing"),
    }
)


@cache
def builtin() -> ClassMap:
    """Return the built-in vocabulary.

    A kind of things is a synset of WordNet with 2 to 250 leaves and at least four synsets above it, one of whose names
    has it as its most frequent sense and occurs so in WordNet's tagged texts. People are no kind: ImageNet has three
    kinds of them. Of several kinds with the same leaves there is one.
    """
    heard = {concept.name: Match((concept.id,), Rule.NAME) for concept in audioset().concepts.values() if concept.named}
    seen: dict[str, Match] = {}
    met: set[str] = set()  # synsets that are classes of AudioSet's
    for name, match in heard.items():
        found = find_seen(name, match)
        if found and met.isdisjoint(found.concepts):
            seen[name] = found
            met |= set(found.concepts) if len(found.concepts) == 1 else set()
    names = [*heard]
    for wnid, candidates in _things():
        if wnid not in met:
            name = _free(candidates, wnid, {*heard, *seen})
            names.append(name)
            seen[name] = Match((wnid,), Rule.NAME)
    return build(names, {AUDIO: heard, VISUAL: seen})


def _things() -> Iterator[tuple[str, list[str]]]:
    """Yield kinds of things, the largest first, and then ImageNet's leaves, each with the names that it may have."""
    graph = imagenet()
    people = graph.below([PERSON])
    kinds: dict[tuple[str, ...], tuple[int, str, list[str]]] = {}  # by their leaves
    for concept in graph.concepts.values():
        leaves = graph.sources([concept.id])
        name, count = _usual_name(concept)
        is_kind = not concept.named and LEAST_LEAVES <= len(leaves) <= MOST_LEAVES and concept.id not in people
        if is_kind and count and name not in ROLES and _depth(concept.id) >= LEAST_DEPTH:
            kinds[leaves] = max(kinds.get(leaves, (0, "", [])), (count, concept.id, [name, *concept.names]))
    for leaves in sorted(kinds, key=lambda leaves: (-len(leaves), leaves)):
        _, wnid, candidates = kinds[leaves]
        yield wnid, candidates
    for concept in graph.concepts.values():
        if concept.named:
            yield concept.id, list(concept.names)


def _usual_name(concept: Concept) -> tuple[str, int]:
    """Return the name whose most frequent sense a synset is, with its count in tagged texts; ("", 0) if there is none.

    Of several, it is the one that occurs most often.
    """
    senses = [sense for sense in concept.senses if sense.number == 1]
    best = max(senses, key=lambda sense: sense.count, default=None)
    return (best.name, best.count - 1) if best else ("", 0)


@cache
def _depth(wnid: str) -> int:
    """Return the number of synsets on the shortest way up."""
    return min((_depth(parent) + 1 for parent in imagenet().concepts[wnid].parents), default=0)


def _free(candidates: list[str], wnid: str, taken: set[str]) -> str:
    """Return the first name that no other class has, as a class is written; or the first with what is above it."""
    written = [f"{name[:1].upper()}{name[1:]}" for name in candidates]
    lower = {name.casefold() for name in taken}
    above = imagenet().concepts[imagenet().concepts[wnid].parents[0]].name
    free = [name for name in (*written, f"{written[0]} ({above})") if name.casefold() not in lower]
    return free[0] if free else f"{written[0]} ({wnid})"
