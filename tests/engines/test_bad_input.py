"""What can't work is said before work begins, with the way out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import seehear
from engines.conftest import free_port
from engines.works import Needs, Squares, noted
from seehear.engines.choose import engine_of
from seehear.engines.interface import Shared
from seehear.engines.local import LocalEngine
from seehear.engines.ray_engine import RayEngine
from seehear.errors import SeehearError

CLONE_NEWNS, MS_PRIVATE, MS_REC = 0x20000, 1 << 18, 1 << 14  # of Linux


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"engine": "spark"}, "no engine is called 'spark': there are local, ray, or ray://HOST:PORT"),
        ({"engine": ""}, "no engine is called ''"),
        ({"engine": "Ray"}, "no engine is called 'Ray'"),
        ({"workers": -1}, "workers must be a number of processes, or 0 for one per core, not -1"),
        ({"engine": "ray", "workers": -1}, "workers must be"),
        ({"gpus": 1}, "gpus divides those of a cluster: choose the engine ray, or device cuda"),
        ({"engine": "ray", "gpus": -0.5}, "at least 0, not -0.5"),
        ({"engine": "ray", "gpus": float("nan")}, "at least 0, not nan"),
    ],
    ids=str,
)
def test_options_that_name_no_engine(chosen, said):
    with pytest.raises(SeehearError) as error:
        engine_of(**chosen)
    assert said in str(error.value)


def test_options_that_name_one():
    assert engine_of(workers=0).processes == engine_of(default=engine_of(workers=0).processes).processes > 0
    assert repr(engine_of(workers=3)) == "LocalEngine(workers=3)"
    assert repr(engine_of("ray")) == "RayEngine('', workers=None, gpus=0)"
    assert repr(engine_of("ray", 0)) == "RayEngine('', workers=None, gpus=0)"
    assert repr(engine_of("ray://head:10001", 4, 0.5)) == "RayEngine('ray://head:10001', workers=4, gpus=0.5)"
    own = LocalEngine(2)
    assert engine_of(own, workers=7) is own


def test_a_device_that_the_processes_have_not():
    assert [RayEngine().device(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]
    assert [RayEngine(gpus=0.5).device(name) for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    with pytest.raises(SeehearError, match="give for example gpus=1"):
        RayEngine().device("cuda")


def test_ray_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SeehearError, match=r"pip install 'seehear\[ray\]'"):
        list(RayEngine().each(Squares(tmp_path), [1]))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://127.0.0.1:{port}", "no Ray cluster answers there (Connection refused)"),
        ("ray://127.0.0.1", "give ray://HOST:PORT"),
        ("ray://", "give ray://HOST:PORT"),
        ("ray://head:port", "give ray://HOST:PORT"),
        ("ray://head:99999", "give ray://HOST:PORT"),
        ("ray://nowhere.invalid:10001", "no Ray cluster answers there"),
    ],
)
def test_an_address_at_which_no_cluster_is(address, said, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray", reason="ray is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    where = address.format(port=free_port())
    with pytest.raises(SeehearError) as error:
        list(engine_of(where).each(Squares(tmp_path), [1]))
    assert str(error.value).startswith(f"{where}: ")
    assert said in str(error.value)


@pytest.mark.parametrize("what", ["Ray", "Python"])
def test_a_cluster_of_another_version(what, nodes, tmp_path, monkeypatch):
    """This process says that it is of another version, upon which Ray refuses to connect."""
    import ray

    ray.shutdown()
    here = {"Ray": ray.__version__, "Python": ".".join(map(str, sys.version_info[:3]))}
    if what == "Ray":
        monkeypatch.setattr(ray, "__version__", "1.2.3")
    else:
        monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))
    with pytest.raises(SeehearError) as error:
        list(RayEngine().each(Squares(tmp_path), [1]))
    monkeypatch.undo()
    for version in (here["Ray"], here["Python"], {"Ray": "1.2.3", "Python": "3.99.0"}[what]):
        assert version in str(error.value)
    assert not noted(tmp_path)


def test_nodes_that_cannot_do_the_work(nodes, tmp_path):
    shared, other, hidden = tmp_path / "shared", tmp_path / "other", tmp_path / "hidden"
    for folder in (shared, hidden):
        folder.mkdir()
    (shared / "clip").write_bytes(b"clip")
    (hidden / "clip").write_bytes(b"clip")
    shutil.copytree(Path(seehear.__file__).parent, other / "seehear", ignore=shutil.ignore_patterns("data", "assets"))
    (other / "seehear/version.py").write_text((other / "seehear/version.py").read_text() + "\n# changed\n")
    path = {"PYTHONPATH": os.pathsep.join([str(other), os.environ["PYTHONPATH"]])}
    with joined(nodes, env_vars=path), joined(nodes, hide=hidden) as mounts:
        if not mounts:
            pytest.skip("no mounts of its own for a node here")
        nodes.cluster.wait_for_nodes()
        assert list(RayEngine(workers=1).each(Needs(Shared()), [])) == []
        with pytest.raises(SeehearError) as error:
            list(RayEngine().each(Needs(Shared((shared, hidden), (hidden / "clip",))), [1, 2]))
    said = str(error.value)
    assert said.startswith("the cluster can't do this work: node ")
    assert f"does not see {hidden}: it must be the same folder under the same path everywhere" in said
    assert "has seehear" in said
    assert "install the same" in said
    assert [file.name for file in shared.iterdir()] == ["clip"]  # nothing is left by which nodes were asked


@contextmanager
def joined(nodes, hide: Path | None = None, **arguments):
    """A node that joins the cluster for a while; with a folder, one that sees another folder in its place."""
    added = []

    def add() -> None:
        added.append(nodes.cluster.add_node(num_cpus=1, wait=False, **arguments))

    with contextlib.nullcontext(add()) if hide is None else thread_that_hides(hide, add):
        yield bool(added)
        for node in added:
            nodes.cluster.remove_node(node)


@contextmanager
def thread_that_hides(folder: Path, do):
    """Do something in a thread with mounts of its own, which the processes that it starts have too.

    They end with the thread, because Ray ends nodes with the thread that started them.
    """
    from ray._private import utils

    done, over = threading.Event(), threading.Event()

    def work() -> None:
        system = ctypes.CDLL(None)
        with contextlib.ExitStack() as stack:
            stack.callback(done.set)
            failed = system.unshare(CLONE_NEWNS) or system.mount(b"none", b"/", None, MS_PRIVATE | MS_REC, None)
            if not failed and not system.mount(b"none", bytes(folder), b"tmpfs", 0, None):
                do()
        over.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "set_sigterm_handler", lambda handler: None)  # which is for the main thread alone
        thread = threading.Thread(target=work)
        thread.start()
        done.wait()
    yield
    over.set()
    thread.join()
