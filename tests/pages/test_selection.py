"""The page of a selection: all that is printed is on it, it stands alone, and names are text whatever is in them."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from commands import judge, select
from seehear.errors import SeehearError
from seehear.files import atomic_json
from seehear.pages import page, selection
from seehear.plots.curves import Curve, plot_curves
from seehear.plots.ranking import plot_ranking
from seehear.plots.style import save
from seehear.selection import record
from seehear.selection.agreement import Ceiling
from seehear.selection.collocation import Grid
from seehear.selection.ranking import standing
from seehear.selection.task import Estimates
from seehear.selection.views import LEAKING
from seehear.texts import read_json
from selection.conftest import Choice

from .reading import HOSTILE, Read, numbers, words

BRIEF = ["epochs=2", "width=16", "feed_forward=16", "learning_rate=0.01", "decay_every=0"]
RANKER = "upper-bound-weak-segment-final"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A selection that two tables judged: its folder, and the printed texts of it and of the first judgement."""
    choice = Choice(tmp_path_factory.mktemp("made"), clips=20)
    selected = select(**choice.selecting(set=BRIEF, estimators=[RANKER, "ridge"]))
    folder = choice.folder / "selection"
    alone = folder.with_name("alone")
    shutil.copytree(folder, alone, ignore=shutil.ignore_patterns("trainings"))
    judged = judge(folder, estimators=[RANKER, "ridge", "chance"], leaking=True, **choice.judging())
    shutil.copy(choice.folder / "test.csv", choice.folder / "again.csv")
    judge(folder, estimators=["ridge"], **choice.judging(labels=choice.folder / "again.csv"))
    return folder, selected.text(), judged.text()


class Shown:
    """A selection and its judgements, to change and to show."""

    def __init__(self, folder):
        self.folder = folder
        self.selection, self.judgements = record.read_selection(folder), record.read_judgements(folder)

    def write(self):
        return selection.write(self.selection, self.judgements, self.folder)

    def read(self):
        found = Read(self.write())
        found.check()
        return found

    def change(self, name=None, **changed):
        """Change what JSON says of the selection, or of the judgement by the clips of this name."""
        if name is None:
            self.selection = record.selection_from_json({**self.selection.as_json(), **changed})
        else:
            content = {**self.judgements[name].as_json(), **changed}
            self.judgements[name] = record.judgement_from_json(content)


@pytest.fixture
def shown(made, tmp_path):
    """The selection's files to change, without its trainings."""
    copied = tmp_path / "selection"
    shutil.copytree(made[0], copied, ignore=shutil.ignore_patterns("trainings"))
    return Shown(copied)


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


def test_commands_write_it_and_name_it(made):
    folder, *texts = made
    assert (folder / "selection.html").exists()
    for text in texts:
        assert f"open {folder / 'selection.html'} in a browser" in text
    assert {path.name for path in folder.glob("figure5-*.svg")} == {"figure5-test.svg", "figure5-again.svg"}
    assert "figure5-test.png" in texts[1]


@pytest.mark.parametrize("which", [1, 2])
def test_every_number_that_is_printed_is_on_it(made, shown, which):
    found = shown.read()
    printed = made[which].replace(str(made[0].parent), "")
    assert numbers(printed) <= numbers(found.text)
    rows = table(printed, "ranks (95 %)") + (table(printed, "estimator ") if which == 2 else [])
    assert len(rows) == (4 if which == 1 else 8)
    for row in rows:
        for cell in row:
            name = {"*": "tied"}.get(cell, cell)
            name = f"{name[:-1]} leaks" if name.endswith("!") else name
            assert words(name) in {each.replace(" (ranked)", "") for each in found.cells}


def test_the_answer_comes_first_and_can_be_copied(made, shown):
    found = shown.read()
    command = next(line for line in made[1].splitlines() if line.startswith("train it: ")).removeprefix("train it: ")
    assert words(command) in found.text
    assert found.text.index(f"Use {shown.selection.best}") < found.text.index("seehear train") < 900
    assert shown.selection.signature in found.text
    for beginning in ("pairing", f"{RANKER} took"):
        (line,) = (line for line in made[1].splitlines() if line.startswith(beginning))
        assert words(line[1:]) in found.text


def test_a_selection_that_was_read_is_the_one_that_was_written(made, shown):
    content = read_json(made[0] / "selection.json")
    assert shown.selection.as_json() == content
    for name, judgement in shown.judgements.items():
        assert judgement.as_json() == read_json(made[0] / f"judged-{name}.json")


def test_rows_are_shaded_and_marked_and_bars_are_as_long_as_p(shown):
    found = shown.read()
    rows = shown.selection.ranking
    judged = [row for judgement in shown.judgements.values() for row in judgement.ranking]
    classes = [attributes.get("class") for attributes in found.named("tr")]
    assert classes.count("tied") == sum(row.tied for row in [*rows, *judged])
    assert [row[2] for row in found.rows[1:5]] == ["tied" if row.tied else "" for row in rows]
    bars = [each["style"] for each in found.named("span") if each.get("class") == "bar"]
    assert bars[:4] == [f"--at:{row.p_best:.4f}" for row in rows]
    ranges = [each["style"] for each in found.named("span") if each.get("class") == "range"]
    assert len(ranges) == 8
    for style in ranges:
        low, mean, high = (float(value) for value in re.findall(r":([\d.]+)", style))
        assert 0 <= low <= mean <= high <= 1


def test_scores_come_with_intervals(shown):
    found = shown.read()
    for row in shown.selection.ranking:
        assert row.low <= row.score <= row.high
        assert f"{row.low:.4g} to {row.high:.4g}" in found.cells
    best = shown.selection.ranking[0]
    assert f"Score {best.score:.4g} (95 % {best.low:.4g} to {best.high:.4g})" in found.text


def test_measurements_by_hand():
    draws = np.stack([np.arange(1001.0)] * 4, axis=1)  # (1001, 4)
    draws[:, 3] = np.nan
    made = {"name": "a", "split": "val", "unit": "", "failures": {}, "seconds": 1.0, "flops": 1.0}
    scores = np.array([500.0, 3.0, 7.0, np.nan])
    measured = np.array([True, False, True, False])
    found = Estimates(**made, scores=scores, draws=draws, measured=measured).measurements()
    np.testing.assert_array_equal(
        found, [[500, np.nan, 7, np.nan], [25, np.nan, 25, np.nan], [975, np.nan, 975, np.nan]]
    )
    found = Estimates(**made, scores=scores, draws=None).measurements()
    np.testing.assert_array_equal(found, [scores, np.full(4, np.nan), np.full(4, np.nan)])


def test_each_judgement_has_its_own_plots(shown):
    found = shown.read()
    labels = [each["aria-label"] for each in found.named("svg")]
    assert len(labels) == 8
    for name in ("test", "again"):
        assert sum(f"scored on {name}," in each for each in labels) == 1
        assert sum(f"traversal on {name}," in each for each in labels) == 1
        assert f"Judgement on {name}" in found.text
    assert "which ranked the collocations, was not compared" in found.text  # again compared ridge alone
    (shown.folder / "figure5-test.svg").unlink()
    labels = [each["aria-label"] for each in shown.read().named("svg")]
    assert sum("Figure 5" in each for each in labels) == 1


def test_without_a_judgement_it_says_how_to_get_one(made):
    folder = made[0].with_name("alone")
    found = Shown(folder).read()
    assert f"seehear judge {folder} --labels TEST.csv --dense-audio AUDIO.csv" in found.text
    assert "Not judged yet" in found.text
    assert "Kendall" not in found.text


def test_a_leak_is_loud(shown):
    assert words(LEAKING) not in shown.read().text
    shown.selection = replace(shown.selection, settings=replace(shown.selection.settings, leaks=True))
    shown.judgements = {}
    found = shown.read()
    assert found.text.index(words(LEAKING)) < found.text.index("Use ")
    assert [each.get("role") for each in found.named("p") if each.get("class") == "warning"] == ["alert"]
    assert "seehear judge" not in found.text


def test_estimators_that_leak_are_marked(shown):
    found = shown.read()
    leaking = [row.name for row in shown.judgements["test"].rows if row.leaks]
    assert leaking
    for name in leaking:
        assert f"{name} leaks" in found.cells
        assert name not in found.cells


def test_a_judgement_of_other_collocations_is_not_shown_as_this_one(shown):
    old = shown.judgements["test"]
    grid = Grid.over({"audio": ["ears+new", "cotton"], "visual": ["eyes", "fog"]})
    shown.judgements["test"] = replace(old, grid=grid)
    found = shown.read()
    assert "judged-test.json compares other collocations" in found.text
    assert "ears+new" not in found.text
    assert not any("scored on test," in each["aria-label"] for each in found.named("svg"))


def test_failures_missing_clips_and_notes_are_all_listed(shown):
    content = shown.selection.as_json()
    name = content["ranking"][-1]["name"]
    content["ranking"][-1] |= {"place": None, "p_best": 0.0}
    first = content["estimators"][0]
    for column in ("scores", "low", "high"):
        first[column][name] = None
    first["failures"] = {name: "its features are dust"}
    missing = [f"clip{n}" for n in range(100)]
    shown.change(**content | {"missing": missing, "notes": ["loud features"], "failed": {"logme@val": "no clips"}})
    shown.change("test", failed={"logme@val": "no labels"}, missing=["lost"], notes=["quiet features"])
    found = shown.read()
    for text in ("left out: 100.", "Estimates that failed: 2.", "loud features", "quiet features", "lost"):
        assert text in found.text
    assert f"{RANKER}@val, {name}: its features are dust" in found.text
    assert "logme@val, every collocation: no clips" in found.text
    assert "logme@val: no labels" in found.text
    assert ", ".join(missing) in found.text
    assert found.rows[4][:1] == ["–"]
    assert "failed" in found.cells


def test_what_has_no_number_has_none(shown):
    old = shown.judgements["test"]
    nothing = {"tau_b": np.nan, "weighted_tau": np.nan, "spearman": np.nan, "p_regret": np.nan}
    rows = tuple(
        replace(
            row, agreement=replace(row.agreement, **nothing, tied_hit=None, tied_size=None, within_tau=(np.nan, 0.5))
        )
        for row in old.rows
    )
    ceiling = Ceiling(np.nan, np.nan, np.nan)
    shown.judgements["test"] = replace(old, rows=rows, ceiling=ceiling, deviation=np.nan, effects=None)
    found = shown.read()
    assert "unknown for one seed or one collocation" in found.text
    assert not re.search(r"\b(nan|None)\b", found.text)


def test_a_selection_of_an_older_format_is_refused_by_name(shown):
    content = read_json(shown.folder / "selection.json")
    del content["format"]
    atomic_json(shown.folder / "selection.json", content)
    with pytest.raises(SeehearError, match=r"selection\.json: is of format 1, .* run `seehear select` again"):
        record.read_selection(shown.folder)


def hostile(value):
    """A result whose names, paths and notes are hostile wherever they are."""
    if isinstance(value, dict):
        return {hostile(key) if " × " in key else key: hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return value.replace("ears", HOSTILE) if isinstance(value, str) else value


@pytest.fixture
def dangerous(shown):
    texts = {"notes": [HOSTILE], "missing": [HOSTILE], "signature": HOSTILE, "failed": {HOSTILE: HOSTILE}}
    content = hostile(shown.selection.as_json())
    content["sources"] |= {"store": HOSTILE, "recipe": HOSTILE}
    shown.selection = record.selection_from_json(content | texts | {"effects_of": HOSTILE})
    judged = hostile(shown.judgements["test"].as_json())
    shown.judgements = {"test": record.judgement_from_json(judged | texts)}
    names = [HOSTILE, "$x$", "--> <!--"]
    ranks = plot_ranking(names, [3, 2, np.nan], [1, 1, 3], [2, 2, 3], [0.9, 0.1, 0], [1, 1, 0])
    save(ranks, shown.folder / "ranking.svg")
    save(plot_curves(names, [Curve(HOSTILE, [3.0, 2.0, 1.0])]), shown.folder / "figure5-test.svg")
    return shown


def test_names_are_text(dangerous):
    found = dangerous.read()
    assert found.text.count(words(HOSTILE)) > 25
    assert f"{HOSTILE} × eyes" in found.cells
    drawn = [part.strip() for part in found.parts if part.strip() in (HOSTILE, "$x$", "--> <!--")]
    assert drawn.count("$x$") == drawn.count("--> <!--") == 2  # in each plot
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    everything = json.dumps([dangerous.selection.as_json(), dangerous.judgements["test"].as_json()])
    assert "49" not in numbers(found.text) - numbers(everything)


def test_plots_that_are_too_large_are_linked_to(shown):
    file = shown.folder / "ranking.svg"
    file.write_text(file.read_text() + f"<!--{'x' * selection.MAX_DRAWINGS}-->")
    found = shown.read()
    assert {"href": "ranking.svg"} in found.named("a")
    assert len(found.named("svg")) == 7


def test_a_thousand_collocations_still_fit(shown):
    grid = Grid.over({"audio": [f"{'long-' * 10}{n}" for n in range(1000)], "visual": ["eyes"]})
    scores = -np.arange(1000.0)
    first = replace(
        shown.selection.estimates[0], scores=scores, measured=None, interval=np.stack([scores, scores]), draws=None
    )
    shown.selection = replace(
        shown.selection, grid=grid, standing=standing(scores, scores[None]), estimates=(first,) * 42, effects=None
    )
    shown.judgements = {}
    found = shown.read()
    assert "… and 700 more in selection.json" in found.text
    assert f"{'long-' * 10}299 × eyes" in found.cells


def test_settings_are_those_of_the_selection(shown):
    found = shown.read()
    recipe = next(row[1] for row in found.rows if row[0] == "recipe").split(" ")
    settings, sources = shown.selection.settings, shown.selection.sources
    assert {"epochs=2", "width=16", "standardise=false", "contrast.loss=none", "confidence.visual=0.9"} <= set(recipe)
    contrast = settings.recipe.contrast.model_dump()
    assert len([pair for pair in recipe if pair.startswith("contrast.")]) == len(contrast)
    assert ["seeds", "0, 1"] in found.rows
    assert ["audio networks", ", ".join(settings.networks["audio"])] in found.rows
    assert ["val labels", sources.val.labels] in found.rows


def test_no_selection_no_page(tmp_path):
    with pytest.raises(SeehearError, match="no selection in this folder"):
        record.read_selection(tmp_path)


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
    save(plot_curves(names, [Curve("c", np.arange(5.0))]), tmp_path / "a.svg")
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
def test_drawings_can_be_read_by_day_and_by_night(browser_page, shown, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    inks = """[...document.querySelectorAll(`svg[aria-label^="%s"] %s`)].map((one) => {
        const { fill, stroke } = getComputedStyle(one); return [fill, stroke];
    })"""
    browser_page.goto(shown.write().as_uri())
    paper = browser_page.evaluate("getComputedStyle(document.body).backgroundColor")
    tied = browser_page.evaluate("getComputedStyle(document.querySelector('tr.tied td')).backgroundColor")
    for description in ("Collocations from the best", "Figure 5"):
        texts = browser_page.evaluate(inks % (description, "text"))
        assert len(texts) > 10
        assert min(contrast(fill, paper) for fill, _ in texts) >= 4.5
        marks = [pair for pair in browser_page.evaluate(inks % (description, "use")) if tied not in pair]
        seen = [max(contrast(ink, paper) for ink in pair if ink != "none") for pair in marks]
        guides = browser_page.evaluate(inks % (description, 'path[style*="--guide"]'))
        assert guides
        assert min(seen) >= 2.2
        assert max(contrast(stroke, paper) for _, stroke in guides) < 2  # they step back


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous):
    file = dangerous.write()
    for width in (390, 320, 1200):
        browser_page.set_viewport_size({"width": width, "height": 800})
        browser_page.goto(file.as_uri())
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width


def test_tables_are_sorted_by_keys(browser_page, shown):
    browser_page.goto(shown.write().as_uri())
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


def test_the_command_is_copied_or_else_selected(browser_page, shown):
    browser_page.goto(shown.write().as_uri())
    button = browser_page.locator("button.copy").first
    button.focus()
    browser_page.keyboard.press("Enter")
    status = browser_page.locator(".command [role=status]").first
    for _ in range(500):
        if status.inner_text():
            break
        browser_page.wait_for_timeout(20)
    if status.inner_text() != "copied":
        assert "seehear train" in browser_page.evaluate("getSelection().toString()")
