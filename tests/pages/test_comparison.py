"""The page of a comparison: every number that is printed, the verdict of each difference, and names as text."""

import itertools
import json
import math
import re

import pytest

import commands
from seehear.evaluation import Comparison, Evaluation
from seehear.pages import comparison
from seehear.pages.numbers import number, place
from seehear.scoring.comparison import Difference, ScoreDifference
from seehear.scoring.scores import Scores
from seehear.scoring.signature import Signature
from training.conftest import World

from .reading import HOSTILE, Read, numbers, words

SMALL = ["epochs=2", "width=16", "feed_forward=16", "learning_rate=0.003"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three systems compared: the folder and the comparison."""
    world = World(tmp_path_factory.mktemp("world"), clips=12)
    commands.train(**world.training(set=SMALL, seeds=[0, 1], out=world.folder / "plain"))
    commands.train(**world.training(set=[*SMALL, "epochs=8"], seeds=[0, 1], out=world.folder / "longer"))
    commands.train(**world.training(set=SMALL, seeds=[7], out=world.folder / "single"))
    runs = [world.folder / name for name in ("plain", "longer", "single")]
    return world.folder / "compared", world.compare(runs, out=world.folder / "compared")


def written(made, folder):
    """The page of a comparison, which is checked."""
    folder.mkdir(exist_ok=True)
    made.save(folder)
    found = Read(comparison.write(made, folder))
    found.check()
    return found


def row(mean=1.0, low=0.5, high=1.5, p=0.01, adjusted=0.02, seeds=(8, 8), score="audio"):
    difference = Difference(mean, low, high, p, p, math.nan, seeds, 160, seeds[0] == seeds[1])
    return ScoreDifference(score, "segment", 60.0, difference, adjusted)


def of(rows, first="plain", setting="same settings", **content):
    """A comparison with one system, or more, in the same scores."""
    counts = {first: next(iter(rows.values()))[0].difference.seeds[1]}
    counts |= {name: of_system[0].difference.seeds[0] for name, of_system in rows.items()}
    signature = Signature("given", "test@0", 160)
    evaluations = {
        name: Evaluation([f"runs/{name}"], [Scores({}, (), signature)], {}, seeds=list(range(count)), **content)
        for name, count in counts.items()
    }
    return Comparison(evaluations, rows, dict.fromkeys(rows, setting))


def test_the_command_writes_it_and_names_it(made):
    folder, report = made
    assert (folder / "comparison.html").exists()
    assert f"open {folder / 'comparison.html'} in a browser" in report.text()


def test_every_printed_number_is_on_it(made):
    folder, report = made
    found = Read(folder / "comparison.html")
    found.check()
    text = report.text()
    assert numbers(text.replace(str(folder.parent), "")) <= numbers(found.text)
    rows = [line for line in text.splitlines() if re.match(r"(segment|event|average) .*to", line)]
    assert len(rows) == 22
    shown = [cells for cells in found.rows if cells[0].split(" ")[0] in ("segment", "event", "average")]
    for line, cells in zip(rows, shown, strict=True):
        printed = re.split(r"\s{2,}", line.strip())
        assert printed == [words(cell) for cell in cells[:5] + cells[6:8]]
    folders = [run for runs in report.runs.values() for run in runs]
    for text in (*report.settings.values(), *folders, str(report.signature)):
        assert words(text) in found.text


def test_it_says_how_to_read_it(made):
    text = Read(made[0] / "comparison.html").text
    assert "with so few seeds p can't be below" in text
    assert "one run says nothing about other seeds" in text
    assert "paired by clip" in text
    assert "Holm" in text
    assert "Decide beforehand which score counts" in text


@pytest.mark.parametrize(
    ("changed", "verdict", "significant"),
    [
        ({}, "better", True),
        ({"mean": -1.0, "low": -1.5, "high": -0.5}, "worse", True),
        ({"adjusted": 0.05}, "inconclusive (interval without 0)", False),
        ({"mean": -1.0, "low": -1.5, "high": -0.5, "adjusted": 0.3}, "inconclusive (interval without 0)", False),
        ({"low": -0.5, "adjusted": 0.3}, "inconclusive", False),
        ({"low": -0.5, "adjusted": 0.04}, "better", True),
        ({"seeds": (1, 8)}, "better in these runs", False),
        ({"seeds": (1, 1), "adjusted": 0.3, "low": -0.5}, "inconclusive", False),
    ],
)
def test_verdicts(tmp_path, changed, verdict, significant):
    one = row(**changed)
    found = written(of({"other": [one, row(score="average", low=-1.0, adjusted=1.0)]}), tmp_path)
    assert found.rows[1][-1] == verdict
    assert verdict.startswith(one.verdict)
    ranges = [each["class"] for each in found.named("span") if "range" in (each.get("class") or "")]
    assert ranges[0].endswith("better" if one.difference.mean > 0 else "worse") == significant
    assert ranges[1] == "range zeroed"
    assert found.rows[1][7].endswith(" *") == significant


def test_intervals_are_drawn_on_one_axis(tmp_path):
    ends = [(-2.0, 1.0, 2.0), (0.0, 1.0, 6.0), (1.0, 3.0, 4.0), (-1.0, 0.0, 0.5)]
    rows = [row(mean, low, high, score=f"s{n % 2}") for n, (low, mean, high) in enumerate(ends)]
    found = written(of({"one": rows[:2], "two": rows[2:]}), tmp_path)
    styles = [each["style"] for each in found.named("span") if "range" in (each.get("class") or "")]
    for style, (low, mean, high) in zip(styles, ends, strict=True):
        at = {name: float(value) for name, value in re.findall(r"--(\w+):([-\d.]+)", style)}
        expected = {"zero": 2 / 8, "low": (low + 2) / 8, "mean": (mean + 2) / 8, "high": (high + 2) / 8}
        assert at == pytest.approx(expected, abs=1e-4)
    assert "−2.0" in found.source
    assert "+6.0" in found.source


def test_no_difference_at_all(tmp_path):
    found = written(of({"twin": [row(0.0, 0.0, 0.0, 1.0, 1.0)]}), tmp_path)
    assert "inconclusive" in found.text
    assert not re.search(r"\b(nan|None)\b", found.text)


def test_missing_clips_and_notes_are_all_listed(tmp_path):
    missing = [f"clip{n:02}" for n in range(60)]
    found = written(of({"other": [row()]}, missing=missing, notes=["a note"]), tmp_path)
    assert "nothing was predicted (60)" in found.text
    assert ", ".join(missing) in found.text
    assert "a note" in found.text


def test_without_its_plot_it_has_all_else(tmp_path):
    made = of({"other": [row()]})
    assert [each["aria-label"] for each in written(made, tmp_path).named("svg")] == [
        "Differences of all scores with intervals, as in the tables"
    ]
    (tmp_path / "comparison.svg").unlink()
    found = Read(comparison.write(made, tmp_path))
    assert not found.named("svg")
    assert "+1.00" in found.text.replace("−", "-")


@pytest.fixture
def dangerous():
    rows = {HOSTILE: [row(score=HOSTILE), row()], "other": [row(score=HOSTILE), row()]}
    return of(rows, first="$x$<b>", setting=HOSTILE, notes=[HOSTILE], missing=[HOSTILE])


def test_names_are_text(dangerous, tmp_path):
    found = written(dangerous, tmp_path)
    assert found.text.count(words(HOSTILE)) > 10
    assert f"segment {words(HOSTILE)}" in found.cells
    assert "$x$<b>" in found.text
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    assert "49" not in numbers(found.text) - numbers(json.dumps(dangerous.as_json()))


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous, made, tmp_path):
    written(dangerous, tmp_path)
    for folder, width in itertools.product((tmp_path, made[0]), (390, 320, 1200)):
        browser_page.set_viewport_size({"width": width, "height": 800})
        browser_page.goto((folder / "comparison.html").as_uri())
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width


# Numbers


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(None, ".2f", "–"), (math.nan, ".2f", "–"), (-1.5, "+.1f", "−1.5"), (2, "+.1f", "+2.0"), (1e-5, ".2g", "1e−05")],
)
def test_numbers(value, form, text):
    assert number(value, form) == text


def test_places():
    assert [place(value, (-1.0, 3.0)) for value in (-1, 0, 3)] == [0, 0.25, 1]
    assert place(2.0, (2.0, 2.0)) == 0.5
