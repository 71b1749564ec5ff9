"""Several classes in one name, which something other than a comma separates, such as `Dog;Cat`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from seehear.names import spelling

CLEAR = re.compile(r"[;|；，、｜]")  # hardly any class has these in its name
SLASH = re.compile(r"/")
WORDS = re.compile(r"\s*[&+]\s*|\s+and\s+", re.IGNORECASE)


def by_spelling(names: Iterable[str]) -> frozenset[str]:
    """Return what the spellings of the names share, to find their parts among them."""
    return frozenset(map(spelling, names))


def surely_joined(name: str, known: Collection[str]) -> list[str]:
    """Return the classes in a name; none if it is one class.

    Args:
        name: The class.
        known: Classes, from `by_spelling`. At `;` and `|`, one known part is enough; at `/`, all must be known.
    """
    parts = _parts(CLEAR, name)
    if CLEAR.search(name) and any(spelling(part) in known for part in parts):
        return parts
    return _all_known(_parts(SLASH, name), known)


def perhaps_joined(name: str, known: Collection[str]) -> list[str]:
    """Return the known classes in a name such as `Dog and Cat`, which may also be a class of its own; else none."""
    return _all_known(_parts(WORDS, name), known)


def by_separator(names: Iterable[str]) -> dict[str, list[str]]:
    """Return separator -> the names that have it."""
    found: dict[str, list[str]] = {}
    for name in names:
        for sign in sorted(set(CLEAR.findall(name))):
            found.setdefault(sign, []).append(name)
    return found


def _parts(separator: re.Pattern[str], name: str) -> list[str]:
    return list(dict.fromkeys(part for each in separator.split(name) if (part := each.strip())))


def _all_known(parts: list[str], known: Collection[str]) -> list[str]:
    return parts if len(parts) > 1 and all(spelling(part) in known for part in parts) else []
