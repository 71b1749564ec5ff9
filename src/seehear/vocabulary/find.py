"""From words to concepts: what a class is heard as in AudioSet, and seen as in WordNet above ImageNet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.modality import AUDIO, VISUAL
from seehear.names import valid_line
from seehear.vocabulary.classes import ANIMAL, ClassMap, Match, Rule, build
from seehear.vocabulary.encoder import text_encoder
from seehear.vocabulary.graph import Sense, audioset, heard_by_alias, heard_by_name, imagenet, senses_of
from seehear.vocabulary.words import key, parts, readable, stems

# Least cosines at which a class is taken for one of AudioSet's: of any class, and of one whose words are all in the
# name, as `Bark` in `dog barking`. How they were chosen: docs/vocabulary.md.
SIMILARITY, SIMILARITY_WITHIN = 0.82, 0.6

ANIMALS = {AUDIO: ANIMAL, VISUAL: "n00015388"}
# A class that is heard as one of these is seen as something below the other: a Mouse that squeaks is no computer's.
DOMAINS = {
    ANIMALS[AUDIO]: ANIMALS[VISUAL],
    "/m/04szw": "n03800933",  # Musical instrument -> musical instrument
    "/m/07yv9": "n03100490",  # Vehicle -> conveyance
}
# What is heard as one of these is no object: human sounds, and sounds named for how they sound.
UNSEEN = ("/m/0dgw9r", "/t/dd00098")
PERSON = "n00007846"  # of whom ImageNet has three kinds, which are not what people call a person
# By the key of a name: leaves of ImageNet that show it, though WordNet has them elsewhere.
ALSO = {
    key("motorcycle"): ("n03791053",),  # a motor scooter is beside it
    key("chicken"): ("n01514668", "n01514859"),  # cock and hen are birds of any kind there; ImageNet shows chickens
    key("rooster"): ("n01514668",),
    key("cow"): ("n02403003",),  # ImageNet's ox shows cattle of any sex
}


def map_classes(names: Sequence[str], *, similarity: float = SIMILARITY) -> ClassMap:
    """Map class names to classes of pretrained classifiers.

    A class is heard as the class of AudioSet with its name, or that has it as one of several names (`fiddle` is
    `Violin, fiddle`), or whose name is a synonym in WordNet. Else, unless its name is a noun that ImageNet knows, it is
    heard as a class whose words its name contains, or as the class with the most similar meaning, if that is similar
    enough. It is seen as the synset of WordNet that its name is a noun for, in the most frequent sense that has leaves
    of ImageNet-1k; text similarity does not choose it. A class stands for all below what was found. A name that nothing
    corresponds to stays unmapped.

    Args:
        names: Of the classes. Case, plural, underscores and punctuation don't count.
        similarity: Least cosine in (0, 1] at which a class is taken for one of AudioSet's whose words are not in its
            name.

    Raises:
        SeehearError: If there is no name, one is there twice or can't be a class, or the text encoder can't be had.
    """
    classes = tuple(names)
    if isinstance(names, str) or not classes:
        raise SeehearError("give at least one class, in a list")
    if not 0 < similarity <= 1:
        raise SeehearError(f"similarity must be above 0 and at most 1, not {similarity}")
    for name in classes:
        valid_line(name)
    if twice := sorted(name for name, count in Counter(classes).items() if count > 1):
        raise SeehearError(f"these classes are given twice: {', '.join(twice)}")
    heard = {name: match for name in classes if (match := heard_by_words(name))}
    seen = {name: match for name in classes if (match := find_seen(name, heard.get(name)))}
    for name in classes:
        if name not in heard and name in seen and (match := _by_synonym(seen[name])):
            heard[name] = match
    left = [name for name in classes if name not in heard and name not in seen and readable(name)]
    similar = _by_similarity(left, similarity)
    seen |= {name: match for name, each in similar.items() if (match := _seen_by_similarity(name, each))}
    return build(classes, {AUDIO: heard | similar, VISUAL: seen})


def heard_by_words(name: str) -> Match | None:
    """Return the class of AudioSet that has a name, or has it among several names; None if there is none."""
    spelled = key(name)
    for index, rule in ((heard_by_name(), Rule.NAME), (heard_by_alias(), Rule.ALIAS)):
        for spelling in (spelled, spelled.replace(" ", "")):
            if spelling in index:
                return Match(index[spelling], rule)
    return None


def find_seen(name: str, heard: Match | None = None) -> Match | None:
    """Return the synsets that a class is seen as; None if it names none that has leaves of ImageNet-1k.

    Args:
        name: The class.
        heard: What it is heard as. Its other names count too, and it must be of the same kind: animal, instrument or
            vehicle.
    """
    allowed, is_sure = _allowed(heard)
    for words in (_own_words(name), _other_words(heard)):
        found = [wnid for word in words for wnid in (*_sense(word, allowed, is_sure), *ALSO.get(key(word), ()))]
        if found:
            return Match(imagenet().topmost(found), Rule.SENSE)
    return None


def _own_words(name: str) -> tuple[str, ...]:
    return (name,) if senses_of(name) else parts(name)


def _other_words(heard: Match | None) -> tuple[str, ...]:
    concepts = heard.concepts if heard else ()
    return tuple(word for mid in concepts for word in parts(audioset().concepts[mid].name))


def _sense(word: str, allowed: frozenset[str], is_sure: bool) -> tuple[str, ...]:
    """Return the most frequent sense of a word that is allowed; nothing if none is.

    Unless it is sure, it must be a usual sense, or that of a class of ImageNet which is called so.
    """

    def may_be(wnid: str, sense: Sense) -> bool:
        concept = imagenet().concepts[wnid]
        return is_sure or sense.is_usual or (concept.named and sense == concept.senses[0])

    return tuple(wnid for wnid, sense in senses_of(word) if wnid in allowed and may_be(wnid, sense))[:1]


@cache
def _allowed(heard: Match | None) -> tuple[frozenset[str], bool]:
    """Return the synsets that a class may be seen as, from what it is heard as, and whether that tells its sense."""
    graph = imagenet()
    people = {wnid for wnid in graph.below([PERSON]) if not graph.concepts[wnid].named}
    everything = frozenset(graph.concepts) - people
    above = audioset().above(heard.concepts) if heard else frozenset()
    for mid, wnid in DOMAINS.items():
        if mid in above:
            return everything & graph.below([wnid]), True
    return frozenset() if above.intersection(UNSEEN) else everything, False


def _by_synonym(seen: Match) -> Match | None:
    """Return what a class is heard as by the synonyms of what it is seen as."""
    for wnid in seen.concepts:
        for name in imagenet().concepts[wnid].names:
            if match := heard_by_words(name):
                return Match(match.concepts, Rule.SYNONYM)
    return None


def _by_similarity(names: Sequence[str], least: float) -> dict[str, Match]:
    """Return what classes are heard as by the meaning of their words, if it is similar enough."""
    if not names:
        return {}
    texts = _heard_texts()
    cosines = text_encoder()([readable(name) for name in names]) @ _heard_vectors().T  # (names, texts)
    found = {
        name: _most_similar(name, dict(zip(texts, row, strict=True)), least)
        for name, row in zip(names, cosines, strict=True)
    }
    return {name: match for name, match in found.items() if match}


def _most_similar(name: str, cosines: Mapping[tuple[str, str], float], least: float) -> Match | None:
    """Return the class with the most words of the name, its own or of classes above it, or else the most similar one.

    Args:
        name: The class.
        cosines: Text and mid of AudioSet's class -> cosine.
        least: Of a text that the name does not contain.
    """
    graph, own = audioset(), stems(name)
    if _names_animal(name):  # an elephant's trumpeting is no trumpet
        animals = graph.below([ANIMALS[AUDIO]])
        cosines = {(text, mid): cosine for (text, mid), cosine in cosines.items() if mid in animals}
    within = {(text, mid): cosine for (text, mid), cosine in cosines.items() if stems(text) <= own}
    words: dict[str, frozenset[str]] = defaultdict(frozenset)  # of the name, by the class that has them
    for text, mid in within:
        words[mid] |= stems(text)

    def covered(each: tuple[str, str]) -> tuple[int, float]:
        return len(frozenset().union(*(words[mid] for mid in graph.above([each[1]]) if mid in words))), within[each]

    sure = {mid for (_, mid), cosine in within.items() if cosine >= SIMILARITY_WITHIN}
    if sure:
        _, best = max((each for each in within if sure.intersection(graph.above([each[1]]))), key=covered)
        above = graph.above([best])
        return Match((best,), Rule.SIMILAR, _cosine(max(within[each] for each in within if each[1] in above)))
    most = max(cosines, key=cosines.__getitem__)
    return Match((most[1],), Rule.SIMILAR, _cosine(cosines[most])) if cosines[most] >= least else None


def _cosine(value: float) -> float:
    return round(min(1.0, float(value)), 4)


def _seen_by_similarity(name: str, heard: Match) -> Match | None:
    """Return what a class is seen as if it contains the name of an animal, instrument or vehicle: `playing violin`."""
    above = audioset().above(heard.concepts)
    if not above.intersection(DOMAINS) or not any(stems(word) <= stems(name) for word in _other_words(heard)):
        return None
    seen = find_seen("", heard)
    return Match(seen.concepts, Rule.SIMILAR, heard.similarity) if seen else None


def _names_animal(name: str) -> bool:
    """Return whether one of the words of a name is an animal that ImageNet knows."""
    animals = imagenet().below([ANIMALS[VISUAL]])
    return any((found := senses_of(word)) and animals.issuperset(dict(found)) for word in readable(name).split())


@cache
def _heard_texts() -> tuple[tuple[str, str], ...]:
    """Return the names of the classes that classifiers hear, and the names within them, each with its mid."""
    concepts = [concept for concept in audioset().concepts.values() if concept.named]
    return tuple(
        (text, concept.id) for concept in concepts for text in dict.fromkeys((*parts(concept.name), concept.name))
    )


@cache
def _heard_vectors() -> NDArray[np.float32]:
    return text_encoder()([readable(text) for text, _ in _heard_texts()])
