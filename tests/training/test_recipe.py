"""Recipes: every one that comes with seehear is whole, settings change in every form, and mistakes are named."""

import subprocess
import sys

import numpy as np
import pytest

import commands
from seehear import Dataset, Recipe, list_recipes, load_recipe
from seehear.errors import SeehearError
from seehear.losses import ContrastSettings
from seehear.refinement.settings import RefineSettings
from seehear.training.setup import advice


def test_the_settings_of_the_paper_are_those_of_a_recipe_without_any():
    assert load_recipe("paper") == Recipe()
    paper = load_recipe("paper")
    assert (paper.width, paper.learning_rate, paper.epochs, paper.batch) == (512, 3e-4, 40, 16)
    assert (paper.decay_every, paper.decay_by, paper.dropout, paper.heads, paper.layers) == (10, 0.1, 0.1, 1, 1)
    assert paper.confidence == {"audio": 1.0, "visual": 0.9}


def test_refined_labels_are_the_default():
    refined, small = load_recipe(), load_recipe("small")
    assert refined == load_recipe("refined")
    assert refined.refine.active
    assert refined.decode == "tuned"
    own = {name: getattr(small, name) for name in ("refine", "balance", "recombine", "mixup", "decode", "scale")}
    assert refined.model_copy(update=own) == small


def test_recipes_are_listed():
    assert {"paper", "refined", "small", "small-contrast"} <= set(list_recipes())
    assert list(commands.recipes().as_json()) == list_recipes()


@pytest.mark.parametrize("name", list_recipes())
def test_recipes_by_name(name):
    recipe = load_recipe(name)
    assert load_recipe(recipe) == recipe == Recipe(**recipe.model_dump(mode="json"))
    assert (recipe == Recipe()) == (name == "paper")


@pytest.mark.parametrize("name", list_recipes())
def test_repr_is_one_line_of_what_differs_from_the_paper(name):
    recipe = load_recipe(name)
    assert "\n" not in repr(recipe)
    names = {each.__name__: each for each in (Recipe, ContrastSettings, RefineSettings)}
    assert eval(repr(recipe), names) == recipe


def test_repr():
    assert repr(Recipe()) == str(Recipe()) == "Recipe()"
    recipe = load_recipe("paper", width=64, contrast={"loss": "mtsc"})
    assert repr(recipe) == str(recipe) == "Recipe(width=64, contrast=ContrastSettings(loss='mtsc'))"


def test_overrides_and_files(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("width = 64\n[confidence]\naudio = 0.8\n")
    for path in (file, str(file)):
        recipe = load_recipe(path, ["epochs=3", "choose=last", "standardise=true", "confidence.visual=0.7"])
        assert (recipe.width, recipe.epochs, recipe.choose, recipe.standardise) == (64, 3, "last", True)
        assert recipe.confidence == {"audio": 0.8, "visual": 0.7}


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        (["epochs=3", "contrast.loss=mtsc", "contrast.weight=0.5"], {}),
        ({"epochs": 3, "contrast.loss": "mtsc", "contrast.weight": 0.5}, {}),
        ({"epochs": 3, "contrast": {"loss": "mtsc", "weight": 0.5}}, {}),
        ({"epochs": np.int64(3), "contrast.loss": "mtsc"}, {"contrast": {"weight": np.float64(0.5)}}),
        ("epochs=3", {"contrast": ContrastSettings(loss="mtsc", weight=0.5)}),
        (["epochs=9"], {"epochs": 3, "contrast": {"loss": "mtsc", "weight": 0.5}}),
    ],
)
def test_settings_as_texts_mappings_and_keywords(overrides, settings):
    expected = Recipe(epochs=3, contrast=ContrastSettings(loss="mtsc", weight=0.5))
    assert load_recipe("paper", overrides, **settings) == expected


def test_a_nested_mapping_keeps_the_other_settings_of_its_group():
    changed = load_recipe("small-contrast", {"contrast": {"weight": 2.0}}).contrast
    assert changed == load_recipe("small-contrast").contrast.model_copy(update={"weight": 2.0})
    assert load_recipe(confidence={"audio": 0.5}).confidence == {"audio": 0.5}  # one value, replaced as a whole
    assert load_recipe("paper", ["confidence.audio=0.5"]).confidence == {"audio": 0.5, "visual": 0.9}


@pytest.mark.parametrize(
    ("recipe", "overrides", "message"),
    [
        ("none", [], "'none'.*paper.*TOML file"),
        ("smal", [], "'smal': did you mean small"),
        ("paper", ["epochs"], "'epochs': must be KEY=VALUE"),
        ("paper", ["epoch=3"], "no setting 'epoch': did you mean epochs"),
        ("paper", {"epoch": 3}, "no setting 'epoch': did you mean epochs"),
        ("paper", {"contrast": {"los": "mtsc"}}, r"no setting 'contrast\.los': did you mean contrast\.loss"),
        ("paper", {"contrst": {"loss": "mtsc"}}, "no setting 'contrst': did you mean contrast"),
        ("paper", {"zzz": 3}, "no setting 'zzz': the settings are width, "),
        ("paper", {3: 3}, "3: the name of a setting is a string"),
        ("paper", {"contrast": "mtsc"}, r"contrast: this is a group of settings, such as contrast\.loss"),
        ("paper", {"epochs.visual": 3}, r"epochs\.visual: epochs is a single value, so it has no visual"),
        ("paper", ["epochs=0"], "epochs: .*greater than or equal to 1"),
        ("paper", ["learning_rate=fast"], "learning_rate"),
        ("paper", ["confidence.audio=2"], "confidence.audio"),
        ("paper", ["heads=3"], "heads: 3 heads do not divide the width 512"),
    ],
)
def test_mistakes_are_named(recipe, overrides, message):
    with pytest.raises(SeehearError, match=message):
        load_recipe(recipe, overrides)


def test_an_unknown_keyword_is_named():
    with pytest.raises(SeehearError, match="no setting 'learnin_rate': did you mean learning_rate"):
        load_recipe(learnin_rate=1.0)


@pytest.mark.parametrize("content", [b"width =", b"\xff\xfe"])
def test_a_file_that_is_not_toml(tmp_path, content):
    (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(SeehearError, match=r"r\.toml(:1)?: not a TOML file"):
        load_recipe(tmp_path / "r.toml")


def test_small_contrast_is_small_but_for_the_contrast():
    small, other = load_recipe("small"), load_recipe("small-contrast")
    assert other.contrast.loss != small.contrast.loss
    assert other.model_copy(update={"contrast": small.contrast}) == small


def test_refined_large_is_refined_but_for_the_steps_and_the_scale():
    large, other = load_recipe("refined-large"), load_recipe("refined")
    steps = {name: getattr(other, name) for name in ("batch", "epochs", "learning_rate", "patience", "scale")}
    assert large.model_copy(update=steps) == other


@pytest.mark.parametrize(
    ("recipe", "few", "named"),
    [("paper", True, "refined"), ("refined", False, "refined-large"), ("refined", True, ""), ("small", False, "")],
)
def test_another_recipe_is_named_for_another_number_of_clips(recipe, few, named, monkeypatch):
    clips = Dataset.from_arrays({"audio": np.ones((8, 2, 3))}, labels=[["Dog"], ["Cat"]] * 4)
    monkeypatch.setattr("seehear.training.setup.FEW_CLIPS", 9 if few else 8)
    notes = [note for note in advice(clips, clips[:2], load_recipe(recipe)) if "`" in note]
    assert [f"`{named}`" in note for note in notes] == ([True] if named else [])


def test_few_labels_per_class_are_noted():
    for clips, noted in ((4, True), (5, False)):
        labels = [["Dog"], ["Cat"]] * clips + [[]] * 9  # clips without a class teach none
        data = Dataset.from_arrays({"audio": np.ones((len(labels), 2, 3))}, labels=labels)
        notes = [note for note in advice(data, None, load_recipe("small")) if "#how-many-labels" in note]
        assert [note.startswith("8 labelled training clips for 2 classes") for note in notes] == [True] * noted


@pytest.mark.parametrize(
    ("settings", "named"), [({"mixup": 1.7}, "mixup"), ({"refine.teacher": "ridge", "swap": 1.0}, "recombine is 0")]
)
def test_settings_without_effect_are_named(settings, named):
    clips = Dataset.from_arrays({"audio": np.ones((8, 2, 3))}, labels=[["Dog"], ["Cat"]] * 4)
    assert any(named in note for note in advice(clips, None, load_recipe("small", settings)))


def test_the_command_lists_every_setting():
    command = [sys.executable, "-m", "seehear", "recipes"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert text == commands.recipes().text() + "\n"
    lines = text.splitlines()
    assert lines[0].split() == ["setting", *list_recipes(), "meaning"]
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    of = {name: dict(zip(list_recipes(), row[1:], strict=False)) for name, row in rows.items()}
    assert of["width"] == {name: "512" if name == "paper" else "128" for name in list_recipes()}
    assert [of["contrast.loss"][name] for name in ("paper", "small", "small-contrast")] == ["none", "none", "mtsc"]
    fields = [
        *Recipe.model_fields.keys() - {"contrast", "refine"},
        *(f"contrast.{name}" for name in ContrastSettings.model_fields),
        *(f"refine.{name}" for name in RefineSettings.model_fields),
    ]
    assert rows.keys() == set(fields)


def test_public_names_stay_the_same_whatever_has_been_imported():
    code = (
        "import seehear, seehear.cli.recipes, seehear.cli.networks, seehear.training.recipe, types\n"
        "assert isinstance(seehear.losses, types.ModuleType) and isinstance(seehear.networks, types.ModuleType)\n"
        "assert seehear.losses.MTSC and callable(seehear.list_recipes) and callable(seehear.list_networks)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
