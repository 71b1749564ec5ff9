"""Which rows of a user's label tables are not those of the newest published revision.

The tables themselves can't come along, so short hashes do: 4 bytes for each clip of a table, of the clip and what its
rows say. What changes no meaning is no difference: the order of rows and labels, a row twice, 4 or 4.0 seconds. A row
that differs passes as the same once in 4,000,000,000 / clips times.

The file: a line of JSON, {"tables": {name: clips}}, then the hashes of each table in that order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from seehear.datasets.spec import Annotations, DataSet
from seehear.errors import SeehearError
from seehear.files import atomic_bytes
from seehear.labels import Defect, scan_dense, scan_weak

BYTES = 4  # of each hash


def known(dataset: DataSet) -> dict[str, frozenset[bytes]]:
    """Split or modality -> the hashes of its table's newest revision; nothing where none is known."""
    if not dataset.revision:
        return {}
    return parse((resources.files("seehear.datasets") / dataset.revision).read_bytes())


def parse(data: bytes) -> dict[str, frozenset[bytes]]:
    """The hashes in a file that `write` wrote."""
    head, _, body = data.partition(b"\n")
    tables: dict[str, frozenset[bytes]] = {}
    at = 0
    for name, clips in json.loads(head)["tables"].items():
        tables[name] = frozenset(body[n : n + BYTES] for n in range(at, at + clips * BYTES, BYTES))
        at += clips * BYTES
    return tables


def write(given: Annotations, path: Path) -> None:
    """Write the file that knows these tables, to be the `revision` of their data set."""
    tables = {name: sorted(hashed for _, hashed in rows.values()) for name, rows in _tables(given).items()}
    head = json.dumps({"tables": {name: len(hashes) for name, hashes in tables.items()}})
    atomic_bytes(path, head.encode() + b"\n" + b"".join(b"".join(hashes) for hashes in tables.values()))


def differing(given: Annotations, newest: Mapping[str, frozenset[bytes]] | None = None) -> list[Defect]:
    """The clips whose rows are not those of the newest revision, and how many clips of it each table lacks.

    newest: split or modality -> hashes; unless given, what comes with the data set.
    """
    newest = known(given.dataset) if newest is None else newest
    defects: list[Defect] = []
    for name, rows in _tables(given).items():
        if name not in newest:
            continue
        path = given.tables[name]
        others = {clip: line for clip, (line, hashed) in rows.items() if hashed not in newest[name]}
        for clip, line in sorted(others.items(), key=lambda item: item[1]):
            message = f"{clip} is not in the newest revision of {given.dataset.name} with these rows"
            defects.append(Defect(path, line, message))
        if lacking := max(0, len(newest[name]) - len(rows)):  # and one more for each clip that is not in it at all
            message = f"lacks at least {lacking} of the {len(newest[name])} clips of the newest revision"
            defects.append(Defect(path, 0, message))
    return defects


def _tables(given: Annotations) -> dict[str, dict[str, tuple[int, bytes]]]:
    """Split or modality -> clip -> (the first line that names it, hash of what its rows say)."""
    tables: dict[str, dict[str, tuple[int, bytes]]] = {}
    for split, path in given.weak.items():
        weak = scan_weak(path)
        tables[split] = {clip: (weak.lines[clip], _hash(clip, sorted(names))) for clip, names in weak.labels.items()}
    for modality, path in given.dense.items():
        events = scan_dense(path).events
        rows: dict[str, set[str]] = {}
        lines: dict[str, int] = {}
        for event in events:
            rows.setdefault(event.clip, set()).add(f"{event.onset:.3f} {event.offset:.3f} {event.label}")
            lines.setdefault(event.clip, event.line)
        tables[modality] = {clip: (lines[clip], _hash(clip, sorted(said))) for clip, said in rows.items()}
    for name, table in tables.items():
        if not table:
            raise SeehearError(f"{given.tables[name]}: no row can be read; `seehear labels check` says why")
    return tables


def _hash(clip: str, rows: list[str]) -> bytes:
    return hashlib.sha256("\n".join([clip, *rows]).encode()).digest()[:BYTES]
