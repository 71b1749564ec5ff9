"""What every engine promises: each item comes back once with what came of it, whatever happens to processes."""

from __future__ import annotations

import json
import traceback
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.works import Faulty, Gathering, Importing, Process, Squares, is_alive, noted, noted_processes, wait_until
from seehear.engines.interface import LostError
from seehear.engines.local import LocalEngine
from seehear.engines.ray_engine import RayEngine
from seehear.errors import ClipError, SeehearError


@given(items=st.lists(st.integers(0, 9)), together=st.integers(1, 12))
def test_each_item_once_with_its_own_result(items, together, tmp_path_factory):
    work = Squares(tmp_path_factory.mktemp("notes"))
    done = list(LocalEngine(1).each(work, items, together=together))
    assert done == [(item, item * item) for item in items]
    assert noted(work.notes) == sorted(map(str, items))


@pytest.mark.parametrize(("count", "together"), [(0, 1), (7, 3), (5, 9)])
def test_each_item_once_in_other_processes(several, count, together, tmp_path):
    items = [*range(count), 3, 3][:count]  # an item may be there twice
    done = list(several.each(Squares(tmp_path), items, together=together))
    assert sorted(done) == sorted((item, item * item) for item in items)
    assert noted(tmp_path) == sorted(map(str, items))


def test_an_error_stays_with_its_item(engine, tmp_path):
    items = ["a", "value clip", "b", "value two", "value lambda", "c"]
    done = dict(engine.each(Faulty(tmp_path), items, together=2))
    assert {item: str(result) for item, result in done.items()} == {
        "a": "a done",
        "b": "b done",
        "c": "c done",
        "value clip": "bad clip",
        "value two": done["value two"].args[0],
        "value lambda": done["value lambda"].args[0],
    }
    assert isinstance(done["value clip"], ClipError)
    assert str(done["value two"]).endswith("two: arguments")
    assert str(done["value lambda"]).endswith("holds a function")


@pytest.mark.parametrize("fault", ["raise", "unreadable"])
@pytest.mark.parametrize("when", ["begin", "do"])
def test_an_error_on_purpose_ends_the_work(engine, when, fault, tmp_path):
    work = Faulty(tmp_path, fault if when == "begin" else "")
    with pytest.raises(SeehearError) as error, closing(engine.each(work, [fault, "a", "b"])) as done:
        list(done)
    assert str(error.value) in ("no space for anything", "no space: anywhere")
    assert not isinstance(error.value, LostError)


@pytest.mark.parametrize("fault", ["two", "lambda"])
def test_an_error_that_nobody_expected_is_named(several, fault, tmp_path):
    with pytest.raises(Exception, match=r"two: arguments|holds a function") as error:
        list(several.each(Faulty(tmp_path), [fault, "a", "b"]))
    assert not isinstance(error.value, LostError)
    assert "Traceback" not in str(error.value)
    assert traceback.format_exception_only(error.value)


def test_a_process_that_ends_costs_its_item_alone(several, tmp_path):
    faults = ["SIGKILL", "SIGSEGV"]
    items = ["a", faults[0], "b", "c", faults[1], "d", "e"]
    done = list(several.each(Faulty(tmp_path), items, together=3))
    assert sorted(item for item, _ in done) == sorted(items)
    for item, result in done:
        assert isinstance(result, LostError) if item in faults else result == f"{item} done", item


def test_work_that_is_left_ends_at_once_with_its_processes(tmp_path):  # Ray keeps its processes for other work
    with closing(LocalEngine(2).each(Squares(tmp_path, pause=1.0), [0, *[600] * 20])) as done:
        assert next(done) == (0, 0)
        assert wait_until(lambda: noted_processes(tmp_path, 600))
    assert wait_until(lambda: not any(map(is_alive, noted_processes(tmp_path, 600))))
    assert len(noted(tmp_path)) < 20


def test_work_that_is_left_keeps_what_it_has_gathered(several, tmp_path):
    def at_work():
        return {int(each.removeprefix("at work ")) for each in noted(tmp_path) if each.startswith("at work")}

    def gathered():
        lists = [each.removeprefix("gathered ") for each in noted(tmp_path) if each.startswith("gathered")]
        return {item for each in lists for item in json.loads(each)}

    with closing(several.each(Gathering(tmp_path), range(200), together=4)) as done:
        next(done)
        assert wait_until(lambda: at_work() - gathered())
    assert wait_until(lambda: at_work() == gathered())
    assert len(gathered()) < 200


SLOW = """
from pathlib import Path
from time import sleep
from engines.works import note

note(Path({notes!r}), "begun")
for _ in range(40):
    sleep(0.02)
half = lambda number: number / 2
note(Path({notes!r}), "whole")
"""


def test_work_that_is_left_leaves_no_half_module_behind(nodes, tmp_path):  # local processes end with their work
    notes = tmp_path / "notes"
    notes.mkdir()
    (tmp_path / "slow.py").write_text(SLOW.format(notes=str(notes)))
    work, engine = Importing(tmp_path), RayEngine()
    with closing(engine.each(work, range(200))) as done:
        assert next(done) == (0, 0)
        assert wait_until(lambda: "begun" in noted(notes))
    assert wait_until(lambda: noted(notes).count("begun") == noted(notes).count("whole"))
    assert sorted(engine.each(work, range(12))) == [(number, number / 2) for number in range(12)]


def test_processes_have_one_thread_and_the_working_folder(several, tmp_path, monkeypatch):
    (tmp_path / "here").write_text("this one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # which tests set, and users don't
    done = list(several.each(Process(), ["threads", "folder"] * 3))
    assert sorted(done) == [("folder", "this one")] * 3 + [("threads", "1")] * 3
