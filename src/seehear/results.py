"""What commands print: results as text and JSON, aligned tables, and lists of problems."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from seehear.errors import SeehearError


class Result(ABC):
    """What a function returns and a command prints.

    Attributes:
        exit_code: 0 if everything requested is done, 1 if something was left out.
        lines: Whether its text is lines of JSON, which is so with and without --json.
    """

    exit_code: int = 0
    lines: bool = False

    @abstractmethod
    def text(self) -> str:
        """Return lines for people."""

    @abstractmethod
    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""

    def _repr_html_(self) -> str:
        """Return what a notebook shows, unless a result has a view of its own."""
        return f"<pre>{html.escape(self.text())}</pre>"


def table(rows: Sequence[Sequence[str]], *, right_from: int = 1) -> str:
    """Align columns of text.

    Args:
        rows: The header first; all of the same length.
        right_from: Number of the first column that is aligned to the right.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if column >= right_from else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def listed(problems: Sequence[str], headline: str, most: int = 20) -> str:
    """List problems below a headline.

    Args:
        problems: One line each.
        headline: What they are, without the colon.
        most: The largest number of problems that are printed.

    Returns:
        The lines; an empty string if there are no problems.
    """
    if not problems:
        return ""
    more = [f"  … and {len(problems) - most} more"] if len(problems) > most else []
    return "\n".join([f"{headline}:", *(f"  {problem}" for problem in problems[:most]), *more])


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: 1 clip, 2 clips. plural: by default the singular with an s."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def html_table(rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return a table as HTML, for notebooks.

    Args:
        rows: The header first; all of the same length. Texts are escaped.
        caption: A line above the table.
    """
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    lines = ["<table>", f"<caption>{html.escape(caption)}</caption>"] if caption else ["<table>"]
    lines.append("<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead><tbody>")
    for name, *cells in body:
        lines.append(f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def import_pandas() -> Any:
    """Return the module pandas.

    Raises:
        SeehearError: If it is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError:
        raise SeehearError("data frames need pandas: pip install 'seehear[frames]'") from None
    return pandas
