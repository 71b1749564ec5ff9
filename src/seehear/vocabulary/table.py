"""A map of classes as a table that a user checks and corrects: one row per class, in any spreadsheet.

    class,heard,seen,without
    Dog,/m/0bt9lr Dog,n02084071 dog,
    Motorcycle,/m/04_sv Motorcycle,n03790512 motorcycle; n03791053 motor scooter,

Each cell lists concepts, separated by semicolons: the id of one of AudioSet's classes or of a synset of WordNet, or its
name. What follows an id is for the reader. A class stands for the concepts and for all below them, but for those in the
column `without`.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from seehear import arguments
from seehear.arguments import Names
from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_text
from seehear.labels.cells import CellError, Header
from seehear.modality import AUDIO, VISUAL, display_name
from seehear.names import valid_line
from seehear.texts import LINE_END, read_text
from seehear.vocabulary.classes import ClassMap, Match, Rule, build, graph_of, names_of
from seehear.vocabulary.find import find_seen, heard_by_words, map_classes
from seehear.vocabulary.words import key

CLASS, HEARD, SEEN, WITHOUT = COLUMNS = ("class", "heard", "seen", "without")
TABLE = ".csv"  # the end of a table's name
SEPARATOR = "; "  # of concepts in a cell
MAX_BYTES = 1 << 24  # of a table; the built-in vocabulary's has 0.1 MB
MAX_CLASSES = 20_000
_IDS = {AUDIO: re.compile(r"/[mtg]/\w+"), VISUAL: re.compile(r"n\d{8}")}


def as_map(given: ClassMap | Names | Path) -> ClassMap:
    """Return a map from what people name classes by.

    Args:
        given: A map; a table of one, as FILE.csv; or class names, in a list or with commas between them.

    Raises:
        SeehearError: If there is no class, or the table can't be read.
    """
    if isinstance(given, ClassMap):
        return given
    if isinstance(given, Path):
        return read_map(given)
    words = arguments.names([given] if isinstance(given, str) else given)
    if len(words) == 1 and (words[0].casefold().endswith(TABLE) or os.path.isfile(words[0])):
        return read_map(words[0])
    words = [word for each in words for part in each.split(";") if (word := part.strip())]
    spelled: dict[str, str] = {}
    for word in words:
        if (other := spelled.setdefault(key(word), word)) != word:
            raise SeehearError(f"{other} and {word} are one class in two spellings: keep one of them")
    return map_classes(words)


def check_kept(path: str | Path, classes: ClassMap) -> None:
    """Raise SeehearError if a file at the path holds anything but this map: it may have been corrected by hand."""
    file = Path(path)
    if file.exists() and read_text(file) != as_table(classes):
        raise SeehearError(
            f"{file}: exists with other content, which may have been corrected by hand; choose another --out, or give "
            "--overwrite"
        )


def write_map(path: str | Path, classes: ClassMap) -> None:
    """Write a map as a comma-separated table, in place of any file at the path."""
    atomic_text(Path(path), as_table(classes))


def as_table(classes: ClassMap) -> str:
    """Return a map as the text of a comma-separated table."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for name in classes.classes:
        found = {modality: _match(classes, modality, name) for modality in (AUDIO, VISUAL)}
        cells = [SEPARATOR.join(_written(modality, match.concepts)) for modality, match in found.items()]
        left_out = [entry for modality, match in found.items() for entry in _written(modality, match.without)]
        table.writerow((name, *cells, SEPARATOR.join(left_out)))
    return stream.getvalue()


def read_map(path: str | Path) -> ClassMap:
    """Read a map from a table that `write_map` wrote, or that a user wrote. The column class is needed.

    Raises:
        SeehearError: If the file can't be read. It names the line of the first row that is wrong.
    """
    path = Path(path)
    matches: dict[str, dict[str, Match]] = {AUDIO: {}, VISUAL: {}}
    lines: dict[str, int] = {}
    for line, row in _rows(path):
        try:
            name = valid_line(row[CLASS])
            if name in lines:
                raise ValueError(f"{name} is also on line {lines[name]}; keep one of the two rows")
            for modality, match in _read_row(row).items():
                matches[modality][name] = match
        except (ValueError, ClipError) as error:
            raise SeehearError(f"{path}:{line}: {error}") from None
        lines[name] = line
        if len(lines) > MAX_CLASSES:
            raise SeehearError(f"{path}:{line}: more than {MAX_CLASSES} classes")
    if not lines:
        raise SeehearError(f"{path}: lists no class")
    return build(tuple(lines), matches)


def _match(classes: ClassMap, modality: str, name: str) -> Match:
    """Return what a class stands for; its sources and no others if the map does not say."""
    if match := classes.matches.get(modality, {}).get(name):
        return match
    graph, sources = graph_of(modality), classes.sources.get(modality, {}).get(name, ())
    return Match(sources, Rule.FILE, without=tuple(each for each in graph.sources(sources) if each not in sources))


def _written(modality: str, concepts: tuple[str, ...]) -> list[str]:
    return [f"{concept} {names_of(modality, concept)}" for concept in concepts]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = LINE_END.split(read_text(path, MAX_BYTES, "table"))
    header = Header.read(lines, COLUMNS)
    if lacking := header.lacking((CLASS,)):
        raise SeehearError(f"{path}:{header.line}: {lacking}")
    if repeated := [name for name in header.repeated if name in COLUMNS]:
        raise SeehearError(f"{path}:{header.line}: the header holds {', '.join(repeated)} twice; keep one of them")
    if not {HEARD, SEEN}.intersection(header.columns):
        raise SeehearError(f"{path}:{header.line}: the header has neither a column {HEARD} nor a column {SEEN}")
    for number, line in header.rows(lines):
        try:
            yield number, dict(zip(header.columns, header.cells(line), strict=True))
        except CellError as error:
            raise SeehearError(f"{path}:{number}: {error}") from None


def _read_row(row: Mapping[str, str]) -> dict[str, Match]:
    """Return modality -> what the class of a row stands for. Raises ValueError saying what is wrong with the row."""
    entries = {column: [each.strip() for each in row.get(column, "").split(";") if each.strip()] for column in COLUMNS}
    left_out: dict[str, tuple[str, ...]] = {AUDIO: (), VISUAL: ()}
    for entry in entries[WITHOUT]:
        modality = next((each for each, ids in _IDS.items() if ids.match(entry)), None)
        if modality is None:
            raise ValueError(f"{WITHOUT} holds {entry!r}, which begins with no id: write /m/0bt9lr or n02084071")
        left_out[modality] += _concepts(modality, entry)
    found = {}
    for modality, column in ((AUDIO, HEARD), (VISUAL, SEEN)):
        concepts = [concept for entry in entries[column] for concept in _concepts(modality, entry)]
        if concepts:
            match = Match(tuple(dict.fromkeys(concepts)), Rule.FILE, without=left_out[modality])
            if not set(graph_of(modality).sources(concepts)) - graph_of(modality).below(match.without):
                raise ValueError(f"{column} holds {row[column]!r}, of which no classifier has a class")
            found[modality] = match
    return found


def _concepts(modality: str, entry: str) -> tuple[str, ...]:
    """Return the concepts that an entry of a cell names: one by its id, or those that a name stands for."""
    if match := _IDS[modality].match(entry):
        if match.group() not in graph_of(modality).concepts:
            raise ValueError(f"{match.group()} is no class that is {display_name(modality)}")
        return (match.group(),)
    named = heard_by_words(entry) if modality == AUDIO else find_seen(entry)
    if named is None:
        kind = "class of AudioSet" if modality == AUDIO else "noun with classes of ImageNet-1k below it"
        raise ValueError(f"{entry!r} is no {kind}; leave the cell empty if there is none")
    return named.concepts
