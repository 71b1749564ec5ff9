"""seehear train: a model from a store of features and clip-level labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.cli.options import HERE, NO_TRUTH, EngineOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result, counted, listed
from seehear.training.recipe import DEFAULT_RECIPE

if TYPE_CHECKING:
    from seehear.parsing.parser import Parser
    from seehear.scoring.false_alarms import FalseAlarms


@dataclass(repr=False)
class Trained(Result):
    """Parsers that were trained, one per seed.

    Attributes:
        parsers: They.
        clips: Number of clips that they were trained on.
        missing: Labelled clips that have no features.
        false_alarms: Thresholds of each parser, if they were chosen.
        unlabelled: How many of the clips have none of the classes.
    """

    parsers: Sequence[Parser]
    clips: int
    missing: Sequence[str]
    false_alarms: Sequence[FalseAlarms] = ()
    unlabelled: int = 0

    @property
    def runs(self) -> list[Path]:
        """Their run folders."""
        return [parser.path for parser in self.parsers if parser.path is not None]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The history's entry of each chosen epoch."""
        return [parser.run.chosen for parser in self.parsers]

    @property
    def notes(self) -> list[str]:
        """What would likely do better, or is likely a mistake."""
        return list(dict.fromkeys(note for parser in self.parsers for note in parser.notes))

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if labelled clips without features were left out, else 0."""
        return 1 if self.missing else 0

    def text(self) -> str:
        """Return one line per run with its chosen epoch, the clips that were left out, and thresholds."""
        from seehear.training.setup import describe_epoch

        lines = [
            f"{run}: epoch {entry['epoch'] + 1} chosen, {describe_epoch(entry)}, decoding {parser.decoding}"
            for run, entry, parser in zip(self.runs, self.epochs, self.parsers, strict=True)
        ]
        count = counted(len(self.missing), "labelled clip")
        missing = listed(self.missing, f"{count} without usable features, left out")
        tables = [f"{run}:\n{each.text()}" for run, each in zip(self.runs, self.false_alarms, strict=False)]
        notes = [*self.notes, *([missing] if missing else [])]
        without = f", {self.unlabelled} of them without any class" if self.unlabelled else ""
        precision = next((parser.run.facts.recipe.precision for parser in self.parsers), "float32")
        numbers = f", in {precision}" if precision != "float32" else ""
        return "\n".join([*lines, f"trained on {counted(self.clips, 'clip')}{without}{numbers}", *notes, *tables])

    def as_json(self) -> Any:
        """Return the run folders, the history entry of each chosen epoch, and the clips that were left out."""
        return {
            "runs": [str(run) for run in self.runs],
            "epochs": self.epochs,
            "missing": list(self.missing),
            **({"false_alarms": [each.as_json() for each in self.false_alarms]} if self.false_alarms else {}),
        }


def train(
    *,
    store: str | Path,
    labels: str | Path,
    collocation: Sequence[str],
    out: str | Path,
    val: str | Path | None = None,
    truth: TruthOptions = NO_TRUTH,
    refined: str | Path | None = None,
    classes: str | Path | None = None,
    recipe: str = DEFAULT_RECIPE,
    set: Sequence[str] = (),
    false_alarms: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    tensorboard: bool = False,
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Trained:
    """Train a parsing model from clip-level labels.

    Rerun the same command to resume, bit-exactly. With several seeds, each has its own folder
    OUT/seed-N. Long trainings of a model that takes one thread are done at once, one per core.

    Args:
        store: The folder that `seehear extract` filled.
        labels: Weak table of the training clips: filename, event_labels.
        collocation: MODALITY=NETWORK for each modality, as in `audio=yamnet visual=efficientnet-lite0`. Several
            networks may feed one modality: visual=efficientnet-lite0+open-nsfw.
        out: The run folder.
        val: Weak table of validation clips, which choose the epoch.
        truth: Per-second ground truth of the validation clips.
        refined: Folder of `seehear labels refine`: train on its labels per modality, instead of the recipe's teacher.
        classes: File with the classes, one per line; by default those of the training labels.
        recipe: Name from `seehear recipes`, or a TOML file.
        set: KEY=VALUE settings on top of the recipe.
        false_alarms: At most so many false alarms per hour in the validation clips: a number, or CLASS=NUMBER for
            single classes, as in `1` or `Dog=1 Speech=6`. It raises thresholds and never lowers one.
            RUN/thresholds.json keeps them, and `parse` uses them. `seehear thresholds` chooses them later.
        seeds: One run is trained with each.
        tensorboard: Write TensorBoard events into the run folder.
        engine: Where seeds are trained. On a cluster, store and --out are to be seen under the same paths everywhere.
        device: auto, cpu or cuda.

    Returns:
        The runs and the epochs that were chosen.
    """
    from seehear.data import Dataset
    from seehear.parsing.parser import train as train_parsers
    from seehear.parsing.seeds import processes_for
    from seehear.refinement.folder import read
    from seehear.refinement.settings import GIVEN
    from seehear.scoring.false_alarms import check_rates
    from seehear.training.recipe import load_recipe
    from seehear.training.tensorboard import check_installed

    if tensorboard:
        check_installed()
    settings = load_recipe(recipe, set)
    if refined is not None and not settings.refine.active:
        settings = load_recipe(settings, {"refine.teacher": GIVEN})
    networks = arguments.collocation(collocation)
    settings.contrast.check(tuple(networks))
    if truth.tables() and not val:
        raise SeehearError("dense tables are for validation clips: name these with --val")
    if false_alarms and not val:
        raise SeehearError("false alarms are counted in validation clips: name these with --val")
    data = Dataset.from_tables(labels, store=store, collocation=networks, classes=classes)
    rates = arguments.by_class(false_alarms, data.classes, "false alarms")
    if rates:
        check_rates(rates, data.classes)
    if refined is not None:
        data = data.with_pseudo(read(refined, data))
    val_data = Dataset.from_tables(val, store=store, collocation=networks, truth=truth.tables()) if val else None
    where = engine.chosen(processes_for(data, settings, len(seeds), device))
    parsers = train_parsers(
        data, val_data, recipe=settings, seeds=seeds, out=out, tensorboard=tensorboard, device=device, **where
    )
    missing = list(dict.fromkeys([*data.missing, *(val_data.missing if val_data else ())]))
    chosen = []
    if val_data is not None and rates:
        for parser in parsers:
            chosen.append(parser.limit_false_alarms(val_data, rates, decoding=parser.run.trained_decoding))
            parser.keep_thresholds(chosen[-1])
    unlabelled = int((~data.usable().labels.any(axis=1)).sum())
    return Trained(parsers, int(data.featured.sum()), missing, chosen, unlabelled)
