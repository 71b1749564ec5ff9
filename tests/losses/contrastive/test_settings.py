"""Settings of the contrastive loss: mistakes, and what they mean for the model and training."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from seehear.errors import SeehearError
from seehear.losses.contrastive.registry import LOSSES, loss_class
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.training.recipe import load_recipe

TWO, THREE = ("audio", "visual"), ("audio", "smell", "touch")


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_is_found(name):
    assert load_recipe(overrides=[f"contrast.loss={name}"]).contrast.loss == name
    assert f"{loss_class(name).__module__}.{loss_class(name).__name__}".endswith(f"contrastive.{LOSSES[name]}")


def test_by_default_there_is_no_loss():
    settings = load_recipe().contrast
    assert settings == ContrastSettings()
    assert settings.loss == "none"
    assert not settings.joint
    assert not settings.before


def test_stages():
    joint, before = ContrastSettings(loss="mtsc"), ContrastSettings(loss="mtsc", stage="pretrain")
    assert (joint.joint, joint.before) == (True, False)
    assert (before.joint, before.before) == (False, True)
    assert not ContrastSettings(stage="pretrain").before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("contrast.weight=-1", r"contrast\.weight: .*greater than or equal to 0"),
        ("contrast.weight=nan", r"contrast\.weight"),
        ("contrast.temperature=0", r"contrast\.temperature: .*greater than 0"),
        ("contrast.exponent=-0.5", r"contrast\.exponent: .*greater than or equal to 0"),
        ("contrast.disjoint=-1", r"contrast\.disjoint"),
        ("contrast.warmup=-1", r"contrast\.warmup"),
        ("contrast.epochs=0", r"contrast\.epochs"),
        ("contrast.loss=nope", r"contrast\.loss: .*'nope': choose from none, .*mtsc"),
        ("contrast.pairs=all", r"contrast\.pairs: .*'part' or 'entire'"),
        ("contrast.residual=cubed", r"contrast\.residual: .*'literal'"),
        ("contrast.lag=none", r"contrast\.lag: .*'clamped' or 'shifted'"),
        ("contrast.within=third", r"contrast\.within: .*'both'"),
        ("contrast.follow=agreement", "'follow' was removed: leave it out"),
        ("contrast.loss=mil-nce", r"contrast\.loss: .*'mil-nce' was removed: choose from none, .*mtsc"),
        ("contrast.loss=mtsc-soft", "'mtsc-soft' was removed"),
        ("contrast.stage=after", r"contrast\.stage: .*'pretrain'"),
        ("contrast.wieght=1", r"no setting 'contrast\.wieght': did you mean contrast\.weight\?"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(SeehearError, match=message):
        load_recipe(overrides=[override])


def test_edges_that_are_allowed():
    found = load_recipe(overrides=["contrast.weight=0", "contrast.exponent=0", "contrast.loss=mtsc"]).contrast
    assert (found.weight, found.exponent, found.loss) == (0, 0, "mtsc")


def test_the_removed_setting_follow_may_have_its_old_default():
    """Runs trained before it was removed stay readable."""
    old = {**ContrastSettings(loss="mtsc").model_dump(), "follow": "nothing"}
    assert ContrastSettings(**old) == ContrastSettings(loss="mtsc")


def test_repr_is_what_differs_from_the_defaults():
    assert repr(ContrastSettings()) == str(ContrastSettings()) == "ContrastSettings()"
    assert repr(ContrastSettings(loss="mtsc", weight=0.3)) == "ContrastSettings(loss='mtsc', weight=0.3)"


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        ContrastSettings().weight = 2


@pytest.mark.parametrize("stage", ["joint", "pretrain"])
def test_one_modality_can_not_be_compared(stage):
    with pytest.raises(SeehearError, match=r"loss=mtsc compares two modalities.*only audio.*contrast\.loss=none"):
        ContrastSettings(loss="mtsc", stage=stage).check(["audio"])
    ContrastSettings(stage=stage).check(["audio"])


def test_a_projection_of_an_unknown_modality():
    for good in ("auto", "none", "shared", "separate", *THREE):
        ContrastSettings(loss="mtsc", projection=good).check(THREE)
    with pytest.raises(SeehearError, match=r"contrast\.projection=visual: .*separate, audio, smell, touch"):
        ContrastSettings(loss="mtsc", projection="visual").check(THREE)


@pytest.mark.parametrize(
    "pair", ["audio", "audio+audio", "audio+visual", "audio+smell+touch", "audio + smell", "", "+"]
)
def test_between_is_two_different_modalities(pair):
    settings = ContrastSettings(loss="mtsc", between=("audio+touch", pair))
    with pytest.raises(SeehearError, match=r"contrast\.between: .*FIRST\+SECOND.*audio, smell, touch"):
        settings.check(THREE)


def test_pairs():
    assert ContrastSettings().pairs_of(TWO) == [(0, 1)]
    assert sorted(ContrastSettings().pairs_of(THREE)) == [(0, 1), (0, 2), (1, 2)]
    settings = load_recipe(overrides=['contrast.between=["touch+audio", "audio+smell"]']).contrast
    settings.check(THREE)
    assert settings.pairs_of(THREE) == [(2, 0), (0, 1)]


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_weight_grows_evenly_to_the_end_of_the_warm_up(warmup):
    settings = ContrastSettings(loss="mtsc", weight=3.0, warmup=warmup)
    weights = [settings.weight_in(epoch) for epoch in range(warmup + 3)]
    steps = [after - before for before, after in zip([0.0, *weights], weights, strict=False)]
    assert steps[: warmup + 1] == pytest.approx([3 / (warmup + 1)] * (warmup + 1))
    assert weights[warmup:] == [3, 3, 3]


@pytest.mark.parametrize(
    ("loss", "stage", "projection", "modalities", "task"),
    [
        ("mtsc", "joint", "auto", TWO, "visual"),
        ("mtsc", "joint", "auto", ("visual", "audio"), "visual"),
        ("mtsc", "joint", "auto", THREE, "touch"),
        ("mtsc", "joint", "none", TWO, "none"),
        ("mtsc", "joint", "shared", TWO, "shared"),
        ("mtsc", "joint", "separate", TWO, "separate"),
        ("mtsc", "joint", "audio", TWO, "audio"),
        ("mtsc", "pretrain", "auto", TWO, "none"),
        ("mtsc", "pretrain", "shared", TWO, "none"),
        ("mtsc", "pretrain", "visual", TWO, "none"),
        ("none", "joint", "auto", TWO, "none"),
        ("none", "joint", "visual", TWO, "visual"),  # the control: g without the loss
        ("none", "joint", "auto", ("audio",), "none"),
    ],
)
def test_projection_of_the_task(loss, stage, projection, modalities, task):
    settings = ContrastSettings(loss=loss, stage=stage, projection=projection)
    settings.check(modalities)
    assert settings.projection_of_task(modalities) == task


def test_projection_before_the_task():
    def before(projection):
        return ContrastSettings(loss="mtsc", stage="pretrain", projection=projection).projection_before

    assert before("auto") == "shared"
    for projection in ("none", "shared", "separate", "audio"):
        assert before(projection) == projection


def test_recipes_are_read_without_torch():
    code = "import sys, seehear; seehear.load_recipe('small-contrast'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
