"""A list of clips, filtered, some rows at a time: it stays quick with many thousands of clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.labelling.session import Status
from seehear.names import spelling

if TYPE_CHECKING:
    from seehear.labelling.session import Session

MAX_ROWS = 200  # of one answer
RANDOM, FAILED = "random", "failed"  # filters besides those by status
FILTERS = ("", *Status, RANDOM, FAILED)


@dataclass(frozen=True)
class Listing:
    """Which clips are listed.

    Attributes:
        status: A status, `random` for clips drawn by chance, `failed` for clips without suggestions; empty for all.
        label: Clips that have this class; empty for all.
        text: Clips whose name holds this text, in any case.
        offset: Number of the first row, from 0.
        limit: Largest number of rows.
    """

    status: str = ""
    label: str = ""
    text: str = ""
    offset: int = 0
    limit: int = MAX_ROWS

    @staticmethod
    def of(query: Mapping[str, str]) -> Listing:
        """Return what a request asks for. Raises SeehearError for a filter or number that can't be."""
        status = query.get("status", "")
        if status not in FILTERS:
            raise SeehearError(f"status: must be one of {', '.join(filter(None, FILTERS))}, not {status!r}")
        offset, limit = _number(query, "offset", 0), _number(query, "limit", MAX_ROWS)
        return Listing(status, query.get("label", ""), query.get("text", ""), offset, min(limit, MAX_ROWS))

    def page(self, session: Session) -> dict[str, Any]:
        """Return the number of clips that are listed, and the rows."""
        names = [clip for clip in session.clips if self._lists(session, clip)]
        rows = names[self.offset : self.offset + self.limit]
        return {"total": len(names), "offset": self.offset, "rows": [_row(session, clip) for clip in rows]}

    def _lists(self, session: Session, clip: str) -> bool:
        if self.text and spelling(self.text) not in spelling(clip):
            return False
        if self.label and self.label not in (session[clip].state.labels or ()):
            return False
        if self.status == RANDOM:
            return session.chooser.is_random(clip)
        if self.status == FAILED:
            return clip in session.suggestions.failed
        return not self.status or session.status(clip) == self.status


def _row(session: Session, clip: str) -> dict[str, Any]:
    record = session[clip]
    return {
        "clip": clip,
        "status": session.status(clip),
        "labels": list(record.state.labels or ()),
        "random": session.chooser.is_random(clip),
    }


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise SeehearError(f"{name}: must be a whole number, not {text[:40]!r}")
    return int(text)
