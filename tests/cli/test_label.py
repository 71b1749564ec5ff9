"""`seehear label` from the command line: the address, Ctrl-C, and what is printed."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys

import pytest

import commands
from seehear.errors import SeehearError

# A job in the background is started without Ctrl-C.
RUN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from seehear.cli import main; main()"


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mp4").write_bytes(b"")
    return folder


def started(*arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", RUN, "label", *map(str, arguments)]
    return subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment)


def change(port, token, clip):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    state = {"labels": {"Dog": None}, "done": True, "events": [], "timed": False}
    headers = {"Cookie": f"seehear-{port}={token}", "Origin": f"http://127.0.0.1:{port}"}
    body = json.dumps({"version": 0, "choice": "random", "state": state})
    connection.request("POST", f"/api/clip/{clip}", body, {**headers, "Content-Type": "application/json"})
    return connection.getresponse().status


def test_ctrl_c_ends_with_a_summary(clips, tmp_path):
    options = ("--classes", "Dog,Cat", "--every", "1", "--by", "ann", "--no-suggestions")
    with started(clips, "--out", tmp_path / "labels", *options) as process:
        line = process.stderr.readline()
        port, token = re.search(r"label 3 clips at http://127\.0\.0\.1:(\d+)/\?token=(\S+) until Ctrl-C", line).groups()
        assert change(int(port), token, "b") == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[0].startswith("1 of 3 clips labelled, 2 left; 1 of the labelled ones were drawn by chance")
    assert "  Dog: 1 clip" in out.splitlines()
    assert json.loads((tmp_path / "labels" / "changes.jsonl").read_text())["by"] == "ann"
    assert (tmp_path / "labels" / "refined" / "weak_audio.csv").read_text() == "filename\tevent_labels\nb\tDog\n"


def test_mistakes_are_named(clips, tmp_path):
    with pytest.raises(SeehearError, match="give one of"):
        commands.label([clips], out=tmp_path / "labels", run="run", parsed="parsed")
    with pytest.raises(SeehearError, match="none: no such file or folder"):
        commands.label([tmp_path / "none"], out=tmp_path / "labels")
    (tmp_path / "file").touch()
    with pytest.raises(SeehearError, match="is a file, not a folder"):
        commands.label([clips], out=tmp_path / "file")


SLOW = """
import signal, threading, time
from pathlib import Path
from seehear.labelling import ParseSuggester

signal.signal(signal.SIGINT, signal.default_int_handler)
begun = threading.Event()

def parse(clip):
    begun.set()
    print("computing", flush=True)
    time.sleep({seconds})
    raise AssertionError("only this one is computed")

def untrained(classes, *, device):
    made = ParseSuggester(parse, "slow")
    made.unmapped = "flurb"
    return made

ParseSuggester.untrained = untrained
from seehear.cli import main
main()
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_suggestions_are_computed(clips, tmp_path, times):
    """The summary is printed, and the clip at hand finished; one more Ctrl-C ends at once. Nothing is aborted."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = SLOW.format(seconds=4 if times == 1 else 60)
    command = [sys.executable, "-c", script, "label", clips, "--out", tmp_path / "labels", "--classes", "Dog,flurb"]
    with subprocess.Popen(list(map(str, command)), stdout=-1, stderr=-1, text=True, env=environment) as process:
        assert process.stderr.readline() == "not suggested: flurb; no class of the networks' classifiers means it\n"
        port = re.search(r"127\.0\.0\.1:(\d+)/.* until Ctrl-C", process.stderr.readline()).group(1)
        connection = http.client.HTTPConnection("127.0.0.1", int(port))
        connection.request("GET", "/")
        assert connection.getresponse().status == 403  # it runs
        assert process.stdout.readline() == "computing\n"
        process.send_signal(signal.SIGINT)
        assert "The clip that is being computed is finished first" in process.stderr.readline()
        assert process.stdout.readline().startswith("0 of 3 clips labelled")
        if times == 2:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == ((0, "") if times == 1 else (-signal.SIGINT, ""))
    assert "computing" not in out
