"""Folders that hold runs of several seeds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.stored import (
    entries,
    exists,
)

if TYPE_CHECKING:
    pass

SEED = re.compile(r"seed-(0|[1-9][0-9]*)").fullmatch  # not a folder such as seed-0-old


def holds_run(path: str | Path) -> bool:
    """Return whether a path is the folder of a run, or of several seeds."""
    folder = Path(path)
    return exists(folder / "run.json") or bool(seed_folders(folder))


def seed_folders(folder: Path) -> list[Path]:
    """Return the folders seed-0, seed-1, … of runs in a folder, by seed. Others, such as seed-0-old, are no seeds."""
    seeds = {int(path.name.removeprefix("seed-")): path for path in entries(folder) if SEED(path.name)}
    return [seeds[seed] for seed in sorted(seeds) if exists(seeds[seed] / "run.json")]
