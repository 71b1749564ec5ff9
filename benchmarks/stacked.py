"""Trainings a second, one by one and stacked, on made data. Run it with nothing else running.

python benchmarks/stacked.py --device cpu --networks 128 2048 --width 128 --runs 5 --clips 400
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo
from seehear.results import table
from seehear.training.bags import Bags, Split
from seehear.training.fit import fit
from seehear.training.recipe import Recipe
from seehear.training.runs import Run, RunFacts
from seehear.training.stacked import fit_many


def made(clips: int, segments: int, classes: int, widths: list[int], device: str) -> Split:
    """Clips of noise; one modality a width."""
    rng = np.random.default_rng(0)
    offsets = np.arange(clips + 1) * segments
    packs = {
        f"modality{m}": [Packed(rng.normal(size=(clips * segments, width)).astype(np.float32), offsets, "")]
        for m, width in enumerate(widths)
    }
    labels = (rng.random((clips, classes)) < 0.1).astype(np.float32)
    return Split(Bags(packs, device), torch.from_numpy(labels).to(device))


def started(folder: Path, n_runs: int, segments: int, classes: int, widths: list[int], recipe: Recipe) -> list[Run]:
    networks = {f"modality{m}": [NetworkInfo(f"n{m}", f"modality{m}", w, "made")] for m, w in enumerate(widths)}
    names = tuple(map(str, range(classes)))
    return [
        Run.start(folder / f"seed-{seed}", RunFacts(recipe, seed, networks, names, 1.0, segments, {}))
        for seed in range(n_runs)
    ]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    asked.add_argument("--device", default="cpu", help="cpu or cuda")
    asked.add_argument("--networks", type=int, nargs="+", default=[128, 2048], help="features' width, a modality each")
    asked.add_argument("--width", type=int, default=128, help="of the model")
    asked.add_argument("--runs", type=int, default=5, help="trainings, that is seeds")
    asked.add_argument("--clips", type=int, default=400, help="to train on")
    asked.add_argument("--val-clips", type=int, default=100, help="to validate on after each epoch, 0 for none")
    asked.add_argument("--segments", type=int, default=10, help="of a clip")
    asked.add_argument("--classes", type=int, default=25)
    asked.add_argument("--epochs", type=int, default=5)
    asked.add_argument("--batch", type=int, default=16)
    asked.add_argument("--dropout", type=float, default=0.1)
    given = asked.parse_args()

    recipe = Recipe(
        width=given.width,
        feed_forward=given.width,
        dropout=given.dropout,
        epochs=given.epochs,
        batch=given.batch,
        decay_every=0,
    )
    shape = (given.segments, given.classes, given.networks)
    train = made(given.clips, *shape, given.device)
    val = made(given.val_clips, *shape, given.device) if given.val_clips else None

    def one_by_one(runs: list[Run]) -> None:
        for run in runs:
            fit(run, train, val, given.device)

    ways = {"one by one": one_by_one, "stacked": lambda runs: fit_many(runs, train, val, given.device)}
    rows = [("", "seconds", "trainings a second", "against one by one")]
    first = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for what, way in ways.items():
            short = recipe.model_copy(update={"epochs": 1})
            way(started(Path(folder) / what / "warm-up", given.runs, *shape, short))
            runs = started(Path(folder) / what / "timed", given.runs, *shape, recipe)
            print(f"measuring {what} …", file=sys.stderr)
            began = time.perf_counter()
            way(runs)
            took = time.perf_counter() - began
            first = first or took
            rows.append((what, f"{took:.2f}", f"{given.runs / took:.2f}", f"{first / took:.2f}×"))
    print(table(rows))


if __name__ == "__main__":
    main()
