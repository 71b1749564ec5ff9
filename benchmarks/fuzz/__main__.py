"""`python -m fuzz`: damage files of every kind, read them, and count what becomes of them."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from fuzz.registry import TARGETS  # noqa: E402
from fuzz.target import Target  # noqa: E402
from fuzz.worker import GOOD, OUTCOMES, outcomes  # noqa: E402

COUNT = 10_000  # inputs of a full campaign
FEWEST = 20  # of one target
EXAMPLES = 3  # of each fault, in the table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign, or resume it; print a table. Returns 1 if a reader failed, else 0."""
    options = _options(arguments)
    targets = [each for each in TARGETS if not options.only or any(name in each.name for name in options.only)]
    if not targets:
        sys.exit(f"no such format: there are {', '.join(each.name for each in TARGETS)}")
    out: Path = options.out
    _claim(out, options.seed)
    share = options.count / sum(target.share for target in targets)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place, ThreadPoolExecutor(options.workers) as pool:
        _prepare(targets)
        sound = {target.name: _sound(target, out) for target in targets}  # before processes are forked
        jobs = {}
        for target in targets:
            count = max(min(FEWEST, options.count), round(share * target.share))
            jobs[target.name] = pool.submit(
                _campaign, target, options.seed, count, sound[target.name], Path(place), out
            )
        for name, job in jobs.items():
            job.result()
            print(f"{name}: done after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return report(targets, out, time.monotonic() - began)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="formats, by a part of their names")
    parser.add_argument("--count", type=int, default=COUNT, help="inputs of all formats together")
    parser.add_argument("--seed", type=int, default=0, help="decides the damage")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", help="results, by which it resumes")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    return parser.parse_args(arguments)


def _claim(out: Path, seed: int) -> None:
    """Mark the folder with the seed, so that a campaign is resumed with the same one."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "campaign.json"
    if file.exists() and json.loads(file.read_text())["seed"] != seed:
        sys.exit(f"{out}: holds a campaign of another seed; choose another --out")
    file.write_text(json.dumps({"seed": seed}))


def _prepare(targets: Sequence[Target]) -> None:
    """Import what readers import, once, before processes are forked."""
    import seehear.evaluation
    import seehear.pages
    import seehear.parsing.parser
    import seehear.refinement.refine
    import seehear.selection.select
    import seehear.training.fit  # noqa: F401


def _sound(target: Target, out: Path) -> Path:
    """Return the folder of a target's sound files, made once."""
    folder = out / "sound" / f"{target.make.__module__.rpartition('.')[2]}-{target.make.__name__}"
    if not folder.exists():
        unfinished = folder.with_name(f".{folder.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        target.make(unfinished)
        unfinished.rename(folder)
    return folder


def _campaign(target: Target, seed: int, count: int, sound: Path, place: Path, out: Path) -> None:
    """Read the inputs of a target that have no outcome yet, and note each at once."""
    file = out / f"{target.name}.jsonl"
    done = {json.loads(text)["number"] for text in file.read_text().splitlines()} if file.exists() else set()
    numbers = [number for number in range(count) if number not in done]
    with file.open("a") as stream:
        for result in outcomes(target, seed, numbers, sound, place):
            stream.write(json.dumps(asdict(result)) + "\n")
            stream.flush()


def report(targets: Sequence[Target], out: Path, seconds: float) -> int:
    """Write OUT/results.json, and print a table of outcomes and examples of every fault. Returns 1 for faults."""
    results = {}
    for target in targets:
        lines = [json.loads(text) for text in (out / f"{target.name}.jsonl").read_text().splitlines()]
        faults = [each for each in lines if each["outcome"] not in GOOD]
        counts = Counter(each["outcome"] for each in lines)
        slowest, largest = (max((each[key] for each in lines), default=0) for key in ("seconds", "megabytes"))
        results[target.name] = {
            "inputs": len(lines),
            **{name: counts[name] for name in OUTCOMES},
            "slowest": slowest,
            "megabytes": largest,
            "faults": faults,
        }
    (out / "results.json").write_text(json.dumps({"seconds": round(seconds), "targets": results}, indent=1) + "\n")
    columns = ("inputs", *OUTCOMES, "slowest", "megabytes")
    print("  ".join([f"{'format':<28}", *(f"{name:>9}" for name in columns)]))
    for name, row in results.items():
        print("  ".join([f"{name:<28}", *(f"{row[column]:>9}" for column in columns)]))
    totals = [sum(row[column] for row in results.values()) for column in columns[:-2]]
    print("  ".join([f"{'all':<28}", *(f"{total:>9}" for total in totals)]), f"  in {seconds:.0f} s", flush=True)
    for name, row in results.items():
        kinds: dict[str, list[dict[str, object]]] = {}
        for fault in row["faults"]:
            kinds.setdefault(f"{fault['outcome']} {str(fault['detail']).rpartition('@')[2][:80]}", []).append(fault)
        for of_kind in sorted(kinds.values(), key=len, reverse=True):
            numbers = ", ".join(str(fault["number"]) for fault in of_kind[:EXAMPLES])
            print(f"{name}: {len(of_kind)} × {of_kind[0]['outcome']}: {of_kind[0]['detail']} (inputs {numbers})")
    return int(any(row["faults"] for row in results.values()))


if __name__ == "__main__":
    sys.exit(main())
