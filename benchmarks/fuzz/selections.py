"""Files of selections: the selection and its judgements, and the trainings that they keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fuzz.target import Target

QUICK = {"epochs": 2, "width": 8, "feed_forward": 8, "learning_rate": 0.01}


def selection(folder: Path) -> None:
    """A selection of four collocations with everything it kept, and a judgement of it."""
    from selection.conftest import world

    found = _selected(folder)
    found.save(folder / "selection")
    found.judge(world(20, 3, truth=True)).save(folder / "selection")


def _selected(folder: Path) -> Any:
    import seehear as sh
    from selection.conftest import world

    options: dict[str, Any] = {"seeds": (0,), "budget": 1.0, "device": "cpu", "progress": False, "workers": 1}
    clips = world(16, 1), world(10, 2, truth=True)
    return sh.select(*clips, by=["pilots", "ridge@val"], out=folder / "selection", **options, **QUICK)


def read_selection(folder: Path, file: Path) -> None:
    """Read a selection and its judgements, and write their page."""
    from seehear.pages.selection import write
    from seehear.selection.record import read_judgements, read_selection

    found = read_selection(folder / "selection")
    repr(found), found.text(), found.to_frame()
    judgements = read_judgements(folder / "selection")
    for judged in judgements.values():
        repr(judged), judged.text(), judged.to_frame()
    if file.suffix == ".json":
        write(found, judgements, folder / "selection")


def resume(folder: Path, file: Path) -> None:
    """Select again: what was trained is read."""
    _selected(folder)


TARGETS = (
    Target("selection.json", selection, ("selection/selection.json",), read_selection, True, seconds=30),
    Target("judged.json", selection, ("selection/judged-*.json",), read_selection, True, seconds=30),
    Target(
        "judged-scores", selection, ("selection/trainings/*/*/*/judged-*.safetensors",), resume, True, 60, share=0.2
    ),
    Target("trained.json", selection, ("selection/trainings/*/*/*/*.json",), resume, True, 60, share=0.3),
)
