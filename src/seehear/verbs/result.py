"""What verbs return: values to go on with in Python, text and JSON to print on the command line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any


class Result(ABC):
    """exit_code is 0 where everything that was asked for is done, 1 where something was left out."""

    exit_code: int = 0

    @abstractmethod
    def text(self) -> str:
        """For people, in lines."""

    @abstractmethod
    def as_json(self) -> Any:
        """For programs."""


def table(rows: Sequence[Sequence[str]], *, right_from: int = 1) -> str:
    """Columns of text, aligned; those from number `right_from` on to the right. The first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if column >= right_from else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def listed(problems: Sequence[str], what: str, most: int = 20) -> str:
    """A headline and the problems, a line each, the first `most` of them; nothing where there are none."""
    if not problems:
        return ""
    more = [f"  … and {len(problems) - most} more"] if len(problems) > most else []
    return "\n".join([f"{what}:", *(f"  {problem}" for problem in problems[:most]), *more])
