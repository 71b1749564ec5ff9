"""Edit decision lists (CMX 3600) for cutting programs, one per clip and modality: <clip>.heard.edl. Times to the frame.

An edit is an event: a cut of the clip's file from the time code where the event begins to that where it ends. Edits
follow each other on the record side, from 01:00:00:00, so events of one modality may overlap in the clip. The reel is
AX, as of all files; programs find the file by `FROM CLIP NAME`. `LOC` is a marker with the class, coloured by the
modality. A last comment holds what an edit list has no place for, as JSON: the frame rate above all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from seehear.errors import ClipError, SeehearError
from seehear.formats.addresses import stem_of
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format, clip_and_modality, name_of
from seehear.formats.timecode import MIDNIGHT, MOST_LABELS, FrameRate, is_drop
from seehear.formats.timing import Timing
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.labels.cells import shown
from seehear.modality import AUDIO, JOINT, VISUAL, modality_of
from seehear.names import valid_line
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.texts import parse_json, read_lines

REEL = "AX"  # what edit lists call a source that is no tape
RECORD_START = "01:00:00:00"
COLOURS = {AUDIO: "BLUE", VISUAL: "YELLOW", JOINT: "GREEN"}  # names that Avid and OpenTimelineIO share
OTHER_COLOUR = "MAGENTA"
NAME, MARKER, OURS = "FROM CLIP NAME", "LOC", "SEEHEAR"
DROP, NON_DROP = "DROP FRAME", "NON-DROP FRAME"
LINE_END = "\r\n"
_CODE = r"(\d\d:\d\d:\d\d[:;.,]\d\d)"
_EDIT = re.compile(rf"\d+\s+(\S+)\s+\S+\s+\S+(?:\s+\d+)?\s+{_CODE}\s+{_CODE}\s+{_CODE}\s+{_CODE}\s*", re.ASCII)
_COMMENT = re.compile(rf"\*\s*({NAME}|{MARKER}|{OURS})\s*:\s*(.*)")
_MARKER = re.compile(r"\S+\s+\w+\s+(.*)")  # time code, colour, text
BLACK = ("BL", "BLACK")


@dataclass(frozen=True)
class _Edit:
    """A line of an edit list, with the comments below it.

    Attributes:
        line: Its number in the file.
        first: Time code of the source's first frame.
        last: Time code behind the last one.
        drop: Whether the list says that time codes are drop-frame.
        name: Of the clip's file; empty without one.
        label: Of the first marker; empty without one.
        facts: What our comment holds.
    """

    line: int
    first: str
    last: str
    drop: bool
    name: str
    label: str
    facts: Mapping[str, Any]


def _encode(clip: Clip) -> Files:
    parsed, timing = clip.parsed, clip.timing
    if timing.rate.labels > MOST_LABELS:
        raise ClipError(f"time codes have two digits for frames, too few at {timing.rate}: give a lower --frame-rate")
    valid_line(parsed.clip, "clip")
    file_name = valid_line(Path(parsed.media_file).name, "file name")
    lists: dict[str, str] = {}
    for modality in parsed.modalities:
        lines = [f"TITLE: {parsed.clip} {name_of(modality)}", f"FCM: {DROP if timing.rate.drop else NON_DROP}"]
        lines += _edits(parsed, modality, timing, file_name)
        lists[f"{parsed.clip}.{name_of(modality)}.edl"] = LINE_END.join([*lines, ""])
    return {name: text.encode() for name, text in lists.items()}


def _edits(parsed: ParsedClip, modality: str, timing: Timing, file_name: str) -> list[str]:
    """Return the lines of the edits of a modality."""
    rate, channel = timing.rate, _channel(timing)
    record = first_record = rate.frame_of(RECORD_START)
    facts = {"clip": parsed.clip, "modality": modality, "rate": str(rate), "start": rate.code(timing.start)}
    lines = []
    for number, event in enumerate(sorted(parsed.of(modality), key=lambda one: (one.onset, one.label)), start=1):
        onset, offset = timing.span(event)
        stop = record + offset - onset
        if max(offset, stop - first_record) > rate.day - first_record:
            raise ClipError(f"an edit list can't hold more than {MIDNIGHT - 1} hours of clip or of {modality} events")
        codes = [rate.code(frame) for frame in (timing.start + onset, timing.start + offset, record, stop)]
        lines += [
            "",
            f"{number:03}  {REEL:<8} {channel:<5} C        {' '.join(codes)}",
            f"* {NAME}: {file_name}",
            f"* {MARKER}: {codes[2]} {COLOURS.get(modality, OTHER_COLOUR):<7} {valid_line(event.label)}",
            f"* {OURS}: {json.dumps({'confidence': event.confidence, 'origin': event.origin, **facts})}",
        ]
        record = stop
    return lines


def _channel(timing: Timing) -> str:
    """Return the tracks that an edit takes: B for both, V for video or A for audio."""
    return "B" if timing.has_video and timing.has_audio else "V" if timing.has_video else "A"


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read an edit list. Every edit of a file is an event; its class is the text of its first marker.

    Args:
        file: <clip>.seen.edl names the clip and the modality where its comments don't.
        modality: Of a file whose name has none.

    Raises:
        SeehearError: If the frame rate or the modality is unknown, or naming every edit that can't be read.
    """
    edits, rate, defects = _parsed(file)
    events = FileEvents()
    if not edits and not defects:
        events.entry(*clip_and_modality(file, modality))
    for edit in edits:
        try:
            clip, event = _event(file, edit, rate, modality)
            events.add(clip, event, f"{file}:{edit.line}")
        except ValueError as error:
            defects.append(Defect(file, edit.line, DefectKind.UNREADABLE, str(error)))
    raise_fatal(defects)
    return events


def _parsed(file: Path) -> tuple[list[_Edit], str, list[Defect]]:
    """Return the edits, the frame rate that a comment names, and the lines that can't be read."""
    lines = read_lines(file)
    starts = [n for n, line in enumerate(lines) if line[:1].isdigit()]
    head = lines[: starts[0] if starts else len(lines)]
    if not any(line.startswith(("TITLE:", "FCM:")) for line in head):
        raise SeehearError(f"{file}: is no edit list: it has neither a TITLE nor an FCM line")
    modes = [(n, _says_drop(line)) for n, line in enumerate(lines) if line.startswith("FCM:")]
    edits, defects, rate, drop = [], [], "", False
    for n, stop in pairwise([*starts, len(lines)]):
        while modes and modes[0][0] < n:  # the mode may change between edits
            drop = modes.pop(0)[1]
        found = _EDIT.fullmatch(lines[n])
        if found is None:
            message = f"{shown(lines[n])} must be number, reel, tracks, C and four time codes"
            defects.append(Defect(file, n + 1, DefectKind.UNREADABLE, message))
            continue
        comments: dict[str, str] = {}
        for line in lines[n + 1 : stop]:
            if comment := _COMMENT.fullmatch(line.rstrip()):
                comments.setdefault(comment[1], comment[2])
        facts = _facts(file, n + 1, comments.get(OURS, "{}"))
        rate = rate or str(facts.get("rate", ""))
        reel, first, last = found[1], found[2], found[3]
        if first != last and reel not in BLACK:  # the side of a dissolve that is over has no length
            marker = _MARKER.fullmatch(comments.get(MARKER, ""))
            edits.append(_Edit(n + 1, first, last, drop, comments.get(NAME, ""), marker[1] if marker else "", facts))
    return edits, rate, defects


def _says_drop(line: str) -> bool:
    return line.removeprefix("FCM:").strip().upper() == DROP


def _facts(file: Path, line: int, text: str) -> Mapping[str, Any]:
    facts = parse_json(text, f"{file}:{line}: the comment {OURS}")
    if not isinstance(facts, dict):
        raise SeehearError(f'{file}:{line}: the comment {OURS} must be an object such as {{"rate": "25"}}')
    return facts


def _event(file: Path, edit: _Edit, of_list: str, modality: str | None) -> tuple[str, ParsedEvent]:
    """Return the clip and the event of an edit. Raises ValueError saying what is wrong."""
    named = edit.facts.get("rate") or of_list
    if not named:
        raise ValueError(f'the list names no frame rate; add a line * {OURS}: {{"rate": "25"}} below its first edit')
    try:
        rate = FrameRate.of(str(named))
    except SeehearError as error:
        raise ValueError(str(error)) from None
    rate = FrameRate(rate.fps, rate.can_drop and (edit.drop or is_drop(edit.first)))
    if not edit.label:
        raise ValueError(f"the edit has no class; add a line * {MARKER}: {edit.first} BLUE CLASS below it")
    start = str(edit.facts.get("start", "00:00:00:00"))
    begins, first, last = (rate.frame_of(code) for code in (start, edit.first, edit.last))
    onset = (first - begins) % rate.day  # a source may run past midnight
    offset = onset + (last - first) % rate.day
    confidence = edit.facts.get("confidence", CERTAIN)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise ValueError(f"the confidence {confidence!r} is no number from 0 to 1")
    clip = edit.facts.get("clip") or stem_of(edit.name)
    of_edit = edit.facts.get("modality")
    if not clip or not of_edit:
        by_name = clip_and_modality(file, modality)
        clip, of_edit = clip or by_name[0], of_edit or by_name[1]
    event = ParsedEvent(edit.label, modality_of(str(of_edit)), rate.seconds(onset), rate.seconds(offset), confidence)
    return str(clip), event


FORMAT = Format(
    "edl",
    "edit decision lists (CMX 3600) of cutting programs, one per clip and modality",
    ".edl",
    _encode,
    read,
    per_modality=True,
)
