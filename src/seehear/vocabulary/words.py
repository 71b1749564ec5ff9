"""Class names as words: what the spellings of one name share, and the shorter names within a name."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources

from seehear.names import spelling

DATA = resources.files("seehear.vocabulary").joinpath("data")

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"'s\b|'")
_OWN_MEANING = frozenset(("blues", "glasses"))  # plurals that are not several of the singular
_VERB_ENDINGS = ("ing", "ed", "er")
_PARENTHESES = re.compile(r"\([^()]*\)")


def read_rows(name: str) -> list[list[str]]:
    """Return the rows of a table in the folder `data`, without its header."""
    return [line.split("\t") for line in DATA.joinpath(name).read_text("utf-8").splitlines()[1:]]


@cache
def _irregular() -> dict[str, str]:
    return {plural: singular for plural, singular in read_rows("plurals.tsv")}


def readable(name: str) -> str:
    """Return the words of a name, in lower case and without punctuation."""
    return " ".join(_WORD.findall(_APOSTROPHE.sub("", spelling(name))))


def number_free(word: str) -> str:
    """Return what singular and plural of a word share, such as `hors` for horse and horses. It need not be a word."""
    if word in _OWN_MEANING:
        return word
    if found := _irregular().get(word):
        word = found
    if len(word) > 3:
        word = word.removesuffix("men") + "man" if word.endswith("men") else word
        word = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    word = word.removesuffix("e") if len(word) > 3 else word
    return f"{word[:-1]}i" if word.endswith("y") else word


def stem(word: str) -> str:
    """Return what the forms of a word share, also of verbs: `bark` for bark, barks and barking."""
    base = number_free(word)
    while ending := next((each for each in _VERB_ENDINGS if base.endswith(each) and len(base) > len(each) + 2), ""):
        base = base.removesuffix(ending)
    base = base.removesuffix("e")
    return base[:-1] if base[-2:-1] == base[-1:] else base  # purring is purr, and humming is hum


@lru_cache(maxsize=1 << 14)
def stems(name: str) -> frozenset[str]:
    """Return the stems of a name's words."""
    return frozenset(map(stem, readable(name).split()))


def key(name: str) -> str:
    """Return what the spellings of one name share: neither case, plural, underscores nor punctuation count."""
    return " ".join(map(number_free, readable(name).split()))


def parts(name: str) -> tuple[str, ...]:
    """Return the names within a name: `Violin, fiddle` is called Violin and fiddle, `Frying (food)` Frying."""
    return tuple(filter(None, map(str.strip, _PARENTHESES.sub(" ", name).split(","))))
