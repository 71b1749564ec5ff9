"""The page of a selection: all that is printed is on it, it stands alone, and names are text whatever is in them."""

import json
import re
import shutil

import numpy as np
import pytest

import seehear
from seehear.errors import SeehearError
from seehear.files import atomic_json, read_json
from seehear.pages import page, selection
from seehear.report.selection import Curve, figure5, ranking
from seehear.selection.task import LEAKING, Estimates
from seehear.verbs.select import measurements
from selection.conftest import Choice

from .reading import HOSTILE, Read, numbers, words

BRIEF = ["epochs=2", "width=16", "feed_forward=16", "learning_rate=0.01", "decay_every=0"]
ANSWERS = "upper-bound-weak-segment-final"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A selection that two tables judged: its folder, and what was printed of it and of the first judgement."""
    choice = Choice(tmp_path_factory.mktemp("made"), clips=20)
    found = seehear.select(**choice.selecting(set=BRIEF, estimators=[ANSWERS, "ridge"]))
    folder = choice.folder / "selection"
    alone = folder.with_name("alone")
    shutil.copytree(folder, alone, ignore=shutil.ignore_patterns("trainings"))
    judged = seehear.judge(folder, estimators=[ANSWERS, "ridge", "chance"], leaking=True, **choice.judging())
    shutil.copy(choice.folder / "test.csv", choice.folder / "again.csv")
    seehear.judge(folder, estimators=["ridge"], **choice.judging(labels=choice.folder / "again.csv"))
    return folder, found.text(), judged.text()


@pytest.fixture
def folder(made, tmp_path):
    """The selection's files to change, without its trainings."""
    there = tmp_path / "selection"
    shutil.copytree(made[0], there, ignore=shutil.ignore_patterns("trainings"))
    return there


def read(folder):
    found = Read(selection.write(folder))
    found.check()
    return found


def changed(folder, name="selection.json", **content):
    atomic_json(folder / name, read_json(folder / name) | content)


def table(text, beginning):
    """The cells of a printed table, whose first line holds this."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if beginning in line)
    rows = []
    for line in lines[first + 1 :]:
        if not re.search(r"\s{2,}", line.strip()):
            break
        rows.append(re.split(r"\s{2,}", line.strip()))
    return rows


def test_verbs_write_it_and_name_it(made):
    folder, *texts = made
    assert (folder / "selection.html").exists()
    for text in texts:
        assert f"open {folder / 'selection.html'} in a browser" in text
    assert {path.name for path in folder.glob("figure5-*.svg")} == {"figure5-test.svg", "figure5-again.svg"}
    assert "figure5-test.png" in texts[1]


@pytest.mark.parametrize("which", [1, 2])
def test_every_number_that_is_printed_is_there(made, folder, which):
    found = read(folder)
    printed = made[which].replace(str(made[0].parent), "")
    assert numbers(printed) <= numbers(found.text)
    rows = table(printed, "P(best)") + (table(printed, "estimator ") if which == 2 else [])
    assert len(rows) == (4 if which == 1 else 8)
    for row in rows:
        for cell in row:
            name = {"*": "tied"}.get(cell, cell)
            name = f"{name[:-1]} leaks" if name.endswith("!") else name
            assert words(name) in {each.replace(" (answered)", "") for each in found.cells}


def test_the_answer_comes_first_and_can_be_copied(made, folder):
    found = read(folder)
    command = next(line for line in made[1].splitlines() if line.startswith("train it: ")).removeprefix("train it: ")
    kept = read_json(folder / "selection.json")
    assert words(command) in found.text
    assert found.text.index(f"Use {kept['ranking'][0]['name']}") < found.text.index("seehear train") < 900
    assert kept["signature"] in found.text
    for text in (kept["pairing"], kept["cost"]):
        assert words(text[1:]) in found.text


def test_rows_are_shaded_and_marked_and_bars_are_as_long_as_p(folder):
    found = read(folder)
    rows = read_json(folder / "selection.json")["ranking"]
    truth = read_json(folder / "judged-again.json")["truth"].values()
    others = read_json(folder / "judged-test.json")["truth"].values()
    classes = [attributes.get("class") for attributes in found.named("tr")]
    assert classes.count("tied") == sum(row["tied"] for row in [*rows, *truth, *others])
    assert [row[2] for row in found.rows[1:5]] == ["tied" if row["tied"] else "" for row in rows]
    bars = [each["style"] for each in found.named("span") if each.get("class") == "bar"]
    assert bars[:4] == [f"--at:{row['p_best']:.4f}" for row in rows]
    ranges = [each["style"] for each in found.named("span") if each.get("class") == "range"]
    assert len(ranges) == 8
    for style in ranges:
        low, mean, high = (float(value) for value in re.findall(r":([\d.]+)", style))
        assert 0 <= low <= mean <= high <= 1


def test_scores_come_with_intervals(folder):
    found = read(folder)
    kept = read_json(folder / "selection.json")
    for row in kept["ranking"]:
        assert row["low"] <= row["score"] <= row["high"]
        assert f"{row['low']:.4g} to {row['high']:.4g}" in found.cells
    best = kept["ranking"][0]
    assert f"Score {best['score']:.4g} (95 % {best['low']:.4g} to {best['high']:.4g})" in found.text


def test_measurements_by_hand():
    draws = np.stack([np.arange(1001.0)] * 4, axis=1)  # (1001, 4)
    draws[:, 3] = np.nan
    made = {"name": "a", "split": "val", "unit": "", "failures": {}, "seconds": 1.0, "flops": 1.0}
    scores = np.array([500.0, 3.0, 7.0, np.nan])
    measured = np.array([True, False, True, False])
    found = measurements(Estimates(**made, scores=scores, draws=draws, measured=measured))
    np.testing.assert_array_equal(
        found, [[500, np.nan, 7, np.nan], [25, np.nan, 25, np.nan], [975, np.nan, 975, np.nan]]
    )
    found = measurements(Estimates(**made, scores=scores, draws=None))
    np.testing.assert_array_equal(found, [scores, np.full(4, np.nan), np.full(4, np.nan)])


def test_each_judgement_has_its_own_pictures(folder):
    found = read(folder)
    says = [each["aria-label"] for each in found.named("svg")]
    assert len(says) == 8
    for labels in ("test", "again"):
        assert sum(f"scored on {labels}," in each for each in says) == 1
        assert sum(f"traversal on {labels}," in each for each in says) == 1
        assert f"Judgement on {labels}" in found.text
    assert "which answered, was not among the estimators" in found.text  # again asked ridge alone
    (folder / "figure5-test.svg").unlink()
    changed(folder, "judged-again.json", pictures=[f"elsewhere/{name}-test.png" for name in ("cost", "traversal")])
    changed(folder, "judged-test.json", pictures=[f"elsewhere/{name}-test.png" for name in ("cost", "figure5")])
    says = [each["aria-label"] for each in read(folder).named("svg")]
    assert not any("Figure 5" in each for each in says)
    assert len(says) == 3  # the selection's two, and traversal's, which one of them alone names


def test_without_a_judgement_it_says_how_to_get_one(made):
    found = read(made[0].with_name("alone"))
    command = f"seehear judge {made[0].with_name('alone')} --labels TEST.csv --dense-audio AUDIO.csv"
    assert command in found.text
    assert "Not judged yet" in found.text
    assert "Kendall" not in found.text


def test_a_leak_is_loud(folder):
    assert words(LEAKING) not in read(folder).text
    changed(folder, leaks=True)
    for file in folder.glob("judged-*"):
        file.unlink()
    found = read(folder)
    assert found.text.index(words(LEAKING)) < found.text.index("Use ")
    assert [each.get("role") for each in found.named("p") if each.get("class") == "warning"] == ["alert"]
    assert "seehear judge" not in found.text


def test_what_leaks_is_told_in_a_word(folder):
    found = read(folder)
    kept = read_json(folder / "judged-test.json")
    leaking = [row["name"] for row in kept["estimators"] if row["leaks"]]
    assert leaking
    for name in leaking:
        assert f"{name} leaks" in found.cells
        assert name not in found.cells


def test_a_judgement_of_other_collocations_is_not_shown_as_this_one(folder):
    kept = read_json(folder / "judged-test.json")
    first, *names = kept["truth"]
    other = {f"{first}+new": kept["truth"][first], **{name: kept["truth"][name] for name in names}}
    changed(folder, "judged-test.json", truth=other)
    found = read(folder)
    assert "judged-test.json judges other collocations" in found.text
    assert f"{first}+new" not in found.text
    assert not any("scored on test," in each["aria-label"] for each in found.named("svg"))


def test_failures_missing_clips_and_notes_are_all_listed(folder):
    kept = read_json(folder / "selection.json")
    name = kept["ranking"][-1]["name"]
    kept["ranking"][-1] |= {"score": None, "low": None, "high": None, "p_best": 0.0}
    kept["estimators"][0]["scores"][name] = None
    kept["estimators"][0]["failures"] = {name: "its features are dust"}
    missing = [f"clip{n}" for n in range(100)]
    atomic_json(folder / "selection.json", kept | {"missing": missing, "notes": ["loud features"]})
    changed(folder, "judged-test.json", failed={"knn@val": "no neighbours"}, missing=["lost"], notes=["quiet features"])
    found = read(folder)
    for text in ("without features: 100.", "Estimates that failed: 1.", "loud features", "quiet features", "lost"):
        assert text in found.text
    assert f"{ANSWERS}@val, {name}: its features are dust" in found.text
    assert "knn@val: no neighbours" in found.text
    assert ", ".join(missing) in found.text
    assert found.rows[4][:1] == ["–"]
    assert "failed" in found.cells


def test_what_has_no_number_has_none(folder):
    kept = read_json(folder / "judged-test.json")
    nothing = {"tau_b": None, "weighted_tau": None, "spearman": None, "p_regret": None, "tied_hit": None}
    kept["estimators"] = [row | nothing | {"tied_size": None, "within_tau": [None, 0.5]} for row in kept["estimators"]]
    kept["ceiling"] = dict.fromkeys(kept["ceiling"])
    atomic_json(folder / "judged-test.json", kept | {"seed_deviation": None, "pairing": None})
    found = read(folder)
    assert "needs several seeds and several collocations" in found.text
    assert not re.search(r"\b(nan|None)\b", found.text)


def test_older_results_have_a_page_too(folder):
    kept = read_json(folder / "selection.json")
    for key in ("command", "unit", "untried", "cost"):
        del kept[key]
    for row in kept["ranking"]:
        del row["low"], row["high"]
    atomic_json(folder / "selection.json", kept)
    judged = read_json(folder / "judged-test.json")
    del judged["metric"]
    for row in judged["truth"].values():
        del row["low"], row["high"]
    atomic_json(folder / "judged-test.json", judged)
    text = read(folder).text
    assert text.count("interval not known") == text.count("(interval not known)") >= 2
    assert "seehear train … --collocation audio=" in text


def hostile(value):
    """A result whose names, paths and notes are hostile wherever they are."""
    if isinstance(value, dict):
        return {hostile(key) if " × " in key else key: hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return value.replace("ears", HOSTILE) if isinstance(value, str) else value


@pytest.fixture
def dangerous(folder):
    for name in ("selection.json", "judged-test.json"):
        content = hostile(read_json(folder / name))
        content |= {"notes": [HOSTILE], "missing": [HOSTILE], "signature": HOSTILE}
        atomic_json(folder / name, content)
    changed(folder, command=f"seehear {HOSTILE}", pairing=HOSTILE, cost=HOSTILE, untried=HOSTILE, unit=HOSTILE)
    changed(folder, "judged-test.json", failed={HOSTILE: HOSTILE}, metric=HOSTILE)
    names = [HOSTILE, "$x$", "--> <!--"]
    ranking(names, [3, 2, np.nan], [1, 1, 3], [2, 2, 3], [0.9, 0.1, 0], [1, 1, 0], folder / "ranking.svg")
    figure5(names, [Curve(HOSTILE, [3.0, 2.0, 1.0])], folder / "figure5-test.svg")
    return folder


def test_names_are_text(dangerous):
    (dangerous / "judged-again.json").unlink()
    found = read(dangerous)
    assert found.text.count(words(HOSTILE)) > 25
    assert f"{HOSTILE} × eyes" in found.cells
    drawn = [part.strip() for part in found.parts if part.strip() in (HOSTILE, "$x$", "--> <!--")]
    assert drawn.count("$x$") == drawn.count("--> <!--") == 2  # in each picture
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    assert "49" not in numbers(found.text) - numbers(json.dumps(read_json(dangerous / "judged-test.json")))


def test_pictures_that_are_too_large_are_linked_to(folder):
    (folder / "ranking.svg").write_text((folder / "ranking.svg").read_text() + f"<!--{'x' * selection.ROOM}-->")
    found = read(folder)
    assert {"href": "ranking.svg"} in found.named("a")
    assert len(found.named("svg")) == 7


def test_a_thousand_collocations_still_fit(folder):
    for file in folder.glob("judged-*"):
        file.unlink()
    kept = read_json(folder / "selection.json")
    rows = [kept["ranking"][n % 4] | {"name": f"{'long-' * 10}{n}", "rank": n + 1} for n in range(1000)]
    for each in kept["estimators"]:
        each["scores"] = {row["name"]: 1.0 for row in rows}
    each = kept["estimators"]
    atomic_json(folder / "selection.json", kept | {"ranking": rows, "estimators": each[:1] + each[1:] * 40})
    found = read(folder)
    assert "… and 700 more in selection.json" in found.text
    assert f"{'long-' * 10}299" in found.cells


def test_settings_are_those_of_the_selection(folder):
    found = read(folder)
    recipe = next(row[1] for row in found.rows if row[0] == "recipe").split(" ")
    kept = read_json(folder / "selection.json")["settings"]
    assert {"epochs=2", "width=16", "standardise=false", "contrast.loss=none", "confidence.visual=0.9"} <= set(recipe)
    assert len([pair for pair in recipe if pair.startswith("contrast.")]) == len(kept["recipe"]["contrast"])
    assert ["seeds", "0, 1"] in found.rows
    assert ["audio networks", ", ".join(kept["networks"]["audio"])] in found.rows
    assert ["val labels", kept["val"]["labels"]] in found.rows


def test_no_selection_no_page(tmp_path):
    with pytest.raises(SeehearError, match="no such file"):
        selection.write(tmp_path)


# Drawings in a page


def test_drawings_take_the_colours_of_the_page(made, tmp_path):
    for file in made[0].glob("*.svg"):
        found = page.drawing(file, "A 'picture' & more")
        assert 'aria-label="A &#39;picture&#39; &amp; more"' in found
        plain = re.sub(r"<text[^>]*>", "", found)
        assert not re.findall("|".join([*page.INKS, page.PAPER]), plain, flags=re.IGNORECASE)
        assert not re.search(r"<(style|metadata|!--)|xmlns|font-family", found)
        ids = re.findall(r' id="([^"]+)"', found)
        used = re.findall(r"(?:url\(|href=\")#([^)\"]+)", found)
        assert len(set(ids)) == len(ids)
        assert set(ids) == set(used)


def test_drawings_keep_what_their_texts_say(tmp_path):
    names = ["#000000", "url(#a)", 'href="#b"', "#ffffff <b> id=", "font-family: x; y"]
    figure5(names, [Curve("c", np.arange(5.0))], tmp_path / "a.svg")
    (tmp_path / "a.html").write_text(f"<div>{page.drawing(tmp_path / 'a.svg', 'a')}</div>")
    assert set(names) <= {part.strip() for part in Read(tmp_path / "a.html").parts}


def contrast(one, other):
    """Of two colours as browsers write them: rgb(1, 2, 3). WCAG 2."""

    def light(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_can_be_read_by_day_and_by_night(browser_page, folder, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    inks = """[...document.querySelectorAll(`svg[aria-label^="%s"] %s`)].map((one) => {
        const { fill, stroke } = getComputedStyle(one); return [fill, stroke];
    })"""
    browser_page.goto(selection.write(folder).as_uri())
    paper = browser_page.evaluate("getComputedStyle(document.body).backgroundColor")
    tied = browser_page.evaluate("getComputedStyle(document.querySelector('tr.tied td')).backgroundColor")
    for says in ("Collocations from the best", "Figure 5"):
        texts = browser_page.evaluate(inks % (says, "text"))
        assert len(texts) > 10
        assert min(contrast(fill, paper) for fill, _ in texts) >= 4.5
        marks = [pair for pair in browser_page.evaluate(inks % (says, "use")) if tied not in pair]
        seen = [max(contrast(ink, paper) for ink in pair if ink != "none") for pair in marks]
        guides = browser_page.evaluate(inks % (says, 'path[style*="--guide"]'))
        assert guides
        assert min(seen) >= 2.2
        assert max(contrast(stroke, paper) for _, stroke in guides) < 2  # they step back


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous):
    file = selection.write(dangerous)
    for width in (390, 320, 1200):
        browser_page.set_viewport_size({"width": width, "height": 800})
        browser_page.goto(file.as_uri())
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width


def test_tables_are_sorted_by_keys(browser_page, folder):
    browser_page.goto(selection.write(folder).as_uri())
    heads = browser_page.locator(".sortable.long").last.locator("thead th")
    rows = browser_page.locator(".sortable.long").last.locator("tbody tr")
    column = heads.all_inner_texts().index("regret")
    button = heads.nth(column).locator("button")

    def values():
        return [float(row.locator("td").nth(column - 1).inner_text()) for row in rows.all()]

    before = values()
    assert len(before) == 4
    button.focus()
    browser_page.keyboard.press("Enter")
    assert heads.nth(column).get_attribute("aria-sort") == "ascending"
    assert values() == sorted(before)
    browser_page.keyboard.press("Space")
    assert heads.nth(column).get_attribute("aria-sort") == "descending"
    assert values() == sorted(before, reverse=True)
    assert browser_page.locator(".sortable.long").last.locator("[aria-sort]").count() == 1


def test_the_command_is_copied_or_else_selected(browser_page, folder):
    browser_page.goto(selection.write(folder).as_uri())
    button = browser_page.locator("button.copy").first
    button.focus()
    browser_page.keyboard.press("Enter")
    said = browser_page.locator(".command [role=status]").first
    for _ in range(500):
        if said.inner_text():
            break
        browser_page.wait_for_timeout(20)
    if said.inner_text() != "copied":
        assert "seehear train" in browser_page.evaluate("getSelection().toString()")
