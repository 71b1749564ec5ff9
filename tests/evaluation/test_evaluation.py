"""What lies behind an evaluation's scores: against the parts it is made of, and against scores of what it writes."""

import json

import numpy as np
import pytest

import commands
import make_media
import seehear
import seehear.parsing.base as module
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.evaluation import score_tables
from seehear.labels import read_dense, read_weak
from seehear.parsing import folder as parsed
from seehear.scoring.confusion import confusion, elsewhere, state_names, states
from seehear.scoring.reliability import reliability
from seehear.training.bags import Bags
from seehear.training.inference import predict
from seehear.training.runs import Run
from training.conftest import CLASSES, World

pytestmark = pytest.mark.usefixtures("few_draws")

LENGTHS = (5, 5, 3, 5, 5, 3, 5, 5, 3, 5, 5, 9)
MODALITIES = ("audio", "visual")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Clips of several lengths, some longer than the window, and a system of two seeds."""
    made = World(tmp_path_factory.mktemp("world"), lengths=LENGTHS)
    settings = ["epochs=12", "width=16", "feed_forward=16", "learning_rate=0.01"]
    commands.train(**made.training(set=settings, seeds=[4, 7]))
    assert Run(made.folder / "run/seed-4").facts.window == 5
    return made


@pytest.fixture(scope="module")
def media(world):
    """Files of the clips, but for one in three."""
    folder = world.folder / "media"
    folder.mkdir()
    for n, clip in enumerate(world.weak):
        if n % 3:
            make_media.write(folder / f"{clip}.m4a", sound=make_media.tone(440, LENGTHS[n % len(LENGTHS)]))
    return folder


def of(world, out, *seeds, **changed):
    runs = [world.folder / "run" / f"seed-{seed}" for seed in seeds or (4, 7)]
    return world.evaluate(runs, out=out, **changed)


def written(out):
    return json.loads((out / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def both(world, media):
    """What is found of both seeds, and what is written of it."""
    report = of(world, world.folder / "both", clips=media, examples=5)
    return report, written(world.folder / "both")


@pytest.fixture(scope="module")
def one(world):
    """The same of the first seed alone, without the clips' files."""
    report = of(world, world.folder / "one", 4, examples=1)
    return report, written(world.folder / "one")


@pytest.fixture(scope="module")
def predictions(world):
    """Of each seed: probabilities, and what they are decoded to; and the truth. Clips in the table's order."""
    each = []
    for seed in (4, 7):
        run = Run(world.folder / "run" / f"seed-{seed}")
        bags = Bags(world.dataset().packs())
        found = predict(run.model(), bags, run.facts.window)
        each.append((found, Decoding()(found, run.facts.classes, run.facts.modalities)))
    truth = world.dataset().with_classes(CLASSES).truth
    return each, truth, bags.lengths


def test_all_of_the_report_is_written(world, both):
    report, content = both
    assert content["format"] == "seehear-evaluation-2"
    assert {**content, "format": 0} == {**json.loads(json.dumps(report.as_json(), allow_nan=False)), "format": 0}
    assert str(world.folder / "both") in report.text()
    assert content["seeds"] == [4, 7]
    assert content["history"] == [Run(run).history() for run in content["runs"]]
    plain = of(world, None)
    assert plain.details is None
    assert not set(plain.as_json()) & {"reliability", "confusion", "clips"}
    assert plain.as_json().items() <= report.as_json().items()


def test_reliability_is_of_all_seeds(both, predictions):
    each, truth, lengths = predictions
    found = both[0].details
    for m, name in enumerate(MODALITIES):
        by_seed = [reliability(p.segment[:, :, m], truth[name], lengths) for p, _ in each]
        assert found.reliability[name].runs == 2
        assert found.reliability[name].count == 2 * lengths.sum() * len(CLASSES)
        assert found.reliability[name].brier == pytest.approx(np.mean([of_seed.brier for of_seed in by_seed]))
        for together, *parts in zip(found.reliability[name].bins, *(of_seed.bins for of_seed in by_seed), strict=True):
            assert together.count == sum(part.count for part in parts)


def test_reliability_is_of_segments_and_of_clips(world, one, predictions):
    each, truth, lengths = predictions
    found = one[0].details
    for m, name in enumerate(MODALITIES):
        expected = reliability(each[0][0].segment[:, :, m], truth[name], lengths)
        assert found.reliability[name].error == pytest.approx(expected.error)
        assert found.reliability[name].brier == pytest.approx(expected.brier)
    weak = read_weak(world.labels)
    squares = [
        (np.mean(each[0][0].clip[n, :length, c]) - (label in weak.labels[clip])) ** 2
        for n, (clip, length) in enumerate(zip(weak.clips, lengths, strict=True))
        for c, label in enumerate(CLASSES)
    ]
    assert found.reliability_clip.count == len(squares)
    assert found.reliability_clip.brier == pytest.approx(np.mean(squares))


def test_confusions_are_means_over_seeds(both, predictions):
    each, truth, _ = predictions
    found, content = both[0].details, both[1]
    for name in MODALITIES:
        mean = np.mean([confusion(active[name], truth[name]) for _, active in each], axis=0)
        assert found.confusion[name].table == pytest.approx(mean)
        for error, pairs in (
            ("false_positives", [(a, truth) for _, a in each]),
            ("false_negatives", [(truth, a) for _, a in each]),
        ):
            mean = np.mean([elsewhere(*pair)[name] for pair in pairs], axis=0)
            assert found.elsewhere[error][name] == pytest.approx(mean)
            listed = content["elsewhere"][name][error]
            assert listed["all"]["segments"] == pytest.approx(mean.sum())
            assert [listed["classes"][label]["other_modality"] for label in CLASSES] == pytest.approx(mean[:, 0])
    mean = np.mean([states(active, truth) for _, active in each], axis=0)
    assert found.across == pytest.approx(mean)
    names = state_names(MODALITIES)
    assert names == ("", "audio", "visual", "audio+visual")
    for there, found_as in np.ndindex(4, 4):
        value = content["across"]["all"].get(names[there], {}).get(names[found_as], 0)
        assert value == pytest.approx(mean.sum(axis=0)[there, found_as])


def test_clips_are_ranked_by_their_mean_over_seeds(world, both, predictions):
    each, truth, _ = predictions
    report, content = both
    clips = read_weak(world.labels).clips
    average = dict(zip(clips, report.average_per_clip().mean(axis=0), strict=True))
    ranked = content["clips"]["ranked"]
    order = [row["clip"] for row in ranked]
    still = [clip for n, clip in enumerate(clips) if not any(truth[name][n].any() for name in MODALITIES)]
    assert content["clips"]["without_events"] == still
    assert sorted(order) == sorted(set(clips) - set(still))
    assert [row["average"] for row in ranked] == pytest.approx([average[clip] for clip in order])
    assert sorted(map(average.get, order), reverse=True) == pytest.approx([average[clip] for clip in order])
    assert content["examples"]["best"] == order[:5]
    assert len(content["examples"]["worst"]) == 5
    for row in ranked:
        n = clips.index(row["clip"])
        assert row["scores"]["segment"]["audio"] == pytest.approx(report.per_clip("segment", "audio")[:, n].mean())
        for error in ("false_negatives", "false_positives"):
            if row[error]:
                name, c = row[error]["modality"], CLASSES.index(row[error]["label"])
                pairs = [(truth[name][n, :, c], active[name][n, :, c]) for _, active in each]
                wrong = [true & ~found if error == "false_negatives" else found & ~true for true, found in pairs]
                assert row[error]["segments"] == np.sum(wrong) / 2
                assert row[error]["support"] == truth[name][n, :, c].sum()


def test_tables_score_the_same(world, both, one):
    report, content = both
    assert content["tables"][0]["audio_visual"] == "predictions/seed-4/audio_visual.csv"
    truths = {name: world.dense[name] for name in MODALITIES}
    for scores, tables in zip(report.scores, content["tables"], strict=True):
        paths = {name: world.folder / "both" / tables[name] for name in MODALITIES}
        again = score_tables(paths, truths, world.labels, decoding=str(Decoding())).scores[0]
        assert str(again.signature) == str(scores.signature)
        assert again.per_clip.keys() == scores.per_clip.keys()
        for key, values in scores.per_clip.items():
            assert again.per_clip[key].tolist() == values.tolist()
        rows = {(row.level, row.kind, row.label): row for row in again.classes}
        assert all(rows[row.level, row.kind, row.label].as_json() == row.as_json() for row in scores.classes)
    names = (*MODALITIES, "audio_visual")
    assert one[1]["tables"] == [{name: f"predictions/{name}.csv" for name in names}]
    for name in names:
        text = (world.folder / f"one/predictions/{name}.csv").read_text()
        assert text == (world.folder / f"both/predictions/seed-4/{name}.csv").read_text()


def test_clips_are_shown_as_they_were_scored(world, media, both, predictions):
    each, _, lengths = predictions
    report, content = both
    examples = content["examples"]
    chosen = [*examples["best"], *examples["worst"]]
    lost = [clip for clip in chosen if not int(clip.removeprefix("clip")) % 3]
    assert examples["run"] == str(world.folder / "run/seed-4")
    assert list(examples["failed"]) == lost
    assert list(examples["parses"]) == [clip for clip in chosen if clip not in lost]
    assert 0 < len(lost) < len(chosen)
    assert report.exit_code == 1
    assert f"{lost[0]}: no file of this name" in report.text()
    assert not report.notes  # all files are as long as the features

    out = world.folder / "both"
    tables = {name: read_dense(out / f"predictions/seed-4/{name}.csv") for name in (*MODALITIES, "audio_visual")}
    truths = {name: read_dense(world.dense[name]) for name in MODALITIES}
    found = each[0][0].segment
    for clip, path in examples["parses"].items():
        shown = parsed.read(out / path)
        n = list(world.weak).index(clip)
        assert (shown.clip, shown.file) == (clip, str(media / f"{clip}.m4a"))
        assert shown.decoding == str(Decoding())
        assert shown.duration == pytest.approx(lengths[n], abs=0.1)
        for name, table in tables.items():
            assert filled(shown.of(name)) == filled(event for event in table.events if event.clip == clip)
        here = {event.label for event in (*shown.events, *shown.truth)}
        for m, name in enumerate(MODALITIES):
            there = filled(event for event in truths[name].events if event.clip == clip)
            assert filled(shown.of(name, true=True)) == there
            assert set(shown.probabilities[name]) == here
            for label, row in shown.probabilities[name].items():
                expected = found[n, : lengths[n], m, CLASSES.index(label)]
                assert row == pytest.approx(expected.tolist(), abs=1e-4)


def test_false_negatives_are_shown_with_their_confidence(world, media, tmp_path):
    of(world, tmp_path, 4, clips=media, examples=5, threshold=1.0)
    shown = [parsed.read(path) for path in (tmp_path / "clips").glob("*.json")]
    assert not any(clip.events for clip in shown)
    assert [set(clip.probabilities["audio"]) for clip in shown] == [{e.label for e in clip.truth} for clip in shown]


def test_clips_are_parsed_in_memory(world, media, both, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = seehear.evaluate(world.folder / "run", world.dataset(), clips=media, examples=5, device="cpu")
    shown = report.details.examples.clips
    assert list(shown) == list(both[1]["examples"]["parses"])
    for clip, one in shown.items():
        assert one.events == both[0].details.examples.clips[clip].events
    assert report.folder is None
    assert not list(tmp_path.iterdir())


def filled(events):
    """The segments that events fill, by class."""
    return {(event.label, t) for event in events for t in range(round(event.onset), round(event.offset))}


def test_files_of_other_clips_are_reported(world, one, tmp_path):
    """One that can't be read is left out; one of another length is shown, and reported."""
    (best,), (worst,) = (one[1]["examples"][which] for which in ("best", "worst"))
    assert (one[1]["examples"]["parses"], one[0].exit_code) == ({}, 0)
    unreadable = tmp_path / f"{best}.mp4"
    unreadable.write_bytes(b"nothing")
    longer = make_media.write(tmp_path / f"{worst}.m4a", sound=make_media.tone(440, 12))
    report = of(world, tmp_path / "out", 4, examples=1, clips=[unreadable, longer])
    examples = written(tmp_path / "out")["examples"]
    assert list(examples["failed"]) == [best]
    assert list(examples["parses"]) == [worst]
    assert [note for note in report.notes if f"{worst}.m4a: has 12 segments" in note]
    assert report.exit_code == 1


def test_clips_that_are_parts_of_full_videos_are_shown(tmp_path):
    """A table names parts as LLP does, and the folder of clips holds the full video."""
    world = World(tmp_path, clips=4, called="film_{0}_{1}")
    commands.train(**world.training(set=["epochs=1", "width=16", "feed_forward=16"], seeds=[4]))
    folder = tmp_path / "media"
    folder.mkdir()
    make_media.write(folder / "film.m4a", sound=make_media.tone(440, 9))
    world.evaluate([world.folder / "run"], out=tmp_path / "out", examples=2, clips=folder)
    examples = written(tmp_path / "out")["examples"]
    assert not examples["failed"]
    assert sorted(examples["parses"]) == sorted(world.weak)


def test_some_clips_at_a_time_come_to_the_same(world, media, both, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MAX_PROBABILITIES", 5 * max(LENGTHS) * len(MODALITIES) * len(CLASSES))  # five clips
    whole, parts = both[0], of(world, tmp_path, clips=media, examples=5)
    for key in whole.scores[0].per_clip:
        assert parts.per_clip(*key) == pytest.approx(whole.per_clip(*key))
    for name in MODALITIES:
        assert parts.details.reliability[name].brier == pytest.approx(whole.details.reliability[name].brier)
        assert parts.details.confusion[name].table == pytest.approx(whole.details.confusion[name].table)
        assert (tmp_path / f"predictions/seed-7/{name}.csv").read_text() == (
            world.folder / f"both/predictions/seed-7/{name}.csv"
        ).read_text()
    assert parts.details.examples.best == whole.details.examples.best
    for clip, shown in whole.details.examples.clips.items():
        assert filled(shown.events) == filled(parts.details.examples.clips[clip].events)


def test_clips_without_features_and_unknown_classes(world, one, tmp_path):
    """A clip without features and a class unknown to the run are false negatives, and leave calibration alone."""
    labels, audio = tmp_path / "labels.csv", tmp_path / "audio.csv"
    labels.write_text(world.labels.read_text().replace("clip03\t", "aaa\tDog\nclip03\tBird,"))
    audio.write_text(world.dense["audio"].read_text() + "clip03\t0\t3\tBird\naaa\t0\t2\tDog\n")
    report = of(world, tmp_path / "out", 4, labels=labels, dense_audio=audio)
    before, after = one[0].details, report.details
    assert report.missing == ["aaa"]
    (note,) = [note for note in report.notes if "Bird" in note]
    assert note == (
        "1 class only in the labels, which the model does not know: Bird; their events count as false negatives"
    )
    for key, values in one[0].scores[0].per_clip.items():
        assert np.delete(report.scores[0].per_clip[key], [3, 4]).tolist() == np.delete(values, 3).tolist()
    assert after.classes == (*CLASSES, "Bird")
    assert after.reliability == before.reliability
    assert after.confusion["audio"].true == before.confusion["audio"].true + 5
    assert "aaa" not in [row.clip for row in after.clips]
    bird = after.confusion["audio"].as_json()["rows"]["Bird"]
    assert sum(bird.values()) == pytest.approx(3)
    assert "Bird" not in bird
    now, then = (next(row.support for row in found.clips if row.clip == "clip03") for found in (after, before))
    assert now == then + 3


@pytest.mark.parametrize(
    ("out", "changed", "message"),
    [
        (None, {"clips": ["a.mp4"]}, "--clips shows .* --out"),
        ("out", {"examples": -1}, "0 or more, not -1"),
        ("out", {"clips": ["nowhere"]}, "nowhere: no such file or folder"),
    ],
)
def test_mistakes_are_named(world, tmp_path, monkeypatch, out, changed, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeehearError, match=message):
        of(world, out, **changed)
    assert not list(tmp_path.iterdir())
