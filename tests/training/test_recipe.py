"""Recipes: every one that ships is whole, and mistakes are named."""

import pytest

from seehear.errors import SeehearError
from seehear.training.recipe import Recipe, named, resolve


def test_the_paper_is_the_default():
    assert resolve() == resolve("paper") == Recipe()
    paper = resolve("paper")
    assert (paper.width, paper.learning_rate, paper.epochs, paper.batch) == (512, 3e-4, 40, 16)
    assert (paper.decay_every, paper.decay_by, paper.dropout, paper.heads, paper.layers) == (10, 0.1, 0.1, 1, 1)
    assert paper.confidence == {"audio": 1.0, "visual": 0.9}


@pytest.mark.parametrize("name", list(named()))
def test_recipes_by_name(name):
    assert resolve(name) == named()[name]


def test_overrides_and_files(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("width = 64\n[confidence]\naudio = 0.8\n")
    recipe = resolve(file, ["epochs=3", "choose=last", "standardise=true", "confidence.visual=0.7"])
    assert (recipe.width, recipe.epochs, recipe.choose, recipe.standardise) == (64, 3, "last", True)
    assert recipe.confidence == {"audio": 0.8, "visual": 0.7}


@pytest.mark.parametrize(
    ("recipe", "overrides", "message"),
    [
        ("none", [], "no recipe 'none': choose from .*paper"),
        ("paper", ["epochs"], "KEY=VALUE"),
        ("paper", ["epoch=3"], "no setting 'epoch': did you mean epochs"),
        ("paper", ["epochs=0"], "epochs: .*greater than or equal to 1"),
        ("paper", ["learning_rate=fast"], "learning_rate"),
        ("paper", ["confidence.audio=2"], "confidence.audio"),
    ],
)
def test_mistakes_are_named(recipe, overrides, message):
    with pytest.raises(SeehearError, match=message):
        resolve(recipe, overrides)


def test_a_file_that_is_no_toml(tmp_path):
    (tmp_path / "r.toml").write_text("width =")
    with pytest.raises(SeehearError, match=r"r\.toml: not a TOML file"):
        resolve(tmp_path / "r.toml")


def test_small_contrast_is_small_but_for_the_contrast():
    small, other = named()["small"], named()["small-contrast"]
    assert other.contrast.loss != small.contrast.loss
    assert other.model_copy(update={"contrast": small.contrast}) == small
