"""seehear align: what it prints is what the measures find in the embeddings of the runs and features."""

import json
import shutil

import numpy as np
import pytest

import commands
from make_media import movie, number_of
from seehear.alignment.embeddings import embeddings
from seehear.alignment.questions import Question, between, within
from seehear.errors import SeehearError
from seehear.labels import read_dense
from seehear.media import Media
from seehear.report.strip import Strip
from seehear.store import NetworkInfo, Origin, Store
from seehear.training.bags import Bags
from seehear.training.run import Run
from seehear.verbs.tables import read_split
from training.conftest import CLASSES, World

SMALL = ["epochs=3", "width=16", "feed_forward=16", "learning_rate=0.003"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world with two systems of two seeds in it."""
    made = World(tmp_path_factory.mktemp("world"), lengths=(5, 5, 3, 9))
    commands.train(**made.training(set=SMALL, seeds=[0, 1], out=made.folder / "plain"))
    with_loss = [*SMALL, "contrast.loss=mtsc", "contrast.projection=none"]
    commands.train(**made.training(set=with_loss, seeds=[0, 1], out=made.folder / "mtsc"))
    return made


def of(world, *runs, **changed):
    return commands.align([world.folder / run for run in runs], **world.evaluation(**changed))


def test_a_run_is_measured_on_its_embeddings(world):
    (features, plain) = of(world, "plain").systems
    assert features.seeds == []
    assert plain.seeds == [0, 1]
    run = Run(world.folder / "plain/seed-1")
    split = read_split(Store(world.store), run.facts.networks, world.labels, {})
    embedded = embeddings(run.model(), Bags(split.packs))
    clip = np.repeat(np.arange(len(split.clips)), Bags(split.packs).lengths)
    labels = {}
    for name in ("audio", "visual"):
        dense = read_dense(world.dense[name]).array(split.clips, CLASSES, 9, 1.0)
        labels[name] = np.concatenate([dense[n, :length] for n, length in enumerate(Bags(split.packs).lengths)])
    for question, answers in plain.found.items():
        expected = question.answer(embedded, labels, clip)
        for measure, values in vars(expected).items():
            np.testing.assert_allclose(getattr(answers[1], measure), values, err_msg=f"{question} {measure}")


def test_every_question_is_asked_of_every_system(world):
    report = of(world, "plain", "mtsc")
    asked = [*between(("audio", "visual")), *within(("audio", "visual"))]
    assert [str(question) for question in asked] == [
        "audio → visual",
        "visual → audio",
        "audio → visual, but its own clip",
        "visual → audio, but its own clip",
        "audio → audio, but itself",
        "visual → visual, but itself",
        "audio → audio, but its own clip",
        "visual → visual, but its own clip",
    ]
    features, *trained = report.systems
    assert list(features.measured) == asked[4:]  # widths differ
    for system in trained:
        assert list(system.measured) == asked
    text = report.text()
    for question in asked:
        assert f"{question} " in text
    assert text.count("\nchance ") == len(asked)
    assert text.index("audio → visual ") < text.index("audio → audio,")
    assert "signature alignment|cosine|point:embedding|features:unprojected|labels:labels+audio+visual@" in text
    assert f"|clips:24|segments:{sum((5, 5, 3, 9)) * 6}|" in text
    assert json.loads(json.dumps(report.as_json()))["systems"][1]["seeds"] == [0, 1]


def test_differences_are_those_of_the_measures(world):
    report = of(world, "plain", "mtsc")
    plain, mtsc = report.systems[1:]
    assert list(report.differences) == [Question("audio", "visual", "none"), Question("visual", "audio", "none")]
    for question, systems in report.differences.items():
        for measure, difference in systems["mtsc"].items():
            apart = mtsc.measured[question][measure].value - plain.measured[question][measure].value
            assert difference.mean == pytest.approx(100 * apart)
            assert difference.paired_seeds
    assert "mtsc: seeds 0, 1, paired; with so few seeds p can't be below 0.500" in report.text()


def test_type_at_av_is_that_of_evaluate(world):
    report = of(world, "plain")
    evaluated = world.evaluate([world.folder / "plain"])
    assert report.systems[1].type_at_av == evaluated.interval("segment", "type_at_av")


def test_features_brought_together_by_time_find_each_other(world, tmp_path):
    """Both modalities of a class follow the same clip's labels, so that canonical directions carry meaning."""
    question = Question("audio", "visual", "none")
    collocation = ["audio=ears", "visual=eyes"]
    rows = world.labels.read_text().splitlines(keepends=True)
    half, other = tmp_path / "half.csv", tmp_path / "other.csv"
    half.write_text("".join(rows[:13]))
    other.write_text("".join([rows[0], *rows[13:]]))
    (chance,) = of(world, collocation=collocation, labels=other, projection="random").systems
    report = of(world, collocation=collocation, labels=other, fit=half, width=3)
    (fitted,) = report.systems
    assert "features:cca3@half@" in report.signature
    with pytest.raises(SeehearError, match="12 of its clips are measured, as clip00"):
        of(world, collocation=collocation, fit=half)
    measured = fitted.measured[question]["precision_overlap"]
    assert measured.value > chance.measured[question]["precision_overlap"].high
    # Within a modality nothing is projected.
    alone = Question("audio", "audio", "clip")
    assert chance.measured[alone] == fitted.measured[alone]


@pytest.mark.parametrize("point", ["mapped", "embedding", "fused"])
def test_points_of_a_model(world, point):
    run = Run(world.folder / "plain/seed-0")
    split = read_split(Store(world.store), run.facts.networks, world.labels, {})
    model, bags = run.model(), Bags(split.packs)
    found = embeddings(model, bags, point)
    for n in range(4):  # clips of different length, one at a time: padding must not show
        rows = slice(bags.offsets[n], bags.offsets[n + 1])
        alone = Bags({name: [one.subset(np.array([n])) for one in packs] for name, packs in split.packs.items()})
        for name, array in embeddings(model, alone, point).items():
            np.testing.assert_allclose(found[name][rows], array, atol=1e-5)
    assert f"point:{point}" in of(world, "plain", point=point).signature


def test_a_system_without_g_is_mapped_as_it_is_embedded(world):
    one, other = (of(world, "plain", point=point).systems[1].measured for point in ("mapped", "embedding"))
    assert one == other


def test_three_modalities(world):
    dense = ["smell=" + str(world.dense["smell"])]
    collocation = ["audio=ears", "visual=eyes", "smell=nose"]
    (features,) = of(world, collocation=collocation, dense=dense, projection="random").systems
    assert len(features.measured) == 12 + 6


def test_pictures_of_a_clip(world, tmp_path):
    report = of(world, "plain", "mtsc", draw=["clip03"], out=tmp_path)
    assert [path.name for path in report.pictures] == ["similarity-clip03.png", "similarity-clip03.svg"]
    text = (tmp_path / "similarity-clip03.svg").read_text()
    for name in ("features", "plain, seed 0", "mtsc, seed 0", "target of audio–visual"):
        assert name in text
    written = json.loads((tmp_path / "alignment.json").read_text())
    assert written == json.loads(json.dumps(report.as_json()))


def test_the_clip_itself_stands_above_its_similarities(world, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    movie(clips / "clip03.mp4", 9.0)
    (silent,) = (
        path for path in of(world, "plain", draw=["clip03"], out=tmp_path / "a").pictures if path.suffix == ".png"
    )
    shown = of(world, "plain", draw=["clip03"], clips=clips, out=tmp_path / "b").pictures[0]
    heights = [int.from_bytes(path.read_bytes()[20:24], "big") for path in (silent, shown)]  # of a PNG
    assert heights[0] + 100 < heights[1]
    with pytest.raises(SeehearError, match="no file of clip clip04"):
        of(world, "plain", draw=["clip04"], clips=clips, out=tmp_path / "c")


def test_a_strip_of_its_own_is_that_of_the_whole_clip(tmp_path):
    media = Media(movie(tmp_path / "a.mp4", 12.0, hertz=1000.0))
    strip = Strip.of(media, 6)
    assert [number_of(picture) // 10 for picture in strip.thumbnails] == [0, 2, 4, 6, 8, 10]
    level = strip.spectrogram
    assert level[:, 30:-30].max(axis=0).min() > -10  # the tone is heard throughout


@pytest.mark.parametrize(
    ("runs", "changed", "message"),
    [
        ([], {}, "nothing to measure"),
        (["plain"], {"dense_audio": None}, "give --dense-audio"),
        (["plain"], {"draw": ["clip00"]}, "give --out"),
        (["plain"], {"draw": ["stranger"], "out": "x"}, "no clip 'stranger'"),
        ([], {"collocation": ["audio=ears"]}, "there is only audio"),
        (["plain"], {"collocation": ["audio=ears", "smell=nose"]}, "give --dense-smell"),
        (
            [],
            {"collocation": ["audio=ears", "visual=eyes"], "projection": "random", "width": 0},
            "width must be from 1",
        ),
        (["plain", "plain/seed-0"], {}, "is in plain and in seed-0"),
    ],
)
def test_mistakes_are_named(world, runs, changed, message):
    with pytest.raises(SeehearError, match=message):
        of(world, *runs, **changed)


def test_clips_without_features_are_left_out_and_told(world, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text(world.labels.read_text() + "lost\tDog\n")
    report = of(world, collocation=["audio=ears", "visual=eyes"], labels=table)
    assert report.missing == ["lost"]
    assert report.exit_code == 1
    assert "|clips:24|" in report.signature


def test_an_embedding_that_is_not_finite_names_clip_and_network(world, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(world.store, store)
    kept = Store(store)
    kept.register(NetworkInfo("eyes", "visual", 8, "made"))
    kept.write("eyes", Origin("clip05", "made", "x"), np.full((5, 8), 3e38, dtype=np.float32))
    with pytest.raises(SeehearError, match=r"clip clip05: its embedding of eyes \(visual\) is not finite"):
        of(world, "plain", store=store)
