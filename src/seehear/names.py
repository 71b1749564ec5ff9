"""Which names clips, modalities and networks may have.

A name becomes part of a path, of a row of a table, or both. So no name may lead out of its folder or break a line.
"""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Protocol

from seehear.errors import ClipError, SeehearError

LONGEST_NAME = 240  # bytes of a clip's name: file systems take 255 with a suffix
LONGEST_CLASS = 1000  # characters of a class, or of another text that stands in a line
LONGEST_NETWORK = 200  # bytes of a network's name: the files of its packed features add two hashes
BREAKS = ("Cc", "Zl", "Zp")  # categories of Unicode: control characters, and those that end a line or paragraph
RESERVED = frozenset(("packed", "store.json"))  # other entries of a store, next to the folders of its networks

WINDOWS = os.name == "nt"
# Windows takes these for devices, with any suffix, and a part behind a colon for another stream of the file.
DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))))
NOT_ON_WINDOWS = frozenset('<>:"|?*')

_BETWEEN_WORDS = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc`\u00b4"), "'")
_MODALITY = re.compile(r"[\w-]+")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def valid_clip_name(name: str) -> str:
    """Return the name, if a clip may have it.

    Raises:
        ClipError: If it is empty, leads out of its folder, begins with a dot, breaks a line, is no text or is too long.
    """
    if not name:
        raise ClipError("the clip's name is empty")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise ClipError(f"the clip's name {name!a} is not in UTF-8") from None
    if length > LONGEST_NAME:
        raise ClipError(f"the clip's name {name[:40]!r}… is longer than {LONGEST_NAME} bytes")
    if "/" in name or "\\" in name:
        raise ClipError(f"the clip's name {name!r} has a path separator: name the clip alone, without its folder")
    if name.startswith("."):
        raise ClipError(f"the clip's name {name!r} begins with a dot")
    if breaks_line(name):
        raise ClipError(f"the clip's name {name!r} has a control character, such as a tab or a line break")
    return _fit_for_windows(name, "clip's name")


def valid_modality_name(name: str) -> str:
    """Return the name, if a modality may have it. Raises ClipError otherwise."""
    if not _MODALITY.fullmatch(name):
        raise ClipError(f"the modality {name!a} must consist of letters, digits, - and _")
    if len(name.encode()) > LONGEST_NAME:
        raise ClipError(f"the modality {name[:40]!r}… is longer than {LONGEST_NAME} bytes")
    return _fit_for_windows(name, "modality")


def valid_network_name(name: str) -> str:
    """Return the name, if a network may have it. Raises SeehearError otherwise."""
    if not _NETWORK.fullmatch(name):
        raise SeehearError(
            f"the network's name {name!a} must consist of letters, digits, . - and _, and begin with a letter or digit"
        )
    if name.lower() in RESERVED:  # some file systems take both cases for one
        raise SeehearError(f"a network can't be called {name!r}: a store keeps something else under that name")
    if len(name) > LONGEST_NETWORK:
        raise SeehearError(f"the network's name {name!r} is longer than {LONGEST_NETWORK} bytes")
    return _fit_for_windows(name, "network's name")


def _fit_for_windows(name: str, what: str) -> str:
    """Return the name; on Windows, raise ClipError if a file of that name would be another file, or none."""
    if WINDOWS:
        if wrong := "".join(sorted(NOT_ON_WINDOWS.intersection(name))):
            raise ClipError(f"the {what} {name!r} has {wrong}, which no file's name may have on Windows: rename it")
        if name.partition(".")[0].rstrip().lower() in DEVICES:
            raise ClipError(f"the {what} {name!r} is that of a device on Windows: rename it")
        if name != name.rstrip(". "):
            raise ClipError(f"the {what} {name!r} ends in a dot or space, which Windows removes: rename it")
    return name


def valid_line(text: str, what: str = "class") -> str:
    """Return the text, if it can stand in a line of a file. Raises ClipError otherwise.

    Args:
        text: A class, or another text.
        what: What the text is, for the error.
    """
    if not text or text != text.strip() or breaks_line(text):
        raise ClipError(
            f"the {what} {text!r} can't stand in a line: it is empty, has spaces at its ends, or breaks lines"
        )
    if len(text) > LONGEST_CLASS:
        raise ClipError(f"the {what} {text[:40]!r}… has {len(text)} characters, more than {LONGEST_CLASS}")
    return text


def breaks_line(text: str) -> bool:
    """Return whether the text has a control character, or one that ends a line."""
    return not text.isprintable() and any(unicodedata.category(sign) in BREAKS for sign in text)


class Named(Protocol):
    """A file: a path, or one elsewhere."""

    @property
    def stem(self) -> str:
        """Its name without the suffix."""


def clip_name(file: Named) -> str:
    """Return the name of the clip in a file: the file's stem, in the normal form in which names are compared."""
    return normal(file.stem)


def normal(name: str) -> str:
    """Return a name in Unicode's normal form C: some systems store `ö` in a file's name as `o` and two dots."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def plain(text: str) -> str:
    """Return a text without invisible characters and Unicode's variants of characters, such as wide spaces."""
    if text.isascii():
        return text
    compatible = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in compatible if unicodedata.category(sign) != "Cf")


def spelling(name: str) -> str:
    """Return what the spellings of one name share: neither case, spaces, _ and -, nor what is hard to see count."""
    words = _BETWEEN_WORDS.split(normal(plain(name).casefold()).translate(_APOSTROPHES).rstrip(" ."))
    return " ".join(filter(None, words)) or name
