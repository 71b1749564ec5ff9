"""Imports go one way: a module imports from its own room and from lower ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import seehear

SOURCE = Path(seehear.__file__).parent
# From the lowest room to the highest. Rooms of one line may import each other.
ROOMS = [
    {"errors", "files", "locks", "names", "arguments", "progress", "device", "version", "modality", "events"}
    | {"decoding", "registry", "results", "settings", "stored", "texts", "pseudo", "telemetry", "memory", "windows"},
    {"storage", "engines"},
    {"labels"},
    {"media"},
    {"serving"},
    {"networks"},
    {"vocabulary"},
    {"features"},
    {"fusion", "losses"},
    {"scoring"},
    {"data"},
    {"refinement"},
    {"training", "packaged"},
    {"parsing"},
    {"evaluation", "alignment", "selection"},
    {"formats", "plots", "pages", "datasets", "paper"},
    {"labelling"},
    {"cli"},
    {"__main__", "__init__"},
]
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names}


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs when a module is imported. Functions may import from anywhere, and so may the type checker."""
    for statement in body:
        if isinstance(statement, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from statements(statement.body)
            yield from statements(statement.orelse)
        elif isinstance(statement, ast.Try | ast.With | ast.ClassDef):
            yield from statements(statement.body)
        else:
            yield statement


def imported_rooms(source: str) -> Iterator[tuple[int, str]]:
    """Line and room of every import from the package at module level."""
    for statement in statements(ast.parse(source).body):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            assert not statement.level, f"line {statement.lineno}: imports are absolute"
            names = [f"{statement.module}.{alias.name}" for alias in statement.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "seehear":
                yield statement.lineno, rest.partition(".")[0] or "__init__"


def upward(source: str, room: str) -> list[str]:
    return [f"line {line}: {of}" for line, of in imported_rooms(source) if LEVEL[of] > LEVEL[room]]


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).with_suffix("").parts[0]


def test_every_module_is_in_a_room():
    assert {room_of(file) for file in SOURCE.rglob("*.py")} == set(LEVEL)


@pytest.mark.parametrize("room", sorted(LEVEL))
def test_imports_go_down(room):
    files = [file for file in SOURCE.rglob("*.py") if room_of(file) == room]
    wrong = {str(file.relative_to(SOURCE)): upward(file.read_text("utf-8"), room) for file in files}
    assert not {name: lines for name, lines in wrong.items() if lines}


@pytest.mark.parametrize(
    "source",
    [
        "from seehear.cli import app",
        "from seehear import cli",
        "import seehear.cli.app",
        "import seehear",
        "class A:\n    from seehear.cli import app",
        "try:\n    from seehear.cli import app\nexcept ImportError:\n    pass",
        "if TYPE_CHECKING:\n    pass\nelse:\n    from seehear.cli import app",
    ],
)
def test_an_upward_import_is_seen(source):
    assert upward(source, "data")


@pytest.mark.parametrize(
    "source",
    [
        "from seehear.features import store",
        "import numpy",
        "def f():\n    from seehear.cli import app",
        "if TYPE_CHECKING:\n    from seehear.cli import app",
    ],
)
def test_other_imports_pass(source):
    assert not upward(source, "data")
