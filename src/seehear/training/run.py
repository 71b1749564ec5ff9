"""The run folder: what was trained, on what, how, and the model that came out.

RUN/run.json                everything that decides the result: recipe, seed, networks, classes, inputs, versions
RUN/history.json            one entry an epoch: losses, validation scores, seconds
RUN/model.safetensors       the chosen epoch's weights
RUN/checkpoint.safetensors  the last epoch's weights and the optimiser's state, to go on from
RUN/scores-<labels>.json    what `seehear evaluate` found
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_bytes, atomic_json, read_json, sweep
from seehear.names import check_modality, check_one_line
from seehear.store import NetworkInfo, Store
from seehear.training.recipe import Recipe
from seehear.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from seehear.fusion.model import ParsingModel

FORMAT = 1


@dataclass(frozen=True)
class RunFacts:
    """What decides a run's result. networks: modality -> its networks, in order.

    window: segments of a training clip, the length in which longer clips are seen.
    inputs: name -> revision of what was read.
    """

    recipe: Recipe
    seed: int
    networks: Mapping[str, Sequence[NetworkInfo]]
    classes: tuple[str, ...]
    segment: float
    window: int
    inputs: Mapping[str, str]

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.networks)

    @property
    def widths(self) -> dict[str, list[int]]:
        return {modality: [info.width for info in infos] for modality, infos in self.networks.items()}

    @property
    def collocation(self) -> dict[str, list[str]]:
        return {modality: [info.name for info in infos] for modality, infos in self.networks.items()}

    def as_json(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "seed": self.seed,
            "networks": {modality: [asdict(info) for info in infos] for modality, infos in self.networks.items()},
            "classes": list(self.classes),
            "segment": self.segment,
            "window": self.window,
            "inputs": dict(self.inputs),
        }

    @staticmethod
    def from_json(facts: Mapping[str, Any]) -> RunFacts:
        networks = {modality: [NetworkInfo(**info) for info in infos] for modality, infos in facts["networks"].items()}
        return RunFacts(
            Recipe(**facts["recipe"]),
            facts["seed"],
            networks,
            tuple(facts["classes"]),
            facts["segment"],
            facts["window"],
            facts["inputs"],
        )


class Run:
    """A run folder that is there."""

    def __init__(self, path: str | Path) -> None:
        """Raises SeehearError if there is no run in the folder, or it is of another format."""
        self.path = Path(path)
        if several := sorted(child.parent.name for child in self.path.glob("seed-*/run.json")):
            raise SeehearError(f"{self.path}: holds runs of several seeds: name one, as {self.path / several[0]}")
        if not (self.path / "run.json").exists():
            if within := sorted({file.relative_to(self.path).parts[0] for file in self.path.glob("*/seed-*/run.json")}):
                raise SeehearError(f"{self.path}: a folder of runs, not a run: name one, as {self.path / within[0]}")
            raise SeehearError(f"{self.path}: no run here; `seehear train --out` makes one")
        marker = self.path / "run.json"
        content = read_json(marker)
        if content.get("format") != FORMAT:
            raise SeehearError(
                f"{self.path}: a run of format {content.get('format')}, this seehear reads format {FORMAT}"
            )
        try:
            self.facts = RunFacts.from_json(content)
            for modality in self.facts.modalities:
                check_modality(modality)
            for name in self.facts.classes:
                check_one_line(name)
        except ClipError as error:
            raise SeehearError(f"{marker}: {error}") from None
        except ValueError as error:  # of pydantic, in lines
            said = " ".join(str(error).splitlines()[1:3]).split(" [type=")[0]
            raise SeehearError(
                f"{marker}: has a recipe that this seehear does not know: {' '.join(said.split())}"
            ) from None

    @staticmethod
    def start(path: Path, facts: RunFacts) -> Run:
        """The folder of this run, new or as far as it came. Raises SeehearError if another run lies there."""
        marker = path / "run.json"
        sweep(path)
        if marker.exists():
            old, new = Run(path).facts.as_json(), json.loads(json.dumps(facts.as_json()))
            differ = differences(old, new)
            if differ:
                raise SeehearError(f"{path}: holds another run: {'; '.join(differ)}; give another --out, or delete it")
        else:
            import numpy
            import torch

            versions = {
                "seehear": __version__,
                "python": platform.python_version(),
                "torch": str(torch.__version__),
                "numpy": numpy.__version__,
            }
            atomic_json(marker, {"format": FORMAT, **facts.as_json(), "versions": versions})
        return Run(path)

    @property
    def done(self) -> bool:
        return (self.path / "model.safetensors").exists() and (self.path / "done").exists()

    @property
    def identity(self) -> str:
        """Hash of the run's facts and of its trained model."""
        files = [self.path / name for name in ("run.json", "model.safetensors")]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()

    def history(self) -> list[dict[str, Any]]:
        file = self.path / "history.json"
        return list(read_json(file)) if file.exists() else []

    def new_model(self, projection: str | None = None) -> ParsingModel:
        """A model of this run's shape, its weights as they are made. projection: another than the recipe's."""
        from seehear.fusion.model import ParsingModel

        recipe = self.facts.recipe
        return ParsingModel(
            self.facts.widths,
            len(self.facts.classes),
            width=recipe.width,
            heads=recipe.heads,
            layers=recipe.layers,
            feed_forward=recipe.feed_forward,
            dropout=recipe.dropout,
            input_dropout=recipe.input_dropout,
            projection=projection or recipe.contrast.projection_of_task(self.facts.modalities),
        )

    def model(self, device: str = "cpu") -> ParsingModel:
        """The trained model. Raises SeehearError if training has not finished."""
        if not self.done:
            raise SeehearError(f"{self.path}: training has not finished; run the same `seehear train` again to go on")
        model = self.new_model()
        tensors, _ = load_tensors(self.path / "model.safetensors")
        model.load_state_dict(tensors)
        return model.to(device).eval()

    def check_store(self, store: Store) -> None:
        """Raises SeehearError unless the store's features were made as those that the run was trained on."""
        if store.segment != self.facts.segment:
            raise SeehearError(
                f"{store.path}: has segments of {store.segment:g} s, {self.path} was trained on "
                f"{self.facts.segment:g} s"
            )
        for infos in self.facts.networks.values():
            for info in infos:
                if store.network(info.name).made_by != info.made_by:
                    raise SeehearError(
                        f"{store.path}: features of {info.name} were made with other settings or weights than those "
                        f"that {self.path} was trained on; extract with the same (--fps {info.fps:g}), or train again"
                    )


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """What differs between two JSON values, as `recipe.epochs 40 → 2`."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        parts = [differences(old.get(key), new.get(key), f"{where}.{key}" if where else key) for key in keys]
        return [part for each in parts for part in each]
    return [] if old == new else [f"{where} {json.dumps(old)} → {json.dumps(new)}"]


def apart_from_seeds(one: Run, other: Run) -> list[str]:
    """What two runs differ in besides their seeds, as `differences` tells it."""
    old, new = ({**run.facts.as_json(), "seed": None} for run in (one, other))
    if one.facts.collocation != other.facts.collocation:
        # Their names say it; that their features differ goes without saying.
        for facts, run in ((old, one), (new, other)):
            facts["networks"] = {modality: "+".join(names) for modality, names in run.facts.collocation.items()}
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith("features")}
    return differences(old, new)


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Runs in these folders, or in their folders seed-0, seed-1, … where they hold several."""
    runs = []
    for path in map(Path, paths):
        several = sorted(path.glob("seed-*/run.json"), key=lambda file: int(file.parent.name.removeprefix("seed-")))
        runs += [Run(file.parent) for file in several] or [Run(path)]
    return runs


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: object) -> None:
    """Tensors and a JSON value in one file."""
    from safetensors.torch import save

    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    atomic_bytes(path, save(held, metadata={"facts": json.dumps(facts)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """What `save_tensors` wrote. Raises SeehearError naming a file that is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["facts"])  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise SeehearError(f"{path}: damaged or unreadable: {error}") from None
