"""seehear train: a model from a store of features and clip-level labels."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.verbs import options
from seehear.verbs.result import Result, listed

if TYPE_CHECKING:
    from seehear.training.recipe import Recipe
    from seehear.training.run import Run
    from seehear.verbs.tables import Labelled

SMALL = 2000  # training clips under which the recipe `small` is suggested


@dataclass
class Trained(Result):
    """runs: their folders. epochs: of each, the chosen epoch's entry of the history.

    clips: how many were trained on. missing: clips left out. hints: what would likely do better.
    """

    runs: list[Path]
    epochs: list[dict[str, Any]]
    clips: int
    missing: list[str]
    hints: list[str]

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing else 0

    def text(self) -> str:
        lines = [
            f"{run}: epoch {entry['epoch'] + 1} chosen, {_told(entry)}"
            for run, entry in zip(self.runs, self.epochs, strict=True)
        ]
        lines += [f"trained on {self.clips} clips", *self.hints]
        missing = listed(self.missing, f"{len(self.missing)} labelled clips without features were left out")
        return "\n".join([*lines, missing] if missing else lines)

    def as_json(self) -> Any:
        return {"runs": [str(run) for run in self.runs], "epochs": self.epochs, "missing": self.missing}


def train(
    *,
    store: str | Path,
    labels: str | Path,
    collocation: Sequence[str],
    out: str | Path,
    val: str | Path | None = None,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    classes: str | Path | None = None,
    recipe: str = "paper",
    set: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    tensorboard: bool = False,
    device: str = "auto",
) -> Trained:
    """Train a parsing model from clip-level labels.

    The same command goes on where a killed one stopped, and gives the same weights to the bit. With several
    seeds, each has its own folder OUT/seed-N.

    Args:
        store: The folder that `seehear extract` filled.
        labels: Weak table of the training clips: filename, event_labels.
        collocation: MODALITY=NETWORK for each modality, as in `audio=yamnet visual=efficientnet-lite0`; a modality
            may be fed by several: visual=efficientnet-lite0+open-nsfw.
        out: The run folder.
        val: Weak table of validation clips, to watch and to choose the epoch by.
        dense_audio: Dense table of what is heard in the validation clips.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        classes: File with the classes, one a line; those of the training labels unless given.
        recipe: Name from `seehear recipes`, or a TOML file.
        set: KEY=VALUE settings on top of the recipe.
        seeds: One run is trained with each.
        tensorboard: Write TensorBoard events beside the run.
        device: auto, cpu or cuda.

    Returns:
        The runs and the epochs that were chosen.
    """
    import torch

    from seehear.device import resolve as resolve_device
    from seehear.labels import classes_of, read_classes
    from seehear.progress import Progress
    from seehear.scoring.signature import revision
    from seehear.store import Store
    from seehear.training.bags import Bags, Split
    from seehear.training.fit import fit
    from seehear.training.inference import window_length
    from seehear.training.recipe import resolve
    from seehear.training.run import Run, RunFacts
    from seehear.verbs.tables import loudness, networks_of, rates, read_split

    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise SeehearError("TensorBoard is not installed: pip install 'seehear[tensorboard]'")
    settings = resolve(recipe, set)
    features = Store(store)
    networks = networks_of(features, options.collocation(collocation))
    settings.contrast.check(tuple(networks))
    known = read_classes(classes) if classes else None
    truths = options.by_modality(dense_audio, dense_visual, dense)
    if truths and not val:
        raise SeehearError("dense tables are for validation clips: name these with --val")
    training = read_split(features, networks, Path(labels), {}, known)
    validation = read_split(features, networks, Path(val), truths) if val else None
    names = known or classes_of([training.weak])
    lacking = [f"--dense-{name}" for name in networks if name not in truths]
    if truths and lacking:
        raise SeehearError(
            f"to choose the epoch by the truth, that of every modality is needed: give {', '.join(lacking)}"
        )
    where = torch.device(resolve_device(device))

    def as_split(split: Labelled) -> Split:
        bags = Bags(split.packs, where)
        weak = torch.from_numpy(split.weak.array(split.clips, names)).to(where)
        truth = split.truth(names, int(bags.lengths.max()), split.clips)
        return Split(bags, weak, truth, split.revision, split.clips)

    train_split = as_split(training)
    val_split = as_split(validation) if validation else None
    inputs = {"labels": revision([training.weak.path]), "features": training.contents}
    if validation:
        inputs |= {"val": validation.revision, "val_features": validation.contents}
    few = len(training.clips) < SMALL and settings == resolve("paper")
    report = Trained(
        runs=[],
        epochs=[],
        clips=len(training.clips),
        missing=[*training.missing, *(validation.missing if validation else ())],
        hints=[
            *_suspicions(training, validation, names),
            *_idle(settings),
            *rates(networks),
            *([] if settings.scale or settings.standardise else loudness(training.packs, networks)),
            *(["the paper's recipe was tuned for 10,000 clips: try --recipe small"] if few else []),
            *([] if validation else ["without --val the last epoch is kept, which on few clips is past the best one"]),
        ],
    )
    window = window_length(train_split.bags.lengths)
    before = settings.contrast.epochs if settings.contrast.before else 0
    for seed in seeds:
        folder = Path(out) / f"seed-{seed}" if len(seeds) > 1 else Path(out)
        run = Run.start(folder, RunFacts(settings, seed, networks, names, features.segment, window, inputs))
        what = f"training seed {seed}" if len(seeds) > 1 else "training"
        with (
            Progress(what, before + settings.epochs, done=_done(run, before)) as progress,
            _events(folder, tensorboard) as write,
        ):

            def on_epoch(entry: dict[str, Any]) -> None:
                progress.advance(_told(entry))
                write(entry)

            history = fit(run, train_split, val_split, where, on_epoch)
        report.runs.append(folder)
        report.epochs.append([entry for entry in history if entry["best"]][-1])
        if validation and report.epochs[-1] is history[-1]:
            report.hints.append(f"{folder}: the last epoch was the best one: more may do better (--set epochs=…)")
    return report


def _suspicions(training: Labelled, validation: Labelled | None, classes: Sequence[str]) -> list[str]:
    """What is likely a mistake about the validation clips."""
    from seehear.labels import classes_of
    from seehear.verbs.scored import covered, strangers

    if validation is None:
        return []
    notes = strangers(classes_of([validation.weak]), classes, str(validation.weak.path))
    if validation.dense:
        notes += covered(validation.weak, validation.dense)
    if shared := set(training.clips) & set(validation.clips):
        notes.append(f"{len(shared)} clips are used for training and for validation, as {min(shared)}")
    return notes


def _idle(recipe: Recipe) -> list[str]:
    """What was set and does nothing."""
    contrast = recipe.contrast
    if contrast.loss == "none" and contrast.model_dump(exclude_defaults=True).keys() - {"projection"}:
        return ["contrast.loss is none: the other settings of contrast do nothing, but for the projection"]
    if contrast.joint and contrast.warmup >= recipe.epochs:
        return [f"contrast.warmup={contrast.warmup} is not over after {recipe.epochs} epochs"]
    return []


def _done(run: Run, before: int) -> int:
    """Epochs that a run has behind it, those of pretraining included."""
    epochs = len(run.history())
    return before + epochs if epochs else 0


def _told(entry: Mapping[str, Any]) -> str:
    """An epoch in a line."""
    if "stage" in entry:
        return f"{entry['stage']}, contrast {entry['contrast']:.4f}"
    val = "".join(f" {name} {value:.4g}" for name, value in entry.get("val", {}).items())
    contrast = f" with contrast {entry['contrast']:.4f}" if "contrast" in entry else ""
    return f"loss {entry['loss']:.4f}{contrast}" + (f", validation{val}" if val else "")


@contextmanager
def _events(folder: Path, wanted: bool) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Writes an epoch's numbers as TensorBoard events, where wanted."""
    if not wanted:
        yield lambda entry: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def write(entry: Mapping[str, Any]) -> None:
            stage = entry.get("stage", "train")
            for name in ("loss", "contrast"):
                if name in entry:
                    writer.add_scalar(f"{name}/{stage}", entry[name], entry["epoch"])
            for name, value in entry.get("val", {}).items():
                writer.add_scalar(f"{name}/val", value, entry["epoch"])

        yield write
