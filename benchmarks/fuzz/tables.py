"""Label tables, lists of classes, and annotations of other tools."""

from __future__ import annotations

from pathlib import Path

from fuzz.own import parsed, store
from fuzz.target import Target


def tables(folder: Path) -> None:
    """Weak and dense tables, one with confidences, and a list of classes."""
    from seehear.labels import Event, write_dense

    store(folder)
    rows = [Event("clip00", 0, 1, "Cat", confidence=0.7), Event("clip01", 2, 5, "Dog", confidence=0.9)]
    write_dense(folder / "confident.csv", rows, confidence=True)
    (folder / "classes.txt").write_text("Cat\nDog\nFish\n")


def read_tables(folder: Path, file: Path) -> None:
    """Read tables as training does."""
    from seehear.data import Dataset
    from seehear.labels import read_dense, read_weak
    from seehear.labels.check import check

    if file.name == "confident.csv":
        for event in read_dense(file).events:
            repr(event)
        return
    weak = read_weak(folder / "labels.csv")
    repr(weak)
    names = folder / "classes.txt"
    dense = {name: folder / f"{name}.csv" for name in ("audio", "visual")}
    collocation = {"audio": "ears", "visual": "eyes"}
    Dataset.from_tables(
        folder / "labels.csv", store=folder / "store", collocation=collocation, truth=dense, classes=names
    ).packs()
    check([folder / "labels.csv", *dense.values()]).text()


def read_annotations(folder: Path, file: Path) -> None:
    """Import annotations as dense tables."""
    from seehear.formats.annotations import import_annotations

    import_annotations([file], out=folder / "tables").text()


TARGETS = (
    Target("label-tables", tables, ("labels.csv", "audio.csv", "confident.csv", "classes.txt"), read_tables, True),
    Target("annotations", parsed, ("exported/*.*",), read_annotations, True, share=1.5),
)
