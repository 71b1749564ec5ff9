"""ELAN's annotation files: <clip>.eaf (EAF 3.0, Max Planck Institute for Psycholinguistics). Times to the millisecond.

A modality is a tier: heard, seen, both. On a tier nothing may overlap, so what is on at the same time lies on further
ones, `heard 2` and so on, a class on the same one where it can. Confidences other than 1 lie on a tier below each,
`heard confidence`. The classes are a controlled vocabulary: to correct one is to pick from a list. The clip is linked.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from seehear.errors import ClipError, SeehearError
from seehear.exports.spec import (
    CERTAIN,
    Clip,
    Files,
    Format,
    Reading,
    milliseconds,
    modality_of,
    name_of,
)
from seehear.files import read_text
from seehear.labels import Defect, meant, raise_fatal
from seehear.media import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from seehear.parsed import link
from seehear.parsing import ParsedClip, ParsedEvent
from seehear.report.picture import NAMES

VERSION = "3.0"
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
SCHEMA_AT = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation": SCHEMA}
EVENT, CONFIDENCE, CLASSES = "event", "confidence", "classes"  # two types of tiers, and the vocabulary of the first
ASSOCIATION = "Symbolic_Association"  # one annotation below each of another tier
LANGUAGE = {"LANG_ID": "und", "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", "LANG_LABEL": "undetermined (und)"}
CLIP, TELLS = "seehear clip", "seehear tells"  # properties: the clip, where its file has another name; modalities
# What ELAN says of files with these endings; of others only whether they are films or sounds.
TYPES = {".mp4": "video/mp4", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".mov": "video/quicktime"}
TYPES |= {".wav": "audio/x-wav"}
NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # 1.0's, and \r, which would be read as \n
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Placed:
    """An event on a tier; onset, offset: milliseconds."""

    event: ParsedEvent
    onset: int
    offset: int
    tier: str


def _document(clip: Clip) -> Files:
    parsed = clip.parsed
    for text in (parsed.clip, parsed.file, *(event.label for event in parsed.events)):
        if not text.strip() or NOT_XML.search(text):
            raise ClipError(f"{text!r} is empty, or holds a sign that XML can't")
    known = [label for label in clip.classes if label.strip() and not NOT_XML.search(label)]
    entries = {label: f"cveid{n}" for n, label in enumerate(known, start=1)}
    tiers, placed = _placed(parsed)

    root = ET.Element("ANNOTATION_DOCUMENT", AUTHOR="seehear", DATE=_date(parsed.file), FORMAT=VERSION, VERSION=VERSION)
    root.attrib |= SCHEMA_AT
    header = _header(root, parsed, clip.folder)
    slots = _time_order(root, placed)
    on: dict[str, list[int]] = {name: [] for name in tiers}
    for n, one in enumerate(placed):
        on[one.tier].append(n)
    last = 0
    for name, numbers in on.items():
        tier = ET.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF=EVENT)
        below = ET.Element("TIER", TIER_ID=f"{name} {CONFIDENCE}", LINGUISTIC_TYPE_REF=CONFIDENCE, PARENT_REF=name)
        for n in numbers:
            event = placed[n].event
            last += 1
            facts = {"TIME_SLOT_REF1": slots[n, 0], "TIME_SLOT_REF2": slots[n, 1]}
            if event.label in entries:
                facts["CVE_REF"] = entries[event.label]
            _annotate(tier, "ALIGNABLE_ANNOTATION", last, event.label, facts)
            if event.confidence != CERTAIN:
                facts = {"ANNOTATION_REF": f"a{last}"}
                last += 1
                _annotate(below, "REF_ANNOTATION", last, repr(event.confidence), facts)
        if len(below):
            root.append(below)
    _property(header, "lastUsedAnnotationId", str(last))
    _types(root, entries)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return {f"{parsed.clip}.eaf": f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()}


def _placed(parsed: ParsedClip) -> tuple[list[str], list[_Placed]]:
    """The tiers, those without events too, and every event on one of them."""
    tiers, placed = [], []
    for modality in parsed.modalities:
        lanes = [name_of(modality)]
        free: dict[str, int] = {}  # tier -> the millisecond from which it is
        home: dict[str, str] = {}  # class -> its last tier
        for event in sorted(parsed.of(modality), key=lambda event: (milliseconds(event), event.label)):
            onset, offset = milliseconds(event)
            could = [lane for lane in lanes if free.get(lane, 0) <= onset]
            if not could:
                lanes.append(f"{lanes[0]} {len(lanes) + 1}")
                could = lanes[-1:]
            lane = home[event.label] if home.get(event.label) in could else could[0]
            free[lane], home[event.label] = offset, lane
            placed.append(_Placed(event, onset, offset, lane))
        tiers += lanes
    return tiers, placed


def _header(root: ET.Element, parsed: ParsedClip, folder: Path) -> ET.Element:
    header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    # Paths as they are: ELAN would look for a file that has %20 in its name.
    there, beside = Path(os.path.abspath(parsed.file)).as_posix(), link(Path(parsed.file), folder)
    ET.SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        MEDIA_URL="file:///" + there.lstrip("/"),
        RELATIVE_MEDIA_URL=beside if beside.startswith("..") else f"./{beside}",
        MIME_TYPE=_mime(Path(parsed.file).suffix.lower()),
    )
    if Path(parsed.file).stem != parsed.clip:
        _property(header, CLIP, parsed.clip)
    _property(header, TELLS, ", ".join(map(name_of, parsed.modalities)))
    return header


def _property(header: ET.Element, name: str, value: str) -> None:
    ET.SubElement(header, "PROPERTY", NAME=name).text = value


def _mime(suffix: str) -> str:
    general = "video/*" if suffix in VIDEO_SUFFIXES else "audio/*" if suffix in AUDIO_SUFFIXES else "unknown"
    return TYPES.get(suffix, general)


def _date(file: str) -> str:
    """When the clip was last changed, so that the same events give the same bytes."""
    try:
        changed = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC)
    except (OSError, OverflowError):
        changed = EPOCH
    return changed.isoformat(timespec="seconds")


def _time_order(root: ET.Element, placed: Sequence[_Placed]) -> dict[tuple[int, int], str]:
    """Write the time slots, by time; (number of an event, 0 for its onset or 1 for its offset) -> slot.

    No two events share one: ELAN would move both ends where one is meant.
    """
    order = ET.SubElement(root, "TIME_ORDER")
    edges = [(time, n, side) for n, one in enumerate(placed) for side, time in enumerate((one.onset, one.offset))]
    slots = {}
    for number, (time, n, side) in enumerate(sorted(edges), start=1):
        slots[n, side] = f"ts{number}"
        ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slots[n, side], TIME_VALUE=str(time))
    return slots


def _annotate(tier: ET.Element, kind: str, number: int, value: str, facts: Mapping[str, str]) -> None:
    annotation = ET.SubElement(ET.SubElement(tier, "ANNOTATION"), kind, {"ANNOTATION_ID": f"a{number}", **facts})
    ET.SubElement(annotation, "ANNOTATION_VALUE").text = value


def _types(root: ET.Element, entries: Mapping[str, str]) -> None:
    """What follows the tiers: their types, and the classes."""
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


def read(file: Path, modality: str | None = None) -> Reading:
    """Of the clip that is linked, or else that the file is named after. Tiers say their modality, others are noted."""
    try:
        root = ET.fromstring(read_text(file))
    except ET.ParseError as error:
        raise SeehearError(f"{file}:{error.position[0]}: is no XML ({error})") from None
    header = root.find("HEADER")
    if root.tag != "ANNOTATION_DOCUMENT" or header is None:
        raise SeehearError(f"{file}: is no annotation file of ELAN's")
    units = header.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        raise SeehearError(f"{file}: counts time in {units}; save it from ELAN anew, in milliseconds")
    properties = {one.get("NAME"): one.text or "" for one in header.iter("PROPERTY")}
    media = header.find("MEDIA_DESCRIPTOR")
    linked = "" if media is None else PurePosixPath(media.get("MEDIA_URL", "").replace("\\", "/")).stem
    clip = properties.get(CLIP) or linked or file.stem
    names = [*filter(None, properties.get(TELLS, "").split(", ")), *NAMES.values(), *NAMES]
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")}
    sure = _confidences(root)
    reading, defects = Reading(), []
    for tier in root.iterfind("TIER"):
        name, above = tier.get("TIER_ID", ""), tier.get("PARENT_REF")
        base = re.sub(r" \d+$", "", name)
        if above or base not in names:
            if len(tier) and name != f"{above} {CONFIDENCE}":
                hint = "" if above else meant(base, names)
                reading.notes.append(f"{file}: the tier {name!r} is of no modality: passed over{hint}")
            continue
        of_tier = modality_of(base)
        reading.of(clip, of_tier)
        for one in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            number = one.get("ANNOTATION_ID", "")
            place = f"{file}: annotation {number} on tier {name!r}"
            try:
                onset, offset = (int(slots[one.get(f"TIME_SLOT_REF{n}")] or "") / 1000 for n in (1, 2))
            except (KeyError, ValueError):
                defects.append(Defect(file, 0, f"annotation {number} on tier {name!r} has no times", fatal=True))
                continue
            label = one.findtext("ANNOTATION_VALUE") or ""
            reading.add(clip, ParsedEvent(label, of_tier, onset, offset, sure.get(number, CERTAIN)), place)
    raise_fatal(defects)
    if clip not in reading.said:
        known = ", ".join(NAMES.values())
        raise SeehearError("\n".join([*reading.notes, f"{file}: has no tier that is called one of {known}"]))
    return reading


def _confidences(root: ET.Element) -> dict[str, float]:
    """Annotation -> confidence, of those that have one."""
    sure = {}
    for tier in root.iterfind("TIER"):
        if tier.get("TIER_ID") == f"{tier.get('PARENT_REF')} {CONFIDENCE}":
            for one in tier.iterfind("ANNOTATION/REF_ANNOTATION"):
                try:
                    sure[one.get("ANNOTATION_REF", "")] = float(one.findtext("ANNOTATION_VALUE") or "")
                except ValueError:
                    continue  # someone's remark
    return sure


FORMAT = Format(
    "elan", "ELAN's annotation files, to correct in a list of classes, one file a clip", ".eaf", _document, read
)
