"""What engines cost: extraction with 1, 2 and 3 processes, here and on a Ray cluster of as many nodes.

    python benchmarks/engines.py CLIPS --clips 200 --rounds 3 --out FOLDER

Each process is pinned to one core, with its decoder. Time runs from the moment at which all processes have loaded their
networks, so what starting takes is left out; it is stated apart. `allowed` is what the cores themselves give: the
throughput of as many pinned processes that multiply matrices, against one. Rows are written as they are measured;
rerun the same command to resume.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import seehear as sh
from seehear.engines.interface import Engine, Shared, Work
from seehear.engines.local import LocalEngine
from seehear.engines.ray_engine import RayEngine
from seehear.files import atomic_json
from seehear.media.clips import find_clips

NETWORKS = ("yamnet", "efficientnet-lite0")
MULTIPLIED = 4.0  # seconds


class Together(Work[Any, Any]):
    """A work whose processes wait for each other before their first items. Each is pinned to a core."""

    def __init__(self, work: Work[Any, Any], count: int, folder: Path) -> None:
        self.work, self.count, self.folder = work, count, folder

    def shared(self) -> Shared:
        return self.work.shared()

    def begin(self) -> None:
        own = len(list(self.folder.iterdir()))
        pin(own)
        self.work.begin()
        (self.folder / str(os.getpid())).touch()
        while len(list(self.folder.iterdir())) < self.count:
            time.sleep(0.01)

    def do(self, items: Sequence[Any]) -> Generator[Any]:
        yield from self.work.do(items)


class Timed(Engine):
    """An engine that keeps when the work began, when all of its processes were ready, and when it ended."""

    def __init__(self, engine: Engine, count: int) -> None:
        self.engine, self.count = engine, count
        self.began = self.ready = self.ended = 0.0

    def device(self, name: str) -> str:
        return self.engine.device(name)

    def elsewhere(self, count: int) -> bool:
        return True

    @property
    def processes(self) -> int:
        return self.count

    @property
    def processes_per_machine(self) -> int:
        return self.count

    def each(self, work: Work[Any, Any], items: Sequence[Any], *, together: int = 1) -> Generator[Any]:
        with tempfile.TemporaryDirectory() as folder:
            self.began = time.time()
            yield from self.engine.each(Together(work, self.count, Path(folder)), items, together=together)
            self.ended = time.time()
            self.ready = max(file.stat().st_mtime for file in Path(folder).iterdir())


def pin(number: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})


@contextmanager
def engine_of(name: str, count: int) -> Iterator[Engine]:
    if name == "local":
        yield LocalEngine(count)
        return
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(count - 1):
        cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield RayEngine(workers=count)
    finally:
        ray.shutdown()
        cluster.shutdown()


def extraction(name: str, count: int, clips: Sequence[Path]) -> dict[str, Any]:
    """Extract into a new store, and return what it took."""
    store = Path(tempfile.mkdtemp())
    try:
        with engine_of(name, count) as engine:
            timed = Timed(engine, count)
            done = sh.extract(list(clips), NETWORKS, store=store, fps=2, engine=timed, device="cpu", progress=False)
        assert not done.failed
        seconds = timed.ended - timed.ready
        return {
            "clips": len(clips),
            "start": timed.ready - timed.began,
            "seconds": seconds,
            "clips per second": len(clips) / seconds,
        }
    finally:
        shutil.rmtree(store)


def multiply(number: int) -> float:
    """Return products of matrices per second, pinned to a core."""
    pin(number)
    matrix = np.random.default_rng(0).standard_normal((192, 192)).astype(np.float32)
    count, began = 0, time.monotonic()
    while time.monotonic() - began < MULTIPLIED:
        matrix @ matrix
        count += 1
    return count / MULTIPLIED


def allowed(count: int) -> float:
    """Return what so many processes can do at once, against one."""
    rates = []
    for processes in (1, count):
        with get_context("spawn").Pool(processes) as pool:
            rates.append(sum(pool.map(multiply, range(processes), chunksize=1)))
    return rates[1] / rates[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    clips = list(find_clips(given.folder).values())[: given.clips]
    for number in range(given.rounds):
        for count in given.counts:
            for name in ("local", "ray"):
                file = given.out / f"{name}-{count}-{number}.json"
                if not file.exists():
                    row = extraction(name, count, clips)
                    atomic_json(file, {"engine": name, "processes": count, "round": number, **row})
                    print(name, count, number, row, flush=True)
            file = given.out / f"allowed-{count}-{number}.json"
            if not file.exists():
                atomic_json(file, {"engine": "allowed", "processes": count, "round": number, "times": allowed(count)})
    report(given.out, given.counts)


def report(out: Path, counts: Sequence[int]) -> None:
    """Print the medians over rounds as a table."""
    rows = [json.loads(file.read_text()) for file in sorted(out.glob("*.json"))]

    def median(engine: str, count: int, key: str) -> float:
        return float(np.median([row[key] for row in rows if (row["engine"], row["processes"]) == (engine, count)]))

    print("| engine | processes | start, s | seconds | clips/s | share of linear | of what the cores allow |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for engine in ("local", "ray"):
        one = median(engine, counts[0], "clips per second") / counts[0]
        for count in counts:
            rate, most = median(engine, count, "clips per second"), median("allowed", count, "times")
            start, seconds = median(engine, count, "start"), median(engine, count, "seconds")
            print(
                f"| {engine} | {count} | {start:.1f} | {seconds:.1f} | {rate:.2f} | {rate / one / count:.0%} | "
                f"{rate / one / most:.0%} |"
            )
    for count in counts:
        share = median("ray", count, "seconds") / median("local", count, "seconds") - 1
        print(f"Ray against local, {count} processes: {share:+.1%}")


if __name__ == "__main__":
    main()
