"""seehear reproduce: every table of the paper, on small data whose networks are of known quality."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import commands
from datasets.tables import write_tables
from make_media import movie
from seehear.errors import SeehearError
from seehear.experiments.experiment import named, read
from seehear.labels import Event, write_dense
from seehear.verbs.evaluate import evaluate
from seehear.verbs.options import TruthOptions
from selection.conftest import Choice

TINY = ["epochs=3", "width=16", "feed_forward=16", "learning_rate=0.01", "decay_every=0"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Tables as the data set `folder` has them, and a store of four networks."""
    made = Choice(tmp_path_factory.mktemp("data"))
    for modality in ("audio", "visual"):
        val, test = (made.dense[split][modality].read_text() for split in ("val", "test"))
        (made.folder / f"eval_{modality}.csv").write_text(val + test.partition("\n")[2])
    return made


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


def reproducing(data, out, *experiments, **changed):
    options = {
        "dataset": "folder",
        "annotations": data.folder,
        "store": data.store,
        "out": out,
        "networks": ["audio=ears,cotton", "visual=eyes,fog"],
        "baseline": ["audio=cotton", "visual=fog"],
        "set": TINY,
        "seeds": [0, 1],
        "workers": 1,
        "device": "cpu",
    }
    return commands.reproduce(list(experiments), **options | changed)


@pytest.fixture(scope="module")
def tables(data, out):
    """Every experiment once."""
    report = reproducing(data, out, *named())
    return {table.name: table for table in report.tables}


@pytest.mark.parametrize("name", named())
def test_every_table_is_run_and_judged(name, tables, out):
    table = tables[name]
    experiment = read(name)
    assert len(table.verdicts) == len(experiment.claims)
    for system, row in table.found.systems.items():
        for score, one in row.items():
            assert score in experiment.scores
            if one.values is not None:
                assert one.value == pytest.approx(one.values.mean())
                assert one.low <= one.value <= one.high, (system, score)
    text = table.text()
    for verdict in table.verdicts:
        assert verdict.says in text
        assert verdict.why in text
    assert f"signature {table.found.signature}" in text
    kept = json.loads((out / f"{name}.json").read_text())
    assert [verdict["answer"] for verdict in kept["verdicts"]] == [verdict.answer for verdict in table.verdicts]
    assert kept["left_open"] == list(experiment.notes)
    assert "stand-ins for the paper's networks" in text
    assert (out / f"{name}.md").read_text() == table.markdown()


def test_the_papers_numbers_stand_beside_ours(tables):
    head, *rows = tables["table5"].rows()
    assert head == ["", *read("table5").systems]
    for row in rows:
        for system, cell in zip(head[1:], row[1:], strict=True):
            ours = tables["table5"].found.systems[system][row[0]]
            theirs = read("table5").reported(system, row[0])
            assert cell.startswith(f"{'–' if theirs is None else f'{theirs:.1f}'} | {ours.value:.1f}")


def test_the_best_networks_are_trained_as_the_best_networks(tables):
    """Those of known quality are found, and are far better than the noisy ones of the baseline."""
    found = tables["table5"].found
    assert any("best networks: ears × eyes" in note for note in found.notes)
    best, baseline = (found.systems[name]["average"].value for name in ("best networks", "baseline"))
    assert best > baseline + 5


def test_what_is_tuned_is_the_best_on_validation_clips(data, out, tables):
    from seehear.training.run import Run
    from seehear.verbs.reproducing.setup import validated

    (note,) = (note for note in tables["table5"].found.notes if note.startswith("entire: "))
    chosen = float(note.partition("contrast.weight=")[2].partition(",")[0])
    scores = {}
    for folder in (out / "trainings" / "cotton--fog").glob("traversal-*"):
        runs = [Run(path) for path in sorted(folder.glob("seed-*"))]
        contrast = runs[0].facts.recipe.contrast
        if contrast.loss == "mtsc" and contrast.pairs == "entire":
            scores[contrast.weight] = validated(runs)
    assert set(scores) == {0.1, 0.3, 1.0}
    assert scores[chosen] == max(scores.values())


def baseline(data, out):
    """The folder of the baseline's runs, and options that name the dense tables."""
    from seehear.training.run import Run

    (folder,) = (
        folder
        for folder in (out / "trainings" / "cotton--fog").glob("traversal-*")
        if Run(folder / "seed-0").facts.recipe.contrast.model_dump(exclude_defaults=True) == {}
    )
    dense = [f"{modality}={data.folder / f'eval_{modality}.csv'}" for modality in ("audio", "visual")]
    return folder, dense


def test_scores_are_those_that_evaluate_finds(data, out, tables):
    folder, dense = baseline(data, out)
    truth = TruthOptions(dense=dense)
    found = evaluate([folder], store=data.store, labels=data.folder / "test.csv", truth=truth, device="cpu")
    table = tables["table5"].found
    assert table.systems["baseline"]["segment Type@AV"].value == found.interval("segment", "type_at_av").mean
    assert table.systems["baseline"]["average"].value == found.average.mean
    assert table.signature == str(found.scores[0].signature)
    raw = tables["table2"].found.systems["raw"]
    assert raw["Type@AV"].value == table.systems["baseline"]["segment Type@AV"].value


def test_alignment_is_what_align_finds(data, out, tables):
    folder, dense = baseline(data, out)
    aligned = commands.align([folder], store=data.store, labels=data.folder / "test.csv", dense=dense, device="cpu")
    (system,) = (system for system in aligned.systems if system.seeds)
    for column, score in read("table1").scores.items():
        (measured,) = (
            found[score.metric]
            for question, found in system.measured.items()
            if (question.queries, question.gallery, question.exclude) == (score.queries, score.gallery, score.exclude)
        )
        ours = tables["table1"].found.systems["baseline"][column]
        assert ours.value == pytest.approx(100 * measured.value)
        assert ours.chance == pytest.approx(100 * measured.chance)


def test_a_good_network_tells_classes_and_a_noisy_one_hardly_does(tables):
    found = tables["table3"].found
    good, noisy = (found.systems[name]["linear probe"] for name in ("eyes", "fog"))
    assert good.value > 95
    assert noisy.value < good.value - 10
    assert any("eyes: not fine-tuned as a whole, for want of pictures" in note for note in found.notes)
    assert "whole network" not in found.systems["eyes"]


def test_controls_of_one_network_are_at_chance_or_told_apart(tables):
    found = tables["table4"].found
    assert set(found.systems) - found.ours == {"eyes × fog"}
    assert found.systems["eyes × fog"]["discriminator"].value > 80
    for name in ("eyes", "fog"):
        assert found.systems[f"{name} beside itself"]["discriminator"].value == pytest.approx(50)
    assert found.systems["eyes turned twice"]["discriminator"].value > 80


OWN = """
import torch
from seehear.networks import ImageInput, NetworkSpec
from seehear.networks.torch_network import NormaliseFrames, TorchNetwork


class Colours(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.normalise = NormaliseFrames((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        self.mix = torch.nn.Linear(3, 4)
        with torch.no_grad():
            self.mix.weight.copy_(torch.eye(4, 3))

    def forward(self, pictures):
        return self.mix(self.normalise(pictures).mean((2, 3)))


SPEC = NetworkSpec(
    name="colours", input=ImageInput(16), width=4, domain="", origin="", paper="", licence="",
    load=lambda paths, device: TorchNetwork(Colours(), device),
)
"""


def test_whole_networks_are_fine_tuned_where_there_are_videos(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "clips").mkdir()
    tables = {split: ["filename\tevent_labels"] for split in ("train", "val", "test")}
    events = []
    for n in range(12):
        clip, label = f"clip{n:02}", ("Dark", "Light")[n % 2]
        split = "train" if n < 2 else "val" if n < 8 else "test"
        shade = np.full((32, 32, 3), 40 + 150 * (n % 2) + 2 * n, np.uint8)
        movie(tmp_path / "clips" / f"{clip}.mp4", 2.0, picture=lambda _, shade=shade: shade)
        tables[split].append(f"{clip}\t{label}")
        events.append(Event(clip, 0.0, 2.0, label))
    for split, rows in tables.items():
        (tmp_path / f"{split}.csv").write_text("\n".join(rows) + "\n")
    for modality in ("audio", "visual"):
        write_dense(tmp_path / f"eval_{modality}.csv", events)
    own = f"{tmp_path}/own.py:SPEC"
    options = {"dataset": "folder", "annotations": tmp_path, "videos": tmp_path / "clips", "out": tmp_path / "out"}
    report = commands.reproduce(
        ["table3"], **options, fps=2, networks=[f"visual={own}"], seeds=[0, 1], device="cpu", workers=1
    )
    (table,) = report.tables
    assert report.exit_code == 0
    assert set(table.found.systems) == {"colours"}
    for score in ("linear probe", "whole network"):
        assert table.found.systems["colours"][score].value == 100
    assert table.found.systems["colours"]["whole network"].seeds == (0, 1)
    assert len(list((tmp_path / "out" / "fine-tuning").glob("colours-full-*.json"))) == 2


def test_goes_on_where_it_stopped_and_trains_nothing_twice(data, out, tables, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert before
    report = reproducing(data, out, "table5", "table4")
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == before
    for table in report.tables:
        assert table.rows() == tables[table.name].rows()


def test_llp_from_the_features_that_its_field_shares(tmp_path):
    """The paper's own networks by the names of the shared folders, from tables and folders alone."""
    tables = write_tables(tmp_path / "tables")
    commands.generate_features(dataset="llp", annotations=tables, out=tmp_path / "feats")
    options = {"dataset": "llp", "annotations": tables, "features": tmp_path / "feats", "out": tmp_path / "out"}
    report = commands.reproduce(["table1", "table5"], **options, set=TINY, seeds=[0], workers=1, device="cpu")
    table, fifth = report.tables
    assert report.exit_code == 0
    assert "best networks: vggish × resnet152" in fifth.found.notes
    assert any(note.startswith("no features of openl3-audio, vgg19-bn") for note in fifth.found.notes)
    assert "baseline: vggish × resnet152+r2plus1d-18" in table.found.notes
    assert not any("stand-ins" in note for note in table.found.notes)
    assert (tmp_path / "out" / "store" / "llp-missing.tsv").is_file()
    assert {verdict.answer for verdict in table.verdicts} == {"can't tell"}  # of one seed


def test_what_a_table_was_run_on_is_told_and_what_it_replaces(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    first = reproducing(data, tmp_path / "out", str(own)).tables[0]
    assert first.data == f"data set folder ({data.folder}), recipe paper, {', '.join(TINY)}, seeds 0, 1"
    assert first.data in first.text()
    assert first.data in first.markdown()
    assert not any("held results" in note for note in first.found.notes)
    again = reproducing(data, tmp_path / "out", str(own), set=[*TINY, "epochs=2"]).tables[0]
    assert any("own.json held results of other settings: recipe.epochs 3 → 2" in note for note in again.found.notes)


def test_missing_clips_are_scored_and_named(data, tmp_path):
    from seehear.store import Store

    shutil.copytree(data.store, tmp_path / "store")
    lost = Store(tmp_path / "store").file("eyes", "test03")
    lost.unlink()
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    report = reproducing(
        data, tmp_path / "out", str(own), store=tmp_path / "store", baseline=["audio=ears", "visual=eyes"]
    )
    (table,) = report.tables
    assert table.found.missing == ["test03"]
    assert report.exit_code == 1
    values = table.found.systems["it"]["a"].values
    assert values is not None
    assert values.shape == (2, data.clips["test"])  # the lost clip counts
    assert "1 labelled clips without features" in report.text()


ONE_SYSTEM = """
title = "t"
source = "s"
kind = "trainings"
notes = ["n"]
[baseline]
audio = ["vggish"]
visual = ["resnet152"]
[scores]
a = { metric = "average" }
[systems.it]
[[claims]]
says = "c"
level = { system = "it", score = "a", least = 1 }
"""


def test_without_the_papers_networks_stand_ins_are_asked_for(data, tmp_path):
    with pytest.raises(SeehearError) as error:
        reproducing(data, tmp_path, "table5", networks=[], baseline=[])
    said = str(error.value)
    assert "no features of" in said
    assert "--networks audio=cotton,ears visual=eyes,fog" in said
    with pytest.raises(SeehearError, match="names none of modality visual"):
        reproducing(data, tmp_path, "table4", networks=["audio=ears,cotton"])
    with pytest.raises(SeehearError, match="must be MODALITY=NETWORK,NETWORK"):
        reproducing(data, tmp_path, "table4", networks=["eyes,fog"])
    with pytest.raises(SeehearError, match="takes two of modality visual"):
        reproducing(data, tmp_path, "table4", networks=["visual=eyes"])
    with pytest.raises(SeehearError, match="no features of 'nobody'"):
        reproducing(data, tmp_path, "table4", networks=["visual=eyes,nobody"])


def test_alignment_of_systems_with_other_networks(data, tmp_path):
    own = tmp_path / "own.toml"
    text = ONE_SYSTEM.replace('kind = "trainings"', 'kind = "alignment"').replace(
        "[systems.it]",
        '[systems.it]\n[systems.chosen]\nnetworks = "selected"\n[networks]\naudio = ["vggish"]\nvisual = ["polynet"]',
    )
    own.write_text(text.replace('metric = "average"', 'metric = "precision_exact"'))
    (table,) = reproducing(data, tmp_path / "out", str(own)).tables
    chosen, it = (table.found.systems[name]["a"] for name in ("chosen", "it"))
    assert chosen.value > it.value + 5  # of good networks and of noisy ones


def test_one_experiment_that_fails_leaves_the_others_be(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    report = reproducing(data, tmp_path / "out", "table4", str(own), networks=["audio=ears", "visual=eyes"])
    assert [table.name for table in report.tables] == ["own"]
    assert set(report.failed) == {"table4"}
    assert report.exit_code == 1
    assert "table4: to tell networks apart takes two of modality visual" in report.text()


def test_one_network_a_modality_leaves_nothing_to_select(data, tmp_path):
    (table,) = reproducing(data, tmp_path, "figure5", networks=["audio=ears", "visual=eyes"]).tables
    assert table.found.systems["ears × eyes"]["traversal"].value > 0
    orders = table.verdicts[0]
    assert orders.says == "The upper bound orders collocations as traversal does."
    assert orders.answer == "can't tell"


def test_a_metric_that_is_not_there_is_told(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM.replace('metric = "average"', 'metric = "segment of what"'))
    with pytest.raises(SeehearError, match=r"no metric 'segment of what'"):
        reproducing(data, tmp_path / "out", str(own))
