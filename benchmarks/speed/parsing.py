"""From the start of a process to the events of a clip, and to a page and a figure of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from speed import floors
from speed.extraction import DEMO, LITE0, YAMNET
from speed.row import Row, Size, duration, measured, seconds

SEEHEAR = [sys.executable, "-m", "seehear"]
QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
WINDOW = 0.48  # seconds between YAMNet's windows


def rows(size: Size) -> list[Row]:
    clip = DEMO / "clips/test_000.mp4"
    start = seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], **QUIET))
    floor = start + (10 / WINDOW * YAMNET + 80 * LITE0) / floors.arithmetic(size)
    with tempfile.TemporaryDirectory() as folder:
        run = trained(Path(folder))

        def parse(*figures: str) -> None:
            out = [] if not figures else ["--out", f"{folder}/out", "--figures", *figures]
            subprocess.run(["rm", "-rf", f"{folder}/out"], check=True)
            subprocess.run([*SEEHEAR, "parse", run, str(clip), *out], **QUIET)

        printed, page, figure = (seconds(lambda what=what: parse(*what)) for what in ((), ("html",), ("html", "png")))
    help_took = seconds(lambda: subprocess.run([*SEEHEAR, "--help"], **QUIET))
    return [
        measured("seehear parse, process start to events", printed, floor, goal="2 s"),
        measured("  with a page", page, floor, f"with a figure {duration(figure)}", "4 s"),
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
