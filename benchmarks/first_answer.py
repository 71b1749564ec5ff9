"""How good parsing is without training, beside a trained model: with and without known weak labels.

    python benchmarks/first_answer.py TABLES STORE --listener yamnet --seeds 5 --split val --out first.json

TABLES holds train.csv, val.csv, test.csv, eval_audio.csv and eval_visual.csv. STORE has features of the listener and of
efficientnet-lite0. Choices are made on val; test is for the last look.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import seehear as sh
from seehear.files import atomic_json


def data(tables: Path, store: Path, listener: str, split: str, *, truth: bool) -> sh.Dataset:
    """One of the splits."""
    dense = {modality: tables / f"eval_{modality}.csv" for modality in ("audio", "visual")}
    collocation = {"audio": listener, "visual": "efficientnet-lite0"}
    return sh.Dataset.from_tables(
        tables / f"{split}.csv", store=store, collocation=collocation, truth=dense if truth else None
    )


def known(predicted: sh.Activity, dataset: sh.Dataset) -> sh.Activity:
    """A prediction without the classes that a clip's weak label lacks."""
    labels = dataset.with_classes(predicted.classes or ()).labels[:, None] > 0
    active = {modality: array & labels for modality, array in predicted.items()}
    return sh.Activity(active, classes=predicted.classes, source=f"{predicted.source},weak-labels")


def row(name: str, predictions: Sequence[sh.Activity], dataset: sh.Dataset) -> dict[str, object]:
    """The scores of a system, with 95 % intervals over clips and seeds."""
    evaluation = sh.evaluate(list(predictions), dataset, progress=False)
    frame = evaluation.to_frame()
    print(f"\n{name}\n{frame.to_string(index=False)}", flush=True)
    return {"name": name, "signature": predictions[0].source, "scores": json.loads(frame.to_json(orient="records"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--listener", default="yamnet")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    train = data(given.tables, given.store, given.listener, "train", truth=False)
    val = data(given.tables, given.store, given.listener, "val", truth=True)
    scored = data(given.tables, given.store, given.listener, given.split, truth=True)
    networks = {"audio": given.listener, "visual": "efficientnet-lite0"}
    words = list(train.classes)
    untrained = sh.Untrained(words, networks=networks)
    own = sh.Untrained(words, networks=networks, background=train)
    rows = [
        row("untrained, background that comes with seehear", [untrained.predict(scored)], scored),
        row("untrained, own clips with weak labels as background", [own.predict(scored)], scored),
        row("untrained, weak labels known", [untrained.predict_labelled(scored)], scored),
    ]
    atomic_json(given.out, rows)
    parsers = sh.train(train, val, seeds=range(given.seeds), out=given.out.with_suffix(".runs"), progress=False)
    trained = [one.predict(scored) for one in parsers]
    rows.append(row("trained", trained, scored))
    rows.append(row("trained, weak labels known", [known(each, scored) for each in trained], scored))
    atomic_json(given.out, rows)


if __name__ == "__main__":
    main()
