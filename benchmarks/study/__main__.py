"""python -m study train|report …: train samples of a benchmark, then judge selections on them.

Every finished training is kept, so a rerun resumes. `report` learns what the first samples say, freezes it, and judges
it on the others. It prints tables in Markdown, and writes pictures and the priors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import seehear as sh
from seehear.files import atomic_json
from seehear.progress import say
from study.report import frozen_priors, report
from study.samples import VARIANTS, Benchmark
from study.tables import Table, table_of


def main() -> None:
    arguments = parsed()
    out = Path(arguments.out)
    if arguments.what == "train":
        train(arguments, out)
        return
    tables = {variant: read(out / variant) for variant in VARIANTS}
    first = {variant: {n: t for n, t in of.items() if n < arguments.first} for variant, of in tables.items()}
    place = out / "priors.json"
    if not place.exists():
        atomic_json(place, frozen_priors(first))
    print(report(tables, arguments.first, json.loads(place.read_text(encoding="utf-8")), out))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="study", description=__doc__)
    parser.add_argument("what", choices=("train", "report"))
    parser.add_argument("--out", required=True, help="folder in which trainings and tables are kept")
    parser.add_argument("--first", type=int, default=8, help="samples that are learnt from; the others judge")
    parser.add_argument("--store", help="folder of features")
    parser.add_argument("--networks", nargs="+", help="MODALITY=NETWORK,NETWORK …")
    parser.add_argument("--train", help="weak table of the training clips")
    parser.add_argument("--labelled", nargs="+", help="weak tables of clips with ground truth")
    parser.add_argument("--dense-audio", help="dense table")
    parser.add_argument("--dense-visual", help="dense table")
    parser.add_argument("--variant", choices=VARIANTS, default="refined-scaled")
    parser.add_argument("--kinds", nargs="+", default=["traversal", "full"], help="traversal, full, pilot, weak, dense")
    parser.add_argument("--samples", nargs=2, type=int, default=(0, 12), metavar=("FROM", "TO"))
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def train(arguments: argparse.Namespace, out: Path) -> None:
    """Train the samples, and write a table of each."""
    benchmark = benchmark_of(arguments, out)
    for number in range(*arguments.samples):
        file = out / arguments.variant / f"{number:02d}.safetensors"
        task = benchmark.task(number, arguments.variant, out, arguments.workers)
        table_of(task, arguments.kinds).save(file)
        say(f"{file}")


def benchmark_of(arguments: argparse.Namespace, out: Path) -> Benchmark:
    """Read the clips. Several tables of clips with ground truth are joined."""
    networks = {name: names.split(",") for name, _, names in (each.partition("=") for each in arguments.networks)}
    train = sh.Dataset.from_tables(arguments.train, store=arguments.store, collocation=networks)
    header, *_ = Path(arguments.labelled[0]).read_text(encoding="utf-8").splitlines()
    rows = [row for file in arguments.labelled for row in Path(file).read_text(encoding="utf-8").splitlines()[1:]]
    joined = out / "labelled.csv"
    joined.parent.mkdir(parents=True, exist_ok=True)
    joined.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    truth = {"audio": arguments.dense_audio, "visual": arguments.dense_visual}
    labelled = sh.Dataset.from_tables(
        joined, store=arguments.store, collocation=networks, truth=truth, classes=train.classes
    )
    return Benchmark(train, labelled, networks)


def read(folder: Path) -> dict[int, Table]:
    """Return the tables of a variant, by number."""
    return {int(file.stem): Table.read(file) for file in sorted(folder.glob("*.safetensors"))}


if __name__ == "__main__":
    main()
