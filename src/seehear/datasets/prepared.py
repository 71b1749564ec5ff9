"""A data set that was prepared: its defects, its features, and what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.datasets.spec import (
    EVALUATED_BY,
    Annotations,
    Truth,
    default_tables,
    feature_folders,
    shared_folders,
    shared_forms,
)
from seehear.labels import Defect, DefectKind
from seehear.media.notes import Note, any_missing, listed_notes
from seehear.modality import AUDIO, JOINT, VISUAL
from seehear.results import Result, import_pandas, table
from seehear.training.recipe import DEFAULT_RECIPE, FEW_CLIPS, LARGE_RECIPE

if TYPE_CHECKING:
    import pandas as pd

    from seehear.features.store import NetworkInfo

MAX_EXAMPLES = 2  # defects of each kind that are printed
EXTRAS = {"psds": "pip install 'seehear[psds]'"}  # scores that need a package of their own


@dataclass(repr=False)
class Prepared(Result):
    """What a data set has, and what is missing.

    Attributes:
        annotations: The label tables.
        store: The folder of the features.
        sizes: Split -> number of clips.
        defects: Of the tables; all are tolerated.
        networks: Network -> what the store knows about it.
        missing: Network -> split -> clips without its features.
        reasons: Network -> clip -> why its features are missing, for clips that were tried.
        clips: The folder of the clips' files; None if no videos were given.
        features: The folder of feature folders that was given; None if there was none.
        videos: The folder of videos that was given; None if there was none.
        notes: What was done.
        clip_notes: clip -> what was repaired in it, is ambiguous or missing, as the store keeps it.
        lists: What is listed -> the file that lists all of it.
    """

    annotations: Annotations
    store: Path
    sizes: dict[str, int]
    defects: list[Defect]
    networks: dict[str, NetworkInfo] = field(default_factory=dict)
    missing: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    clips: Path | None = None
    features: Path | None = None
    videos: Path | None = None
    notes: list[str] = field(default_factory=list)
    clip_notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    lists: dict[str, Path] = field(default_factory=dict)

    @property
    def tables(self) -> Path:
        """The folder of the label tables in seehear's form, which further commands take."""
        return next(iter(self.annotations.weak.values())).parent

    @property
    def truth(self) -> Truth:
        """What the ground truth says, and can't say."""
        return self.annotations.truth

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """0 if the store has features for every clip, and nothing of a clip is missing, else 1."""
        complete = self.missing and not any(self._missing_count(name) for name in self.missing)
        return 0 if complete and not any_missing(self.clip_notes) else 1

    def __repr__(self) -> str:
        missing = ", ".join(f"{name} lacks {self._missing_count(name)} clips" for name in self.missing)
        sizes = f"{sum(self.sizes.values())} clips, {len(self.defects)} defects"
        return f"Prepared({self.annotations.dataset.name}: {sizes}; {missing or 'no features'})"

    def text(self) -> str:
        """Return lines for people."""
        sizes = ", ".join(f"{count} {split}" for split, count in self.sizes.items())
        blocks = [
            [f"{self.annotations.dataset.name}: {sizes} clips", self.annotations.says, *self.notes],
            self._feature_table(),
            [listed_notes(self.clip_notes)] if self.clip_notes else [],
            self._defect_lines(),
            [f"all {what}: {path}" for what, path in self.lists.items()],
            ["next:", *(f"  {command}" for command in self.commands())],
            self.remarks(),
        ]
        return "\n\n".join("\n".join(lines) for lines in blocks if lines)

    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""
        return {
            "dataset": self.annotations.dataset.name,
            "truth": self.annotations.truth.name.lower().replace("_", "-"),
            "clips": self.sizes,
            "missing": self.missing,
            "defects": {kind.slug: len(defects) for kind, defects in self.defects_by_kind().items()},
            "clip_notes": {clip: [note.as_json() for note in notes] for clip, notes in self.clip_notes.items()},
            "notes": self.notes,
            "lists": {what: str(path) for what, path in self.lists.items()},
            "next": self.commands(),
            "remarks": self.remarks(),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per network and split, with the columns network, modality, split, clips and missing."""
        pd = import_pandas()

        rows = [
            (name, info.modality, split, count, len(self.missing[name][split]))
            for name, info in self.networks.items()
            for split, count in self.sizes.items()
        ]
        return pd.DataFrame(rows, columns=["network", "modality", "split", "clips", "missing"])

    def defects_by_kind(self) -> dict[DefectKind, list[Defect]]:
        """Return the tables' defects by kind, in the order in which each kind first occurs."""
        by_kind: dict[DefectKind, list[Defect]] = {}
        for defect in self.defects:
            by_kind.setdefault(defect.kind, []).append(defect)
        return by_kind

    def missing_table(self) -> str:
        """Return a tab-separated table of every clip without features: split, clip, network, reason."""
        lines = ["split\tclip\tnetwork\treason\n"]
        for network, by_split in self.missing.items():
            for split, clips in by_split.items():
                for clip in clips:
                    reason = self.reasons.get(network, {}).get(clip, "not imported or extracted so far")
                    lines.append(f"{split}\t{clip}\t{network}\t{' '.join(reason.split())}\n")
        return "".join(lines)

    def commands(self) -> list[str]:
        """Return the next commands, ready to copy."""
        tables, store = self.annotations, shlex.quote(str(self.store))
        common = f"--dataset {tables.dataset.name} --annotations {shlex.quote(str(tables.folder))} --store {store}"
        collocation = {modality: self._suggested_networks(modality) for modality in tables.modalities}
        if not all(collocation.values()):
            if tables.dataset.read is not None and self.tables != default_tables(tables.dataset, self.store):
                common += f" --tables {shlex.quote(str(self.tables))}"
            source = f"--videos {shlex.quote(str(self.videos or 'FOLDER'))} --networks NAMES"
            if shared_folders(tables.dataset) and (self.features or not self.videos):
                source = f"--features {shlex.quote(str(self.features or 'FOLDER'))}"
            lacking = [modality for modality, names in collocation.items() if not names]
            return [*self._imports(lacking), f"seehear prepare {common} {source}"]
        if tables.dataset.read is not None or not {AUDIO, VISUAL}.issubset(tables.dense):
            return [*self._train(collocation), *self._score()]
        few = self.sizes["train"] < FEW_CLIPS
        if not shared_folders(tables.dataset):  # then the paper's networks need stand-ins
            stand_ins = [f"{modality}={','.join(self._featured_networks(modality))}" for modality in collocation]
            common += f" --recipe {'small' if few else 'paper'} --networks {' '.join(stand_ins)}"
        return [*self._train(collocation), f"seehear reproduce table5 {common} --out RESULTS-{tables.dataset.name}"]

    def _imports(self, modalities: Sequence[str]) -> list[str]:
        """Return commands that import what the authors share in other forms than folders that `prepare` imports."""
        tables = self.annotations
        labels = " ".join(shlex.quote(str(path)) for path in tables.weak.values())
        forms = [form for form in shared_forms(tables.dataset) if form.modality in modalities and not form.folder]
        return [
            f"seehear features import FEATURES --form {form.name} --labels {labels} "
            + (f"--order {shlex.quote(str(self._published(form.order)))} " if form.order else "")
            + f"--store {shlex.quote(str(self.store))} --network {form.name} --modality {form.modality}"
            for form in forms
        ]

    def _published(self, name: str) -> Path:
        """Return a file of the published ones, which may lie in a subfolder; its mere name if it isn't there."""
        folder = self.annotations.folder
        return next((path for path in (folder / name, *folder.glob(f"*/{name}")) if path.is_file()), Path(name))

    def _train(self, collocation: Mapping[str, Sequence[str]]) -> list[str]:
        """Return the command that trains on these networks; none for a data set without training clips."""
        tables = self.annotations
        if "train" not in tables.weak:
            return []
        few, known = self.sizes["train"] < FEW_CLIPS, "val" in tables.weak
        validate = tables.parts.get(tables.dataset.known_part, tables.weak.get("val"))
        dense = _per_modality(tables.dense)
        per_modality = dense if known and dense.keys() >= collocation.keys() else {}
        train = [
            f"seehear train --store {shlex.quote(str(self.store))} --labels {shlex.quote(str(tables.weak['train']))}",
            *([f"--val {shlex.quote(str(validate))}"] if validate else []),
            *_dense_options(per_modality),
            f"--recipe {DEFAULT_RECIPE if few else LARGE_RECIPE} --out {self._run} --collocation",
            *(f"{modality}={'+'.join(names)}" for modality, names in collocation.items()),
        ]
        return [" ".join(train)]

    def _score(self) -> list[str]:
        """Return the commands that score runs on the test clips by what the data set's papers report."""
        tables = self.annotations
        if (labels := tables.weak.get("test", tables.weak.get("val"))) is None:
            return []
        common = f"--store {shlex.quote(str(self.store))} --labels {shlex.quote(str(labels))}"
        evaluate = f"seehear evaluate {self._run} {common} {' '.join(_dense_options(_per_modality(tables.dense)))}"
        first = [evaluate] if tables.truth is Truth.PER_MODALITY else []
        metrics = [name for name in tables.metrics if not first or name != EVALUATED_BY]
        split = "test" if "test" in tables.weak else "val"
        weak = {modality: splits[split] for modality, splits in tables.by_modality.items() if split in splits}
        truth = [shlex.quote(f"{kind}={path}") for kind, path in (tables.dense or weak).items()]
        plain = " ".join(name for name in metrics if name not in EXTRAS)
        further = [name for name in metrics if name in EXTRAS]
        benchmark = f"seehear benchmark {self._run} {common} --truth {' '.join(truth)} --metrics"
        return [*first, *(f"{benchmark} {names}" for names in (plain, *further) if names)]

    def remarks(self) -> list[str]:
        """Return what to know of the next commands."""
        tables, next_commands = self.annotations, " ".join(self.commands())
        remarks = self._lacking()
        remarks += [
            f"{name} needs a package of its own: {install}"
            for name, install in EXTRAS.items()
            if f"--metrics {name}" in next_commands
        ]
        if " --features FOLDER" in next_commands:
            folders = ", ".join(form.folder for form in shared_folders(tables.dataset))
            names = ", ".join(form.name for form in shared_forms(tables.dataset))
            remarks.append(
                f"--features takes the folder that holds {folders}; `seehear features import` takes each, in the "
                f"forms {names}"
            )
        if "seehear train" in next_commands and (part := tables.parts.get(tables.dataset.known_part)):
            remarks.append(
                f"{part.name} holds the val clips whose classes training clips have. In val.csv all others would count "
                "as clips without events, since a model doesn't know their classes: its scores would be far too good"
            )
        return remarks

    def _lacking(self) -> list[str]:
        """Return which modalities still lack features, and which folders would bring them, if folders were given."""
        if self.features is None and self.videos is None:
            return []
        remarks, dataset = [], self.annotations.dataset
        for modality in self.annotations.modalities:
            if self._featured_networks(modality):
                continue
            forms = [
                form for form in feature_folders(dataset, self.annotations.modalities) if form.modality == modality
            ]
            absent = [form.folder for form in forms if self.features and not (self.features / form.folder).is_dir()]
            remark = f"no clip has {modality} features"
            remarks.append(f"{remark}: {self.features} lacks {' and '.join(absent)}" if absent else remark)
        return remarks

    @property
    def _run(self) -> str:
        """The folder of the run in the next commands."""
        return f"RUN-{self.annotations.dataset.name}"

    def _suggested_networks(self, modality: str) -> list[str]:
        """Return networks to train on: those of the shared features, else the one with the fewest missing clips."""
        names = self._featured_networks(modality)
        shared = [form.network for form in shared_folders(self.annotations.dataset) if form.network in names]
        return shared or sorted(names, key=self._missing_count)[:1]

    def _featured_networks(self, modality: str) -> list[str]:
        """Return the networks of a modality for which at least one clip has features."""
        total = sum(self.sizes.values())
        return [
            name
            for name, info in self.networks.items()
            if info.modality == modality and self._missing_count(name) < total
        ]

    def _missing_count(self, network: str) -> int:
        return sum(map(len, self.missing[network].values()))

    def _feature_table(self) -> list[str]:
        if not self.networks:
            return [f"{self.store} holds no features yet"]
        rows = [["features", "modality", *self.sizes]]
        for name, info in self.networks.items():
            featured = [f"{n - len(self.missing[name][split])} / {n}" for split, n in self.sizes.items()]
            rows.append([name, info.modality, *featured])
        return [f"clips with features in {self.store}:", table(rows, right_from=2)]

    def _defect_lines(self) -> list[str]:
        if not self.defects:
            return ["the tables have no defect"]
        lines = [f"{len(self.defects)} defects of the tables, all tolerated:"]
        for kind, defects in self.defects_by_kind().items():
            lines.append(f"  {len(defects):>4}  {kind.counted(len(defects))}")
            lines += [f"        {defect}" for defect in defects[:MAX_EXAMPLES]]
        return lines


def _per_modality(dense: Mapping[str, Path]) -> dict[str, Path]:
    """Return the dense tables of modalities, without that of what is heard and seen at once."""
    return {kind: path for kind, path in dense.items() if kind != JOINT}


def _dense_options(dense: Mapping[str, Path]) -> Sequence[str]:
    """Return the options that name dense tables, for `seehear train`."""
    return [
        f"--dense-{modality} {shlex.quote(str(path))}"
        if modality in (AUDIO, VISUAL)
        else f"--dense {shlex.quote(f'{modality}={path}')}"
        for modality, path in dense.items()
    ]
