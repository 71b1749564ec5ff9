"""WordPiece: texts as the tokens of BERT's uncased vocabulary.

Source: J. Devlin et al., "BERT", NAACL 2019, https://arxiv.org/abs/1810.04805; Y. Wu et al., "Google's neural machine
translation system", 2016, https://arxiv.org/abs/1609.08144, section 4.1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from seehear.vocabulary.words import DATA

START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
LONGEST_WORD = 100  # characters; a longer one is unknown
# Characters that are words of their own: ideographs of Chinese, Japanese and Korean.
_IDEOGRAPH = re.compile(
    "[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b820-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f]"
)


@cache
def vocabulary() -> Mapping[str, int]:
    """Return the pieces of BERT's uncased vocabulary, and the number of each."""
    listed = DATA.joinpath("wordpiece.txt").read_text("utf-8").split("\n")
    return {piece: number for number, piece in enumerate(filter(None, listed))}


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case and without accents; each punctuation mark is a word."""
    text = "".join(" " if sign in "\t\n\r" else sign for sign in text if _is_kept(sign))
    text = _IDEOGRAPH.sub(r" \g<0> ", text)
    text = "".join(sign for sign in unicodedata.normalize("NFD", text) if unicodedata.category(sign) != "Mn").lower()
    for chunk in text.split():
        word = ""
        for sign in chunk:
            if _is_punctuation(sign):
                yield from filter(None, (word, sign))
                word = ""
            else:
                word += sign
        if word:
            yield word


def pieces(word: str, known: Mapping[str, int]) -> Sequence[str]:
    """Split a word into the longest known pieces, from its start."""
    found: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if mark + word[start:end] in known), None)
        if end is None or len(word) > LONGEST_WORD:
            return [UNKNOWN]
        found.append(mark + word[start:end])
        start = end
    return found


def tokens(text: str, known: Mapping[str, int], most: int) -> list[int]:
    """Return the numbers of a text's tokens, at most so many, between those that mark start and end."""
    inner = [known[piece] for word in words(text) for piece in pieces(word, known)]
    return [known[START], *inner[: most - 2], known[END]]


def _is_kept(sign: str) -> bool:
    return sign in "\t\n\r" or (sign not in "\0\ufffd" and not unicodedata.category(sign).startswith("C"))


def _is_punctuation(sign: str) -> bool:
    is_ascii_mark = sign.isascii() and sign.isprintable() and not sign.isalnum() and sign != " "
    return is_ascii_mark or unicodedata.category(sign).startswith("P")
