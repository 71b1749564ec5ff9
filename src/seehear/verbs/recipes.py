"""seehear recipes: how models are built and trained."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from seehear.verbs.result import Result, table

if TYPE_CHECKING:
    from seehear.training.recipe import Recipe


@dataclass
class Recipes(Result):
    """The recipes by name."""

    recipes: dict[str, Recipe]

    def text(self) -> str:
        from seehear.training.recipe import settings

        rows = [["setting", *self.recipes, "meaning"]]
        for name, field in settings().items():
            values = [_spelled(attrgetter(name)(recipe)) for recipe in self.recipes.values()]
            rows.append([name, *values, field.description or ""])
        return table(rows, right_from=len(rows[0]))

    def as_json(self) -> Any:
        return {name: recipe.model_dump(mode="json") for name, recipe in self.recipes.items()}


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={part:g}" for key, part in value.items())
    return (" ".join(value) or "all") if isinstance(value, tuple) else str(value)


def recipes() -> Recipes:
    """List the recipes for `seehear train --recipe`, with every setting that --set can change.

    Returns:
        Each setting's value in each recipe, and its meaning.
    """
    from seehear.training.recipe import named

    return Recipes(named())
