"""Progress in a notebook, and on a standard error that is no terminal."""

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
