"""Labelling: a session of clips that a person gives their labels, and the page on which that is quick.

session = labelling.Session("LABELS", "clips/", classes=["Dog", "Speech"])
session.label("clip", {"Dog": "audio"})
"""

from __future__ import annotations

from seehear.labelling.choice import Chooser
from seehear.labelling.records import Choice, ClipLabels, ClipRecord, DrawnEvent
from seehear.labelling.rounds import Gain
from seehear.labelling.session import ConflictError, Session, Status, Summary
from seehear.labelling.suggestions import ParseSuggester, Suggester, Suggestion, of_parsed

__all__ = [
    "Choice",
    "Chooser",
    "ClipLabels",
    "ClipRecord",
    "ConflictError",
    "DrawnEvent",
    "Gain",
    "ParseSuggester",
    "Session",
    "Status",
    "Suggester",
    "Suggestion",
    "Summary",
    "of_parsed",
]
