"""A data set's label tables in memory, as its published files say, and the same written in seehear's own form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seehear.datasets.coverage import coverage_defects
from seehear.datasets.spec import MARKER, Annotations, DataSet, existing_folder, find_tables
from seehear.errors import SeehearError
from seehear.files import atomic_text, check_folder, claim, sweep
from seehear.labels import (
    Defect,
    DefectKind,
    DenseTable,
    WeakTable,
    cross_check,
    raise_fatal,
    scan_dense,
    scan_weak,
    weak_dense_mismatches,
    write_dense,
    write_weak,
)
from seehear.scoring.signature import revision
from seehear.stored import read_object

PARTS = "parts"  # the folder of tables of some clips or labels of a split, so that *.csv are the splits and events
CLASSES, RENAMED = "classes.txt", "renamed.tsv"
EVALUATED = ("val", "test")  # the splits whose events the dense tables hold


@dataclass(frozen=True, repr=False)
class Tables:
    """A data set's label tables.

    Attributes:
        weak: Split -> weak table.
        dense: Modality, or audio_visual -> dense tables, one per published file, which may cover any split.
        by_modality: Modality -> split -> weak table of what is heard or seen alone, where that is published.
        parts: Name -> clips of a split that the data set treats as a group, as `test_open`.
        classes: Every class; of a data set that allows any, those that occur.
        renamed: Published name of a class -> its name in tables, of those that differ.
        lengths: Clip -> seconds, of clips whose length is published.
        defects: Of the published files, besides those of the tables.
        notes: What a user should know of how the files were read.
        files: The published files that were read.
        places: What messages call the place of an annotation of a file without lines, by the number that its events
            and defects have as their line.
        covers: Path of a dense table -> the splits whose events it should hold, where a file of its own lists these
            splits' clips.
    """

    weak: Mapping[str, WeakTable]
    dense: Mapping[str, tuple[DenseTable, ...]]
    by_modality: Mapping[str, Mapping[str, WeakTable]] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, float] = field(default_factory=dict)
    defects: Sequence[Defect] = ()
    notes: Sequence[str] = ()
    files: Sequence[Path] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    covers: Mapping[Path, Sequence[str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(table.clips)} {split}" for split, table in self.weak.items())
        return f"Tables({sizes} clips, {len(self.classes)} classes)"

    @property
    def clips(self) -> list[str]:
        """Every clip, split by split."""
        return list(dict.fromkeys(clip for table in self.weak.values() for clip in table.clips))

    def every_defect(self) -> list[Defect]:
        """Return the defects of the published files and of each table, without those between tables."""
        nested = [table for splits in self.by_modality.values() for table in splits.values()]
        dense = [table for tables in self.dense.values() for table in tables]
        every: list[WeakTable | DenseTable] = [*self.weak.values(), *nested, *dense]
        defects = [*self.defects, *(defect for table in every for defect in table.defects)]
        unread = {defect.path for defect in defects if defect.kind is DefectKind.HEADER}  # so that no row is missing
        return self.placed(
            defect for defect in defects if defect.kind is not DefectKind.NO_ROW or defect.path not in unread
        )

    def placed(self, defects: Iterable[Defect]) -> list[Defect]:
        """Return defects which name the place of an annotation instead of a line, where files have none."""
        return [
            replace(defect, line=0, message=f"{self.places[defect.line]}: {defect.message}")
            if defect.line in self.places
            else defect
            for defect in defects
        ]


def read_tables(dataset: DataSet, folder: str | Path) -> Tables:
    """Read a data set's label tables, as they were published, from a folder. `check_tables` says what is wrong in them.

    Raises:
        SeehearError: Naming the tables that are missing, or a file that can't be read.
    """
    if dataset.read is not None:
        return dataset.read(existing_folder(folder))
    found, classes = find_tables(dataset, folder), dataset.classes or None
    return Tables(
        weak={split: scan_weak(path, classes) for split, path in found.weak.items()},
        dense={modality: (scan_dense(path, classes),) for modality, path in found.dense.items()},
        classes=dataset.classes,
        files=tuple(found.tables.values()),
        covers={path: [split for split in EVALUATED if split in found.weak] for path in found.dense.values()},
    )


def check_tables(dataset: DataSet, tables: Tables) -> list[Defect]:
    """Return every defect of a data set's tables, each of them and between them.

    Raises:
        SeehearError: Naming the fatal ones.
    """
    weak, dense = list(tables.weak.values()), [table for each in tables.dense.values() for table in each]
    defects = tables.every_defect()
    raise_fatal(defects)
    defects += coverage_defects(tables)
    raise_fatal(defects)

    def length(clip: str) -> float | None:
        return tables.lengths.get(clip, dataset.length(clip))

    defects += tables.placed(cross_check(weak, dense, length=length, classes=dataset.classes or None))
    for modality, splits in tables.by_modality.items():
        defects += weak_dense_mismatches(list(splits.values()), tables.dense.get(modality, ()))
    raise_fatal(defects)
    return defects


def write_tables(dataset: DataSet, tables: Tables, folder: Path, out: Path) -> Annotations:
    """Write tables in seehear's form into a folder, for every other command. The same call writes the same files.

    Args:
        dataset: The data set.
        tables: Its tables.
        folder: Where they were published.
        out: train.csv, val.csv, test.csv, eval_<modality>.csv, classes.txt and the folder parts go there.

    Raises:
        SeehearError: If the folder holds other files of these names, or tables of other published files.
    """
    weak = {split: out / f"{split}.csv" for split in tables.weak}
    dense = {kind: out / f"eval_{kind}.csv" for kind in tables.dense}
    by_modality = {
        modality: {split: out / PARTS / f"weak_{modality}_{split}.csv" for split in splits}
        for modality, splits in tables.by_modality.items()
    }
    parts = {name: out / PARTS / f"{name}.csv" for name in tables.parts}
    nested = [path for splits in by_modality.values() for path in splits.values()]
    files = [*weak.values(), *dense.values(), *nested, *parts.values(), out / CLASSES, out / RENAMED]
    _claim(out, dataset, [revision([path]) for path in tables.files], files)
    for split, path in weak.items():
        write_weak(path, tables.weak[split].labels)
    evaluated = {clip for split in EVALUATED if split in tables.weak for clip in tables.weak[split].clips}
    for kind, path in dense.items():
        events = (event for table in tables.dense[kind] for event in table.events)
        write_dense(path, (event for event in events if event.clip in evaluated and event.onset < event.offset))
    for modality, splits in by_modality.items():
        for split, path in splits.items():
            write_weak(path, tables.by_modality[modality][split].labels)
    labels = {clip: names for table in tables.weak.values() for clip, names in table.labels.items()}
    for name, path in parts.items():
        write_weak(path, {clip: labels[clip] for clip in tables.parts[name]})
    atomic_text(out / CLASSES, "".join(f"{name}\n" for name in tables.classes))
    if tables.renamed:
        lines = ["published\tclass\n", *(f"{name}\t{ours}\n" for name, ours in tables.renamed.items())]
        atomic_text(out / RENAMED, "".join(lines))
    return Annotations(dataset, folder, weak, dense, by_modality, parts)


def _claim(out: Path, dataset: DataSet, published: Sequence[str], files: Sequence[Path]) -> None:
    """Mark `out` as the tables of a data set, so that those which another store's commands name stay as they are.

    Args:
        out: The folder.
        dataset: The data set.
        published: Name and hash of each published file.
        files: What will be written.

    Raises:
        SeehearError: If it holds files of the same names that are none, or that come of other published files.
    """
    check_folder(out, "choose another --tables")
    sweep(out)
    marker, ours = out / MARKER, {"dataset": dataset.name, "published": list(published)}
    existing = [path.name for path in files if path.exists()]
    if existing and not marker.exists():
        raise SeehearError(f"{out}: holds {existing[0]}, which `prepare` did not write; choose another --tables")
    claim(marker, ours)
    old = read_object(marker, "choose another --tables")
    if (name := old.get("dataset")) != dataset.name:
        raise SeehearError(f"{out}: holds the tables of {name}; choose another --tables")
    if old != ours:
        raise SeehearError(
            f"{out}: holds tables of {dataset.name} that come of other published files, and other commands may use "
            "them; give --tables DIR for these, or delete the folder"
        )
