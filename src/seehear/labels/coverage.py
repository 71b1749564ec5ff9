"""Which clips of a data set the tables of its ground truth, or of predictions, name: none of them, few, or nearly all.

Tables list clips with events alone, as those of LLP do. So a clip without a row is one in which nothing happens, and
the tables of other clips would say that nothing happens anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from seehear.errors import SeehearError
from seehear.labels.plausible import clip_hint
from seehear.labels.tables import DenseTable, WeakTable
from seehear.modality import AUDIO, VISUAL
from seehear.results import counted

Table = DenseTable | WeakTable
SILENT = {AUDIO: "nothing is heard in them", VISUAL: "nothing is seen in them"}  # clips without a row
EMPTY = "nothing happens in them"
FEW = 10  # clips with labels; of fewer, it is no surprise if none has an event in one of the modalities


def other_clips(table: Table, clips: Collection[str], where: str, nothing: str = EMPTY) -> list[str]:
    """Return the clips that a table names beside those of a data set, in alphabetical order.

    Args:
        table: Of ground truth, or predictions.
        clips: Those of the data set.
        where: What names them, for the message.
        nothing: What a table without a row would say of them.

    Raises:
        SeehearError: If the table has rows, and none is of these clips.
    """
    named, own = set(table.clips), set(clips)
    others = sorted(named - own)
    if named and len(others) == len(named):
        hint = clip_hint(others, clips)
        if not hint and isinstance(table, DenseTable):
            hint = f". Is it of other clips? If {nothing}, give a table with the header alone"
        known = next(iter(clips), "none")
        raise SeehearError(
            f"{table.path}: names none of the clips of {where}, such as {known}, but for example {table.clips[0]}{hint}"
        )
    return others


def missing_truth(
    tables: Mapping[str, Table], clips: Sequence[str], labelled: Collection[str], where: str
) -> list[str]:
    """Return notes on clips with labels that have no row in tables of ground truth.

    Args:
        tables: modality, or kind -> its table.
        clips: Those of the data set.
        labelled: Those of them that have labels.
        where: What names them, for messages.

    Raises:
        SeehearError: If a table has rows, and none is of these clips, unless they are few and another table names
            some of them; or if no table has a row.
    """
    some = any(not set(table.clips).isdisjoint(clips) for table in tables.values())
    for kind, table in tables.items():
        if not some or len(labelled) >= FEW:
            other_clips(table, clips, where, SILENT.get(kind, EMPTY))
    if labelled and tables and not any(table.clips for table in tables.values()):
        have = "has" if len(tables) == 1 else "have"
        raise SeehearError(f"{_files(tables.values())}: {have} no row, and the clips of {where} have labels")
    notes = [note for kind, table in tables.items() for note in _few_rows(kind, table, labelled)]
    if len(tables) == 1 and notes:
        return notes
    return [*notes, *bare_clips(tables.values(), labelled, f" of {where}", "labels but no row", "nothing happens")]


def _few_rows(kind: str, table: Table, labelled: Collection[str]) -> list[str]:
    """Return a note if more than half of the clips with labels have no row in a table."""
    named = set(table.clips)
    lacking = [clip for clip in labelled if clip not in named]
    if 2 * len(lacking) <= len(labelled):
        return []
    have = "has" if len(labelled) == 1 else "have"
    hint = clip_hint(sorted(named.difference(labelled)), lacking)
    return [
        f"{len(lacking)} of {counted(len(labelled), 'clip')} with labels {have} no row in {table.path}, for example "
        f"{lacking[0]}: {SILENT.get(kind, EMPTY)}, by this table{hint}"
    ]


def bare_clips(tables: Iterable[Table], clips: Iterable[str], where: str, what: str, fate: str) -> list[str]:
    """Return a note on clips that none of the tables names.

    Args:
        tables: Those of all modalities.
        clips: Those that they should name.
        where: ` of` what names the clips, or nothing.
        what: What the clips have, such as `no row`.
        fate: What that means for them.
    """
    given = list(tables)
    named = {clip for table in given for clip in table.clips}
    bare = [clip for clip in clips if clip not in named]
    if not given or not bare:
        return []
    hint = clip_hint(sorted(named.difference(clips)), bare)
    have = "has" if len(bare) == 1 else "have"
    count = counted(len(bare), "clip")
    return [f"{count}{where} {have} {what} in {_files(given)}, for example {bare[0]}: there, {fate}{hint}"]


def _files(tables: Iterable[Table]) -> str:
    return ", ".join(dict.fromkeys(str(table.path) for table in tables))
