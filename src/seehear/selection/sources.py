"""Where the data of a selection came from: tables and a store, from which a later command reads it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seehear.data import Dataset
from seehear.training.recipe import DEFAULT_RECIPE


@dataclass(frozen=True)
class Tables:
    """Label tables of a split.

    Attributes:
        labels: Weak table.
        dense: modality -> dense table, if per-second ground truth is known.
    """

    labels: str
    dense: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """Tables and store of a selection, as they were named.

    Attributes:
        store: The folder of features.
        train, val: Label tables.
        classes: File with the names of the classes.
        recipe: Name or file of the recipe.
        set: KEY=VALUE settings on top of it.
    """

    store: str
    train: Tables
    val: Tables | None = None
    classes: str | None = None
    recipe: str = DEFAULT_RECIPE
    set: Sequence[str] = ()

    def datasets(self, networks: Mapping[str, Sequence[str]] | None) -> tuple[Dataset, Dataset | None]:
        """Read the training and validation clips.

        Args:
            networks: modality -> candidates; None for all of the store.

        Raises:
            SeehearError: As `Dataset.from_tables` does.
        """
        train = self.read(self.train, networks, self.classes)
        return train, self.read(self.val, train.collocation) if self.val else None

    def read(self, tables: Tables, networks: Mapping[str, Sequence[str]] | None, classes: str | None = None) -> Dataset:
        """Read a split, see `Dataset.from_tables`.

        Args:
            tables: Its label tables.
            networks: modality -> networks; None for all of the store.
            classes: File with the names of the classes.
        """
        truth = {modality: Path(path) for modality, path in tables.dense.items()} or None
        return Dataset.from_tables(tables.labels, store=self.store, collocation=networks, truth=truth, classes=classes)

    def train_command(self, collocation: str) -> str:
        """Return the command that trains a collocation in full."""
        arguments = ["seehear", "train", "--store", self.store, "--labels", self.train.labels, "--recipe", self.recipe]
        if self.val is not None:
            arguments += ["--val", self.val.labels]
            for modality, path in self.val.dense.items():
                known = modality in ("audio", "visual")
                arguments += [f"--dense-{modality}", path] if known else ["--dense", f"{modality}={path}"]
        arguments += ["--set", *self.set] if self.set else []
        return shlex.join([*arguments, "--out", "RUN", "--collocation", *collocation.split(" ")])

    def as_json(self) -> dict[str, Any]:
        """Return all of it as a value that `json.dumps` takes."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Sources:
        """Read what `as_json` wrote."""
        val = content["val"]
        return Sources(**{**content, "train": Tables(**content["train"]), "val": Tables(**val) if val else None})
