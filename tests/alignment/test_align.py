"""seehear align: it prints the measures of the embeddings of runs and features."""

import json
import shutil

import numpy as np
import pytest

from commands import align, train
from make_media import movie, number_of
from seehear.alignment import Search, align_arrays, between, within
from seehear.alignment.embeddings import embeddings
from seehear.cli import main
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import read_dense
from seehear.media.overview import Overview
from seehear.media.reader import Media
from seehear.parsing.parser import load
from seehear.training.bags import Bags
from seehear.training.runs import Run
from training.conftest import CLASSES, World

SMALL = ["epochs=3", "width=16", "feed_forward=16", "learning_rate=0.003"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world with two systems of two seeds in it."""
    made = World(tmp_path_factory.mktemp("world"), lengths=(5, 5, 3, 9))
    train(**made.training(set=SMALL, seeds=[0, 1], out=made.folder / "plain"))
    with_loss = [*SMALL, "contrast.loss=mtsc", "contrast.projection=none"]
    train(**made.training(set=with_loss, seeds=[0, 1], out=made.folder / "mtsc"))
    return made


def of(world, *runs, **changed):
    return align([world.folder / run for run in runs], **world.evaluation(**changed))


def dataset_of(world, run):
    return Dataset.from_tables(world.labels, store=world.store, collocation=run.facts.collocation)


def test_a_run_is_measured_on_its_embeddings(world):
    (features, plain) = of(world, "plain").systems
    assert features.seeds == ()
    assert plain.seeds == (0, 1)
    run = Run(world.folder / "plain/seed-1")
    dataset = dataset_of(world, run)
    bags = Bags(dataset.packs())
    embedded = embeddings(run.model(), bags)
    clip = np.repeat(np.arange(len(dataset)), bags.lengths)
    labels = {}
    for name in ("audio", "visual"):
        dense = read_dense(world.dense[name]).array(dataset.clips, CLASSES, 9, 1.0)
        labels[name] = np.concatenate([dense[n, :length] for n, length in enumerate(bags.lengths)])
    for search, matches in plain.matches.items():
        expected = search(embedded, labels, clip)
        for measure, values in vars(expected).items():
            np.testing.assert_allclose(getattr(matches[1], measure), values, err_msg=f"{search} {measure}")


def test_every_search_is_done_for_every_system(world):
    result = of(world, "plain", "mtsc")
    searches = [*between(("audio", "visual")), *within(("audio", "visual"))]
    assert [str(search) for search in searches] == [
        "audio → visual",
        "visual → audio",
        "audio → visual, without its own clip",
        "visual → audio, without its own clip",
        "audio → audio, without the query itself",
        "visual → visual, without the query itself",
        "audio → audio, without its own clip",
        "visual → visual, without its own clip",
    ]
    features, *trained = result.systems
    assert list(features.measures) == searches[4:]  # widths differ
    for system in trained:
        assert list(system.measures) == searches
    text = result.text()
    for search in searches:
        assert f"{search} " in text
    assert text.count("\nchance ") == len(searches)
    assert text.index("audio → visual ") < text.index("audio → audio,")
    assert "signature alignment|cosine|point:embedding|features:unprojected|labels:labels+audio+visual@" in text
    assert f"|clips:24|segments:{sum((5, 5, 3, 9)) * 6}|" in text
    assert json.loads(json.dumps(result.as_json()))["systems"][1]["seeds"] == [0, 1]


def test_differences_are_those_of_the_measures(world):
    result = of(world, "plain", "mtsc")
    plain, mtsc = result.systems[1:]
    assert list(result.differences) == [Search("audio", "visual"), Search("visual", "audio")]
    for search, systems in result.differences.items():
        for measure, difference in systems["mtsc"].items():
            expected = mtsc.measures[search][measure].value - plain.measures[search][measure].value
            assert difference.mean == pytest.approx(100 * expected)
            assert difference.paired_seeds
    assert "mtsc: seeds 0, 1, paired" in result.text()


def test_type_at_av_is_that_of_evaluate(world):
    from seehear.evaluation import evaluate

    result = of(world, "plain")
    evaluated = evaluate(world.folder / "plain", world.dataset(), progress=False)
    assert result["plain"].type_at_av == evaluated.interval("segment", "type_at_av")


def test_a_projection_aligns_features_of_the_same_time(world, tmp_path):
    """Both modalities of a class follow the same clip's labels, so that canonical directions carry meaning."""
    search = Search("audio", "visual")
    collocation = ["audio=ears", "visual=eyes"]
    rows = world.labels.read_text().splitlines(keepends=True)
    half, other = tmp_path / "half.csv", tmp_path / "other.csv"
    half.write_text("".join(rows[:13]))
    other.write_text("".join([rows[0], *rows[13:]]))
    (chance,) = of(world, collocation=collocation, labels=other, projection="random").systems
    result = of(world, collocation=collocation, labels=other, fit=half, width=3)
    (fitted,) = result.systems
    assert "features:cca3@half@" in result.signature
    with pytest.raises(SeehearError, match=r"12 clips of half@.* are measured too, for example clip00"):
        of(world, collocation=collocation, fit=half)
    measure = fitted.measures[search]["precision_overlap"]
    assert measure.value > chance.measures[search]["precision_overlap"].high
    # Within a modality nothing is projected.
    own = Search("audio", "audio", "clip")
    assert chance.measures[own] == fitted.measures[own]


@pytest.mark.parametrize("point", ["mapped", "embedding", "fused"])
def test_points_of_a_model(world, point):
    run = Run(world.folder / "plain/seed-0")
    packs = dataset_of(world, run).packs()
    model, bags = run.model(), Bags(packs)
    embedded = embeddings(model, bags, point)
    for n in range(4):  # clips of different length, one at a time: padding must not show
        rows = slice(bags.offsets[n], bags.offsets[n + 1])
        alone = Bags({name: [one.subset(np.array([n])) for one in each] for name, each in packs.items()})
        for name, array in embeddings(model, alone, point).items():
            np.testing.assert_allclose(embedded[name][rows], array, atol=1e-5)
    assert f"point:{point}" in of(world, "plain", point=point).signature


def test_without_g_mapped_and_embedded_are_the_same(world):
    one, other = (of(world, "plain", point=point)["plain"].measures for point in ("mapped", "embedding"))
    assert one == other


def test_three_modalities(world):
    dense = ["smell=" + str(world.dense["smell"])]
    collocation = ["audio=ears", "visual=eyes", "smell=nose"]
    (features,) = of(world, collocation=collocation, dense=dense, projection="random").systems
    assert len(features.measures) == 12 + 6


def test_figures_of_a_clip(world, tmp_path):
    result = of(world, "plain", "mtsc", draw=["clip03"], out=tmp_path)
    assert [path.name for path in result.files] == ["similarity-clip03.png", "similarity-clip03.svg"]
    text = (tmp_path / "similarity-clip03.svg").read_text()
    for name in ("features", "plain, seed 0", "mtsc, seed 0", "target of audio–visual"):
        assert name in text
    written = json.loads((tmp_path / "alignment.json").read_text())
    assert written == json.loads(json.dumps(result.as_json()))


def test_the_clip_is_shown_above_its_similarities(world, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    movie(clips / "clip03.mp4", 9.0)
    without = of(world, "plain", draw=["clip03"], out=tmp_path / "a").files[0]
    shown = of(world, "plain", draw=["clip03"], clips=[clips], out=tmp_path / "b").files[0]
    heights = [int.from_bytes(path.read_bytes()[20:24], "big") for path in (without, shown)]  # of a PNG
    assert heights[0] + 100 < heights[1]
    with pytest.raises(SeehearError, match="no file of clip clip04"):
        of(world, "plain", draw=["clip04"], clips=[clips], out=tmp_path / "c")


def test_an_overview_covers_the_whole_clip(tmp_path):
    media = Media(movie(tmp_path / "a.mp4", 12.0, hertz=1000.0))
    overview = Overview.of(media, 6)
    assert [number_of(picture) // 10 for picture in overview.thumbnails] == [0, 2, 4, 6, 8, 10]
    level = overview.spectrogram
    assert level[:, 30:-30].max(axis=0).min() > -10  # the tone lasts throughout


@pytest.mark.parametrize(
    ("runs", "changed", "message"),
    [
        ([], {}, "nothing to measure"),
        (["plain"], {"dense_audio": None}, "give a dense table for audio"),
        (["plain"], {"dense_audio": None, "dense_visual": None}, "give a dense table for audio and visual"),
        (["plain"], {"draw": ["clip00"]}, "give --out"),
        (["plain"], {"draw": ["missing"], "out": "x"}, "no clip 'missing'"),
        ([], {"collocation": ["audio=ears"]}, "there is only audio"),
        (["plain"], {"collocation": ["audio=ears", "smell=nose"]}, "give a dense table for smell"),
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


def test_clips_without_features_are_left_out_and_listed(world, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text(world.labels.read_text() + "lost\tDog\n")
    result = of(world, collocation=["audio=ears", "visual=eyes"], labels=table)
    assert result.missing == ("lost",)
    assert result.exit_code == 1
    assert "|clips:24|" in result.signature


def test_only_clips_with_every_modality_are_aligned(world, tmp_path):
    """Rows of zeros in place of a missing modality are not measured, and no projection is fitted to them."""
    rng = np.random.default_rng(0)
    truth = rng.random((6, 4, 2)) < 0.5
    arrays = {name: list(rng.normal(size=(6, 4, 3))) for name in ("audio", "visual")}
    complete = {name: [each[n] for n in (0, 1, 3, 5)] for name, each in arrays.items()}
    arrays["audio"][2] = arrays["visual"][4] = None
    found = align_arrays(arrays, {name: truth for name in arrays}, progress=False)
    expected = align_arrays(complete, {name: truth[[0, 1, 3, 5]] for name in arrays}, progress=False)
    assert found.missing == ("2", "4")
    assert found.exit_code == 1
    assert "2 clips without usable features of every network, left out" in found.text()
    assert "|clips:4|segments:16|" in found.signature
    for one, same in zip(found.systems, expected.systems, strict=True):
        assert one.as_json() == same.as_json()
    arrays["audio"][2], arrays["visual"][4] = rng.normal(size=(4, 3)), rng.normal(size=(2, 3))  # truncated
    arrays["visual"][2] = rng.normal(size=(3, 3))
    found = align_arrays(arrays, {name: truth for name in arrays}, progress=False)
    assert found.missing == ("2", "4")
    assert "2 clips have fewer segments of visual than of audio, for example 2 with 3 and 4: left out" in found.text()
    assert [system.as_json() for system in found.systems] == [system.as_json() for system in expected.systems]
    nothing = {"audio": [rng.normal(size=(4, 3)), None], "visual": [None, rng.normal(size=(4, 3))]}
    with pytest.raises(SeehearError, match="no clip has features of audio and visual"):
        align_arrays(nothing, {name: truth[:2] for name in nothing}, progress=False)


def test_an_embedding_that_is_not_finite_names_clip_and_network(world, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(world.store, store)
    kept = Store(store)
    kept.register(NetworkInfo("eyes", "visual", 8, "made"))
    kept.write("eyes", Origin("clip05", "made", "x"), np.full((5, 8), 3e38, dtype=np.float32))
    with pytest.raises(SeehearError, match=r"clip clip05: its embedding of eyes \(visual\) is not finite"):
        of(world, "plain", store=store)


def test_runs_with_other_networks_are_measured_on_the_same_clips(world, tmp_path):
    """A clip that lacks one run's features is left out for all."""
    store = tmp_path / "store"
    shutil.copytree(world.store, store)
    kept = Store(store)
    kept.register(NetworkInfo("more", "visual", 4, "made"))
    rng = np.random.default_rng(0)
    for clip in sorted(kept.clips("eyes"))[1:]:
        rows = rng.normal(size=(len(kept.read("eyes", clip)), 4)).astype(np.float32)
        kept.write("more", Origin(clip, "made", clip), rows)
    rows = world.labels.read_text().splitlines(keepends=True)
    table = tmp_path / "train.csv"
    table.write_text("".join([rows[0], *rows[2:]]))
    out = tmp_path / "both"
    train(
        **world.training(
            store=store, labels=table, val=table, set=SMALL, out=out, collocation=["audio=ears", "visual=more"]
        )
    )
    result = align([world.folder / "plain", out], **world.evaluation(store=store))
    assert result.missing == ("clip00",)
    assert load(out).run.facts.collocation == {"audio": ["ears"], "visual": ["more"]}
    assert "|clips:23|" in result.signature


def test_from_the_command_line(world, capsys):
    runs = [str(world.folder / run) for run in ("plain", "mtsc")]
    options = [f"--{key.replace('_', '-')}={value}" for key, value in world.evaluation().items()]
    with pytest.raises(SystemExit) as end:
        main(["align", *runs, *options, "--json"])
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(of(world, "plain", "mtsc").as_json()))
