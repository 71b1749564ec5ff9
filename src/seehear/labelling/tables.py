"""The tables that a session writes, in LLP's form where there is one, and what people changed in them meanwhile.

OUT/weak.csv        weak table of all labelled clips
OUT/train.csv       the same, of clips that were not drawn by chance
OUT/val.csv         the same, of those that were
OUT/audio.csv       dense table of the events drawn in what is heard
OUT/visual.csv      the same in what is seen
OUT/modalities.csv  filename, event_labels, modality: one row per label whose modality is known
OUT/clips.csv       filename, choice, timed, by, changed: who chose and who labelled each clip
OUT/tables.json     hashes of these tables as they were written
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import atomic, atomic_json, claim
from seehear.labelling.records import MODALITIES, Choice, ClipLabels, ClipRecord, DrawnEvent, checked
from seehear.labels import DefectKind, Event, dense_text, raise_fatal, read_dense, scan_weak, weak_text
from seehear.labels.cells import quoted
from seehear.stored import exists, read_object

WEAK, TRAIN, VAL, KNOWN, CLIPS = "weak.csv", "train.csv", "val.csv", "modalities.csv", "clips.csv"
DENSE = {modality: f"{modality}.csv" for modality in MODALITIES}
EDITABLE = (WEAK, *DENSE.values())
TABLES = (*EDITABLE, TRAIN, VAL, KNOWN, CLIPS)
HASHES = "tables.json"

Records = Mapping[str, ClipRecord]


def texts(records: Records) -> dict[str, str]:
    """Return file name -> text of every table. records: clip -> what is known, in the order of the tables."""
    done = {clip: record for clip, record in records.items() if record.state.done}
    labels = {clip: list(record.state.labels or ()) for clip, record in done.items()}
    chance = {clip for clip, record in done.items() if record.choice == Choice.RANDOM}
    dense = {
        file: dense_text(
            Event(clip, event.onset, event.offset, event.label)
            for clip, record in done.items()
            for event in sorted(record.state.of(modality), key=lambda event: event.onset)
        )
        for modality, file in DENSE.items()
    }
    return {
        WEAK: weak_text(labels),
        TRAIN: weak_text({clip: names for clip, names in labels.items() if clip not in chance}),
        VAL: weak_text({clip: names for clip, names in labels.items() if clip in chance}),
        KNOWN: _rows(
            ("filename", "event_labels", "modality"),
            ((clip, label, of) for clip, record in done.items() for label, of in (record.state.labels or {}).items()
             if of),
        ),
        CLIPS: _rows(
            ("filename", "choice", "timed", "by", "changed"),
            ((clip, str(record.choice), "yes" if record.state.timed else "no", record.by, record.time)
             for clip, record in done.items()),
        ),
        **dense,
    }  # fmt: skip


def _rows(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(["\t".join(columns), *("\t".join(map(quoted, row)) for row in rows)]) + "\n"


@dataclass(frozen=True)
class Edited:
    """A clip whose rows someone changed in a table.

    Attributes:
        clip: Its name.
        state: What the tables say now.
        file: The table.
    """

    clip: str
    state: ClipLabels
    file: str


class TableFolder:
    """The tables in a folder, which only this module writes, but anyone may edit."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or written yet."""
        self.folder = folder
        self._seen: dict[str, tuple[tuple[int, int, int], str]] = {}  # file -> its state, its hash

    def claim(self) -> None:
        """Mark the folder as one of labels. Raises SeehearError if it holds such a table of someone else's."""
        if exists(self.folder / HASHES):
            return
        for name in TABLES:
            if exists(self.folder / name):
                raise SeehearError(
                    f"{self.folder / name}: already exists and was not written by `label`; choose another --out"
                )
        claim(self.folder / HASHES, {})

    def write(self, records: Records) -> None:
        """Write the tables that differ. Raises SeehearError if that is impossible."""
        changed = {name: text for name, text in texts(records).items() if self._hash(name) != _digest(text)}
        for name, text in changed.items():
            # The log has it all: a table that a loss of power left empty is written again.
            with atomic(self.folder / name, durable=False) as temporary:
                temporary.write_text(text, encoding="utf-8")
        if changed:
            atomic_json(self.folder / HASHES, {name: self._hash(name) for name in TABLES})

    def edits(self, records: Records) -> list[Edited]:
        """Return the clips that someone changed in tables since they were written.

        Tables that are missing or empty are no edits: they will be written again. Nor are tables of an earlier state,
        which a killed process left behind.

        Raises:
            SeehearError: If an edited table can't be read, or is one that nobody may edit.
        """
        written = read_object(self.folder / HASHES, "delete it") if exists(self.folder / HASHES) else {}
        others = [name for name in TABLES if self._hash(name) not in ("", written.get(name))]
        if not others:
            return []
        expected = texts(records)
        edited = [name for name in others if self._hash(name) != _digest(expected[name])]
        if locked := [name for name in edited if name not in EDITABLE]:
            raise SeehearError(
                f"{self.folder / locked[0]}: was changed by another program. Change {WEAK}, or move this file "
                "elsewhere: it is written again from the log"
            )
        return list(self._differences(records, edited)) if edited else []

    def _differences(self, records: Records, edited: list[str]) -> Iterable[Edited]:
        weak = self._weak() if WEAK in edited else None
        dense = {modality: self._dense(file) for modality, file in DENSE.items() if file in edited}
        named = {*(weak or ()), *(clip for of_modality in dense.values() for clip in of_modality)}
        for clip in [*records, *sorted(named - set(records))]:
            before = records[clip].state if clip in records else ClipLabels()
            if not before.done and clip not in named:
                continue
            labels = before.labels or {}
            if weak is not None:
                labels = {label: labels.get(label) for label in weak[clip]} if clip in weak else {}
                if clip not in weak and clip not in named:
                    yield Edited(clip, ClipLabels(), WEAK)
                    continue
            events = [event for event in before.events if event.modality not in dense and event.label in labels]
            events += [event for of_modality in dense.values() for event in of_modality.get(clip, ())]
            after = checked(labels, events, timed=before.timed, where=f"{self.folder / edited[0]}: {clip}")
            if after != before:
                yield Edited(clip, after, edited[0])

    def _weak(self) -> dict[str, tuple[str, ...]]:
        table = scan_weak(self.folder / WEAK)
        raise_fatal(defect for defect in table.defects if defect.kind != DefectKind.NO_ROW)
        return dict(table.labels)

    def _dense(self, file: str) -> dict[str, list[DrawnEvent]]:
        modality = next(name for name, own in DENSE.items() if own == file)
        events: dict[str, list[DrawnEvent]] = {}
        for event in read_dense(self.folder / file).events:
            events.setdefault(event.clip, []).append(DrawnEvent(modality, event.label, event.onset, event.offset))
        return events

    def _hash(self, name: str) -> str:
        """Return the hash of a table's content; an empty string if there is none or it is empty."""
        path = self.folder / name
        try:
            stat = path.stat()
            state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if name not in self._seen or self._seen[name][0] != state:
                data = path.read_bytes()
                self._seen[name] = (state, hashlib.sha256(data).hexdigest() if data.strip(b"\0 \r\n") else "")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SeehearError(f"{path}: can't be read ({error.strerror})") from None
        return self._seen[name][1]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
