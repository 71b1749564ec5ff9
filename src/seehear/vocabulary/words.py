"""Class names as words: what the spellings of one name share, and the shorter names within a name."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from seehear.names import spelling

DATA = resources.files("seehear.vocabulary").joinpath("data")

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"'s\b|'")
_PARENTHESES = re.compile(r"\([^()]*\)")
# Endings of regular plurals and what stands in their place, as in WordNet's own rules for nouns.
_ENDINGS = (("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"), ("ies", "y"))


def read_rows(name: str) -> list[list[str]]:
    """Return the rows of a table in the folder `data`, without its header."""
    return [line.split("\t") for line in DATA.joinpath(name).read_text("utf-8").splitlines()[1:]]


@cache
def _irregular() -> dict[str, str]:
    return {plural: singular for plural, singular in read_rows("plurals.tsv")}


def singular(word: str) -> str:
    """Return a word without the ending of the plural. Names are compared so; the result need not be a word."""
    if found := _irregular().get(word):
        return found
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def stem(word: str) -> str:
    """Return a word without endings of verbs: barking and bark share it. It need not be a word."""
    base = singular(word)
    ending = next((each for each in ("ing", "ed", "er") if base.endswith(each) and len(base) > len(each) + 2), "")
    base = base.removesuffix(ending).removesuffix("e")
    return base[:-1] if base[-2:-1] == base[-1:] else base  # purring is purr, and humming is hum


def stems(name: str) -> frozenset[str]:
    """Return the stems of a name's words."""
    return frozenset(map(stem, key(name).split()))


def key(name: str) -> str:
    """Return what the spellings of one name share: neither case, plural, underscores nor punctuation count."""
    return " ".join(map(singular, _WORD.findall(_APOSTROPHE.sub("", spelling(name)))))


def parts(name: str) -> tuple[str, ...]:
    """Return the names within a name: `Violin, fiddle` is called Violin and fiddle, `Frying (food)` Frying."""
    return tuple(filter(None, map(str.strip, _PARENTHESES.sub(" ", name).split(","))))
