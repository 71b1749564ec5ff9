"""What SECURITY.md promises. Promises that other tests keep are only looked up here."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import commands
import seehear
from make_media import movie
from seehear import telemetry
from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.networks.torch_network import load_state
from seehear.pages import page
from seehear.training.runs import load_tensors

ROOT = Path(__file__).parent.parent
SOURCE = Path(seehear.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
PROMISES = [line.split("|") for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines() if "::test_" in line]


# The list of promises


def test_every_promise_has_a_test_that_exists():
    assert len(PROMISES) > 20
    for _, promise, tests, _ in PROMISES:
        named = re.findall(r"`(\S+?)::(test_\w+)`", tests)
        assert named, promise
        for file, name in named:
            assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text("utf-8"), f"{promise}: {file}::{name}"


def test_every_test_here_keeps_a_promise():
    own = set(re.findall(r"^def (test_\w+)", Path(__file__).read_text("utf-8"), re.MULTILINE))
    promised = {name for *_, tests, _ in PROMISES for name in re.findall(r"`test_security\.py::(test_\w+)`", tests)}
    assert own - promised == {"test_every_promise_has_a_test_that_exists", "test_every_test_here_keeps_a_promise"}


# Nothing given is executed

FORBIDDEN = {  # calls by which data can become code, and where else they are allowed
    "eval": set(),
    "exec": set(),
    "compile": set(),
    "__import__": set(),
    "os.system": set(),
    "os.popen": set(),
    "pickle.load": set(),
    "pickle.loads": set(),
    "torch.hub.load": set(),
    "torch.jit.load": set(),
    "onnx.load": set(),  # follows paths to other files: seehear.networks.onnx_file reads them
    "onnxruntime.InferenceSession": {"networks/session.py"},
    "shutil.unpack_archive": set(),
    "matplotlib.rc_file": set(),
    "runpy.run_path": set(),
    "importlib.import_module": {  # of names in this package, or of what the user named
        "__init__.py", "alignment/__init__.py", "paper/__init__.py", "pages/__init__.py", "networks/__init__.py",
        "networks/pytorchcv_zoo.py",
    },
    "spec.loader.exec_module": {"networks/__init__.py"},
}  # fmt: skip
METHODS = {"extractall": {"networks/archives.py"}, "from_pretrained": set()}


def calls(module: Path):
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_no_call_in_the_source_executes_data(module):
    place = module.relative_to(SOURCE).as_posix()
    for name, given in calls(module):
        assert place in FORBIDDEN.get(name, {place}), name
        assert place in METHODS.get(name.rpartition(".")[2], {place}), name
        assert "shell" not in given
        assert "trust_remote_code" not in given
        if name == "torch.load":
            assert given["weights_only"] == "True"
        if name in ("np.load", "numpy.load", "np.save", "read_array", "np.lib.format.read_array"):
            assert given["allow_pickle"] == "False"


class Evil:
    """Runs when it is unpickled."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self):
        return os.mkdir, (str(self.sign),)


def test_pickles_do_not_run(tmp_path):
    """As weights, as features and as tensors of a run, whatever the suffix says."""
    import torch

    sign = tmp_path / "ran"
    torch.save({"weight": Evil(sign)}, tmp_path / "w.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"weight": Evil(sign)}))
    (tmp_path / "plain.safetensors").write_bytes(pickle.dumps({"weight": Evil(sign)}))
    for name in ("w.pth", "plain.pth", "plain.safetensors"):
        with pytest.raises(SeehearError, match="can't be read as the weights"):
            load_state(torch.nn.Linear(1, 1), tmp_path / name, "test")
    with pytest.raises(SeehearError, match="damaged or unreadable"):
        load_tensors(tmp_path / "plain.safetensors")
    folder = tmp_path / "features"
    folder.mkdir()
    np.save(folder / "objects.npy", np.array([Evil(sign)], dtype=object), allow_pickle=True)
    (folder / "pickle.npy").write_bytes(pickle.dumps(Evil(sign)))
    transfer = commands.import_features(folder, store=tmp_path / "store", network="mine", modality="audio")
    assert set(transfer.failed) == {"objects", "pickle"}
    assert not sign.exists()


DRAW = """
from pathlib import Path
from seehear.plots.figure import NotebookFigure
from seehear.plots.style import styled, write

@styled
def draw():
    figure = NotebookFigure(figsize=(2, 2))
    figure.subplots().plot([0, 1], label="name")
    return figure

write(draw(), Path("plot.png"), "png")
"""


def test_settings_of_plots_in_the_working_folder_run_nothing(tmp_path):
    (tmp_path / "matplotlibrc").write_text("backend: module://evil\ntext.usetex: True\n")
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    (tmp_path / "bin").mkdir()
    for program in ("latex", "pdflatex", "dvipng", "kpsewhich"):
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tmp_path / "bin" / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = os.pathsep.join([*sys.path, str(tmp_path)])
    subprocess.run([sys.executable, "-c", DRAW], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "plot.png").is_file()
    assert not (tmp_path / "ran").exists()


# What is declared is bounded


def npy(header: str | bytes, length: int | None = None, version: bytes = b"\1\0") -> bytes:
    text = header.encode() if isinstance(header, str) else header
    size = len(text) if length is None else length
    return b"\x93NUMPY" + version + size.to_bytes(2 if version == b"\1\0" else 4, "little") + text


def described(shape: object, dtype: str = "'<f4'") -> bytes:
    return npy(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n")


ARRAYS = {
    "more rows than the file": described((1 << 40, 4)),
    "more than any memory": described((1 << 62, 4)),
    "a product that overflows": described((1 << 32, 1 << 32)),
    "a number that overflows": described((1 << 70, 1)),
    "nothing, times what overflows": described((0, 1 << 70)),
    "negative": described((-1, 4)),
    "long header": npy(b"(" * 60_000),
    "deep header": npy(b"(" * 9000),
    "signs": npy(b"-" * 8999 + b"1"),
    "header beyond the file": npy(b"{}", 0xFFFFFFFF, b"\2\0"),
    "another version": npy(b"{}", version=b"\x09\0"),
    "records": described((1,), "[('a', '<f4', (1073741824,))]"),
    "no shape": npy("{'descr': '<f4', 'fortran_order': False}"),
    "code": npy("__import__('os').mkdir('ran')"),
}


@pytest.mark.parametrize("kind", list(ARRAYS))
def test_arrays_of_features_declare_what_they_hold(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "clip.npy").write_bytes(ARRAYS[kind] + bytes(64))
    transfer = commands.import_features(folder, store=tmp_path / "store", network="mine", modality="audio")
    assert list(transfer.failed) == ["clip"]
    assert str(folder / "clip.npy") in transfer.failed["clip"]
    assert not (tmp_path / "ran").exists()


def safetensors(header: bytes, length: int | None = None, data: bytes = b"1234") -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def tensor(shape: str, dtype: str = "F32", end: int = 4) -> bytes:
    header = f'{{"features":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}'
    return safetensors(header.encode())


TENSORS = {
    "more than the file": tensor("[1000000000,1000000000]", end=4 * 10**18),
    "more than declared": tensor("[1000000000,1000000000]"),
    "overflow": tensor("[9223372036854775808,9223372036854775808]"),
    "offset": tensor("[2]", end=8),
    "header beyond any file": safetensors(b"{}", 1 << 63),
    "header beyond this file": safetensors(b"{}", 90_000_000),
    "deep": safetensors(b"[" * 100_000),
    "deep metadata": safetensors(b'{"__metadata__":' * 50_000),
    "another type": tensor("[2]", "BF16"),
    "a small type": tensor("[4]", "F8_E4M3"),
    "half bytes": tensor("[8]", "F4"),
    "no type": tensor("[1]", "X"),
    "nothing": b"",
    "short": b"1234",
}


@pytest.mark.parametrize("kind", list(TENSORS))
def test_tensors_declare_what_they_hold(tmp_path, kind):
    import torch

    store = Store(tmp_path / "store", segment=1.0, create=True)
    for file in (store.file("mine", "clip"), tmp_path / "run.safetensors"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(TENSORS[kind])
    with pytest.raises(SeehearError, match=r"clip\.safetensors: damaged"):
        store.read("mine", "clip")
    assert store.origin("mine", "clip") is None
    with pytest.raises(SeehearError, match=r"run\.safetensors: (damaged or unreadable|lacks the facts)"):
        load_tensors(tmp_path / "run.safetensors")
    with pytest.raises(SeehearError, match=r"run\.safetensors: "):
        load_state(torch.nn.Linear(1, 1), tmp_path / "run.safetensors", "test")


# Pages


def test_pages_allow_what_they_need_and_no_more(tmp_path):
    """Their own script by its hash, their own styles and images; and a media file, in the page of a clip alone."""
    assets = SOURCE / "pages" / "assets"
    base = (assets / "base.html").read_text("utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', base)
    assert policy.startswith("default-src 'none'; ")
    scripts = [part for part in policy.split("; ") if part.startswith("script-src")]
    assert scripts == ["script-src 'sha256-{{ script_hash }}'"]
    assert not re.search(r"https?:|\*|unsafe-eval|connect-src|frame-src|object-src", policy)
    assert {"base-uri 'none'", "form-action 'none'"} <= set(policy.split("; "))
    templates = {file.name: file.read_text("utf-8") for file in assets.glob("*.html")}
    assert {name for name, text in templates.items() if "media-src" in text} == {"parse.html"}
    for name, text in templates.items():
        assert not re.search(r"\son\w+\s*=|javascript:|<iframe|<object|<embed|\|\s*safe", text), name
        assert not re.search(r"(src|href)=\"(https?:)?//", text), name
    assert page.as_data("</script><script>") == '"\\u003c/script\\u003e\\u003cscript\\u003e"'


# Nothing is reported

SWITCHES = """
import os, sys
import seehear
values = [os.environ.get(name) for name in seehear.telemetry.SWITCHES]
print(values, seehear.telemetry.is_off(), "onnxruntime" in sys.modules)
"""


@pytest.mark.parametrize(
    ("given", "off"), [({}, True), ({"ORT_DISABLE_TELEMETRY": "0"}, False), ({"ORT_DISABLE_TELEMETRY": "1"}, True)]
)
def test_telemetry_is_off_unless_it_is_allowed(given, off):
    environment = {name: value for name, value in os.environ.items() if name not in telemetry.SWITCHES}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path), **given}
    printed = subprocess.run(
        [sys.executable, "-c", SWITCHES], env=environment, capture_output=True, text=True, check=True
    ).stdout
    values = [given.get(name, "1") for name in telemetry.SWITCHES]
    assert printed == f"{values} {off} False\n"
    for module in MODULES:  # ONNX Runtime is imported in one place, which switches it off once more
        imported = re.search(r"^\s*(import|from) onnxruntime", module.read_text("utf-8"), re.MULTILINE)
        assert not imported or module.relative_to(SOURCE).as_posix() == "networks/session.py"


OWN = """
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper
from seehear.networks import network
from seehear.networks.session import make_session

made = Path(__file__).with_suffix(".onnx")
nodes = [helper.make_node("ReduceMean", ["x"], ["features"], axes=[1, 2], keepdims=0)]
values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 32, 32, 3])]
outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3])]
graph = helper.make_graph(nodes, "graph", values, outputs)
made.write_bytes(
    helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
)
session = make_session(made, "cpu")


@network(name="colours", modality="visual", width=3, size=32)
def SPEC(frames):
    return session.run(None, {"x": frames.astype(np.float32)})[0]
"""

# Fails on any connection and look-up of Python's own.
GUARD = """
import sys

def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        with open({!r}, "a") as file:
            file.write(event + " " + repr(arguments) + chr(10))

sys.addaudithook(guard)
"""


def test_extraction_opens_no_connection(tmp_path):
    """Not by Python, not by ONNX Runtime, which would also leave an identifier in the cache."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD.format(str(tmp_path / "events")))
    movie(tmp_path / "clips" / "a.mp4", 1.0, picture=lambda _: np.full((32, 32, 3), 90, np.uint8))
    hidden = (*telemetry.SWITCHES, "CI", "GITHUB_ACTIONS", "ORT_RUNNING_UNIT_TESTS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "guard"), *sys.path]),
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    command = [
        sys.executable,
        "-m",
        "seehear",
        "extract",
        str(tmp_path / "clips"),
        "--networks",
        f"{tmp_path}/own.py:SPEC",
    ]
    command += ["--store", str(tmp_path / "store")]
    trace = tmp_path / "trace"
    if watched := shutil.which("strace") is not None:
        command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace), *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if watched and "PTRACE" in done.stderr:  # not allowed here
        watched = False
        done = subprocess.run(command[7:], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "store").rglob("a.safetensors"))
    assert not (tmp_path / "events").exists()
    written = {file.name for top in ("home", "cache") for file in (tmp_path / top).rglob("*") if file.is_file()}
    assert not {name for name in written if "deviceid" in name or "onnxruntime" in name}
    if watched:
        assert "AF_INET" not in trace.read_text()


# Packages

PROVIDED = {"PIL": "pillow", "av": "av", "IPython": None}  # import -> package; None: of the notebook that runs it


def test_imported_packages_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    declared = {re.split(r"[^\w-]", name)[0].lower().replace("_", "-") for name in wanted}
    packages = importlib.metadata.packages_distributions()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in {name.partition(".")[0] for name in names} - {"seehear"} - sys.stdlib_module_names:
                known = PROVIDED.get(name, name) if name in PROVIDED else packages.get(name, [name])[0]
                if known is not None:
                    assert known.lower().replace("_", "-") in declared, f"{module}: {name}"
