"""Files that are read back: JSON and TOML as a typed model, arrays, and tensors.

A file may be cut off, changed by hand, or made to do harm. So each is read here, within bounds, and checked against
what it should hold. Whatever is wrong becomes a SeehearError that names the file, the field, and what to do. Unknown
fields are ignored, so that a file of a later version with the same format can be read.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError, WrapValidator

from seehear.errors import SeehearError
from seehear.texts import nesting_fault, parse_json, read_json, read_text

T = TypeVar("T")

MAX_WIDTH = 1 << 20  # numbers in a feature; the widest network here has 4,096
MAX_VALUES = 1 << 29  # numbers in one array: 2 GiB as float32
MAX_HEADER = 1000  # bytes of the header of a .npy file; numpy takes minutes for a long one that was damaged
MAX_SECONDS = 1e7  # of a clip: four months
LEAST_SEGMENT, MAX_SEGMENT = 1e-3, 86_400.0  # seconds per segment
MAX_SHOWN = 60  # characters of a value in a message


def _as_written(value: Any, check: Callable[[Any], Any]) -> Any:
    check(value)
    return value


# Numbers are not read from texts, nor from true and false; NaN and infinity are no numbers.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
AsWritten = WrapValidator(_as_written)  # keeps 8 as 8 where hashes of settings depend on it, in place of 8.0
Probability = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=MAX_SECONDS)]
Segment = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=LEAST_SEGMENT, le=MAX_SEGMENT), AsWritten]
Rate = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0), AsWritten]
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Positive = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Width = Annotated[int, Field(strict=True, ge=1, le=MAX_WIDTH)]
Flag = Annotated[bool, Field(strict=True)]


# JSON and TOML


def read_as(path: Path, kind: type[T], remedy: str) -> T:
    """Return the JSON value in a file as a model.

    Args:
        path: The file.
        kind: A dataclass, a pydantic model or another type that pydantic knows.
        remedy: What to do about a file that is damaged, for the message.

    Raises:
        SeehearError: Naming the file and the first field that is missing or wrong.
    """
    return as_model(read_json(path, remedy), kind, path, remedy)


def as_model(value: Any, kind: type[T], where: object, remedy: str) -> T:
    """Return a JSON value as a model; see `read_as`. where: the file, for the message."""
    try:
        model: T = _adapter(cast(Any, kind)).validate_python(value)
    except ValidationError as error:
        raise SeehearError(f"{where}: is damaged ({fault(error)}); {remedy}") from None
    return model


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """Return the JSON object in a file, whose fields are still to be checked. Raises SeehearError as `read_as`."""
    value = read_json(path, remedy)
    if not isinstance(value, dict):
        raise SeehearError(f"{path}: holds {_shown(value)} instead of fields with names; {remedy}")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises SeehearError if it can't be read."""
    text = read_text(path, kind="TOML", wide=False)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise SeehearError(f"{path}: not a TOML file: {nesting_fault()}") from None
    except ValueError as error:
        raise SeehearError(f"{path}: not a TOML file: {error}") from None
    return content


def fault(error: ValidationError) -> str:
    """Say in one line what is wrong with the first field."""
    return _fault(error.errors(include_url=False)[0])


def _fault(first: Mapping[str, Any]) -> str:
    field, problem = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"lacks {field}"
    return f"{field} is {_shown(first['input'])}: {problem}" if field else problem


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


# Arrays and tensors


def map_array(path: Path) -> NDArray[Any]:
    """Map the array in a .npy file without reading it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no array of its size; the message is numpy's.
    """
    try:
        with np.errstate(over="ignore"):  # of a size that its header claims
            array = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=MAX_HEADER)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    except Exception as error:  # its header is read as Python: whatever that raises, the file is damaged
        raise ValueError(str(error) or type(error).__name__) from None
    if not isinstance(array, np.ndarray):
        raise ValueError("is an archive (.npz)")
    return array


def read_tensors(
    path: Path, framework: Literal["np", "pt"], remedy: str, *, only: Collection[str] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tensors in a safetensors file, and the texts that it carries beside them.

    Args:
        path: The file.
        framework: `np` for arrays, `pt` for tensors of torch.
        remedy: What to do about a file that is damaged, for the message.
        only: The names of the tensors to read, of those that are there; by default all.

    Raises:
        FileNotFoundError: If there is no such file.
        SeehearError: If the file is damaged, or can't be read.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework=framework) as file:
            names = [name for name in file.keys() if only is None or name in only]  # noqa: SIM118
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except FileNotFoundError:
        raise
    except Exception as error:  # of the library, of the framework for a type that it lacks, or of the system
        raise SeehearError(
            f"{path}: damaged or unreadable ({str(error).strip() or type(error).__name__}); {remedy}"
        ) from None


def shape_faults(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Say which tensor is missing, too many, or of another shape or type than expected; nothing if all fit.

    Args:
        found: name -> array or tensor.
        expected: Likewise; only shapes and types count.
    """
    for name in expected:
        if name not in found:
            return f"it lacks {name}"
    for name, value in found.items():
        if name not in expected:
            return f"it also has {_shown(name)}"
        if value.shape != expected[name].shape:
            return f"{name} has the shape {tuple(value.shape)}, not {tuple(expected[name].shape)}"
        if value.dtype != expected[name].dtype:
            return f"{name} holds {value.dtype}, not {expected[name].dtype}"
    return ""


def facts_of(metadata: Mapping[str, str], name: str, path: Path, remedy: str) -> Any:
    """Return the JSON value that a safetensors file carries under a name. Raises SeehearError if there is none."""
    if name not in metadata:
        raise SeehearError(f"{path}: lacks the {name} beside its tensors; {remedy}")
    return parse_json(metadata[name], f"{path}: {name}")


def reasonable(shape: tuple[int, ...]) -> bool:
    """Return whether one array may have this shape."""
    return math.prod(shape) <= MAX_VALUES


# Folders


def exists(path: Path) -> bool:
    """Return whether a file or folder exists. Raises SeehearError if its folder may not be looked into."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise SeehearError(f"{path}: can't be looked at: {getattr(error, 'strerror', error)}") from None
    return True


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, by name, but for hidden entries; nothing if there is no such folder.

    Raises:
        SeehearError: If the folder can't be read.
    """
    return [folder / name for name in names_in(folder)]


def names_in(folder: Path) -> list[str]:
    """Return the names of `entries`: ten times as fast, if there are thousands. Raises as `entries`."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SeehearError(f"{folder}: can't be read: {error.strerror}") from None
