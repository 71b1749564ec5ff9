"""From words to concepts: what a class is heard as in AudioSet, and seen as in WordNet above ImageNet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.modality import AUDIO, VISUAL
from seehear.names import valid_line
from seehear.vocabulary.classes import ClassMap, Match, Rule, build
from seehear.vocabulary.encoder import text_encoder
from seehear.vocabulary.graph import audioset, heard_by_alias, heard_by_name, imagenet, seen_by_name
from seehear.vocabulary.words import key, parts

# Cosine from which on a class is taken for one of AudioSet's. See docs/vocabulary.md.
SIMILARITY = 0.6

# A class that is heard as one of these is seen as something below the other: a Mouse that squeaks is no computer's.
DOMAINS = {
    "/m/0jbk": "n00015388",  # Animal -> animal
    "/m/04szw": "n03800933",  # Musical instrument -> musical instrument
    "/m/07yv9": "n03100490",  # Vehicle -> conveyance
}
# What is heard as one of these is no object: human sounds, and sounds named for how they sound.
UNSEEN = ("/m/0dgw9r", "/t/dd00098", "/t/dd00123")
PERSON = "n00007846"  # of whom ImageNet has three kinds, which are not what people call a person
# Where a word's synset lacks leaves that people call so, and why.
ALSO = {
    "n03790512": ("n03791053",),  # motorcycle: WordNet has a motor scooter beside it, not below
}


def map_classes(names: Sequence[str], *, similarity: float = SIMILARITY) -> ClassMap:
    """Map class names to classes of pretrained classifiers.

    A class is heard as the class of AudioSet with its name, or that has it as one of several names (`fiddle` is
    `Violin, fiddle`), or that WordNet knows as a synonym. Else, if its word is no noun that ImageNet knows, it is heard
    as the class with the most similar meaning, if that is similar enough. It is seen as the synset of WordNet that its
    word names, which must have leaves of ImageNet-1k: the most frequent such sense. Text similarity decides nothing
    that is seen. A class stands for all below what was found. A word that nothing corresponds to stays unmapped.

    Args:
        names: Of the classes. Case, plural, underscores and punctuation don't count.
        similarity: Cosine in (0, 1] from which on a class is taken for a similar one of AudioSet.

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
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise SeehearError(f"these classes are given twice: {', '.join(twice)}")
    heard = {name: match for name in classes if (match := heard_by_words(name))}
    seen = {name: match for name in classes if (match := find_seen(name, heard.get(name)))}
    for name in classes:
        if name not in heard and name in seen and (match := _by_synonym(seen[name])):
            heard[name] = match
    left = [name for name in classes if name not in heard and name not in seen]
    return build(classes, {AUDIO: heard | _by_similarity(left, similarity), VISUAL: seen})


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
    allowed = _allowed(heard)
    for words in (_own_words(name), _other_words(heard)):
        found = [sense for word in words if (sense := _sense(word, allowed))]
        if found:
            concepts = imagenet().topmost([each for wnid in found for each in (wnid, *ALSO.get(wnid, ()))])
            return Match(concepts, Rule.SENSE)
    return None


def _own_words(name: str) -> tuple[str, ...]:
    return (name,) if key(name) in seen_by_name() else parts(name)


def _other_words(heard: Match | None) -> tuple[str, ...]:
    concepts = heard.concepts if heard else ()
    return tuple(word for mid in concepts for word in parts(audioset().concepts[mid].name))


def _sense(word: str, allowed: frozenset[str]) -> str | None:
    """Return the most frequent sense of a word that is allowed."""
    spelled = key(word)
    index = seen_by_name()
    senses = index.get(spelled) or index.get(spelled.replace(" ", "")) or ()
    return next((wnid for wnid in senses if wnid in allowed), None)


@cache
def _allowed(heard: Match | None) -> frozenset[str]:
    """Return the ids of the synsets that a class may be seen as, from what it is heard as."""
    graph = imagenet()
    people = {wnid for wnid in graph.below([PERSON]) if not graph.concepts[wnid].named}
    everything = frozenset(graph.concepts) - people
    if heard is None:
        return everything
    above = audioset().above(heard.concepts)
    for mid, wnid in DOMAINS.items():
        if mid in above:
            return everything & graph.below([wnid])
    return frozenset() if above.intersection(UNSEEN) else everything


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
    mids, vectors = _heard_vectors()
    cosines = text_encoder()([key(name) or name for name in names]) @ vectors.T  # (names, texts)
    best = cosines.argmax(axis=1)
    return {
        name: Match((mids[text],), Rule.SIMILAR, round(float(cosines[n, text]), 4))
        for n, (name, text) in enumerate(zip(names, best, strict=True))
        if cosines[n, text] >= least
    }


@cache
def _heard_vectors() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the mids of AudioSet's named classes, and the vectors of their names and of the names within."""
    concepts = [concept for concept in audioset().concepts.values() if concept.named]
    texts = {text: concept.id for concept in concepts for text in (*parts(concept.name), concept.name)}
    return tuple(texts.values()), text_encoder()([key(text) for text in texts])
