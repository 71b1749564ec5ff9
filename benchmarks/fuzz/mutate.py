"""Damage to files: of any bytes, of JSON and TOML by their values, of arrays and tensors by their headers.

A mutant is decided by its random numbers alone, so that the same seed damages the same file in the same way.
"""

from __future__ import annotations

import ast
import json
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fuzz import containers
from seehear.media.suffixes import SUFFIXES

Mutator = Callable[[bytes, Random], bytes]

NUMBERS = [0, -1, 1, 2, -0.0, 0.5, 1.5, 1e-9, 1e9, 1e30, -1e30, 1e308, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**25]
TEXTS = ["", " ", "x", "0", "../x", "/tmp/x", "a\tb", "a\nb", "\x00", "é", "e\u0301", "🐕", "\u2028", "x" * 5000, "nan"]
SMALL = [None, True, False, [], {}, [[]], {"": 0}, [None], {"x": {"y": []}}]
RAW = ["NaN", "-Infinity", "1e999", "9" * 5000, "1" + "0" * 400, '"\\ud800"', "[" * 3000, '{"a":' * 3000, "", "]", "01"]
DEEP = ["[" * depth + "]" * depth for depth in (50, 500, 2000, 100_000)]
MARK = "\u0001mark\u0001"  # is replaced by what `json` can't write
HEADER_NUMBERS = [0, 1, 2, 3, 7, 2**10, 2**20, 2**31, 2**40, 2**62, 2**63, 2**64, -1, -5]


def mutate(data: bytes, suffix: str, rng: Random) -> bytes:
    """Return damaged bytes.

    Args:
        data: A sound file.
        suffix: Of its name: says how its structure can be damaged.
        rng: Decides the damage.
    """
    by_form: dict[str, list[Mutator]] = {
        ".json": [json_value, json_value, json_value, json_raw],
        ".toml": [toml_value, toml_value, toml_line],
        ".npy": [npy_header, npy_header, npy_values],
        ".safetensors": [tensor_header, tensor_header, tensor_facts, tensor_values],
    }
    structured = by_form.get(suffix, containers.MUTATORS if suffix in SUFFIXES else [line])
    kinds = [*structured, *structured, flip, cut, repeat, insert, whole]
    for _ in range(rng.choice((1, 1, 1, 2))):
        try:
            data = rng.choice(kinds)(data, rng)
        except (ValueError, KeyError, IndexError, struct.error, SyntaxError, RecursionError):  # damaged before
            data = flip(data, rng)
    return data


# Bytes


def flip(data: bytes, rng: Random) -> bytes:
    """Change a few bits or bytes."""
    result = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(result))
        result[at] = result[at] ^ (1 << rng.randrange(8)) if rng.random() < 0.5 else rng.randrange(256)
    return bytes(result)


def cut(data: bytes, rng: Random) -> bytes:
    """Keep the beginning, or lose a piece in the middle."""
    start = rng.randrange(len(data) + 1)
    return data[:start] if rng.random() < 0.6 else data[:start] + data[start + rng.randrange(1, 64) :]


def repeat(data: bytes, rng: Random) -> bytes:
    """Write a piece twice."""
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.choice((1, 8, 64, 1000))]
    return data[:start] + piece * rng.choice((2, 3, 50)) + data[start + len(piece) :]


def insert(data: bytes, rng: Random) -> bytes:
    """Put bytes in between."""
    at = rng.randrange(len(data) + 1)
    more = rng.choice((b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b",", b'"', b"\r", b"\t", b"\xc3\x28", b"\xed\xa0\x80"))
    return data[:at] + more * rng.choice((1, 1, 10)) + data[at:]


def whole(data: bytes, rng: Random) -> bytes:
    """Replace the file: nothing in it, other encodings, a byte-order mark, other files."""
    choices = [
        b"",
        b"\0" * 100,
        b"\xef\xbb\xbf" + data,
        b"null",
        b"[]",
        b"{}",
        b"3",
        b'"x"',
        b"PK\3\4" + data,
        b"\n" * 9,
    ]
    try:
        text = data.decode()
        choices += [
            text.encode("utf-16"),
            text.encode("utf-32"),
            data.replace(b"\n", b"\r\n"),
            data.replace(b"\n", b"\r"),
        ]
    except UnicodeDecodeError:
        pass
    return rng.choice(choices)


def line(data: bytes, rng: Random) -> bytes:
    """Damage a line of a text: lose, repeat, swap or change its fields."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    fields = lines[at].split(b"\t") if b"\t" in lines[at] else lines[at].split(b",")
    field = rng.randrange(len(fields))
    value = rng.choice(
        [str(rng.choice(NUMBERS)).encode(), str(rng.choice(TEXTS)).encode(), b"nan", b"inf", b"x" * 140_000]
    )
    kind = rng.randrange(5)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    else:
        if kind == 2:
            del fields[field]
        elif kind == 3:
            fields.insert(field, value)
        else:
            fields[field] = value
        lines[at] = (b"\t" if b"\t" in lines[at] else b",").join(fields)
    return b"\n".join(lines)


# JSON and TOML


def json_value(data: bytes, rng: Random) -> bytes:
    """Change, remove or add one value."""
    return json.dumps(_changed(json.loads(data), rng), indent=1, ensure_ascii=rng.random() < 0.5).encode()


def json_raw(data: bytes, rng: Random) -> bytes:
    """Put something in place of a value that JSON does not know, or that is too large or too deep."""
    return json.dumps(_changed(json.loads(data), rng, MARK)).replace(json.dumps(MARK), rng.choice(RAW + DEEP)).encode()


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(value) if isinstance(value, dict) else range(min(len(value), 8)) if isinstance(value, list) else ()
    return [path, *(place for key in keys for place in _places(value[key], (*path, key)))]


def _changed(value: Any, rng: Random, new: Any = None) -> Any:
    places = _places(value)
    place = places[rng.randrange(len(places))]
    if not place:
        return _other(value, rng) if new is None else new
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    kind = rng.randrange(6) if new is None else 2
    if kind == 0:
        del inner[place[-1]]
    elif kind == 1 and isinstance(inner, dict):
        inner[rng.choice(TEXTS)] = inner.pop(place[-1]) if rng.random() < 0.5 else _other(None, rng)
    elif kind == 1:
        inner.insert(place[-1], _other(inner[place[-1]], rng))
    else:
        inner[place[-1]] = _other(inner[place[-1]], rng) if new is None else new
    return value


def _other(value: Any, rng: Random) -> Any:
    """Return a value of the same type, or of another."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.choice(TEXTS)
    if kind == 2:
        return json.loads(json.dumps(rng.choice(SMALL)))
    if kind == 3:
        return [value, value] if rng.random() < 0.5 else {"x": value}
    if isinstance(value, bool | None):
        return not value
    if isinstance(value, int | float):
        return rng.choice((-value, value + 1, value * 1000, str(value)))
    return value[: len(value) // 2] if isinstance(value, str | list) else rng.choice(NUMBERS)


def toml_value(data: bytes, rng: Random) -> bytes:
    """Change the value of one setting."""
    lines = data.decode().split("\n")
    settings = [n for n, text in enumerate(lines) if "=" in text]
    at = settings[rng.randrange(len(settings))]
    name = lines[at].split("=")[0]
    other = json.dumps(_other(1, rng)).replace("null", "nan")
    lines[at] = f"{name}= {rng.choice((other, *RAW, *DEEP[:3], 'inf', 'nan', '1979-05-27', '0x' + 'f' * 40))}"
    return "\n".join(lines).encode(errors="surrogatepass")


def toml_line(data: bytes, rng: Random) -> bytes:
    """Lose, repeat or add a line."""
    lines = data.decode().split("\n")
    at = rng.randrange(len(lines))
    more = rng.choice(("x = 1", "[x]", "[[x]]", "a.b.c = 1", lines[at], ".".join(["a"] * 2000) + " = 1", "width = 10"))
    return "\n".join(
        [*lines[:at], *([more] if rng.random() < 0.7 else []), *lines[at + (rng.random() < 0.5) :]]
    ).encode()


# Arrays


def npy_header(data: bytes, rng: Random) -> bytes:
    """Change the header of a .npy file: type, order, shape, length, version."""
    (length,) = struct.unpack("<H", data[8:10])
    facts, body = ast.literal_eval(data[10 : 10 + length].decode("latin1")), data[10 + length :]
    kind, version = rng.randrange(6), b"\1\0"
    if kind == 0:
        facts["descr"] = rng.choice(
            (">f4", "<f8", "<f2", "<i8", "|b1", "|O", "<c8", "<U4", "|S0", "<M8[s]", "|V3", "x", 3)
        )
    elif kind == 1:
        facts["fortran_order"] = rng.choice((True, "x", None, 1))
    elif kind in (2, 3):
        number = rng.choice(HEADER_NUMBERS)
        shapes = (
            (),
            (number,),
            (number, facts["shape"][-1]),
            (facts["shape"][0], number),
            (2, 2, number),
            (number, number),
        )
        facts["shape"] = rng.choice(
            (*shapes, (10, 0), (0, 0), (0, 8), "x", (1.5, 2), [5, 6], (1,) * 40, (2**32, 2**32))
        )
    elif kind == 4:
        facts.pop(rng.choice(list(facts)))
    else:
        version = rng.choice((b"\2\0", b"\3\0", b"\x09\0", b"\0\0", b"\1\1"))
    text = rng.choice((repr(facts), repr(facts), repr(facts) + " " * 70_00, "(" * 3000, "{" * 200)).encode("latin1")
    size = len(text) if rng.random() < 0.8 else rng.randrange(1 << 16)
    return b"\x93NUMPY" + version + struct.pack("<H", min(size, 65535)) + text + body


def npy_values(data: bytes, rng: Random) -> bytes:
    """Put numbers into a .npy file of float32 that are odd."""
    return data[:-4] + struct.pack("<f", rng.choice((float("nan"), float("inf"), 1e30, -1e38, 1e-45)))


def tensor_header(data: bytes, rng: Random) -> bytes:
    """Change the header of a safetensors file: names, types, shapes, offsets, length."""
    header, body = _parted(data)
    names = [name for name in header if name != "__metadata__"]
    name, kind = rng.choice(names), rng.randrange(8)
    number = rng.choice(HEADER_NUMBERS)
    if kind == 0:
        header[name]["dtype"] = rng.choice(
            ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "X", 3, "F32", "I32", "C64")
        )
    elif kind == 1:
        header[name]["shape"] = rng.choice(
            ([], [number], [number, number], header[name]["shape"][::-1], [2**32, 2**32], "x")
        )
    elif kind == 2:
        header[name]["data_offsets"] = rng.choice(([0, number], [number, number], [number, 0], [], [0], "x", [0, 4]))
    elif kind == 3:
        header[rng.choice(TEXTS)] = header.pop(name)
    elif kind == 4:
        header = _changed(header, rng)
    elif kind == 5:  # another shape that fits
        count = 1
        for size in header[name]["shape"]:
            count *= size
        header[name]["shape"] = rng.choice(([count], [1, count], [count, 1], [1, 1, count]))
    elif kind == 6:  # a tensor less, with its bytes
        start, stop = header.pop(name)["data_offsets"]
        for each in header.values():
            if "data_offsets" in each and each["data_offsets"][0] >= stop:
                each["data_offsets"] = [offset - (stop - start) for offset in each["data_offsets"]]
        body = body[:start] + body[stop:]
    text = json.dumps(header).encode()
    size = len(text) if kind != 7 else rng.choice((0, 1, 2**20, 2**27, 2**32, 2**62, 2**64 - 1, len(text) + 1))
    return struct.pack("<Q", size) + text + body


def tensor_facts(data: bytes, rng: Random) -> bytes:
    """Change the JSON that a safetensors file carries beside its tensors."""
    header, body = _parted(data)
    facts = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(facts, dict) or not facts:  # damaged by an earlier change
        return data
    name = rng.choice(list(facts))
    facts[name] = rng.choice((json_value, json_value, json_raw, flip, cut))(facts[name].encode(), rng).decode(
        errors="replace"
    )
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def tensor_values(data: bytes, rng: Random) -> bytes:
    """Put odd numbers of float32 into the body of a safetensors file."""
    header, body = _parted(data)
    value = struct.pack("<f", rng.choice((float("nan"), float("inf"), 1e30, -1e38, 0.0)))
    at = 4 * rng.randrange(len(body) // 4)
    body = value * (len(body) // 4) if rng.random() < 0.3 else body[:at] + value + body[at + 4 :]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _parted(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def damaged_name(folder: Path, patterns: tuple[str, ...], n: int) -> Path:
    """Return which file of a folder the n-th input damages."""
    files = sorted(file for pattern in patterns for file in folder.glob(pattern) if file.is_file())
    if not files:
        raise FileNotFoundError(f"{folder}: no file matches {', '.join(patterns)}")
    return files[n % len(files)]
