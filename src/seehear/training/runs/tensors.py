"""Tensors and a JSON value in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.files import (
    atomic_bytes,
)
from seehear.stored import (
    facts_of,
    read_tensors,
)
from seehear.training.runs.facts import REMEDY

if TYPE_CHECKING:
    from torch import Tensor


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: object) -> None:
    """Write tensors and a JSON value into one file."""
    from safetensors.torch import save

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    atomic_bytes(path, save(contiguous, metadata={"facts": json.dumps(facts)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Return the tensors and the JSON value of a file. Raises SeehearError if the file is missing or damaged."""
    try:
        tensors, metadata = read_tensors(path, "pt", REMEDY)
    except FileNotFoundError:
        raise SeehearError(f"{path}: no such file; {REMEDY}") from None
    return tensors, facts_of(metadata, "facts", path, REMEDY)
