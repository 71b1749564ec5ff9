"""What commands on a cluster print: results on standard output, little else, and how far they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from engines.world import COUNT, DANGEROUS, content

# Commands in one process, which connects once; lines of progress after each clip, or each look at the histories.
COMMANDS = """
import json, sys
from seehear import progress
from seehear.cli import main
from seehear.training import epochs

progress.LINE_INTERVAL, epochs.POLL_EVERY = 0.0, 0.02
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit:
        print()
"""


def run(*commands: Sequence[object]) -> tuple[list[dict], list[str]]:
    """Run commands with --json; return what each printed, and the lines on standard error."""
    lines = json.dumps([[*map(str, arguments), "--json"] for arguments in commands])
    done = subprocess.run([sys.executable, "-c", COMMANDS, lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decoder, results, text = json.JSONDecoder(), [], done.stdout.strip()
    while text:
        assert text[0] == "{", (text, done.stderr)
        result, end = decoder.raw_decode(text)
        results.append(result)
        text = text[end:].strip()
    assert len(results) == len(commands), done.stderr
    return results, done.stderr.splitlines()


def extracting(world, store, dangerous, *engine: object) -> Sequence[object]:
    clips = (world.clips, *(world.dangerous / f"{clip}.wav" for clip in dangerous))
    return ["extract", *clips, "--networks", world.network, "--store", store, "--workers", 2, "--engine", *engine]


def check_extracted(world, store, dangerous, extracted: dict, said: list[str]) -> None:
    """Check that the dangerous clips alone are left out, and what was said."""
    assert (extracted["made"], extracted["unchanged"]) == (COUNT, 0)
    assert set(extracted["failed"]) == set(dangerous)
    assert content(store) == world.undisturbed
    for clip, (why,) in extracted["failed"].items():
        ended = "tones failed with MemoryError" if clip == "eats" else "the process that worked on it ended"
        assert why.startswith(f"{world.dangerous / clip}.wav: {ended}")
    assert sum(line.startswith("skipped: ") for line in said) == len(dangerous)
    assert any(re.fullmatch(r"extracting: 3 of 1\d, \d+ s, \d+ s left \w+", line) for line in said)


def test_dangerous_clips_on_a_cluster(nodes, world, tmp_path):
    (extracted,), said = run(extracting(world, tmp_path / "s", DANGEROUS, "ray"))
    check_extracted(world, tmp_path / "s", DANGEROUS, extracted, said)
    others = [line for line in said if not line.startswith(("extracting: ", "skipped: "))]
    assert len(others) == 1
    assert re.fullmatch(rf"Ray at {nodes.address}: \d nodes, \d cores", others[0])


def test_a_cluster_elsewhere(nodes, world, tmp_path):
    engine, labels = f"ray://127.0.0.1:{nodes.client_port}", tmp_path / "labels.csv"
    rows = [f"{clip.stem}\t{('Low', 'High')[n > 5]}" for n, clip in enumerate(sorted(world.clips.iterdir()))]
    labels.write_text("\n".join(["filename\tevent_labels", *rows]) + "\n")
    training = ["train", "--store", world.store, "--labels", labels, "--collocation", "audio=tones", "--seeds", 0, 1]
    training += [
        "--set",
        "epochs=40",
        "width=16",
        "feed_forward=16",
        "--out",
        tmp_path / "run",
        "--engine",
        engine,
        "--workers",
        2,
    ]
    (extracted, trained), said = run(extracting(world, tmp_path / "s", ["kills"], engine), training)
    check_extracted(world, tmp_path / "s", ["kills"], extracted, said)
    assert len(trained["epochs"]) == 2
    lines = [line for line in said if line.startswith("training 2 seeds: ")]
    assert lines[-1].startswith("training 2 seeds: 80 of 80, ")
    others = [line for line in said if not line.startswith(("extracting: ", "skipped: ", "training 2 seeds: "))]
    assert all(re.fullmatch(rf"Ray at {engine}: \d nodes, \d cores", line) for line in others)
