"""ELAN's annotation files: <clip>.eaf (EAF 3.0, Max Planck Institute for Psycholinguistics). Times to the millisecond.

A modality is a tier: heard, seen, both. Annotations of one tier must not overlap, so concurrent events go to further
tiers, `heard 2` and so on, a class on the same tier where possible. Confidences other than 1 are on a tier below each,
`heard confidence`. The classes are a controlled vocabulary: one corrects a class by picking from a list. The clip's
file is linked.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.formats.elan_document import Spans, linked_media, parsed
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format, begin_of, milliseconds, name_of
from seehear.labels import Defect, DefectKind, raise_fatal, suggestion
from seehear.media.suffixes import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from seehear.modality import NAMES, modality_of
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.parsing.folder import link
from seehear.texts import is_url

VERSION = "3.0"
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
SCHEMA_AT = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation": SCHEMA}
EVENT, CONFIDENCE, CLASSES = "event", "confidence", "classes"  # two types of tiers, and the vocabulary of the first
ASSOCIATION = "Symbolic_Association"  # one annotation below each of another tier
LANGUAGE = {"LANG_ID": "und", "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", "LANG_LABEL": "undetermined (und)"}
CLIP_PROPERTY = "seehear clip"  # the clip's name, if its file has another
PART_PROPERTY = "seehear part"  # which part of its file the clip is, such as #t=30,40
MODALITIES_PROPERTY = "seehear tells"  # the modalities, including those without events
# What ELAN writes for files with these suffixes; for others only whether they are video or audio.
TYPES = {".mp4": "video/mp4", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".mov": "video/quicktime"}
TYPES |= {".wav": "audio/x-wav"}
# Characters that XML 1.0 can't hold, and \r, which would be read as \n.
NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Placed:
    """An event and its tier; onset and offset in milliseconds."""

    event: ParsedEvent
    onset: int
    offset: int
    tier: str


def _encode(clip: Clip) -> Files:
    parsed = clip.parsed
    for text in (parsed.clip, parsed.file, *(event.label for event in parsed.events)):
        if not text.strip() or NOT_XML.search(text):
            raise ClipError(f"{text!r} is empty, or has a character that XML can't hold")
    known = [label for label in clip.classes if label.strip() and not NOT_XML.search(label)]
    entries = {label: f"cveid{n}" for n, label in enumerate(known, start=1)}
    tiers, placed = _place(parsed)

    root = ET.Element(
        "ANNOTATION_DOCUMENT", AUTHOR="seehear", DATE=_date(parsed.media_file), FORMAT=VERSION, VERSION=VERSION
    )
    root.attrib |= SCHEMA_AT
    header = _header(root, parsed, clip.folder)
    slots = _time_order(root, placed)
    last = _tiers(root, tiers, placed, slots, entries)
    _property(header, "lastUsedAnnotationId", str(last))
    _types(root, entries)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return {f"{parsed.clip}.eaf": f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()}


def _place(parsed: ParsedClip) -> tuple[list[str], list[_Placed]]:
    """Return the tiers, including those without events, and every event with its tier."""
    tiers, placed = [], []
    for modality in parsed.modalities:
        lanes = [name_of(modality)]
        free: dict[str, int] = {}  # tier -> the millisecond from which nothing is on it
        last_lane: dict[str, str] = {}  # class -> the tier of its last event
        for event in sorted(parsed.of(modality), key=lambda event: (milliseconds(event), event.label)):
            onset, offset = milliseconds(event)
            candidates = [lane for lane in lanes if free.get(lane, 0) <= onset]
            if not candidates:
                lanes.append(f"{lanes[0]} {len(lanes) + 1}")
                candidates = lanes[-1:]
            lane = last_lane[event.label] if last_lane.get(event.label) in candidates else candidates[0]
            free[lane], last_lane[event.label] = offset, lane
            placed.append(_Placed(event, onset, offset, lane))
        tiers += lanes
    return tiers, placed


def _tiers(
    root: ET.Element,
    tiers: Sequence[str],
    placed: Sequence[_Placed],
    slots: Mapping[tuple[int, int], str],
    entries: Mapping[str, str],
) -> int:
    """Write the tiers with their annotations; return the number of the last annotation."""
    by_tier: dict[str, list[int]] = {name: [] for name in tiers}
    for n, one in enumerate(placed):
        by_tier[one.tier].append(n)
    last = 0
    for name, numbers in by_tier.items():
        tier = ET.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF=EVENT)
        below = ET.Element("TIER", TIER_ID=f"{name} {CONFIDENCE}", LINGUISTIC_TYPE_REF=CONFIDENCE, PARENT_REF=name)
        for n in numbers:
            event = placed[n].event
            last += 1
            attributes = {"TIME_SLOT_REF1": slots[n, 0], "TIME_SLOT_REF2": slots[n, 1]}
            if event.label in entries:
                attributes["CVE_REF"] = entries[event.label]
            _annotate(tier, "ALIGNABLE_ANNOTATION", last, event.label, attributes)
            if event.confidence != CERTAIN:
                attributes = {"ANNOTATION_REF": f"a{last}"}
                last += 1
                _annotate(below, "REF_ANNOTATION", last, repr(event.confidence), attributes)
        if len(below):
            root.append(below)
    return last


def _header(root: ET.Element, parsed: ParsedClip, folder: Path) -> ET.Element:
    header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    # Paths are not percent-encoded: ELAN would look for a file that has %20 in its name.
    file = parsed.media_file
    absolute, relative = Path(os.path.abspath(file)).as_posix(), link(file, folder)
    elsewhere = is_url(file)
    media = ET.SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        MEDIA_URL=file if elsewhere else "file:///" + absolute.lstrip("/"),
        RELATIVE_MEDIA_URL=relative if elsewhere or relative.startswith("..") else f"./{relative}",
        MIME_TYPE=_mime(Path(file).suffix.lower()),
    )
    if parsed.fragment:  # ELAN then plays the file from there, and counts from there
        media.set("TIME_ORIGIN", str(round(parsed.begins * 1000)))
        _property(header, PART_PROPERTY, parsed.fragment)
    if Path(file).stem != parsed.clip:
        _property(header, CLIP_PROPERTY, parsed.clip)
    _property(header, MODALITIES_PROPERTY, ", ".join(map(name_of, parsed.modalities)))
    return header


def _property(header: ET.Element, name: str, value: str) -> None:
    ET.SubElement(header, "PROPERTY", NAME=name).text = value


def _mime(suffix: str) -> str:
    general = "video/*" if suffix in VIDEO_SUFFIXES else "audio/*" if suffix in AUDIO_SUFFIXES else "unknown"
    return TYPES.get(suffix, general)


def _date(file: str) -> str:
    """Return when the clip's file was last changed, so that the same events give the same bytes."""
    try:
        changed = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC)
    except (OSError, OverflowError):
        changed = EPOCH
    return changed.isoformat(timespec="seconds")


def _time_order(root: ET.Element, placed: Sequence[_Placed]) -> dict[tuple[int, int], str]:
    """Write the time slots, ordered by time.

    No two events share a slot: ELAN would move the ends of both together.

    Returns:
        (number of an event, 0 for its onset or 1 for its offset) -> slot.
    """
    order = ET.SubElement(root, "TIME_ORDER")
    edges = [(time, n, side) for n, one in enumerate(placed) for side, time in enumerate((one.onset, one.offset))]
    slots = {}
    for number, (time, n, side) in enumerate(sorted(edges), start=1):
        slots[n, side] = f"ts{number}"
        ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slots[n, side], TIME_VALUE=str(time))
    return slots


def _annotate(tier: ET.Element, kind: str, number: int, value: str, attributes: Mapping[str, str]) -> None:
    annotation = ET.SubElement(ET.SubElement(tier, "ANNOTATION"), kind, {"ANNOTATION_ID": f"a{number}", **attributes})
    ET.SubElement(annotation, "ANNOTATION_VALUE").text = value


def _types(root: ET.Element, entries: Mapping[str, str]) -> None:
    """Write what follows the tiers: their types, and the classes."""
    plain = {"GRAPHIC_REFERENCES": "false"}
    ET.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"LINGUISTIC_TYPE_ID": EVENT, "TIME_ALIGNABLE": "true", **plain, "CONTROLLED_VOCABULARY_REF": CLASSES},
    )
    ET.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"LINGUISTIC_TYPE_ID": CONFIDENCE, "TIME_ALIGNABLE": "false", **plain, "CONSTRAINTS": ASSOCIATION},
    )
    ET.SubElement(root, "LANGUAGE", LANGUAGE)
    of_none = {"LANG_REF": LANGUAGE["LANG_ID"]}
    ET.SubElement(root, "CONSTRAINT", STEREOTYPE=ASSOCIATION, DESCRIPTION="one for each annotation of the tier above")
    vocabulary = ET.SubElement(root, "CONTROLLED_VOCABULARY", CV_ID=CLASSES)
    ET.SubElement(vocabulary, "DESCRIPTION", of_none).text = "what can be heard and seen"
    for label, entry in entries.items():
        value = ET.SubElement(ET.SubElement(vocabulary, "CV_ENTRY_ML", CVE_ID=entry), "CVE_VALUE", of_none)
        value.text = label


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read an annotation file. Its tiers name their modalities; other tiers are skipped with a note.

    Args:
        file: The clip is the one that it links, else the one with its name.
        modality: Not used.

    Raises:
        SeehearError: If the file is not ELAN's, has no tier of a modality, or naming every annotation without times.
    """
    root, header = _parse(file)
    properties = {one.get("NAME"): one.text or "" for one in header.iter("PROPERTY")}
    events, defects = FileEvents(), []
    linked, origin = linked_media(file, header, MODALITIES_PROPERTY in properties, events.notes)
    origin -= round(begin_of(properties.get(PART_PROPERTY, "")) * 1000)
    clip = properties.get(CLIP_PROPERTY) or linked or file.stem
    names = [*filter(None, properties.get(MODALITIES_PROPERTY, "").split(", ")), *NAMES.values(), *NAMES]
    confidences, spans = _confidences(root), Spans(root)
    for tier in root.iterfind("TIER"):
        name, parent = tier.get("TIER_ID", ""), tier.get("PARENT_REF")
        base = re.sub(r" \d+$", "", name)
        if base not in names and modality_of(base) not in NAMES:
            if len(tier) and name != f"{parent} {CONFIDENCE}":
                hint = "" if parent else suggestion(base, names)
                events.notes.append(f"{file}: the tier {name!r} has no modality's name and was skipped{hint}")
            continue
        of_tier = modality_of(base)
        events.entry(clip, of_tier)
        for one in tier.iterfind("ANNOTATION/*"):
            number = one.get("ANNOTATION_ID", "")
            place = f"annotation {number} on tier {name!r}"
            try:
                onset, offset = ((origin + time) / 1000 for time in spans.of(one))
            except (KeyError, ValueError):
                defects.append(Defect(file, 0, DefectKind.UNREADABLE, f"{place} has no times"))
                continue
            label, confidence = one.findtext("ANNOTATION_VALUE") or "", confidences.get(number, CERTAIN)
            events.add(clip, ParsedEvent(label, of_tier, onset, offset, confidence), f"{file}: {place}")
    raise_fatal(defects)
    if not events.by_clip:
        known = ", ".join(NAMES.values())
        raise SeehearError("\n".join([*events.notes, f"{file}: has no tier that is called one of {known}"]))
    return events


def _parse(file: Path) -> tuple[ET.Element, ET.Element]:
    """Return the document and its header."""
    root = parsed(file)
    header = root.find("HEADER")
    if root.tag != "ANNOTATION_DOCUMENT" or header is None:
        raise SeehearError(f"{file}: is not an annotation file of ELAN's")
    units = header.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        raise SeehearError(f"{file}: counts time in {units}; save it in ELAN again, in milliseconds")
    return root, header


def _confidences(root: ET.Element) -> dict[str, float]:
    """Return annotation -> confidence, for annotations that have one."""
    confidences = {}
    for tier in root.iterfind("TIER"):
        if tier.get("TIER_ID") == f"{tier.get('PARENT_REF')} {CONFIDENCE}":
            for one in tier.iterfind("ANNOTATION/REF_ANNOTATION"):
                try:
                    confidences[one.get("ANNOTATION_REF", "")] = float(one.findtext("ANNOTATION_VALUE") or "")
                except ValueError:
                    continue  # a remark
    return confidences


FORMAT = Format("elan", "ELAN's annotation files with the classes to choose from, one per clip", ".eaf", _encode, read)
