"""The page of an evaluation: all that is printed is on it, it stands alone, and leads to clips that play."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import commands
from make_media import damage_packets, movie
from seehear.errors import SeehearError
from seehear.evaluation.result import ScoreRow
from seehear.media.overview import Overview
from seehear.media.reader import Media
from seehear.pages import evaluation, parse
from seehear.pages.evaluation.calibration import explain_confidence
from seehear.pages.evaluation.clips import ClipPages
from seehear.pages.evaluation.errors import across
from seehear.pages.evaluation.scores import by_class, score_line
from seehear.pages.evaluation.shared import MAX_ROWS
from seehear.pages.evaluation.thresholds import _path
from seehear.pages.folder import POSTERS
from seehear.pages.numbers import count, percent
from seehear.parsing.folder import write as write_parse
from seehear.scoring.clips import ClipRow
from seehear.scoring.confusion import ELSEWHERE, Confusion
from seehear.scoring.intervals import Interval
from seehear.scoring.precision_recall import ThresholdTally
from seehear.scoring.reliability import Bin
from seehear.scoring.scores import ClassRow
from seehear.scoring.verdict import Verdict
from seehear.texts import read_json
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
    commands.train(**made.training(set=BRIEF, seeds=[4, 7]))
    for clip in made.weak:
        movie(made.folder / "media" / f"{clip}.mp4", 5, fps=4)
    return made


def evaluated(world, out, *seeds, **changed):
    runs = [world.folder / "run" / f"seed-{seed}" for seed in seeds]
    return world.evaluate(runs, out=out, examples=2, **changed)


@pytest.fixture(scope="module")
def both(world):
    """Of both seeds, with clips: its folder, and the evaluation."""
    out = world.folder / "both"
    return out, evaluated(world, out, 4, 7, clips=world.folder / "media")


@pytest.fixture(scope="module")
def one(world):
    """Of one seed, without clips."""
    out = world.folder / "one"
    return out, evaluated(world, out, 4)


def read(report, folder):
    """The page of an evaluation, which is checked."""
    folder.mkdir(exist_ok=True)
    found = Read(evaluation.write(report, folder))
    found.check()
    return found


def kept(folder):
    return read_json(folder / "evaluation.json")


def changed(report, **details):
    """The evaluation with other details."""
    return replace(report, details=replace(report.details, **details))


def matrix(classes, rows):
    """A confusion matrix: true class -> predicted class -> segments; nothing is the empty name."""
    at = {name: n for n, name in enumerate((*classes, ""))}
    table = np.zeros((len(at), len(at)))
    for true, row in rows.items():
        for predicted, often in row.items():
            table[at[true], at[predicted]] = often
    return Confusion(tuple(classes), table)


def drawings(found):
    """The drawings but for those of single classes."""
    return [each for each in found.named("svg") if "preserveaspectratio" not in each]


def bars(found, kind):
    return [each["style"] for each in found.named("span") if each.get("class") == kind]


# What is on it


def test_the_command_writes_it_and_names_it(both):
    folder, report = both
    text = report.text()
    assert f"open {folder / 'evaluation.html'} in a browser, or run: seehear view {folder}" in text


@pytest.mark.parametrize("which", ["one", "both"])
def test_every_printed_number_is_on_it(which, request):
    folder, report = request.getfixturevalue(which)
    printed = report.text().replace(str(folder), "").replace(str(folder.parent), "")
    found = Read(folder / "evaluation.html")
    assert numbers(printed) <= numbers(found.text)
    lines = printed.splitlines()
    scores = [re.split(r"\s{2,}", line) for line in lines if re.match(r"(segment|event|average) .*\d to ", line)]
    assert len(scores) == 11 + 4
    for line, cells in zip(scores[:11], found.rows[1:12], strict=True):
        assert line == [words(cell) for n, cell in enumerate(cells) if n != 2]  # but for the bar
    for line in scores[11:]:
        cells = next(row for row in found.rows if row[0] == line[0])
        assert line == [words(cell) for n, cell in enumerate(cells) if n != 2]
    first = next(n for n, line in enumerate(lines) if line.startswith("class  "))
    for label, *cells in (re.split(r"\s{2,}", line) for line in lines[first + 1 : first + 1 + len(CLASSES)]):
        shown = next(row for row in found.rows if words(row[0]) == label)
        assert cells == [words(cell) for n, cell in enumerate(shown[1:]) if n % 4 in (0, 3)]
    for text in (*report.runs, str(report.signature)):
        assert text in found.text


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
    only = [(level, name) for level in ("segment", "event") for name in content["only"][level]]
    assert len(drawn) == len(names) + 1 + len(only) + 9 == 11 + 4 + 9  # 9: as predicted, modality given, time given
    for (level, name), style in zip(names, drawn, strict=False):
        ends = content["intervals"][level][name]
        baseline = content["references"]["weak labels"][level][name]
        expected = {"at": content[level][name], "low": ends["low"], "high": ends["high"], "baseline": baseline}
        assert style == "".join(f"--{key}:{value / 100:.4f};" for key, value in expected.items())


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 2.0, Verdict.BETTER),
        (0.0, 2.0, Verdict.INCONCLUSIVE),
        (-2.0, 0.0, Verdict.INCONCLUSIVE),
        (-2.0, -0.1, Verdict.WORSE),
    ],
)
def test_verdict_against_the_weak_label_baseline(low, high, verdict):
    mean = (low + high) / 2
    references = {"nothing": 0.0, "weak labels": 50 - mean, "truth": 100.0}
    own, beyond = Interval(50, 40, 60, 0), {"weak labels": Interval(mean, low, high, 0)}
    line = score_line(ScoreRow(("event", "visual"), own, references, beyond))
    ((difference, word),) = line.differences
    assert word == verdict
    shown = [float(text.replace("−", "-")) for text in re.findall(r"[+−]\d+\.\d+", difference)]
    assert shown == [mean, low, high]


def test_the_difference_from_the_baseline_is_paired_by_clip(both):
    _, report = both
    text = report.text()
    for row in report.rows:
        for name, called in (("weak labels", "weak-label baseline"), ("class prior", "class prior")):
            beyond, verdict = row.beyond[name], row.verdict_against(name)
            assert beyond.mean == pytest.approx(row.interval.mean - row.references[name])
            assert beyond.low <= beyond.mean <= beyond.high
            assert (row.name in "".join(re.findall(f"{verdict}.*{called}: .*", text))) is (beyond.low <= 0)


def test_what_is_not_better_than_the_baseline_is_named_first(both):
    found, report = Read(both[0] / "evaluation.html"), both[1]
    for name, called in (("weak labels", "weak-label baseline"), ("class prior", "class prior")):
        by_verdict = {
            verdict: ", ".join(row.name for row in report.rows if row.verdict_against(name) is verdict)
            for verdict in (Verdict.WORSE, Verdict.INCONCLUSIVE)
        }
        for verdict, text in ((Verdict.WORSE, "Worse than"), (Verdict.INCONCLUSIVE, "Inconclusive against")):
            assert (f"{text} the {called}: {by_verdict[verdict]}." in found.text) is bool(by_verdict[verdict])
        assert (f"Every score is better than the {called}" in found.text) is not any(by_verdict.values())


def test_what_references_predict_is_said(both):
    found, report = Read(both[0] / "evaluation.html"), both[1]
    assert list(report.meanings) == list(report.references) == ["nothing", "weak labels", "class prior", "truth"]
    for name, meaning in report.meanings.items():
        assert f"{name}: {meaning}" in found.text
        assert f"{name}: {meaning}" in report.text()


def test_scores_with_the_truth_given_are_all_on_it(both):
    found, report = Read(both[0] / "evaluation.html"), both[1]
    rows = [row for row in found.rows if row[0] in ("as predicted", "modality given", "time given")]
    assert [row[0] for row in rows] == list(report.by_given())
    every = [row for row in found.rows if len(row) == 7 and row[0] == "event audio"][-1]
    for name, intervals in report.by_given().items():
        interval = intervals["event", "audio"]
        assert f"{interval.mean:.2f}" in every
        assert f"{interval.low:.2f} to {interval.high:.2f}" in every
        assert f"{intervals['', 'average'].mean:.2f}" in next(row for row in rows if row[0] == name)


def test_classes_never_found_are_named(both, tmp_path):
    report = both[1]
    assert "Never found, heard: no class." in Read(both[0] / "evaluation.html").text
    missed = {("Dog", "audio"), ("Cat", "audio"), ("Dog", "visual")}
    scores = [
        replace(
            each,
            classes=tuple(replace(row, recall=0.0) if (row.label, row.kind) in missed else row for row in each.classes),
        )
        for each in report.scores
    ]
    support = {(row.label, row.kind): row.support for row in scores[0].classes if row.level == "segment"}
    changed = replace(report, scores=scores)
    found = read(changed, tmp_path)
    heard = sorted(("Cat", "Dog"), key=lambda label: -support[label, "audio"])
    named = ", ".join(f"{label} ({support[label, 'audio']} segments)" for label in heard)
    assert f"Never found, heard: {named}." in found.text
    assert f"Never found, seen: Dog ({support['Dog', 'visual']} segments)." in found.text
    assert f"never found, visual: Dog ({support['Dog', 'visual']})" in changed.text()


def test_classes_are_means_over_seeds(both):
    report = both[1]
    for level in ("segment", "event"):
        kinds = ("audio", "visual", "audio_visual")
        found = dict(by_class(report.class_rows(level)))
        assert list(found) == list(CLASSES)
        for label, cells in found.items():
            for kind, shown in zip(kinds, cells, strict=True):
                rows = [
                    row
                    for scores in report.scores
                    for row in scores.classes
                    if (row.level, row.kind, row.label) == (level, kind, label)
                ]
                assert len(rows) == 2
                for name in ("f1", "precision", "recall"):
                    assert getattr(shown, name) == f"{np.mean([getattr(row, name) for row in rows]):.1f}"
                assert shown.fraction == pytest.approx(np.mean([row.f1 for row in rows]) / 100)
                assert shown.support == rows[0].support


def class_rows(label, *values, support=0):
    """A row per run, from F1 and precision."""
    return [ClassRow("segment", "audio", label, precision, np.nan, f1, support) for f1, precision in values]


def test_a_class_that_one_seed_alone_predicted():
    rows = class_rows("Dog", (0.0, 0.0), (np.nan, np.nan), (60.0, 30.0))
    ((label, (found,)),) = by_class({"Dog": {"audio": rows}})
    assert (label, found.f1, found.precision, found.recall) == ("Dog", "20.0", "15.0", "–")
    ((_, (found,)),) = by_class({"Dog": {"audio": rows[1:2]}})
    assert (found.f1, found.fraction, found.precision) == ("–", 0, "–")


def a_bin(low, count=10, frequency=0.5, ends=(0.1, 0.9)):
    values = (low + 0.05, frequency, *ends) if count else (np.nan,) * 4
    return Bin(low, low + 0.1, count, min(count, 2), *values)


FAIR, OVER, UNDER = "calibrated", "overconfident", "underconfident"


@pytest.mark.parametrize(
    ("bins", "of", "often", "interval", "word"),
    [
        ([(0.7,), (0.8, 10, 0.91, (0.88, 0.95)), (0.9,)], "0.8 to 0.9", "9.1", "8.8 to 9.5", UNDER),
        ([(0.7, 10, 0.5, (0.2, 0.7)), (0.8, 0), (0.9,)], "0.7 to 0.8", "5.0", "2.0 to 7.0", OVER),
        ([(0.0,), (0.8, 0), (0.9, 10, 0.9, (0.9, 0.99))], "0.9 to 1.0", "9.0", "9.0 to 9.9", FAIR),
        ([(0.1,), (0.2,)], "0.2 to 0.3", "5.0", "1.0 to 9.0", FAIR),
    ],
)  # fmt: skip
def test_what_a_confidence_means(bins, of, often, interval, word):
    confidence = float(of[:3]) + 0.05
    assert explain_confidence([a_bin(*one) for one in bins]) == (
        f"of the predictions with a confidence of {of} (mean {confidence:.2f}), {often} in 10 are true "
        f"(95 % {interval}): {word}"
    )


def test_without_forecasts_a_confidence_means_nothing():
    assert explain_confidence([a_bin(0.8, 0)]) == ""


def test_calibration_is_in_numbers_and_words(both):
    found, details = Read(both[0] / "evaluation.html"), both[1].details
    for each in (*details.reliability.values(), details.reliability_clip):
        assert (
            f"(ECE) {each.error:.3f}. Brier score {each.brier:.4f}; always predicting the mean frequency "
            f"{each.frequency:.3f} scores {each.baseline:.4f}"
        ) in found.text
        for one in each.bins:
            row = [str(one.count), str(one.clips)]
            row += [f"{one.confidence:.3f}", f"{one.frequency:.3f}"] if one.count else ["–", "–"]
            assert row in [cells[1:5] for cells in found.rows]


def test_confusions_are_described_and_listed(one, tmp_path):
    rows = {
        "Cat": {"Cat": 4.0, "Dog": 3.0, "": 3.0},
        "Dog": {"Cat": 0.5, "Dog": 9.5},
        "": {"Dog": 2.0},
    }
    confusion = {"audio": matrix(CLASSES, rows), "visual": matrix(CLASSES, {"Cat": {"Cat": 1.0}})}
    found = read(changed(one[1], confusion=confusion), tmp_path)
    assert "Of 20 true segments of classes heard, 68 % are predicted, 15 % are false negatives and 18 %" in found.text
    assert "2 further segments are false positives." in found.text
    assert "Most confused: Cat as Dog (3 of 10 segments); Dog as Cat (0.5 of 10 segments)." in found.text
    assert "No class is confused with another." in found.text
    assert ["Cat", "Dog", "3.0", "30"] in found.rows
    assert ["Dog", "Cat", "0.5", "5"] in found.rows
    assert "2 classes are neither true nor predicted, and not drawn." in found.text
    labels = [each.get("aria-label") for each in found.named("svg")]
    assert any("Cat as Dog (3 of 10 segments)" in each for each in labels)


def with_classes(report, names, **details):
    """The evaluation with other classes, all as Cat in the scores."""
    scores = [
        replace(
            each,
            classes=tuple(replace(row, label=name) for row in each.classes if row.label == "Cat" for name in names),
        )
        for each in report.scores
    ]
    return replace(report, scores=scores, details=replace(report.details, classes=tuple(names), **details))


def test_many_classes_are_listed_instead_of_drawn(one, tmp_path):
    names = [f"class {n}" for n in range(40)]
    rng = np.random.default_rng(0)
    table = np.zeros((41, 41))
    table[:40, :40] = rng.permutation(40 * 40).reshape(40, 40) + 1.0
    confusion = {name: Confusion(tuple(names), table) for name in ("audio", "visual")}
    found = read(with_classes(one[1], names, confusion=confusion), tmp_path)
    assert len(drawings(found)) == 2
    pairs = sorted(((table[r, c], a, b) for r, a in enumerate(names) for c, b in enumerate(names) if a != b))[::-1]
    listed = [row for row in found.rows if row[0] in names and row[1] in names]
    assert [row[:3] for row in listed[:50]] == [[a, b, f"{often:.1f}"] for often, a, b in pairs[:50]]
    assert f"… and {40 * 39 - 50} more in evaluation.json" in found.text


def test_errors_that_the_other_modality_explains(both):
    found, details = Read(both[0] / "evaluation.html"), both[1].details
    spoken = {"audio": "heard", "visual": "seen"}
    for error, by_modality in details.elsewhere.items():
        for name, by_label in by_modality.items():
            row = next(row for row in found.rows if words(row[0]) == f"{spoken[name]}, {error.replace('_', ' ')}")
            counts = by_label.sum(axis=0)
            assert row[1] == count(counts.sum())
            for cell, part in zip(row[2:], counts, strict=True):
                assert words(cell) == f"{count(part)} ({percent(part, counts.sum())} %)"
            explained = by_label[:, ELSEWHERE.index("other_modality")]
            if explained.any():
                label = details.classes[int(explained.argmax())]
                assert f"most often {label} ({count(explained.max())})" in found.text


def test_modalities_against_modalities():
    given = {"": {"audio": 2.0}, "audio": {"": 1.0, "audio": 3.0}, "audio+visual": {"visual": 0.5, "audio+visual": 1.5}}
    names, rows = across(given, ("audio", "visual"))
    assert names == ["nothing", "only heard", "only seen", "both"]
    assert rows == [
        ("nothing", "2", [("0", 0.0), ("2", 0.0), ("0", 0.0), ("0", 0.0)]),
        ("only heard", "4", [("1", 0.25), ("3", 0.75), ("0", 0.0), ("0", 0.0)]),
        ("both", "2", [("0", 0.0), ("0", 0.0), ("0.5", 0.25), ("1.5", 0.75)]),
    ]
    names, _ = across({"smell+visual": {"audio": 1.0, "audio+visual+smell": 1.0}}, ("audio", "visual", "smell"))
    assert names == ["only heard", "all"]


@pytest.mark.parametrize(
    ("part", "whole", "says"), [(0, 3, "0"), (0.004, 1, "<1"), (0.005, 1, "0"), (1, 3, "33"), (3, 3, "100")]
)
def test_percent(part, whole, says):
    assert percent(part, whole) == says


def test_trainings_are_listed_run_by_run(both, one):
    found, report = Read(both[0] / "evaluation.html"), both[1]
    for seed, history, scores in zip((4, 7), report.details.history, report.scores, strict=True):
        chosen = max(n for n, entry in enumerate(history) if entry["best"])
        entry = history[chosen]
        val = entry["val"]
        expected = [str(seed), f"{scores.average:.2f}", str(len(history)), str(chosen + 1), f"{entry['loss']:.3f}"]
        expected += [f"{val['loss']:.3f}", *(f"{val[key]:.1f}" for key in ("average", "type_at_av", "label_f1"))]
        row = next(row for row in found.rows if row[: len(expected)] == expected)
        assert words(row[-2]) == "heard, seen, both"
    links = {link["href"] for link in found.named("a")}
    assert {
        f"predictions/seed-{seed}/{name}.csv" for seed in (4, 7) for name in ("audio", "visual", "audio_visual")
    } <= links
    assert {"predictions/audio.csv"} <= {link["href"] for link in Read(one[0] / "evaluation.html").named("a")}


def test_every_drawing_says_what_it_shows(both):
    found = Read(both[0] / "evaluation.html")
    labels = [each["aria-label"] for each in drawings(found)]
    assert [text.split(" ")[0] for text in labels] == ["Reliability", "Confusion", "Confusion", "Losses"]
    assert re.search(r"heard: of the predictions with a confidence of 0\.\d to .* in 10 are true", labels[0])
    assert "true segments of classes heard" in labels[1]


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
    assert browser_page.locator(".timeline .truth").count() > 0
    with browser_page.expect_navigation():
        browser_page.click(".crumbs a")
    assert browser_page.url == (folder / "evaluation.html").as_uri()
    with browser_page.expect_navigation():
        browser_page.click("text=All of these")
    assert browser_page.locator(".card").count() == 4


def test_cards_name_the_most_frequent_errors(both):
    folder, report = both
    found, details = Read(folder / "evaluation.html"), report.details
    rows = {row.clip: row for row in details.clips}
    spoken = {"audio": "heard", "visual": "seen"}
    named = 0
    for clip in details.examples.worst:
        for error, title in (("false_negatives", "false negatives"), ("false_positives", "false positives")):
            if most := getattr(rows[clip], error):
                of = f" of {most.support}" if error == "false_negatives" else ""
                segments = count(most.segments)
                assert f"{title} {most.label}, {spoken[most.modality]}, {segments}{of} segments" in found.text
                named += 1
    assert named
    order = [row[0] for row in found.rows if row[0] in rows and len(row) == 7]
    assert order == [row["clip"] for row in kept(folder)["clips"]["ranked"]][::-1]


def test_pictures_of_clips_are_as_many_as_there_is_room_for(both, tmp_path):
    folder = tmp_path / "evaluation"
    shutil.copytree(both[0], folder)
    clips = list(kept(folder)["examples"]["parses"])
    for file in (folder / "clips" / "thumbnails").iterdir():
        file.write_bytes(file.read_bytes() + bytes(POSTERS // 2))
    shown = ClipPages(folder, [*clips, "elsewhere"])
    assert [shown.poster(clip) is not None for clip in clips] == [True, True, False, False]
    assert [shown.href(clip) for clip in (clips[3], "elsewhere")] == [f"clips/{clips[3]}.html", ""]


def test_a_clip_that_can_not_be_decoded_has_no_page(world, both, tmp_path):
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


def parses(both, count):
    """Some of an evaluation's clips."""
    return dict(list(both[1].details.examples.clips.items())[:count])


def there(folder, suffix):
    return {file.stem for file in folder.glob(f"*{suffix}")}


def test_clips_of_earlier_evaluations_are_removed_but_not_those_of_others(both, tmp_path):
    first = parses(both, 4)
    assert evaluation.write_clips(first, tmp_path, "a run") == {}
    clip = next(iter(first.values()))
    others = replace(clip, clip="others")
    write_parse(others, tmp_path, made_by="someone")
    parse.write(others, Overview.of(Media(clip.file), 2), tmp_path)
    left = parses(both, 2)
    assert evaluation.write_clips(left, tmp_path, "a run") == {}
    assert there(tmp_path, ".json") == {*left, "others"}
    assert there(tmp_path, ".html") == {*left, "others", "index"}
    assert there(tmp_path / "thumbnails", ".jpg") == {*left, "others"}
    assert Read(tmp_path / "index.html").text.count("others") == 1
    evaluation.write_clips({}, tmp_path, "a run")
    assert there(tmp_path, ".json") == {"others"}
    assert there(tmp_path, ".html") == {"others", "index"}


def test_other_files_in_the_clips_folder_are_left_alone(both, tmp_path):
    theirs = tmp_path / "index.html"
    theirs.write_text("theirs")
    (tmp_path / "facts.json").write_text('{"run": "a"}')
    evaluation.write_clips({}, tmp_path, "a run")
    assert theirs.read_text() == "theirs"
    evaluation.write_clips(parses(both, 1), tmp_path, "a run")
    assert Read(theirs).text != "theirs"
    evaluation.write_clips({}, tmp_path, "a run")
    assert there(tmp_path, ".html") == set()  # an evaluation's index replaced it, and was removed with its clips
    assert there(tmp_path, ".json") == {"facts"}


def test_without_clips_nothing_is_made(tmp_path):
    assert evaluation.write_clips({}, tmp_path / "clips", "a run") == {}
    assert not list(tmp_path.iterdir())


# What may be missing


def test_one_modality_and_no_validation(world, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    given = {"dense_audio": None, "dense_visual": None, "val": None, "collocation": ["audio=ears"], "out": run}
    commands.train(**world.training(set=BRIEF, **given))
    report = world.evaluate([run], dense_visual=None, out=out, examples=1)
    found = Read(out / "evaluation.html")
    found.check()
    assert numbers(report.text().replace(str(tmp_path), "")) <= numbers(found.text)
    assert len(drawings(found)) == 3
    assert "another modality" not in found.text
    assert "seen" not in found.text.partition("How to read this")[0].partition("How to read this")[2]
    row = next(row for row in found.rows if row[-1] == str(run))
    assert row[2:4] == ["4", "4"]  # the last epoch
    assert row[5] == "–"
    assert len(row) == 8  # no scores of validation
    assert "One seed" in found.text


def test_no_forecasts_no_events_no_predictions(one, tmp_path):
    report, details = one[1], one[1].details
    nan = np.nan
    reliability = {
        name: replace(each, bins=tuple(Bin(bin.low, bin.high, 0, 0, nan, nan, nan, nan) for bin in each.bins))
        for name, each in {**details.reliability, "": details.reliability_clip}.items()
    }
    unknown = dict.fromkeys(("f1", "precision", "recall"), nan)
    scores = [
        replace(each, classes=tuple(replace(row, **unknown, support=0) for row in each.classes))
        for each in report.scores
    ]
    empty = changed(
        replace(report, scores=scores),
        reliability_clip=reliability.pop(""),
        reliability=reliability,
        confusion={name: matrix(CLASSES, {}) for name in details.modalities},
        curves={name: ThresholdTally(3).curves(CLASSES, np.zeros(3, int), np.full(3, 0.5)) for name in details.curves},
        elsewhere={error: {name: np.zeros((3, 4)) for name in details.modalities} for error in details.elsewhere},
        across=np.zeros_like(details.across),
        clips=[ClipRow(clip, 100.0, {}, 0, None, None) for clip in ("clip00", "clip01")],
        examples=replace(details.examples, best=[], worst=[]),
    )
    found = read(empty, tmp_path)
    assert "The ground truth has no class heard in these clips." in found.text
    assert found.text.count("No class is true or predicted.") == 2
    assert "Clips without events (2)" in found.text
    assert "clip00, clip01" in found.text
    assert len(drawings(found)) == 2
    assert not [style for style in bars(found, "bar") if not style.endswith(":0.0000")]


def test_missing_clips_notes_and_histories_are_listed(one, tmp_path):
    missing = [f"clip {n}" for n in range(MAX_ROWS + 7)]
    report = replace(one[1], missing=missing, notes=["class 'Bird' is unknown"])
    found = read(changed(report, history=[[]]), tmp_path)
    assert f"{len(missing)} clips without features were scored as if nothing was predicted" in found.text
    assert "class 'Bird' is unknown" in found.text
    assert f"{missing[MAX_ROWS - 1]} … and 7 more in evaluation.json" in found.text
    assert missing[MAX_ROWS] not in found.text
    assert "The runs have no history." in found.text
    assert next(row for row in found.rows if row[0] == "4")[2:6] == ["0", "–", "–", "–"]


def test_without_details_no_page(one, tmp_path):
    with pytest.raises(SeehearError, match="details=True"):
        evaluation.write(replace(one[1], details=None), tmp_path)


@pytest.mark.parametrize(
    ("runs", "seeds", "names"),
    [
        (["a/b/seed-3", "a/b/seed-4"], [3, 4], ["b"]),
        (["a/b"], [0], ["b"]),
        (["a/seed-3", "b/seed-3"], [3, 4], ["a", "seed-3"]),
    ],
)
def test_systems_are_called_by_their_folders(one, runs, seeds, names):
    assert replace(one[1], runs=runs, seeds=seeds).systems == names


# Strange names, many of them, small screens


@pytest.fixture(scope="module")
def dangerous(one, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dangerous")
    report, details = one[1], one[1].details
    names = {"Dog": HOSTILE, "Cat": "</script><b>$x$" + "long" * 60}
    clips = {"clip03": f"clip {HOSTILE}", "clip04": "x" * 250}

    def renamed(error):
        return error and replace(error, label=names.get(error.label, error.label))

    rows = [
        replace(
            row,
            clip=clips.get(row.clip, row.clip),
            false_negatives=renamed(row.false_negatives),
            false_positives=renamed(row.false_positives),
        )
        for row in details.clips
    ]
    classes = tuple(names.get(name, name) for name in details.classes)
    signature = replace(report.signature, labels=HOSTILE, decoding=HOSTILE)
    scores = replace(
        report.scores[0],
        classes=tuple(replace(row, label=names.get(row.label, row.label)) for row in report.scores[0].classes),
        signature=signature,
    )
    failed = {clips["clip03"]: f"{HOSTILE}: can't be read"}
    examples = replace(details.examples, run=HOSTILE, best=[clips["clip03"]], worst=[clips["clip04"]], failed=failed)
    confusion = {name: Confusion(classes, each.table) for name, each in details.confusion.items()}
    report = replace(report, runs=[f"/runs/{HOSTILE}"], scores=[scores], notes=[HOSTILE, "y" * 300], missing=[HOSTILE])
    report = changed(report, clips=rows, classes=classes, examples=examples, confusion=confusion)
    evaluation.write(report, folder)
    return folder, report


def test_names_are_text(dangerous):
    folder, report = dangerous
    found = Read(folder / "evaluation.html")
    found.check()
    assert found.text.count(words(HOSTILE)) > 20
    assert words(HOSTILE) in found.cells
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", found.source)
    assert "<b>$x$" not in found.source
    assert "49" not in numbers(found.text) - numbers(json.dumps(report.as_json()))


def test_on_a_phone_nothing_sticks_out(browser_page, dangerous, both):
    for folder in (dangerous[0], both[0]):
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
          const map = document.querySelector('svg[aria-label^="Confusion matrix of classes heard"]');
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


def test_many_classes_and_clips_still_fit(one, tmp_path):
    """Of 300 classes with names of 40 letters, and 3,000 clips."""
    rng = np.random.default_rng(0)
    report, details = one[1], one[1].details
    names = [f"class_of_sounds_and_of_pictures_{n:08}" for n in range(300)]
    table = np.zeros((301, 301))
    table[:300, :300] = rng.integers(1, 99, (300, 300)) * (rng.random((300, 300)) < 80 / 300)
    row = next(row for row in details.clips if row.false_negatives or row.false_positives)
    rows = [replace(row, clip=f"{'clip-' * 8}{n:05}", average=100 - n / 100) for n in range(3000)]
    still = [replace(row, clip=f"{'still-' * 8}{n}", support=0) for n in range(3000)]
    many = with_classes(
        replace(report, scores=list(report.scores) * 40, runs=list(report.runs) * 40),
        names,
        seeds=list(range(40)),
        predicted=list(details.predicted) * 40,
        history=details.history * 40,
        confusion={name: Confusion(tuple(names), table) for name in details.modalities},
        elsewhere={
            error: {name: counts[:1].repeat(300, axis=0) for name, counts in of.items()}
            for error, of in details.elsewhere.items()
        },
        clips=[*rows, *still],
        examples=replace(details.examples, best=[], worst=[each.clip for each in rows]),
    )
    found = read(replace(many, missing=[f"{'missing-' * 8}{n}" for n in range(3000)]), tmp_path)
    assert found.text.count(f"… and {3000 - MAX_ROWS} more in evaluation.json") == 4
    shown = [cells[0] for cells in found.rows if len(cells) == 7 and cells[0].startswith("clip-")]
    assert shown == [each.clip for each in rows[: -MAX_ROWS - 1 : -1]]


def test_of_too_many_classes_those_with_most_support_are_shown():
    rng = np.random.default_rng(0)
    names = [f"{n}" for n in range(MAX_ROWS + 50)]
    support = rng.permutation(len(names))
    rows = {
        name: {"audio": class_rows(name, (1.0, 1.0), support=int(n))} for name, n in zip(names, support, strict=True)
    }
    found = by_class(rows)
    assert [name for name, _ in found] == [name for name, n in zip(names, support, strict=True) if n >= 50]


# Thresholds


@pytest.mark.parametrize("which", ["one", "both"])
def test_each_class_has_its_precision_and_recall_by_threshold(which, request):
    folder, report = request.getfixturevalue(which)
    found, stored = Read(folder / "evaluation.html"), kept(folder)["thresholds"]
    drawn = [each["aria-label"] for each in found.named("svg") if "by threshold: at" in (each.get("aria-label") or "")]
    assert len(drawn) == len(CLASSES) * 2
    rows = [scores.classes for scores in report.scores]
    for modality, spoken in (("audio", "heard"), ("visual", "seen")):
        for label in CLASSES:
            one = stored["segment"][modality][label]
            assert len(one["curve"]["precision"]) == len(one["curve"]["recall"]) == len(stored["grid"])
            own = [row for of in rows for row in of if (row.level, row.kind, row.label) == ("segment", modality, label)]
            # At its own threshold a system is as good as its scores say.
            assert 100 * one["recall"] == pytest.approx(np.mean([row.recall for row in own]), abs=0.01)
            if len(own) == 1 and one["precision"] is not None:
                assert 100 * one["precision"] == pytest.approx(own[0].precision, abs=0.01)
            (words_of,) = [each for each in drawn if each.startswith(f"{label}, {spoken}, ")]
            assert f"recall {100 * one['recall']:.0f} %" in words_of
            assert f"of {one['support']}" in found.text


def test_curves_have_gaps_where_nothing_is_predicted():
    assert _path([0.1, 0.2, 0.3, 0.4], [0.5, np.nan, 1.0, 0.0]) == "M10.0 30.0M30.0 0.0L40.0 60.0"
