"""A training's history as TensorBoard events."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seehear.errors import SeehearError


def check_installed() -> None:
    """Raise SeehearError if TensorBoard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise SeehearError("TensorBoard is not installed: pip install 'seehear[tensorboard]'")


@contextmanager
def event_writer(folder: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that writes an entry of the history as events into FOLDER/tensorboard."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def write(entry: Mapping[str, Any]) -> None:
            stage = entry.get("stage", "train")
            for name in ("loss", "contrast"):
                if name in entry:
                    writer.add_scalar(f"{name}/{stage}", entry[name], entry["epoch"])
            for name, value in entry.get("val", {}).items():
                writer.add_scalar(f"{name}/val", value, entry["epoch"])

        yield write
