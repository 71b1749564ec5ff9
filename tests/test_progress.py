"""Progress in a notebook, and on a standard error that is no terminal."""

import os
import re
import struct
import subprocess
import sys

import pytest

from seehear.progress import Progress

CELL = """
from seehear.progress import Progress
with Progress("extracting", 3) as bar:
    for clip in ("a", "<b>", "c"):
        bar.advance(clip)
    bar.say("skipped: d")
with Progress("silent", 1, show=False) as bar:
    bar.advance("a")
    bar.say("nothing")
"""


def test_a_notebook_shows_one_bar():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(book, timeout=120).execute()
    bars = [output.data for output in book.cells[0].outputs if output.output_type == "display_data"]
    assert [bar["text/plain"] for bar in bars] == ["extracting: 3 of 3, 0 s, 0 s left"]
    assert '<progress max="3" value="3">' in bars[0]["text/html"]
    texts = [output.text for output in book.cells[0].outputs if output.output_type == "stream"]
    assert texts == ["skipped: d\n"]


NOTED = """
import time

from seehear.progress import Progress
with Progress("training", 20, at_most=True) as bar:
    for epoch in range(10):
        time.sleep(0.05)
        bar.advance("seed 0: loss 1.0607, validation against pseudo-labels loss 1.189 label_f1 75.97, best so far")
"""


@pytest.mark.skipif(os.name == "nt", reason="no terminals of this kind")
@pytest.mark.parametrize("columns", [80, 120, 200])
def test_in_a_terminal_the_note_gives_way_to_the_time_left(columns):
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.Popen([sys.executable, "-c", NOTED], stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # it ended
            break
        if not part:
            break
        shown += part
    assert done.wait() == 0
    os.close(ours)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r", "\n").splitlines()
    told = [line for line in lines if "seed 0: " in line]
    assert told
    for line in told:
        assert re.search(r"training .* \d+/20 0:00:\d\d left, at most (0:00:\d\d|-:--:--) seed 0: ", line), line
        assert len(line) <= columns


def test_elsewhere_a_line_at_the_end(capsys):
    with Progress("extracting", 5, done=2) as bar:
        for _ in range(3):
            bar.advance()
    assert capsys.readouterr() == ("", "extracting: 5 of 5, 0 s, 0 s left\n")
    with Progress("extracting", 5, done=5):
        pass
    with Progress("silent", 5, show=False) as bar:
        bar.advance("a")
        bar.say("nothing")
    assert capsys.readouterr() == ("", "")
    stopped = Progress("stopped", 5)
    stopped.advance()
    stopped.__exit__(KeyboardInterrupt, None, None)
    assert capsys.readouterr().err == ""


def test_items_that_turn_out_to_be_unnecessary_shorten_the_task(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("seehear.progress.time.monotonic", lambda: now[0])
    with Progress("training", 10, at_most=True) as bar:
        bar.begun(2)
        now[0] = 40.0
        bar.advance("one")
        bar.omit(4)
        assert (bar.done, bar.total) == (3, 6)
        now[0] = 60.0
        bar.advance("two", by=3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training: 3 of 10, 40 s, at most 280 s left one"
    assert lines[1].startswith("training: 6 of 6")
    assert lines[1].endswith("0 s left two")
    assert "most" not in lines[1]
