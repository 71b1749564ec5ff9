"""The page of a comparison: every number that is printed, what each difference says in words, and names as text."""

import itertools
import json
import math
import re

import pytest

import seehear
from seehear.errors import SeehearError
from seehear.files import atomic_json, read_json
from seehear.pages import comparison
from seehear.pages.numbers import number, place
from seehear.report.comparison import Compared, Row, forest
from seehear.scoring.comparison import Difference
from training.conftest import World

from .reading import HOSTILE, Read, numbers, words

SMALL = ["epochs=2", "width=16", "feed_forward=16", "learning_rate=0.003"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three systems compared: the folder and what was printed."""
    world = World(tmp_path_factory.mktemp("world"), clips=12)
    seehear.train(**world.training(set=SMALL, seeds=[0, 1], out=world.folder / "plain"))
    seehear.train(**world.training(set=[*SMALL, "epochs=8"], seeds=[0, 1], out=world.folder / "longer"))
    seehear.train(**world.training(set=SMALL, seeds=[7], out=world.folder / "single"))
    runs = [world.folder / name for name in ("plain", "longer", "single")]
    report = seehear.compare(runs, **world.evaluation(), out=world.folder / "compared")
    return world.folder / "compared", report.text()


def read(folder):
    found = Read(comparison.write(folder))
    found.check()
    return found


def row(mean=1.0, low=0.5, high=1.5, p=0.01, adjusted=0.02, seeds=(8, 8), score="audio"):
    return Row(
        score, "segment", 60.0, Difference(mean, low, high, p, p, math.nan, seeds, 160, seeds[0] == seeds[1]), adjusted
    )


def written(folder, rows, first="plain", **content):
    """The results of a comparison with one system, or more, of the same scores."""
    systems = {name: [comparison_row(each) for each in of_system] for name, of_system in rows.items()}
    seeds = {name: list(range(of_system[0].difference.seeds[0])) for name, of_system in rows.items()}
    seeds |= {first: list(range(next(iter(rows.values()))[0].difference.seeds[1]))}
    kept = {
        "runs": {name: f"runs/{name}" for name in (first, *rows)},
        "seeds": seeds,
        "settings": dict.fromkeys(rows, "trained alike"),
        "systems": systems,
        "signature": "F1|clips:160",
        "missing": [],
        "notes": [],
        "pictures": [],
    }
    atomic_json(folder / "comparison.json", kept | content)
    drawn = [Compared(name, of_system) for name, of_system in rows.items()]
    forest(drawn, folder / "comparison.svg", baseline=first, signature="F1|clips:160")
    return folder


def comparison_row(each):
    return {**vars(each), "difference": vars(each.difference)}


def test_the_verb_writes_it_and_names_it(made):
    folder, text = made
    assert (folder / "comparison.html").exists()
    assert f"open {folder / 'comparison.html'} in a browser" in text


def test_every_number_that_is_printed_is_there(made):
    folder, text = made
    found = read(folder)
    assert numbers(text.replace(str(folder.parent), "")) <= numbers(found.text)
    rows = [line for line in text.splitlines() if re.match(r"(segment|event|average) .*to", line)]
    assert len(rows) == 22
    shown = [cells for cells in found.rows if cells[0].split(" ")[0] in ("segment", "event", "average")]
    for line, cells in zip(rows, shown, strict=True):
        printed = re.split(r"\s{2,}", line.strip())
        assert printed == [words(cell) for cell in cells[:5] + cells[6:8]]
    kept = read_json(folder / "comparison.json")
    for said in (*kept["settings"].values(), *kept["runs"].values(), kept["signature"]):
        assert words(said) in found.text


def test_how_to_read_it_is_told(made):
    text = read(made[0]).text
    assert "so few that p can't be under" in text
    assert "one run says nothing of other seeds" in text
    assert "paired by clip" in text
    assert "Holm" in text
    assert "decide beforehand which one counts" in text


@pytest.mark.parametrize(
    ("changed", "says", "found"),
    [
        ({}, "higher", True),
        ({"mean": -1.0, "low": -1.5, "high": -0.5}, "lower", True),
        ({"adjusted": 0.05}, "open", False),
        ({"mean": -1.0, "low": -1.5, "high": -0.5, "adjusted": 0.3}, "open", False),
        ({"low": -0.5, "adjusted": 0.3}, "can’t be told", False),
        ({"low": -0.5, "adjusted": 0.04}, "higher", True),
        ({"seeds": (1, 8)}, "higher in these runs", False),
        ({"seeds": (1, 1), "adjusted": 0.3, "low": -0.5}, "can’t be told", False),
    ],
)
def test_what_a_difference_says_is_said_in_words(tmp_path, changed, says, found):
    one = row(**changed)
    assert comparison.verdict(one) == says
    read_back = read(written(tmp_path, {"other": [one, row(score="average", low=-1.0, adjusted=1.0)]}))
    assert read_back.rows[1][-1] == says
    ranges = [each["class"] for each in read_back.named("span") if "range" in (each.get("class") or "")]
    assert ranges[0].endswith("better" if one.difference.mean > 0 else "worse") == found
    assert ranges[1] == "range zeroed"
    assert read_back.rows[1][7].endswith(" *") == found


def test_intervals_are_drawn_on_one_axis(tmp_path):
    ends = [(-2.0, 1.0, 2.0), (0.0, 1.0, 6.0), (1.0, 3.0, 4.0), (-1.0, 0.0, 0.5)]
    rows = [row(mean, low, high, score=f"s{n % 2}") for n, (low, mean, high) in enumerate(ends)]
    found = read(written(tmp_path, {"one": rows[:2], "two": rows[2:]}))
    styles = [each["style"] for each in found.named("span") if "range" in (each.get("class") or "")]
    for style, (low, mean, high) in zip(styles, ends, strict=True):
        at = {name: float(value) for name, value in re.findall(r"--(\w+):([-\d.]+)", style)}
        expected = {"zero": 2 / 8, "low": (low + 2) / 8, "mean": (mean + 2) / 8, "high": (high + 2) / 8}
        assert at == pytest.approx(expected, abs=1e-4)
    assert "−2.0" in found.source
    assert "+6.0" in found.source


def test_nothing_differs_at_all(tmp_path):
    found = read(written(tmp_path, {"twin": [row(0.0, 0.0, 0.0, 1.0, 1.0)]}))
    assert "can’t be told" in found.text
    assert not re.search(r"\b(nan|None)\b", found.text)


def test_missing_clips_and_notes_are_all_listed(tmp_path):
    missing = [f"clip{n}" for n in range(60)]
    found = read(written(tmp_path, {"other": [row()]}, missing=missing, notes=["a note"]))
    assert "nothing was predicted (60)" in found.text
    assert ", ".join(missing) in found.text
    assert "a note" in found.text


def test_without_its_picture_it_has_all_else(tmp_path):
    folder = written(tmp_path, {"other": [row()]})
    assert [each["aria-label"] for each in read(folder).named("svg")] == [
        "Differences of all scores with intervals, as in the tables"
    ]
    (folder / "comparison.svg").unlink()
    found = read(folder)
    assert not found.named("svg")
    assert "+1.00" in found.text.replace("−", "-")


@pytest.fixture
def dangerous(tmp_path):
    folder = written(
        tmp_path, {HOSTILE: [row(score=HOSTILE), row()], "other": [row(score=HOSTILE), row()]}, first="$x$<b>"
    )
    kept = read_json(folder / "comparison.json")
    text = dict.fromkeys(kept["settings"], HOSTILE)
    atomic_json(folder / "comparison.json", kept | {"settings": text, "notes": [HOSTILE], "missing": [HOSTILE]})
    return folder


def test_names_are_text(dangerous):
    found = read(dangerous)
    assert found.text.count(words(HOSTILE)) > 10
    assert f"segment {words(HOSTILE)}" in found.cells
    assert "$x$<b>" in found.text
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    assert "49" not in numbers(found.text) - numbers(json.dumps(read_json(dangerous / "comparison.json")))


def test_no_comparison_no_page(tmp_path):
    with pytest.raises(SeehearError, match="no such file"):
        comparison.write(tmp_path)


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous, made):
    for file, width in itertools.product((comparison.write(dangerous), comparison.write(made[0])), (390, 320, 1200)):
        browser_page.set_viewport_size({"width": width, "height": 800})
        browser_page.goto(file.as_uri())
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
