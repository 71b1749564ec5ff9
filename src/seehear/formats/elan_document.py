"""ELAN's documents as XML: parsed with care, with the times of their annotations and the media that they link."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from seehear.errors import SeehearError
from seehear.texts import read_text

MAX_DEPTH = 100  # of elements, and of annotations that refer to others; ELAN's have about six
TIME = re.compile(r"-?[0-9]{1,15}")  # milliseconds


class _UnsafeError(Exception):
    """A document that no annotation file needs to be, and that may be made to use up memory or to read files."""


class _Guarded(ET.TreeBuilder):
    """Builds documents without own entities, and of bounded depth."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse a document type: ELAN writes none, and only there can entities be defined."""
        raise _UnsafeError("declares a document type, which files of ELAN's don't")

    def start(self, tag: str, attrs: dict[str, str]) -> ET.Element:
        """Open an element."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _UnsafeError(f"nests elements more than {MAX_DEPTH} deep, which files of ELAN's don't")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ET.Element:
        """Close an element."""
        self._depth -= 1
        return super().end(tag)


def parsed(file: Path) -> ET.Element:
    """Return the root of an XML document. Raises SeehearError if it is none, or none that ELAN could have written."""
    try:
        return ET.fromstring(read_text(file), ET.XMLParser(target=_Guarded()))
    except ET.ParseError as error:
        raise SeehearError(f"{file}:{error.position[0]}: is not XML ({error})") from None
    except _UnsafeError as error:
        raise SeehearError(f"{file}: {error}; save it in ELAN again") from None


class Spans:
    """The times of annotations, as ELAN shows them: with those that a file leaves to be worked out."""

    def __init__(self, root: ET.Element) -> None:
        """Read the time slots and tiers of a document."""
        slots = root.iterfind("TIME_ORDER/TIME_SLOT")
        values = {slot.get("TIME_SLOT_ID", ""): slot.get("TIME_VALUE", "") for slot in slots}
        aligned = {slot: float(value) for slot, value in values.items() if TIME.fullmatch(value)}
        self._slots: dict[str, dict[str, float]] = {}  # annotation -> slot -> milliseconds, of its tier
        self._by_id: dict[str, ET.Element] = {}
        self._share: dict[str, tuple[int, int]] = {}  # annotation below another -> its number, and how many there are
        for tier in root.iterfind("TIER"):
            of_tier = tier.findall("ANNOTATION/*")
            times = _slot_times(of_tier, aligned)
            below: dict[str, list[ET.Element]] = {}
            for one in of_tier:
                self._by_id[one.get("ANNOTATION_ID", "")] = one
                self._slots[one.get("ANNOTATION_ID", "")] = times
                below.setdefault(one.get("ANNOTATION_REF", ""), []).append(one)
            for siblings in below.values():
                for n, one in enumerate(_in_order(siblings)):
                    self._share[one.get("ANNOTATION_ID", "")] = n, len(siblings)

    def of(self, one: ET.Element) -> tuple[float, float]:
        """Return onset and offset of an annotation, milliseconds.

        One that refers to an annotation above has its times, or its part of them if there are several.

        Raises:
            KeyError: If the annotation has no times.
        """
        start, stop = 0.0, 1.0  # what part of the annotation above is this one's
        for _ in range(MAX_DEPTH):
            number = one.get("ANNOTATION_ID", "")
            if (above := one.get("ANNOTATION_REF")) is None:
                onset, offset = (self._slots[number][one.get(f"TIME_SLOT_REF{n}", "")] for n in (1, 2))
                return onset + start * (offset - onset), onset + stop * (offset - onset)
            n, count = self._share[number]
            start, stop = (n + start) / count, (n + stop) / count
            one = self._by_id[above]
        raise KeyError(number)


def _slot_times(of_tier: Sequence[ET.Element], aligned: Mapping[str, float]) -> dict[str, float]:
    """Return the times of a tier's slots. Those without a value divide the span between their neighbours evenly."""
    edges = [(one.get("TIME_SLOT_REF1", ""), one.get("TIME_SLOT_REF2", "")) for one in of_tier]
    times = {slot: aligned[slot] for edge in edges for slot in edge if slot in aligned}
    following = dict(edges)
    seen: set[str] = set()
    for first in following.keys() & aligned.keys():
        chain = [first, following[first]]
        while chain[-1] not in aligned and chain[-1] in following and chain[-1] not in seen:
            seen.add(chain[-1])
            chain.append(following[chain[-1]])
        if len(chain) > 2 and chain[-1] in aligned:
            step = (aligned[chain[-1]] - aligned[first]) / (len(chain) - 1)
            times |= {slot: aligned[first] + n * step for n, slot in enumerate(chain[1:-1], start=1)}
    return times


def _in_order(parts: Sequence[ET.Element]) -> list[ET.Element]:
    """Return the annotations below another in order: each names the one before it, but for the first."""
    after = {one.get("PREVIOUS_ANNOTATION"): one for one in parts}
    ordered: list[ET.Element] = []
    following = after.get(None)
    while following is not None and len(ordered) < len(parts):
        ordered.append(following)
        following = after.get(following.get("ANNOTATION_ID"))
    return ordered if len(ordered) == len(parts) else list(parts)


def linked_media(file: Path, header: ET.Element, ours: bool, notes: list[str]) -> tuple[str, float]:
    """Return the name of the clip that a file links, empty if it links none, and where its timeline begins in the clip.

    Args:
        file: The annotation file.
        header: Of the file.
        ours: Whether seehear wrote the file: then the address is as it is, as ELAN writes it.
        notes: To add to.

    Returns:
        The name, and milliseconds: ELAN's "media offset", which it adds to its times to find the place in the media.
    """
    media = header.findall("MEDIA_DESCRIPTOR")
    if not media:
        return "", 0.0
    stems = [_stem(one.get("MEDIA_URL", ""), file, ours) for one in media]
    if len(set(filter(None, stems))) > 1:
        notes.append(f"{file}: links {', '.join(stems)}; its events are those of {stems[0]}")
    origin = media[0].get("TIME_ORIGIN") or "0"
    try:
        return stems[0], float(int(origin))
    except ValueError:
        raise SeehearError(f"{file}: the TIME_ORIGIN {origin!r} of its media is not a number of milliseconds") from None


def _stem(address: str, file: Path, ours: bool) -> str:
    """Return the stem of a media file from its address: a path, or a URL with %20 for a space, as other tools write."""
    if re.match(r"https?://", address):
        address = urlsplit(address).path
    stem = PurePosixPath(address.replace("\\", "/")).stem
    is_plain = ours or stem == file.stem or " " in address or not address.isascii()
    try:
        return stem if is_plain else unquote(stem, errors="strict")
    except UnicodeDecodeError:
        return stem
