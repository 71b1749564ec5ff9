"""A command that is interrupted or killed: its processes end, and the same command goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from engines.works import is_alive, wait_until
from engines.world import COUNT, content, wait_for_some
from seehear.features.extraction import extract

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found in /proc")


@pytest.mark.parametrize(  # kill -9 with local processes: see test_trainings in selection
    ("kind", "how"), [("local", signal.SIGINT), ("ray", signal.SIGINT), ("ray", signal.SIGKILL)]
)
def test_an_ended_command_is_resumed(kind, how, world, tmp_path, request):
    if kind == "ray":
        request.getfixturevalue("nodes")
    store = tmp_path / "s"
    command = ["extract", world.clips, "--networks", world.network, "--store", store, "--engine", kind]
    with world.slow(0.5):
        driver = subprocess.Popen(
            [sys.executable, "-m", "seehear", *map(str, command), "--workers", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        wait_for_some(store, 2)
        working = descendants(driver.pid) if kind == "local" else at_work()
        if how == signal.SIGINT:
            os.killpg(driver.pid, how)  # as a terminal does
        else:
            driver.kill()
        out, err = driver.communicate()
        assert wait_until(lambda: not any(map(is_alive, working)))
    assert working
    assert out == ""
    assert "Traceback" not in err
    if how == signal.SIGINT:
        assert driver.returncode == 130
        assert err.splitlines()[-1].startswith("seehear: interrupted. Finished pieces are kept")
    before = content(store)
    extraction = extract(world.clips, world.network, store=store, engine=kind, workers=1, progress=False)
    assert 2 <= extraction.unchanged < COUNT
    assert extraction.made == COUNT - extraction.unchanged
    assert content(store) == world.undisturbed
    assert {file for file in before if not Path(file).name.startswith(".")} <= set(world.undisturbed)


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    children = []
    with suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return [each for child in children for each in [child, *descendants(child)]]


def at_work() -> list[int]:
    """The processes of this cluster that do items: another one may be at work on this machine."""
    found = []
    for process in descendants(os.getpid()):
        try:
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"ray::_do"):
                found.append(process)
        except OSError:
            continue
    return found
