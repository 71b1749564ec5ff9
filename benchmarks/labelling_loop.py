"""The loop of labelling and training, with an annotator who answers from the truth: score against labels given.

    python benchmarks/labelling_loop.py TABLES STORE --seeds 0 1 2 3 4 --split val --out FOLDER

Clips are chosen by chance alone, or by the model's uncertainty, mixed with one by chance in five. In both, one labelled
clip in five validates. TABLES holds train.csv, val.csv, test.csv and the dense tables. STORE has features of yamnet and
efficientnet-lite0. Resume by rerunning the same command.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seehear as sh
from seehear.files import atomic_json
from seehear.labelling.choice import EVERY, Chooser
from seehear.labelling.records import Choice
from seehear.parsing.base import BaseParser

TARGETS = (30, 60, 100, 150, 200)  # labels at which a model is trained
NETWORKS = {"audio": "yamnet", "visual": "efficientnet-lite0"}


def uncertainty(parser: BaseParser, pool: sh.Dataset) -> dict[str, float]:
    """How near the most uncertain class of each clip is to a probability of a half, as `seehear label` has it."""
    highest: NDArray[np.float32] = parser.predict_proba(pool).max(axis=(1, 2))  # (N, C)
    return dict(zip(pool.clips, (1 - np.abs(2 * highest - 1)).max(axis=1).tolist(), strict=True))


def loop(pool: sh.Dataset, scored: sh.Dataset, *, by_chance: bool, seed: int, out: Path) -> None:
    """Label, train and score, and write the scores."""
    chooser = Chooser(every=1 if by_chance else EVERY, seed=seed)
    parser: BaseParser = sh.Untrained(list(pool.classes), networks=NETWORKS)
    train: list[str] = []
    val: list[str] = []
    counts = dict.fromkeys(Choice, 0)
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        unsure = uncertainty(parser, pool)
        while len(train) + len(val) < target:
            left = [clip for clip in pool.clips if clip not in {*train, *val}]
            found = chooser.next(left, counts, unsure.get, {})
            assert found is not None
            clip, choice = found
            validates = len(train) + len(val) in range(0, target, EVERY) if by_chance else choice is Choice.RANDOM
            (val if validates else train).append(clip)
            counts[choice] += 1
        fitted = sh.Parser(seed=seed, device="cpu").fit(pool.subset(train), pool.subset(val), progress=False)
        parser = fitted
        scores = sh.score(fitted.predict(scored), scored.truth, classes=scored.classes)
        rows.append({"labels": target, "train": len(train), "scores": json.loads(scores.to_frame().to_json())})
        print(by_chance, seed, target, scores, flush=True)
        atomic_json(out, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    pool = sh.Dataset.from_tables(given.tables / "train.csv", store=given.store, collocation=NETWORKS)
    dense = {modality: given.tables / f"eval_{modality}.csv" for modality in NETWORKS}
    scored = sh.Dataset.from_tables(
        given.tables / f"{given.split}.csv", store=given.store, collocation=NETWORKS, truth=dense
    ).with_classes(pool.classes)
    for seed in given.seeds:
        for by_chance in (True, False):
            out = given.out / f"{'chance' if by_chance else 'unsure'}-{seed}.json"
            if not out.exists() or len(json.loads(out.read_text())) < len(TARGETS):
                loop(pool, scored, by_chance=by_chance, seed=seed, out=out)


if __name__ == "__main__":
    main()
