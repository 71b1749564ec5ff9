"""Every file that seehear reads back, damaged: a reader names what is wrong, or gives a right result."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from fuzz import own
from fuzz.target import Target
from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.parsing.folder import read
from seehear.training.runs import Run, find_runs

SLOW = ("stopped-run", "export-marker")  # `make fuzz` has them, and selections
READERS = {"parsed-clip": lambda folder, file: read(file).to_frame()}
QUICK = {
    target.name: replace(target, read=READERS.get(target.name, target.read))
    for target in own.TARGETS
    if target.name not in SLOW
}
AS_JSON = [name for name, target in QUICK.items() if target.damaged[0].endswith((".json", "/.*"))]
AS_TENSORS = ["features", "model", "teachers", "checkpoint"]
DEEP = 100_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Callable[[Target], Path]:
    """Return a folder with a target's sound files; those of one maker are made once."""
    made: dict[object, Path] = {}

    def of(target: Target) -> Path:
        if target.make not in made:
            made[target.make] = tmp_path_factory.mktemp("sound")
            target.make(made[target.make])
        return made[target.make]

    return of


@pytest.fixture(scope="module")
def damaged(sound, tmp_path_factory) -> Callable[[str, Callable[[bytes], bytes]], str]:
    """Damage a target's first file, read it, and return the error, empty if it was read."""
    copies: dict[object, Path] = {}
    written = ("store", "arrays")  # by readers, so that the next one needs a new copy

    def of(name: str, damage: Callable[[bytes], bytes]) -> str:
        target = QUICK[name]
        if target.make not in copies or target.make.__name__ in written:
            copies[target.make] = tmp_path_factory.mktemp("copy") / "files"
            shutil.copytree(sound(target), copies[target.make])
        folder = copies[target.make]
        file = sorted(each for pattern in target.damaged for each in folder.glob(pattern) if each.is_file())[0]
        data = file.read_bytes()
        file.write_bytes(damage(data))
        try:
            target.read(folder, file)
        except SeehearError as error:
            return str(error)
        finally:
            file.write_bytes(data)
        return ""

    return of


def with_first_number(data: bytes, text: str) -> bytes:
    """Replace the first number of a JSON text."""
    import re

    return re.sub(rb": -?\d[\d.e-]*", b": " + text.encode(), data, count=1)


WHOLE = {
    "empty": b"",
    "zeros": b"\0" * 100,
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "number": b"3",
    "huge": b"9" * 5000,
    "lists": b"[" * DEEP,
    "objects": b'{"a":' * DEEP,
    "closed lists": b"[" * 500 + b"]" * 500,
    "half a character": b'{"format": "\\ud800"}',
    "not UTF-8": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("name", AS_JSON)
def test_json_that_holds_something_else(name, damaged):
    for content in WHOLE.values():
        damaged(name, lambda data, content=content: content)


@pytest.mark.parametrize("name", AS_JSON)
def test_json_of_other_encodings(name, damaged):
    assert "UTF-8" in damaged(name, lambda data: data.decode().encode("utf-16"))
    assert damaged(name, lambda data: b"\xef\xbb\xbf" + data) == damaged(name, lambda data: data)


@pytest.mark.parametrize("name", AS_JSON)
def test_a_number_that_makes_no_sense(name, damaged):
    for number in ("NaN", "-Infinity", "1e999", "1" + "0" * 30, "-1", "1e30", "true", '"1"', "{}", "null"):
        damaged(name, lambda data, number=number: with_first_number(data, number))


@pytest.mark.parametrize("name", AS_JSON)
def test_every_field_missing_or_of_another_type(name, damaged):
    def fields(data: bytes) -> dict[str, object]:
        content = json.loads(data)
        first = content[0] if isinstance(content, list) else content
        return first

    names: list[str] = []
    damaged(name, lambda data: names.extend(fields(data)) or data)
    for field in names:
        for value in (None, [1, [2]]):

            def damage(data: bytes, field=field, value=value) -> bytes:
                content = json.loads(data)
                first = content[0] if isinstance(content, list) else content
                del first[field]
                if value is not None:
                    first[field] = value
                return json.dumps(content).encode()

            damaged(name, damage)


HEADERS = {
    "longer than the file": lambda data: (1 << 40).to_bytes(8, "little") + data[8:],
    "longest": lambda data: b"\xff" * 8 + data[8:],
    "cut off": lambda data: data[:-5],
    "header alone": lambda data: data[:8],
    "empty": lambda data: b"",
    "deep": lambda data: DEEP.to_bytes(8, "little") + b"[" * DEEP,
    "zeros": lambda data: b"\0" * len(data),
    "other type": lambda data: data.replace(b'"F32"', b'"I32"').replace(b'"F64"', b'"I64"'),
    "half precision": lambda data: data.replace(b'"F32"', b'"BF16"').replace(b'"F64"', b'"BF16"'),
}


@pytest.mark.parametrize("name", AS_TENSORS)
@pytest.mark.parametrize("damage", HEADERS.values(), ids=HEADERS.keys())
def test_tensors_that_are_damaged_are_named(name, damage, damaged):
    assert "safetensors" in damaged(name, damage)


@pytest.mark.parametrize("damage", HEADERS.values(), ids=HEADERS.keys())
def test_a_pack_whose_index_is_damaged_is_made_again(damage, damaged):
    assert not damaged("pack-index", damage)


def header(**changed: object) -> Callable[[bytes], bytes]:
    """Change the header of a .npy file."""

    def damage(data: bytes) -> bytes:
        facts = {"descr": "<f4", "fortran_order": False, "shape": (10, 8)} | changed
        text = repr(facts).ljust(118).encode()
        return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data[128:]

    return damage


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": (10, 0)},
        {"shape": (0, 8)},
        {"shape": (2**40, 8)},
        {"shape": (2**40, 2**10)},
        {"shape": (-1, 8)},
        {"shape": (80,)},
        {"shape": "x"},
        {"descr": "|O"},
        {"descr": "<c8"},
        {"descr": "nonsense"},
        {"fortran_order": "x"},
        {"more": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["npy", "pack-array"])
def test_headers_of_arrays_that_lie(kind, changed, damaged):
    assert not damaged(kind, header(**changed))  # of one file that is left out; a pack is made again


def test_arrays_of_other_orders_are_read(tmp_path):
    from seehear.features.npy import import_features

    rows = np.arange(80, dtype=np.float32).reshape(10, 8)
    for name, array in {"big": rows.astype(">f4"), "fortran": np.asfortranarray(rows), "empty": rows[:, :0]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    report = import_features(tmp_path, store=tmp_path / "s", network="n", modality="audio", progress=False)
    assert list(report.failed) == ["empty"]
    for name in ("big", "fortran"):
        np.testing.assert_array_equal(Store(tmp_path / "s").read("n", name), rows)


@pytest.mark.parametrize(
    ("name", "field", "value", "message"),
    [
        ("store.json", "segment", -1, "segment is -1"),
        ("store.json", "segment", 1e-9, "segment is 1e-09"),
        ("network.json", "width", 0, "width is 0"),
        ("network.json", "width", 2**40, "width is 1099511627776"),
        ("network.json", "fps", float("nan"), "fps is nan"),
        ("network.json", "name", "other", "lies in another folder"),
        ("run.json", "window", 0, "window is 0"),
        ("run.json", "classes", [], "classes is []"),
        ("run.json", "classes", ["Cat"], "does not fit run.json"),
        ("parsed-clip", "duration", 1e300, "duration is 1e+300"),
        ("parsed-clip", "segment", 0, "segment is 0"),
        ("thresholds", "segment", 1.5, "from 0 to 1"),
        ("thresholds", "filter", ["global"], "filter"),
        ("refinement.json", "format", "x", "of format x"),
    ],
)
def test_numbers_that_make_no_sense_are_named(name, field, value, message, damaged):
    error = damaged(name, lambda data: json.dumps({**json.loads(data), field: value}).encode())
    assert message in error
    assert ".json" in error


TOO_MUCH = ["width = 1000000000", "layers = 100000", "epochs = -1", "learning_rate = inf", "dropout = nan"]


@pytest.mark.parametrize("setting", [*TOO_MUCH, "width = " + "9" * 5000], ids=lambda setting: setting[:20])
def test_recipes_that_ask_for_too_much(setting, damaged):
    name = setting.split()[0]
    text = "\n".join([setting, "[refine]", "teacher = 'none'"])
    assert name in (error := damaged("recipe", lambda data: text.encode())) or "TOML" in error


def test_a_recipe_that_asks_for_a_deep_table(damaged):
    assert "nested" in damaged("recipe", lambda data: b"x = " + b"[" * DEEP)


@pytest.mark.parametrize("tensor", ["nan", "inf"])
def test_weights_that_are_not_finite(tensor, damaged):
    number = np.float32(tensor).tobytes()
    assert "not finite" in damaged("model", lambda data: data[:-4] + number)


def test_a_damaged_pack_is_made_again(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound(QUICK["pack-array"]), folder)
    before = {name: np.array(pack[0].rows) for name, pack in own._dataset(folder).packs().items()}
    for file in (folder / "store" / "packed").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    for name, pack in own._dataset(folder).packs().items():
        np.testing.assert_array_equal(pack[0].rows, before[name])


def test_folders_beside_the_seeds_of_a_run(sound, tmp_path):
    run = sound(QUICK["run.json"]) / "run"
    for seed in (0, 10, 2):
        shutil.copytree(run, tmp_path / f"seed-{seed}")
    for other in ("seed-0-old", "seed-x", "seed-", "seed-01", "seed-²"):
        shutil.copytree(run, tmp_path / other)
    (tmp_path / "seed-1").write_text("a file")
    (tmp_path / "seed-3").mkdir()
    assert [each.path.name for each in find_runs([tmp_path])] == ["seed-0", "seed-2", "seed-10"]
    with pytest.raises(SeehearError, match=r"several seeds: name one, such as .*seed-0"):
        Run(tmp_path)
    only = tmp_path / "only"
    shutil.copytree(run, only / "seed-0-old")
    with pytest.raises(SeehearError, match=r"a folder of runs: name one of them, such as .*seed-0-old"):
        find_runs([only])


@pytest.mark.parametrize("name", ["store/store.json", "run/run.json", "run/history.json", "run/model.safetensors"])
def test_a_folder_in_place_of_a_file(name, sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound(QUICK["run.json"]), folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(SeehearError):
        own.read_run(folder, folder / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_folders_that_may_not_be_read_are_named(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound(QUICK["features"]), folder)
    part = next((folder / "store" / "ears").glob("??"))
    for closed in (part, folder / "store" / "ears", folder / "store"):
        closed.chmod(0)
        try:
            with pytest.raises(SeehearError, match="can't be"):
                own._dataset(folder)
        finally:
            closed.chmod(0o755)


def test_a_parse_with_a_null_in_its_path(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound(QUICK["parsed-clip"]), folder)
    file = folder / "parsed" / "clip0.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "file": "a\0b"}))
    with pytest.raises(SeehearError, match=r"clip0\.json"):
        read(file)
