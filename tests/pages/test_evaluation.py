"""The page of an evaluation: all that is printed is on it, it stands alone, and leads to clips that play."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import seehear
from make_media import damage_packets, movie
from seehear.errors import SeehearError
from seehear.files import atomic_json, read_json
from seehear.media import Media
from seehear.pages import evaluation, parse
from seehear.pages.folder import POSTERS
from seehear.parsed import read as read_parse
from seehear.parsed import write as write_parse
from seehear.report.strip import Strip
from seehear.scoring.confusion import ELSEWHERE
from seehear.scoring.intervals import Interval
from seehear.scoring.reliability import Bin
from seehear.verbs.scored import told
from training.conftest import CLASSES, World

from .made import until
from .reading import HOSTILE, Read, numbers, words

pytestmark = pytest.mark.usefixtures("few_draws")

CLIPS = 12
BRIEF = ["epochs=4", "width=16", "feed_forward=16", "learning_rate=0.01"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A system of two seeds, and the clips' files."""
    made = World(tmp_path_factory.mktemp("world"), clips=CLIPS)
    (made.folder / "media").mkdir()
    seehear.train(**made.training(set=BRIEF, seeds=[4, 7]))
    for clip in made.weak:
        movie(made.folder / "media" / f"{clip}.mp4", 5, fps=4)
    return made


def evaluated(world, out, *seeds, **changed):
    runs = [world.folder / "run" / f"seed-{seed}" for seed in seeds]
    return seehear.evaluate(runs, **world.evaluation(out=out, examples=2, **changed))


@pytest.fixture(scope="module")
def both(world):
    """Of both seeds, with clips: its folder, and what was printed."""
    out = world.folder / "both"
    return out, evaluated(world, out, 4, 7, clips=world.folder / "media").text()


@pytest.fixture(scope="module")
def one(world):
    """Of one seed, without clips."""
    out = world.folder / "one"
    return out, evaluated(world, out, 4).text()


@pytest.fixture
def folder(one, tmp_path):
    """An evaluation to change, without clips."""
    shutil.copytree(one[0], tmp_path / "evaluation")
    return tmp_path / "evaluation"


def read(folder):
    found = Read(evaluation.write(folder))
    found.check()
    return found


def kept(folder):
    return read_json(folder / "evaluation.json")


def changed(folder, **content):
    atomic_json(folder / "evaluation.json", kept(folder) | content)


def bars(found, kind):
    return [each["style"] for each in found.named("span") if each.get("class") == kind]


# What is on it


def test_the_verb_writes_it_and_names_it(both):
    folder, text = both
    assert f"open {folder / 'evaluation.html'} in a browser, or run: seehear view {folder}" in text


@pytest.mark.parametrize("which", ["one", "both"])
def test_every_number_that_is_printed_is_there(which, request):
    folder, text = request.getfixturevalue(which)
    printed = text.replace(str(folder), "").replace(str(folder.parent), "")
    found = Read(folder / "evaluation.html")
    assert numbers(printed) <= numbers(found.text)
    lines = printed.splitlines()
    scores = [re.split(r"\s{2,}", line) for line in lines if re.match(r"(segment|event|average) .*\d to ", line)]
    assert len(scores) == 11
    for line, cells in zip(scores, found.rows[1:12], strict=True):
        assert line == [words(cell) for n, cell in enumerate(cells[:-2]) if n != 2]  # but for the bar
    first = next(n for n, line in enumerate(lines) if line.startswith("class "))
    for label, *cells in (re.split(r"\s{2,}", line) for line in lines[first + 1 : first + 1 + len(CLASSES)]):
        shown = next(row for row in found.rows if words(row[0]) == label)
        assert cells == [words(cell) for n, cell in enumerate(shown[1:]) if n % 4 in (0, 3)]
    for said in (*kept(folder)["runs"], kept(folder)["signature"]):
        assert said in found.text


def test_signature_stands_beside_the_scores_and_at_the_end(both):
    found = Read(both[0] / "evaluation.html")
    signature = kept(both[0])["signature"]
    assert found.text.count(signature) == 2
    assert found.text.index("segment audio") < found.text.index(signature) < found.text.index("Per class")
    assert found.text.rindex(signature) > found.text.rindex("How to read this")
    assert re.search(r"\|labels:(labels\+audio\+visual@\w{8})\|", signature)[1] in found.text
    assert f"clips {CLIPS}" in found.text


def test_bars_intervals_and_painting_are_drawn_where_they_are(both):
    found, content = Read(both[0] / "evaluation.html"), kept(both[0])
    drawn = bars(found, "bar ranged")
    names = [(level, name) for level in ("segment", "event") for name in content[level]]
    assert len(drawn) == len(names) + 1 == 11
    for (level, name), style in zip(names, drawn, strict=False):
        ends = content["intervals"][level][name]
        painted = content["references"]["weak labels"][level][name]
        expected = {"at": content[level][name], "low": ends["low"], "high": ends["high"], "painted": painted}
        assert style == "".join(f"--{key}:{value / 100:.4f};" for key, value in expected.items())


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.1, 2.0, "better than painting"),
        (0.0, 2.0, "can't be told from painting"),
        (-2.0, 0.0, "can't be told from painting"),
        (-2.0, -0.1, "worse than painting"),
    ],
)
def test_painting_is_told_in_words(one, low, high, says):
    content = kept(one[0])
    mean = (low + high) / 2
    content["beyond_painting"]["event"]["visual"] = {
        "mean": mean,
        "low": low,
        "high": high,
        "verdict": told(Interval(mean, low, high, 0.0)),
    }
    row = next(row for row in evaluation.scores(content) if row.name == "event visual")
    assert (row.says, row.open) == (says, says != "better than painting")
    assert [float(text.replace("−", "-")) for text in re.findall(r"[+−]\d+\.\d+", row.apart)] == [mean, low, high]


def test_the_difference_from_painting_is_paired_by_clip(both):
    _, text = both
    content = kept(both[0])
    for key, found in ((key, content["beyond_painting"]["segment"][key]) for key in content["segment"]):
        painted = content["references"]["weak labels"]["segment"][key]
        assert found["mean"] == pytest.approx(content["segment"][key] - painted)
        assert found["low"] <= found["mean"] <= found["high"]
        assert (f"segment {key}" in "".join(re.findall(f"{found['verdict']}: .*", text))) is (found["low"] <= 0)


def test_what_is_not_shown_to_be_better_than_painting_is_said_first(both):
    found, content = Read(both[0] / "evaluation.html"), kept(both[0])
    beyond = content["beyond_painting"]
    keys = [(level, name) for level in ("segment", "event") for name in content[level]]
    open_ones = [f"{level} {name}" for level, name in keys if beyond[level][name]["low"] <= 0]
    open_ones += ["average"] * (beyond["average"]["low"] <= 0)
    said = f"Not significantly better than the weak-label baseline: {', '.join(open_ones)}."
    assert (said if open_ones else "Every score is significantly better") in found.text


def test_classes_are_means_over_seeds(both):
    content = kept(both[0])
    for level in ("segment", "event"):
        kinds = ("audio", "visual", "audio_visual")
        found = dict(evaluation.by_class(content["classes"], level, CLASSES, kinds))
        assert list(found) == list(CLASSES)
        for label, of in found.items():
            for kind, shown in zip(kinds, of, strict=True):
                rows = [
                    r
                    for seed in content["classes"]
                    for r in seed
                    if (r["level"], r["kind"], r["label"]) == (level, kind, label)
                ]
                assert len(rows) == 2
                for name in ("f1", "precision", "recall"):
                    assert None not in [row[name] for row in rows]
                    assert getattr(shown, name) == f"{np.mean([row[name] for row in rows]):.1f}"
                assert shown.at == pytest.approx(np.mean([row["f1"] for row in rows]) / 100)
                assert shown.support == rows[0]["support"]


def test_a_class_that_one_seed_alone_found():
    rows = [
        {"level": "segment", "kind": "audio", "label": "Dog", "support": 0, "recall": None, "f1": f1, "precision": p}
        for f1, p in ((0.0, 0.0), (None, None), (60.0, 30.0))
    ]
    ((label, (found,)),) = evaluation.by_class([[row] for row in rows], "segment", ["Dog"], ["audio"])
    assert (label, found.f1, found.precision, found.recall) == ("Dog", "20.0", "15.0", "–")
    ((_, (found,)),) = evaluation.by_class([[rows[1]]], "segment", ["Dog"], ["audio"])
    assert (found.f1, found.at, found.precision) == ("–", 0, "–")


def a_bin(low, count=10, frequency=0.5, ends=(0.1, 0.9)):
    values = (low + 0.05, frequency, *ends) if count else (np.nan,) * 4
    return Bin(low, low + 0.1, count, min(count, 2), *values)


FAIR = "there as often as said, for all that can be told"
LESS, MORE = "there less often than said", "there more often than said"


@pytest.mark.parametrize(
    ("bins", "of", "means", "said", "says"),
    [
        ([(0.7,), (0.8, 10, 0.91, (0.88, 0.95)), (0.9,)], "0.8 to 0.9", "9.1", "8.8 to 9.5", MORE),
        ([(0.7, 10, 0.5, (0.2, 0.7)), (0.8, 0), (0.9,)], "0.7 to 0.8", "5.0", "2.0 to 7.0", LESS),
        ([(0.0,), (0.8, 0), (0.9, 10, 0.9, (0.9, 0.99))], "0.9 to 1.0", "9.0", "9.0 to 9.9", FAIR),
        ([(0.1,), (0.2,)], "0.2 to 0.3", "5.0", "1.0 to 9.0", FAIR),
    ],
)  # fmt: skip
def test_what_a_confidence_is_worth(bins, of, means, said, says):
    confidence = float(of[:3]) + 0.05
    assert evaluation.worth([a_bin(*one) for one in bins]) == (
        f"{of} means {means} in 10 here (95 % {said}; {confidence:.2f} was said on average): {says}"
    )


def test_without_forecasts_a_confidence_is_worth_nothing():
    assert evaluation.worth([a_bin(0.8, 0)]) == ""


def test_confidences_are_in_numbers_and_words(both):
    found, content = Read(both[0] / "evaluation.html"), kept(both[0])
    reliability = [*content["reliability"]["segment"].values(), content["reliability"]["clip"]]
    for each in reliability:
        said = (
            f"(ECE) {each['error']:.3f}; Brier score {each['brier']:.4f}, while always predicting the base "
            f"rate {each['frequency']:.3f}"
        )
        assert said in found.text
        assert f"has {each['baseline']:.4f}" in found.text
        for one in each["bins"]:
            row = [str(one["count"]), str(one["clips"])]
            row += [f"{one['confidence']:.3f}", f"{one['frequency']:.3f}"] if one["count"] else ["–", "–"]
            assert row in [cells[1:5] for cells in found.rows]


def test_confusions_are_told_and_listed(folder):
    rows = {
        "Cat": {"Cat": 4.0, "Dog": 3.0, "": 3.0},
        "Dog": {"Cat": 0.5, "Dog": 9.5},
        "": {"Dog": 2.0},
    }
    content = kept(folder)["confusion"]
    content["audio"]["rows"] = rows
    content["visual"]["rows"] = {"Cat": {"Cat": 1.0}}
    changed(folder, confusion=content)
    found = read(folder)
    assert "Of 20 segments of classes that are heard, 68 % are found, 15 % are missed and 18 % are taken" in found.text
    assert "; 2 more are made up" in found.text
    assert "Taken for another most: Cat for Dog (3 of 10 segments); Dog for Cat (0.5 of 10 segments)." in found.text
    assert "No class is taken for another." in found.text
    assert ["Cat", "Dog", "3.0", "30"] in found.rows
    assert ["Dog", "Cat", "0.5", "5"] in found.rows
    assert "2 classes are neither in the ground truth nor predicted, and not drawn." in found.text
    says = [each.get("aria-label") for each in found.named("svg")]
    assert any("Cat for Dog (3 of 10 segments)" in each for each in says)


def test_many_classes_are_listed_instead_of_drawn(folder):
    names = [f"class {n}" for n in range(40)]
    content = kept(folder)
    classes = [row | {"label": name} for row in content["classes"][0] if row["label"] == "Cat" for name in names]
    rng = np.random.default_rng(0)
    table = rng.permutation(40 * 40).reshape(40, 40) + 1.0
    rows = {a: {b: float(table[r, c]) for c, b in enumerate(names)} for r, a in enumerate(names)}
    for confusion in content["confusion"].values():
        confusion["rows"] = rows
    changed(folder, classes=[classes], confusion=content["confusion"])
    found = read(folder)
    assert len(found.named("svg")) == 2
    pairs = sorted(((table[r, c], a, b) for r, a in enumerate(names) for c, b in enumerate(names) if a != b))[::-1]
    listed = [row for row in found.rows if row[0] in names and row[1] in names]
    assert [row[:3] for row in listed[:50]] == [[a, b, f"{often:.1f}"] for often, a, b in pairs[:50]]
    assert f"… and {40 * 39 - 50} more in evaluation.json" in found.text


def test_errors_that_the_other_modality_explains(both):
    found, content = Read(both[0] / "evaluation.html"), kept(both[0])
    spoken = {"audio": "heard", "visual": "seen"}
    titles = {"invented": "said and not there", "missed": "there and missed"}
    for name, of in content["elsewhere"].items():
        for what, counts in of.items():
            row = next(row for row in found.rows if words(row[0]) == f"{spoken[name]}, {titles[what]}")
            total = counts["all"]["segments"]
            assert row[1] == evaluation.many(total)
            for cell, where in zip(row[2:], ELSEWHERE, strict=True):
                part = counts["all"][where]
                assert words(cell) == f"{evaluation.many(part)} ({evaluation.percent(part, total)} %)"
            if counts["all"]["other_modality"]:
                most = max(of_class["other_modality"] for of_class in counts["classes"].values())
                label = next(n for n, of_class in counts["classes"].items() if of_class["other_modality"] == most)
                assert f"most of all {label} ({evaluation.many(most)})" in found.text


def test_modalities_against_modalities():
    given = {"": {"audio": 2.0}, "audio": {"": 1.0, "audio": 3.0}, "audio+visual": {"visual": 0.5, "audio+visual": 1.5}}
    names, rows = evaluation.across(given, ("audio", "visual"))
    assert names == ["nothing", "only heard", "only seen", "both"]
    assert rows == [
        ("nothing", "2", [("0", 0.0), ("2", 0.0), ("0", 0.0), ("0", 0.0)]),
        ("only heard", "4", [("1", 0.25), ("3", 0.75), ("0", 0.0), ("0", 0.0)]),
        ("both", "2", [("0", 0.0), ("0", 0.0), ("0.5", 0.25), ("1.5", 0.75)]),
    ]
    names, _ = evaluation.across(
        {"smell+visual": {"audio": 1.0, "audio+visual+smell": 1.0}}, ("audio", "visual", "smell")
    )
    assert names == ["only heard", "all"]


@pytest.mark.parametrize(
    ("part", "whole", "says"), [(0, 3, "0"), (0.004, 1, "<1"), (0.005, 1, "0"), (1, 3, "33"), (3, 3, "100")]
)
def test_percent(part, whole, says):
    assert evaluation.percent(part, whole) == says


def test_training_is_told_run_by_run(both, one):
    found, content = Read(both[0] / "evaluation.html"), kept(both[0])
    for seed, history, each in zip((4, 7), content["history"], content["each"], strict=True):
        chosen = max(n for n, entry in enumerate(history) if entry["best"])
        entry = history[chosen]
        val = entry["val"]
        expected = [str(seed), f"{each['average']:.2f}", str(len(history)), str(chosen + 1), f"{entry['loss']:.3f}"]
        expected += [f"{val['loss']:.3f}", *(f"{val[key]:.1f}" for key in ("average", "type_at_av", "label_f1"))]
        row = next(row for row in found.rows if row[: len(expected)] == expected)
        assert words(row[-2]) == "heard, seen, both"
    links = {link["href"] for link in found.named("a")}
    assert {f"found/seed-{seed}/{name}.csv" for seed in (4, 7) for name in ("audio", "visual", "audio_visual")} <= links
    assert {"found/audio.csv"} <= {link["href"] for link in Read(one[0] / "evaluation.html").named("a")}


def test_every_drawing_says_what_it_shows(both):
    found = Read(both[0] / "evaluation.html")
    says = [each["aria-label"] for each in found.named("svg")]
    assert [text.split(" ")[0] for text in says] == ["Reliability", "Classes", "Classes", "Losses"]
    assert re.search(r"heard: 0\.\d to \d\.\d means [\d.]+ in 10 here", says[0])
    assert "segments of classes that are heard" in says[1]


# Clips


def test_clips_lead_to_pages_that_play(browser_page, both):
    folder, _ = both
    content = kept(folder)
    browser_page.goto((folder / "evaluation.html").as_uri())
    cards = browser_page.locator(".card")
    assert cards.count() == 4
    order = [*content["examples"]["worst"], *content["examples"]["best"]]
    assert cards.locator("a").all_text_contents() == order
    assert cards.locator("img").count() == 4
    averages = {row["clip"]: row["average"] for row in content["clips"]["ranked"]}
    for n, clip in enumerate(order):
        assert f"{averages[clip]:.1f}" in cards.nth(n).text_content()
    browser_page.focus(".card a >> nth=2")
    with browser_page.expect_navigation():
        browser_page.keyboard.press("Enter")
    until(browser_page, "document.getElementById('player').readyState >= 1")
    assert browser_page.inner_text("h1") == order[2]
    assert browser_page.locator(".timeline .true").count() > 0
    with browser_page.expect_navigation():
        browser_page.click(".crumbs a")
    assert browser_page.url == (folder / "evaluation.html").as_uri()
    with browser_page.expect_navigation():
        browser_page.click("text=all of these")
    assert browser_page.locator(".card").count() == 4


def test_cards_say_what_went_wrong(both):
    folder, _ = both
    found, content = Read(folder / "evaluation.html"), kept(folder)
    rows = {row["clip"]: row for row in content["clips"]["ranked"]}
    spoken = {"audio": "heard", "visual": "seen"}
    told = 0
    for clip in content["examples"]["worst"]:
        for key, said in (("missed", "missed most"), ("invented", "made up most")):
            if most := rows[clip][key]:
                of = f" of {most['of']}" if key == "missed" else ""
                segments = evaluation.many(most["segments"])
                assert f"{said} {most['label']}, {spoken[most['modality']]}, {segments}{of} segments" in found.text
                told += 1
    assert told
    order = [row[0] for row in found.rows if row[0] in rows and len(row) == 7]
    assert order == [row["clip"] for row in content["clips"]["ranked"]][::-1]


def test_pictures_of_clips_are_as_many_as_there_is_room_for(both, tmp_path):
    folder = tmp_path / "evaluation"
    shutil.copytree(both[0], folder)
    clips = list(kept(folder)["examples"]["parses"])
    for file in (folder / "clips" / "thumbnails").iterdir():
        file.write_bytes(file.read_bytes() + bytes(POSTERS // 2))
    shown = evaluation.Shown(folder, [*clips, "elsewhere"])
    assert [shown.poster(clip) is not None for clip in clips] == [True, True, False, False]
    assert [shown.href(clip) for clip in (clips[3], "elsewhere")] == [f"clips/{clips[3]}.html", ""]


def test_a_clip_that_can_not_be_decoded_is_left_out_and_told(world, both, tmp_path):
    best, other = kept(both[0])["examples"]["best"]
    media = tmp_path / "media"
    shutil.copytree(world.folder / "media", media)
    damage_packets(media / f"{best}.mp4", "video")
    Media(media / f"{best}.mp4")  # its length can be read
    out = tmp_path / "out"
    report = evaluated(world, out, 4, 7, clips=media)
    assert report.exit_code == 1
    examples = kept(out)["examples"]
    assert list(examples["failed"]) == [best]
    assert f"{best}.mp4: none of its frames can be decoded" in examples["failed"][best]
    assert best not in examples["parses"]
    assert len(examples["parses"]) == 3
    assert not list((out / "clips").glob(f"{best}*"))
    found = Read(out / "evaluation.html")
    assert "Clips without a page (1)" in found.text
    assert f"clips/{best}.html" not in {link["href"] for link in found.named("a")}
    assert f"clips/{other}.html" in {link["href"] for link in found.named("a")}


def parses(world, both, folder, count):
    """Some of an evaluation's parses, written anew into a folder: clip -> its file."""
    found = [read_parse(both[0] / file) for file in kept(both[0])["examples"]["parses"].values()]
    return {one.clip: write_parse(one, folder, run="a run") for one in found[:count]}


def there(folder, suffix):
    return {file.stem for file in folder.glob(f"*{suffix}")}


def test_parses_of_earlier_calls_are_removed_but_not_those_of_others(world, both, tmp_path):
    first = parses(world, both, tmp_path, 4)
    assert evaluation.write_clips(first, tmp_path) == {}
    found = read_parse(first[next(iter(first))])
    others = replace(found, clip="others")
    write_parse(others, tmp_path, made_by="someone")
    parse.write(others, Strip.of(Media(found.file), 2), tmp_path)
    left = dict(list(first.items())[:2])
    assert evaluation.write_clips(left, tmp_path) == {}
    assert there(tmp_path, ".json") == {*left, "others"}
    assert there(tmp_path, ".html") == {*left, "others", "index"}
    assert there(tmp_path / "thumbnails", ".jpg") == {*left, "others"}
    assert Read(tmp_path / "index.html").text.count("others") == 1
    evaluation.write_clips({}, tmp_path)
    assert there(tmp_path, ".json") == {"others"}
    assert there(tmp_path, ".html") == {"others", "index"}


def test_what_else_lies_in_the_clips_folder_is_left_alone(world, both, tmp_path):
    theirs = tmp_path / "index.html"
    theirs.write_text("theirs")
    (tmp_path / "facts.json").write_text('{"run": "a"}')
    evaluation.write_clips({}, tmp_path)
    assert theirs.read_text() == "theirs"
    evaluation.write_clips(parses(world, both, tmp_path, 1), tmp_path)
    assert Read(theirs).text != "theirs"
    evaluation.write_clips({}, tmp_path)
    assert there(tmp_path, ".html") == set()  # an evaluation's index took its place, and went with its clips
    assert there(tmp_path, ".json") == {"facts"}


def test_without_clips_nothing_is_made(tmp_path):
    assert evaluation.write_clips({}, tmp_path / "clips") == {}
    assert not list(tmp_path.iterdir())


# What may be missing


def test_one_modality_and_no_validation(world, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    given = {"dense_audio": None, "dense_visual": None, "val": None, "collocation": ["audio=ears"], "out": run}
    seehear.train(**world.training(set=BRIEF, **given))
    report = seehear.evaluate([run], **world.evaluation(dense_visual=None, out=out, examples=1))
    found = Read(out / "evaluation.html")
    found.check()
    assert numbers(report.text().replace(str(tmp_path), "")) <= numbers(found.text)
    assert len(found.named("svg")) == 3
    assert "another modality" not in found.text
    assert "seen" not in found.text.partition("How to read this")[0].partition("How to read this")[2]
    row = next(row for row in found.rows if row[-1] == str(run))
    assert row[2:4] == ["4", "4"]  # the last epoch
    assert row[5] == "–"
    assert len(row) == 8  # no scores of validation
    assert "One seed" in found.text


def test_nothing_there_and_nothing_said(folder):
    """Bins without forecasts, nothing to find, nothing found, no clip ranked."""
    content = kept(folder)
    empty = {
        "count": 0,
        "clips": 0,
        "confidence": None,
        "frequency": None,
        "frequency_low": None,
        "frequency_high": None,
    }
    for each in (*content["reliability"]["segment"].values(), content["reliability"]["clip"]):
        each["bins"] = [{**one, **empty} for one in each["bins"]]
    for each in content["confusion"].values():
        each["rows"] = {}
    for of in content["elsewhere"].values():
        for counts in of.values():
            for where in (counts["all"], *counts["classes"].values()):
                where.update(dict.fromkeys(where, 0.0))
    nothing = {"best": [], "worst": [], "parses": {}, "failed": {}}
    changed(
        folder,
        reliability=content["reliability"],
        confusion=content["confusion"],
        elsewhere=content["elsewhere"],
        across={"all": {}, "classes": {}},
        clips={"ranked": [], "without_events": ["clip00", "clip01"]},
        classes=[
            [row | {"f1": None, "precision": None, "recall": None, "support": 0} for row in content["classes"][0]]
        ],
        examples=content["examples"] | nothing,
    )
    found = read(folder)
    assert "Nothing is heard in these clips." in found.text
    assert "Clips without events (2)" in found.text
    assert "clip00, clip01" in found.text
    assert len(found.named("svg")) == 2
    assert not [style for style in bars(found, "bar") if not style.endswith(":0.0000")]


def test_missing_clips_notes_and_histories_are_told(folder):
    missing = [f"clip {n}" for n in range(evaluation.ROWS + 7)]
    changed(folder, missing=missing, notes=["class 'Bird' is not known"], history=[[]])
    found = read(folder)
    assert f"{len(missing)} clips without features were scored as if nothing was predicted" in found.text
    assert "class 'Bird' is not known" in found.text
    assert f"{missing[evaluation.ROWS - 1]} … and 7 more in evaluation.json" in found.text
    assert missing[evaluation.ROWS] not in found.text
    assert "The runs have no history." in found.text
    assert next(row for row in found.rows if row[0] == "4")[2:6] == ["0", "–", "–", "–"]


def test_no_evaluation_no_page(tmp_path):
    with pytest.raises(SeehearError, match="no such file"):
        evaluation.write(tmp_path)


@pytest.mark.parametrize(
    ("runs", "seeds", "names"),
    [
        (["a/b/seed-3", "a/b/seed-4"], [3, 4], ["b"]),
        (["a/b"], [0], ["b"]),
        (["a/seed-3", "b/seed-3"], [3, 4], ["a", "seed-3"]),
    ],
)
def test_systems_are_called_by_their_folders(runs, seeds, names):
    assert evaluation.systems(runs, seeds) == names


# Strange names, many of them, small screens


def renamed(value, names):
    """Keys and texts replaced, wherever they stand."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def dangerous(one, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dangerous") / "evaluation"
    shutil.copytree(one[0], folder)
    content = kept(folder)
    names = {"Dog": HOSTILE, "Cat": "</script><b>$x$" + "long" * 60, "clip03": f"clip {HOSTILE}", "clip04": "x" * 250}
    content = renamed(content, names)
    content |= {"notes": [HOSTILE, "y" * 300], "missing": [HOSTILE], "runs": [f"/runs/{HOSTILE}"], "signature": HOSTILE}
    content["examples"] |= {"run": HOSTILE, "best": [names["clip03"]], "worst": [names["clip04"]]}
    content["examples"]["failed"] = {names["clip03"]: f"{HOSTILE}: can't be read"}
    assert {row["clip"] for row in content["clips"]["ranked"]} >= {names["clip03"], names["clip04"]}
    atomic_json(folder / "evaluation.json", content)
    evaluation.write(folder)
    return folder


def test_names_are_text(dangerous):
    found = Read(dangerous / "evaluation.html")
    found.check()
    assert found.text.count(words(HOSTILE)) > 20
    assert words(HOSTILE) in found.cells
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    assert "<b>$x$" not in found.source
    assert "49" not in numbers(found.text) - numbers(json.dumps(kept(dangerous)))


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous, both):
    for folder in (dangerous, both[0]):
        for width in (390, 320, 1200):
            browser_page.set_viewport_size({"width": width, "height": 800})
            browser_page.goto((folder / "evaluation.html").as_uri())
            browser_page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert browser_page.evaluate("document.documentElement.scrollWidth") == width


def test_classes_are_sorted_by_keys(browser_page, both):
    browser_page.goto((both[0] / "evaluation.html").as_uri())
    table = browser_page.locator(".sortable.toned").first
    heads, rows = table.locator("thead th"), table.locator("tbody tr")
    button = heads.nth(1).locator("button")

    def values():
        return [float(row.locator("td").first.inner_text()) for row in rows.all()]

    before = values()
    button.focus()
    browser_page.keyboard.press("Enter")
    assert heads.nth(1).get_attribute("aria-sort") == "descending"
    assert values() == sorted(before, reverse=True)
    browser_page.keyboard.press("Enter")
    assert values() == sorted(before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cells_can_be_read_by_day_and_by_night(browser_page, both, scheme):
    """The darkest cell, as blended with the page, beside the number on it: WCAG's contrast of 4.5 at least."""
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.goto((both[0] / "evaluation.html").as_uri())
    found = browser_page.evaluate(
        """() => {
          const map = document.querySelector('svg[aria-label^="Classes heard"]');
          const cells = [...map.querySelectorAll('path')].filter((one) => Number(getComputedStyle(one).opacity) < 1);
          return {
            cells: cells.map((one) => [getComputedStyle(one).fill, Number(getComputedStyle(one).opacity)]),
            texts: [...map.querySelectorAll('text')].map((one) => getComputedStyle(one).fill),
            paper: getComputedStyle(document.body).backgroundColor,
            ink: getComputedStyle(document.body).color,
          };
        }"""
    )
    assert len(found["cells"]) > 3
    assert found["texts"].count(found["ink"]) >= len(found["cells"])
    ink, paper = colour(found["ink"]), colour(found["paper"])
    for fill, opacity in found["cells"]:
        blended = opacity * colour(fill) + (1 - opacity) * paper
        light, dark = sorted((luminance(ink), luminance(blended)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def colour(text):
    """As browsers write it: rgb(1, 2, 3)."""
    return np.array([int(part) / 255 for part in re.findall(r"\d+", text)[:3]])


def luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_many_classes_and_clips_still_fit(folder):
    """Of 300 classes with names of 40 letters, and 3,000 clips."""
    rng = np.random.default_rng(0)
    content = kept(folder)
    names = [f"class_of_sounds_and_of_pictures_{n:08}" for n in range(300)]
    rows = [row for row in content["classes"][0] if row["label"] == "Cat"]
    classes = [row | {"label": name} for row in rows for name in names]
    table = {a: {b: float(rng.integers(1, 99)) for b in rng.choice(names, 80)} for a in names}
    for each in content["confusion"].values():
        each["rows"] = table
    for of in content["elsewhere"].values():
        for counts in of.values():
            counts["classes"] = dict.fromkeys(names, next(iter(counts["classes"].values())))
    row = next(row for row in content["clips"]["ranked"] if row["missed"] or row["invented"])
    ranked = [row | {"clip": f"{'clip-' * 8}{n:05}"} for n in range(3000)]
    changed(
        folder,
        seeds=list(range(40)),
        **{key: content[key] * 40 for key in ("runs", "each", "history", "tables")},
        classes=[classes] * 40,
        confusion=content["confusion"],
        elsewhere=content["elsewhere"],
        clips={"ranked": ranked, "without_events": [f"{'still-' * 8}{n}" for n in range(3000)]},
        missing=[f"{'missing-' * 8}{n}" for n in range(3000)],
        examples=content["examples"] | {"best": [], "worst": [each["clip"] for each in ranked]},
    )
    found = read(folder)
    assert found.text.count(f"… and {3000 - evaluation.ROWS} more in evaluation.json") == 4
    shown = [cells[0] for cells in found.rows if len(cells) == 7 and cells[0].startswith("clip-")]
    assert shown == [each["clip"] for each in ranked[: -evaluation.ROWS - 1 : -1]]


def test_of_too_many_classes_those_with_most_to_find_are_shown():
    rng = np.random.default_rng(0)
    names = [f"{n}" for n in range(evaluation.ROWS + 50)]
    support = rng.permutation(len(names))
    rows = [
        {
            "level": "event",
            "kind": "audio",
            "label": name,
            "support": int(n),
            "f1": 1.0,
            "precision": 1.0,
            "recall": 1.0,
        }
        for name, n in zip(names, support, strict=True)
    ]
    found = evaluation.by_class([rows], "event", names, ["audio"])
    assert [name for name, _ in found] == [name for name, n in zip(names, support, strict=True) if n >= 50]
