"""What a command on a cluster prints: its result on standard output, little else, and how far it is."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engines.world import COUNT, accounted, content
from seehear.features.extraction import extract

# Two commands in one process, which connects once; lines of progress after each clip, or each look at the histories.
COMMANDS = """
import json, sys
from seehear import progress
from seehear.cli import main
from seehear.training import epochs

progress.LINE_INTERVAL, epochs.POLL_EVERY = 0.0, 0.02
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as left:
        print(f"exit code {left.code or 0}")
"""


@pytest.mark.parametrize("how", ["driver", "client"])
def test_results_and_progress(how, nodes, world, tmp_path):
    engine = ["--engine", "ray" if how == "driver" else f"ray://127.0.0.1:{nodes.client_port}"]
    labels = tmp_path / "labels.csv"
    rows = [f"{clip.stem}\t{('Low', 'High')[n > 5]}" for n, clip in enumerate(sorted(world.clips.iterdir()))]
    labels.write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
    store, clips = tmp_path / "s", [world.clips, world.dangerous / "kills.wav"]
    extracting = ["extract", *clips, "--networks", world.network, "--store", store, "--json", *engine]
    training = ["train", "--store", world.store, "--labels", labels, "--collocation", "audio=tones", "--seeds", 0, 1]
    training += ["--set", "epochs=40", "width=16", "feed_forward=16", "--out", tmp_path / "run", "--json", *engine]
    lines = json.dumps([[str(each) for each in arguments] for arguments in (extracting, training)])
    done = subprocess.run([sys.executable, "-c", COMMANDS, lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    extracted, _, trained = done.stdout.removesuffix("exit code 0\n").partition("exit code 1\n")  # a clip was left out
    assert extracted, done.stderr
    assert trained, done.stderr
    assert json.loads(extracted)["made"] == COUNT
    assert list(json.loads(extracted)["failed"]) == ["kills"]
    assert len(json.loads(trained)["epochs"]) == 2
    said = done.stderr.splitlines()
    assert [line for line in said if not line.startswith(("extracting: ", "training 2 seeds: ", "skipped: "))] == []
    assert any(line.startswith("extracting: 3 of 13, ") and " s left clip" in line for line in said)
    assert sum(line.startswith("training 2 seeds: ") for line in said) > 2
    assert any(line.startswith("training 2 seeds: 80 of 80, ") for line in said)
    assert content(store) == world.undisturbed
    again = extract(world.clips, world.network, store=store, progress=False)
    assert again.unchanged == len(accounted(again, store, world.clips)) == COUNT
