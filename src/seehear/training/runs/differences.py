"""How two runs differ."""

from __future__ import annotations

import json
import re
from typing import Any

from seehear.training.runs.base import BaseRun

MOST_DIGITS, MOST_SHOWN = 8, 40  # of a hash, and of another value of a network
HEX = re.compile(r"[0-9a-f]+")
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


def facts_that_differ(old: Any, new: Any) -> list[str]:
    """Return the differences of the facts of two runs. Of other networks, the features differ too: that is not told."""
    had, has = old["networks"], new["networks"]
    networks = [
        part
        for name in dict.fromkeys([*had, *has])
        for part in _of_networks(had.get(name, []), has.get(name, []), f"networks.{name}")
    ]
    rest, others = ({**facts, "networks": None} for facts in (old, new))
    if networks:
        for facts in (rest, others):
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith(MADE_OF_FEATURES)}
    return [*networks, *differences(rest, others)]


def _of_networks(old: list[Any], new: list[Any], where: str) -> list[str]:
    """Return how the networks of a modality differ, in short: their names, or else what differs of each."""
    names, others = ("+".join(str(info["name"]) for info in infos) for infos in (old, new))
    if names != others:
        return [f"{where} {names or 'none'} → {others or 'none'}"]
    result = []
    for info, other in zip(old, new, strict=True):
        parts = [
            f"{key} {_short(info.get(key))} → {_short(other.get(key))}"
            for key in dict.fromkeys([*info, *other])
            if info.get(key) != other.get(key)
        ]
        if parts:
            result.append(f"{where}: {info['name']} {', '.join(parts)}")
    return result


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else _as_text(value)
    if len(text) > MOST_DIGITS and HEX.fullmatch(text):
        return text[:MOST_DIGITS]
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


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
