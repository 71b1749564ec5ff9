"""seehear compare: its differences are those between what evaluate finds."""

import json

import pytest

import commands
import seehear as sh
from seehear.errors import SeehearError
from seehear.scoring.comparison import difference, holm
from training.conftest import World

SMALL = ["epochs=2", "width=16", "feed_forward=16", "learning_rate=0.003"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world with a plain system, one that trained longer, and one of a single other seed in it."""
    made = World(tmp_path_factory.mktemp("world"), clips=30)
    commands.train(**made.training(set=SMALL, seeds=[0, 1, 2], out=made.folder / "plain"))
    commands.train(**made.training(set=[*SMALL, "epochs=30"], seeds=[0, 1, 2], out=made.folder / "longer"))
    commands.train(**made.training(set=SMALL, seeds=[7], out=made.folder / "single"))
    return made


def of(world, *runs, **changed):
    return world.compare([world.folder / run for run in runs], **changed)


def test_differences_are_between_evaluations(world):
    report = of(world, "plain", "longer", "single")
    scored = {name: world.evaluate([world.folder / name]) for name in report.runs}
    assert list(report.rows) == ["longer", "single"]
    for name, rows in report.rows.items():
        assert [(row.level, row.score) for row in rows[:-1]] == list(scored[name].scores[0].per_clip)
        for row in rows[:-1]:
            one, other = (scored[system].interval(row.level, row.score).mean for system in (name, "plain"))
            assert row.baseline == pytest.approx(other)
            assert row.difference.mean == pytest.approx(one - other)
        assert rows[-1].score == "average"
        assert rows[-1].difference.mean == pytest.approx(scored[name].average.mean - scored["plain"].average.mean)
    assert report.signature == scored["plain"].signature


def test_clips_and_seeds_are_paired(world):
    """The numbers of the average are those of the statistics, of all seeds' scores clip by clip."""
    report = of(world, "plain", "longer")
    longer, plain = (world.evaluate([world.folder / name]) for name in ("longer", "plain"))
    expected = difference(longer.average_per_clip(), plain.average_per_clip(), ([0, 1, 2], [0, 1, 2]))
    (found,) = (row.difference for row in report.rows["longer"] if row.score == "average")
    assert found == expected
    assert found.paired_seeds
    assert "seeds 0, 1, 2, paired; with so few seeds p can't be below 0.250" in report.text()


def test_differing_settings_are_listed(world):
    report = of(world, "plain", "longer", "single")
    assert report.settings == {"longer": "differs in recipe.epochs 2 → 30", "single": "same settings"}
    assert "differs in recipe.epochs 2 → 30" in report.text()


def test_p_is_adjusted_over_systems(world):
    report = of(world, "plain", "longer", "single")
    for rows in zip(*report.rows.values(), strict=True):
        assert [row.adjusted for row in rows] == holm([row.difference.p for row in rows])


def test_one_seed_says_nothing_about_others(world):
    report = of(world, "plain", "single")
    text = report.text()
    assert "seeds 7 against 0, 1, 2: one run says nothing about other seeds" in text
    assert "*\n" not in text.replace("*:", "")  # nothing is called a finding
    assert text.count("single against plain") == 1
    other = of(world, "single", "plain")
    for row, turned in zip(report.rows["single"], other.rows["plain"], strict=True):
        assert turned.difference.mean == pytest.approx(-row.difference.mean)


def test_comparison_is_written(world, tmp_path):
    report = of(world, "plain", "longer", out=tmp_path)
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert written == json.loads(json.dumps(report.as_json()))
    assert sorted(path.name for path in report.plots) == ["comparison.png", "comparison.svg"]
    assert "longer" in (tmp_path / "comparison.svg").read_text()


def test_clips_without_features_count_and_are_listed(world, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text(world.labels.read_text().replace("clip00\t", "aaa\tDog\nclip00\t"))
    report = of(world, "plain", "longer", labels=table)
    assert report.missing == ["aaa"]
    assert report.exit_code == 1
    assert "clips:31" in str(report.signature)
    (average,) = (row for row in report.rows["longer"] if row.score == "average")
    whole = of(world, "plain", "longer").rows["longer"][-1]
    assert average.difference.mean == pytest.approx(whole.difference.mean * 30 / 31)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (["plain"], "takes two systems"),
        (["plain", "plain"], "named twice"),
        (["plain", "nothing"], "no run in this folder"),
        (["plain", "plain/seed-1"], "can't be compared with itself"),
        (["plain", "."], "a folder of runs: name one of them, such as .*longer"),
    ],
)
def test_mistakes_are_named(world, runs, message):
    with pytest.raises(SeehearError, match=message):
        of(world, *runs)


def test_systems_of_other_modalities_have_other_scores(world):
    dense = ["smell=" + str(world.dense["smell"])]
    collocation = ["audio=ears", "smell=nose"]
    commands.train(**world.training(set=SMALL, collocation=collocation, dense=dense, out=world.folder / "smelling"))
    report = of(world, "plain", "smelling", dense=dense)
    assert [row.name for row in report.rows["smelling"]] == ["segment audio", "event audio", "average"]
    scored = {name: world.evaluate([world.folder / name], dense=dense) for name in ("plain", "smelling")}
    for row in report.rows["smelling"][:-1]:
        one, other = (scored[name].interval(row.level, row.score).mean for name in ("smelling", "plain"))
        assert (row.baseline, row.difference.mean) == pytest.approx((other, one - other))
    assert "plain predicts visual too: compared by audio alone, as all predict it" in report.notes
    assert "labels+audio@" in str(report.signature)
    parsers = {
        name: sh.load(run, device="cpu")
        for name, run in (("plain", world.folder / "plain/seed-0"), ("smelling", world.folder / "smelling"))
    }
    both = sh.compare(parsers, world.dataset())  # which has truth of audio and visual
    assert "labels+audio@" in str(both.signature)
    assert sh.compare({**parsers, "plain": parsers["plain"]}, world.dataset()).rows
    seeing = commands.train(
        **world.training(set=SMALL, collocation=["visual=eyes"], dense_audio=None, out=world.folder / "seeing")
    )
    assert seeing
    with pytest.raises(SeehearError, match="smelling predicts audio and smell; seeing predicts visual"):
        of(world, "smelling", "seeing", dense=dense)


def test_truth_that_is_not_used_is_named_in_a_note_and_in_no_signature(world):
    out = world.folder / "hearing"
    commands.train(**world.training(set=SMALL, collocation=["audio=ears"], dense_visual=None, out=out))
    one = world.evaluate([out], dense_visual=None)
    both = world.evaluate([out])
    assert str(one.signature) == str(both.signature)
    assert (
        f"{world.dense['visual']}: is not used: it is ground truth of visual, and the networks are of audio"
        in both.notes
    )
    assert "class prior" not in both.text() + one.text()
    assert "modality given" not in both.text()
    assert "how much of the error is time" in both.text()


def test_a_star_in_brackets_is_for_these_runs_only(world):
    text = of(world, "plain", "longer", "single").text()
    assert "(*)" in text.rpartition("adjusted: p by Holm")[2]
