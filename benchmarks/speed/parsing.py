"""From the start of a process to the events of a clip of ten seconds, with two networks, by a run and by a package."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from speed import floors
from speed.extraction import DEMO, arithmetic, prepared
from speed.row import Row, Size, duration, measured, seconds

SEEHEAR = [sys.executable, "-m", "seehear"]
QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FPS = 8.0


def rows(size: Size) -> list[Row]:
    from seehear import load, networks

    clip = DEMO / "clips/test_000.mp4"
    loaded = {name: networks.load(networks.get(name), "cpu") for name in ("yamnet", "efficientnet-lite0")}
    start = seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], **QUIET))
    floor = start + arithmetic(prepared([clip], FPS), loaded) / floors.arithmetic(size)
    with tempfile.TemporaryDirectory() as folder:
        run, package = trained(Path(folder)), f"{folder}/model.seehear"
        load(run).package(package)

        def parse(model: str, *figures: str) -> None:
            out = [] if not figures else ["--out", f"{folder}/out", "--figures", *figures]
            subprocess.run(["rm", "-rf", f"{folder}/out"], check=True)
            subprocess.run([*SEEHEAR, "parse", model, str(clip), *out], **QUIET)

        jobs = ((package,), (run,), (package, "html"), (package, "html", "png"))
        packaged, trained_run, page, figure = (seconds(lambda job=job: parse(*job)) for job in jobs)
    help_took = seconds(lambda: subprocess.run([*SEEHEAR, "--help"], **QUIET))
    return [
        measured(
            "parse by a package, process start to events", packaged, floor, f"run {duration(trained_run)}", "1.5 s"
        ),
        measured("  with a page", page, floor, f"and a figure {duration(figure)}"),
        measured("seehear --help", help_took, start, goal="0.5 s"),
    ]


def trained(folder: Path) -> str:
    """Train a run on ten clips, and return its folder."""
    clips = [str(path) for path in sorted((DEMO / "clips").glob("train_00*.mp4"))]
    labels = folder / "train.csv"
    lines = (DEMO / "train.csv").read_text().splitlines()
    labels.write_text("\n".join(line for line in lines if line.startswith(("filename", "train_00"))) + "\n")
    store, run = f"{folder}/store", f"{folder}/run"
    networks = ["--networks", "yamnet,efficientnet-lite0"]
    subprocess.run([*SEEHEAR, "extract", *clips, *networks, "--store", store], **QUIET)
    train = [*SEEHEAR, "train", "--store", store, "--labels", str(labels), "--out", run, "--set", "epochs=1"]
    subprocess.run([*train, "--collocation", "audio=yamnet", "visual=efficientnet-lite0"], **QUIET)
    return run
