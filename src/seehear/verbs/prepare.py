"""seehear prepare: a data set's label tables, features and videos, brought to where training begins."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.labels import Defect
from seehear.verbs import options
from seehear.verbs.result import Result, table
from seehear.verbs.train import SMALL

if TYPE_CHECKING:
    from seehear.datasets import Annotations
    from seehear.store import NetworkInfo, Store

EXAMPLES = 2  # of each kind of defect that are printed

# What is in a defect's message, and as what it is counted.
KINDS = {
    "empty label between commas": "an empty label between commas",
    "has no label": "a clip without a label",
    "twice: counted once": "a label that its clip lists twice",
    "fractional time": "a clip with a fractional time in its name",
    "repeats line": "a row that repeats another",
    "several classes": "an event of several classes",
    "marks nothing": "an event whose onset is not before its offset",
    "overlaps line": "an event that overlaps another of its class",
    "touches line": "an event that touches another of its class",
    "no weak table": "an event of a clip that is in no split",
    "but dense ones": "a clip whose weak labels are not those of its events",
    "does not occur in": "a class that the training clips lack",
    "in no other table": "a class of training clips alone that is nearly spelt like another",
    "past its clip's": "an event that ends after its clip",
    " too": "clips that are in two splits",
}


@dataclass
class Prepared(Result):
    """What there is of a data set, and what is missing.

    missing: network -> split -> the clips that lack its features in `store`. reasons: network -> clip -> why, of those
    that were tried. sizes: split -> clips. networks: those in the store. clips: the folder of the clips' files, None
    where no videos were given. defects: of the tables, all tolerated. differing: what is not as in the newest published
    revision, None where that is unknown. notes: what was done. lists: what -> the file that names all of it.
    """

    annotations: Annotations
    store: Path
    missing: dict[str, dict[str, list[str]]]
    reasons: dict[str, dict[str, str]]
    sizes: dict[str, int]
    networks: dict[str, NetworkInfo]
    clips: Path | None
    defects: list[Defect]
    differing: list[Defect] | None
    notes: list[str] = field(default_factory=list)
    lists: dict[str, Path] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 0 if self.missing and not self._lacking() else 1

    def text(self) -> str:
        sizes = ", ".join(f"{count} {split}" for split, count in self.sizes.items())
        blocks = [
            [f"{self.annotations.dataset.name}: {sizes} clips", *self.notes],
            self._table(),
            self._defects(),
            [f"all {what}: {path}" for what, path in self.lists.items()],
            ["next:", *(f"  {command}" for command in self.commands())],
        ]
        return "\n\n".join("\n".join(lines) for lines in blocks if lines)

    def as_json(self) -> Any:
        return {
            "dataset": self.annotations.dataset.name,
            "clips": self.sizes,
            "missing": self.missing,
            "defects": {kind: len(found) for kind, found in self.kinds().items()},
            "differing": None if self.differing is None else len(self.differing),
            "notes": self.notes,
            "lists": {what: str(path) for what, path in self.lists.items()},
            "next": self.commands(),
        }

    def kinds(self) -> dict[str, list[Defect]]:
        """The tables' defects by kind."""
        found: dict[str, list[Defect]] = {}
        for defect in self.defects:
            kind = next((kind for part, kind in KINDS.items() if part in defect.message), "something else")
            found.setdefault(kind, []).append(defect)
        return found

    def commands(self) -> list[str]:
        """What to do next, ready to copy."""
        given, store = self.annotations, shlex.quote(str(self.store))
        of = f"--dataset {given.dataset.name} --annotations {shlex.quote(str(given.folder))} --store {store}"
        chosen = {modality: self._choice(modality) for modality in given.dense}
        if not all(chosen.values()):
            there = "--features FOLDER" if given.dataset.features else "--videos FOLDER --networks NAMES"
            return [f"seehear prepare {of} {there}"]
        truths = [
            f"--dense-{name} {shlex.quote(str(path))}"
            if name in ("audio", "visual")
            else f"--dense {shlex.quote(f'{name}={path}')}"
            for name, path in given.dense.items()
        ]
        recipe = "paper" if self.sizes["train"] >= SMALL else "small"
        train = [
            f"seehear train --store {store} --labels {shlex.quote(str(given.weak['train']))}",
            f"--val {shlex.quote(str(given.weak['val']))}",
            *truths,
            f"--recipe {recipe} --out RUN --collocation",
            *(f"{modality}={'+'.join(names)}" for modality, names in chosen.items()),
        ]
        if not given.dataset.features:  # of which the paper's networks would be
            stand_ins = [f"{modality}={','.join(self._usable(modality))}" for modality in chosen]
            of += f" --recipe {recipe} --networks {' '.join(stand_ins)}"
        return [" ".join(train), f"seehear reproduce table5 {of} --out RESULTS"]

    def _choice(self, modality: str) -> list[str]:
        """Networks to train on: those of the field's features, else the one with which the fewest clips lack."""
        names = self._usable(modality)
        shared = [folder.network for folder in self.annotations.dataset.features if folder.network in names]
        lacking = {name: sum(map(len, self.missing[name].values())) for name in names}
        return shared or sorted(names, key=lambda name: lacking[name])[:1]

    def _usable(self, modality: str) -> list[str]:
        """Networks of a modality that some clip has features of."""
        every = sum(self.sizes.values())
        return [
            name
            for name, info in self.networks.items()
            if info.modality == modality and sum(map(len, self.missing[name].values())) < every
        ]

    def _lacking(self) -> bool:
        return any(clips for of_network in self.missing.values() for clips in of_network.values())

    def _table(self) -> list[str]:
        if not self.networks:
            return [f"{self.store} holds no features yet"]
        rows = [["features", "modality", *self.sizes]]
        for name, info in self.networks.items():
            have = [f"{n - len(self.missing[name][split])} / {n}" for split, n in self.sizes.items()]
            rows.append([name, info.modality, *have])
        return [f"clips with features in {self.store}:", table(rows, right_from=2)]

    def _defects(self) -> list[str]:
        lines = [f"{len(self.defects)} defects of the tables, all tolerated:" if self.defects else "no defect"]
        for kind, found in self.kinds().items():
            lines.append(f"  {len(found):>4}  {kind}")
            lines += [f"        {defect}" for defect in found[:EXAMPLES]]
        if self.differing is None:
            return lines
        if not self.differing:
            return [*lines, "the tables are those of the newest published revision"]
        lines.append("not as in the newest published revision, which moves scores:")
        lines += [f"  {defect}" for defect in self.differing[:10]]
        return lines + ([f"  … and {len(self.differing) - 10} more"] if len(self.differing) > 10 else [])


def prepare(
    *,
    dataset: str,
    annotations: str | Path,
    store: str | Path,
    features: str | Path | None = None,
    videos: str | Path | None = None,
    networks: Sequence[str] = (),
    cut: str | Path | None = None,
    fps: float = 8.0,
    device: str = "auto",
) -> Prepared:
    """Check a data set's tables, take in or extract its features, and list what is missing.

    The same command goes on where a killed one stopped. Without features and videos it says what the store has.

    Args:
        dataset: llp, or folder for tables and clips of your own.
        annotations: Folder of the label tables.
        store: The folder to keep features in; made if it isn't there.
        features: Folder of the feature folders that the data set's field shares.
        videos: Folder of clips, or of full videos that clips are cut from, as the data set names them.
        networks: Names from `seehear networks` to extract with; several with commas between.
        cut: Where cut clips go; <dataset>-clips beside the store unless given.
        fps: Pictures sampled a second, for visual networks.
        device: auto, cpu or cuda.

    Returns:
        What there is and what is missing. All that is missing is named in STORE/<dataset>-missing.tsv, every defect of
        the tables in STORE/<dataset>-defects.txt.
    """
    from seehear import datasets
    from seehear import networks as registry
    from seehear.datasets.revision import differing, known
    from seehear.files import atomic_text
    from seehear.labels import check, raise_fatal, scan_dense, scan_weak
    from seehear.store import Store

    given = datasets.annotations(datasets.get(dataset), annotations)
    names = options.names(networks)
    if names and videos is None:
        raise SeehearError("networks are run over videos: name their folder with --videos")
    classes = given.dataset.classes or None
    weak = {split: scan_weak(path, classes) for split, path in given.weak.items()}
    dense = {modality: scan_dense(path, classes) for modality, path in given.dense.items()}
    defects = [defect for one in weak.values() for defect in one.defects]
    defects += [defect for one in dense.values() for defect in one.defects]
    raise_fatal(defects)
    defects += check(list(weak.values()), list(dense.values()), length=given.dataset.length)
    report = Prepared(
        annotations=given,
        store=Path(store),
        missing={},
        reasons={},
        sizes={split: len(one.clips) for split, one in weak.items()},
        networks={},
        clips=None,
        defects=defects,
        differing=differing(given) if known(given.dataset) else None,
    )
    clips = list(dict.fromkeys(clip for one in weak.values() for clip in one.clips))
    kept = Store(store, create=True)
    list_of_defects = kept.path / f"{given.dataset.name}-defects.txt"
    atomic_text(list_of_defects, "".join(f"{defect}\n" for defect in (*defects, *(report.differing or ()))))
    taken = _import(report, kept, clips, Path(features)) if features is not None else []
    if videos is not None:
        beside = Path(store).absolute().parent / f"{given.dataset.name}-clips"
        out = Path(cut) if cut is not None else beside
        _extract(report, kept, clips, Path(videos), out, [name for name in names if name not in taken], fps, device)
    report.networks = kept.networks()
    asked = [registry.get(name).name for name in names]
    asked += [folder.network for folder in given.dataset.features if not report.networks]
    for name in dict.fromkeys([*report.networks, *asked]):
        there = kept.clips(name)
        report.missing[name] = {split: [clip for clip in one.clips if clip not in there] for split, one in weak.items()}
    list_of_missing = kept.path / f"{given.dataset.name}-missing.tsv"
    atomic_text(list_of_missing, _missing_table(report.missing, report.reasons))
    report.lists = {"defects": list_of_defects, "missing clips": list_of_missing}
    return report


def _import(report: Prepared, store: Store, clips: Sequence[str], features: Path) -> list[str]:
    """Take in the feature folders that there are; their networks."""
    from seehear.importing import NO_FILE, Form, import_folder

    dataset = report.annotations.dataset
    if not features.is_dir():
        raise SeehearError(f"{features}: no such folder")
    there = [folder for folder in dataset.features if (features / folder.folder).is_dir()]
    if not there:
        expected = ", ".join(folder.folder for folder in dataset.features)
        says = (
            f"holds none of the folders {expected}" if expected else f"{dataset.name} has no features that are shared"
        )
        raise SeehearError(f"{features}: {says}; `seehear features import` takes in others")
    for folder in dataset.features:
        place = features / folder.folder
        if folder not in there:
            report.notes.append(f"{place} is not there: nothing is taken in of {folder.network}")
            continue
        form = Form(folder.frames, folder.width, folder.segments)
        done = import_folder(place, clips, store, folder.network, folder.modality, form, prefix=dataset.prefix)
        report.reasons[folder.network] = done.failed
        report.notes.append(f"{done.count} clips of {folder.network} taken in from {place}")
        if bad := [why for why in done.failed.values() if not why.endswith(NO_FILE)]:
            report.notes.append(f"{len(bad)} of its files can't be used, get them again: {bad[0]}")
    return [folder.network for folder in there]


def _extract(
    report: Prepared,
    store: Store,
    clips: Sequence[str],
    videos: Path,
    out: Path,
    names: Sequence[str],
    fps: float,
    device: str,
) -> None:
    """Cut clips where that is needed, and run networks over them."""
    from seehear import networks as registry
    from seehear.datasets.cutting import cut_clips
    from seehear.verbs.extract import extract

    known = store.networks()
    imported = [name for name in names if name in known and known[name].made_by.startswith("imported/")]
    for name in imported:
        report.notes.append(
            f"features of {name} in {store.path} were imported and stay; to extract them, delete {store.path / name}"
        )
    # By the name in the store, which a network of one's own doesn't go by here; before hours of cutting.
    wanted = {registry.get(name).name: name for name in names if name not in imported}
    cuts = cut_clips(report.annotations.dataset, clips, videos, out)
    report.clips = out if any(file.parent == out for file in cuts.files.values()) else videos
    report.notes.append(
        f"{len(cuts.files)} clips in {report.clips}: {cuts.made} cut now, {cuts.unchanged} before, "
        f"{cuts.whole} were clips already; {len(cuts.failed)} have no video that can be used"
    )
    failed = cuts.failed
    if wanted and cuts.files:
        files = list(cuts.files.values())
        done = extract(files, networks=list(wanted.values()), store=store.path, fps=fps, device=device)
        report.notes += [*done.notes, f"{done.made} features made, {done.unchanged} unchanged"]
        failed = failed | {clip: "; ".join(problems) for clip, problems in done.failed.items()}
    report.reasons |= {name: failed for name in wanted}


def _missing_table(missing: Mapping[str, Mapping[str, Sequence[str]]], reasons: Mapping[str, Mapping[str, str]]) -> str:
    """The lines of a table: split, clip, network, reason."""
    lines = ["split\tclip\tnetwork\treason\n"]
    for network, by_split in missing.items():
        for split, clips in by_split.items():
            for clip in clips:
                reason = reasons.get(network, {}).get(clip, "not imported or extracted so far")
                lines.append(f"{split}\t{clip}\t{network}\t{' '.join(reason.split())}\n")
    return "".join(lines)
