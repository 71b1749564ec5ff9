"""How two runs differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

from seehear.training.runs.base import BaseRun

MADE_OF_FEATURES = ("features", "pseudo")  # endings of the inputs that other networks change


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Return the differences between two JSON values, each such as `recipe.epochs 40 → 2`.

    Args:
        old: A JSON value.
        new: Another one.
        where: The dotted name of the values, empty for whole documents.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        parts = [differences(old.get(key), new.get(key), f"{where}.{key}" if where else key) for key in keys]
        return [part for each in parts for part in each]
    return [] if old == new else [f"{where} {_as_text(old)} → {_as_text(new)}"]


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def differences_but_seed(one: BaseRun, other: BaseRun) -> list[str]:
    """Return the differences of two runs, except their seeds; see `differences`."""
    old, new = ({**run.facts.as_json(), "seed": None} for run in (one, other))
    if one.facts.collocation != other.facts.collocation:
        # Other networks have other features: their names are enough.
        for facts, run in ((old, one), (new, other)):
            facts["networks"] = {modality: "+".join(names) for modality, names in run.facts.collocation.items()}
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith(MADE_OF_FEATURES)}
    refines = [run.facts.recipe.refine for run in (one, other)]
    # Labels follow from the settings, which are enough; those of a further round depend on the seed too.
    if refines[0] != refines[1] or refines[0].rounds > 1:
        for facts in (old, new):
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith("pseudo")}
    return differences(old, new)
