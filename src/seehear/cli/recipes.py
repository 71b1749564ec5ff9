"""seehear recipes: how models are built and trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seehear.results import Result, table

if TYPE_CHECKING:
    from seehear.training.recipe import Recipe


@dataclass
class Recipes(Result):
    """The recipes by name."""

    recipes: Mapping[str, Recipe]

    def text(self) -> str:
        """Return a table of every setting in every recipe."""
        from seehear.training.recipe import recipe_table

        rows = recipe_table(self.recipes)
        return table(rows, right_from=len(rows[0]))

    def as_json(self) -> Any:
        """Return every setting of every recipe."""
        return {name: recipe.model_dump(mode="json") for name, recipe in self.recipes.items()}


def recipes() -> Recipes:
    """List the recipes for `seehear train --recipe`, with every setting that --set can change.

    Returns:
        Each setting's value in each recipe, and its meaning.
    """
    from seehear.training.recipe import shipped_recipes

    return Recipes(shipped_recipes())
