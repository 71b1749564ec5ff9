"""seehear reproduce: every table of the paper, on small data whose networks are of known quality."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets.tables import write_tables
from make_media import movie
from seehear.alignment import Search, align
from seehear.cli import main
from seehear.data import Dataset
from seehear.datasets import generate
from seehear.errors import SeehearError
from seehear.evaluation import evaluate
from seehear.labels import Event, write_dense
from seehear.paper import Answer, list_experiments, load_experiment, reproduce
from seehear.paper.trainings import validation_average
from seehear.parsing.parser import load
from selection.conftest import Choice

TINY = {"epochs": 3, "width": 16, "feed_forward": 16, "learning_rate": 0.01, "decay_every": 0}


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
        "networks": {"audio": ["ears", "cotton"], "visual": ["eyes", "fog"]},
        "baseline": {"audio": "cotton", "visual": "fog"},
        **TINY,
        "seeds": [0, 1],
        "workers": 1,
        "device": "cpu",
    }
    return reproduce(list(experiments), **options | changed)


@pytest.fixture(scope="module")
def tables(data, out):
    """Every experiment once."""
    result = reproducing(data, out, *list_experiments())
    return {table.name: table for table in result.tables}


@pytest.mark.parametrize("name", list_experiments())
def test_every_table_is_run_and_judged(name, tables, out):
    table = tables[name]
    experiment = load_experiment(name)
    assert len(table.verdicts) == len(experiment.claims)
    for system, row in table.findings.systems.items():
        for score, one in row.items():
            assert score in experiment.scores
            if one.values is not None:
                assert one.value == pytest.approx(one.values.mean())
                assert one.low <= one.value <= one.high, (system, score)
    text = table.text()
    for verdict in table.verdicts:
        assert verdict.claim in text
        assert verdict.reason in text
    assert f"signature {table.findings.signature}" in text
    kept = json.loads((out / f"{name}.json").read_text())
    assert [verdict["answer"] for verdict in kept["verdicts"]] == [verdict.answer for verdict in table.verdicts]
    assert kept["left_open"] == list(experiment.notes)
    assert "stand-ins for the paper's networks" in text
    assert (out / f"{name}.md").read_text() == table.markdown()


def test_the_papers_numbers_stand_beside_ours(tables):
    head, *rows = tables["table5"].rows()
    assert head == ["", *load_experiment("table5").systems]
    for row in rows:
        for system, cell in zip(head[1:], row[1:], strict=True):
            ours = tables["table5"].findings.systems[system][row[0]]
            theirs = load_experiment("table5").reported(system, row[0])
            assert cell.startswith(f"{'–' if theirs is None else f'{theirs:.1f}'} | {ours.value:.1f}")


def test_the_best_networks_are_trained_as_the_best_networks(tables):
    """The good networks are selected, and are far better than the noisy ones of the baseline."""
    findings = tables["table5"].findings
    assert any("best networks: ears × eyes" in note for note in findings.notes)
    best, baseline = (findings.systems[name]["average"].value for name in ("best networks", "baseline"))
    assert best > baseline + 5


def test_the_tuned_value_is_the_best_on_validation_clips(data, out, tables):

    (note,) = (note for note in tables["table5"].findings.notes if note.startswith("entire: "))
    chosen = float(note.partition("contrast.weight=")[2].partition(",")[0])
    scores = {}
    for folder in (out / "trainings" / "cotton--fog").glob("traversal-*"):
        parsers = [load(path) for path in sorted(folder.glob("seed-*"))]
        contrast = parsers[0].recipe.contrast
        if contrast.loss == "mtsc" and contrast.pairs == "entire":
            scores[contrast.weight] = validation_average(parsers)
    assert set(scores) == {0.1, 0.3, 1.0}
    assert scores[chosen] == max(scores.values())


def baseline(data, out):
    """The folder of the baseline's runs, and the test clips."""
    from seehear.training.runs import Run

    (folder,) = (
        folder
        for folder in (out / "trainings" / "cotton--fog").glob("traversal-*")
        if Run(folder / "seed-0").facts.recipe.contrast.model_dump(exclude_defaults=True) == {}
    )
    truth = {modality: data.folder / f"eval_{modality}.csv" for modality in ("audio", "visual")}
    collocation = {"audio": "cotton", "visual": "fog"}
    test = Dataset.from_tables(data.folder / "test.csv", store=data.store, collocation=collocation, truth=truth)
    return folder, test


def test_scores_are_those_of_evaluate(data, out, tables):
    folder, test = baseline(data, out)
    evaluation = evaluate(folder, test, device="cpu", progress=False)
    findings = tables["table5"].findings
    assert findings.systems["baseline"]["segment Type@AV"].value == evaluation.interval("segment", "type_at_av").mean
    assert findings.systems["baseline"]["average"].value == evaluation.average.mean
    assert findings.signature == str(evaluation.signature)
    raw = tables["table2"].findings.systems["raw"]
    assert raw["Type@AV"].value == findings.systems["baseline"]["segment Type@AV"].value


def test_alignment_is_that_of_align(data, out, tables):
    folder, test = baseline(data, out)
    alignment = align({"baseline": folder}, test, device="cpu", progress=False)
    for column, score in load_experiment("table1").scores.items():
        search = Search(score.queries, score.gallery, score.exclude)
        measure = alignment["baseline"].measures[search][score.metric]
        ours = tables["table1"].findings.systems["baseline"][column]
        assert ours.value == pytest.approx(100 * measure.value)
        assert ours.chance == pytest.approx(100 * measure.chance)


def test_a_good_network_is_accurate_and_a_noisy_one_is_not(tables):
    findings = tables["table3"].findings
    good, noisy = (findings.systems[name]["linear probe"] for name in ("eyes", "fog"))
    assert good.value > 95
    assert noisy.value < good.value - 10
    assert any("eyes: not fine-tuned as a whole, because there are no frames" in note for note in findings.notes)
    assert "whole network" not in findings.systems["eyes"]


def test_controls_of_one_network(tables):
    findings = tables["table4"].findings
    assert set(findings.systems) - findings.controls == {"eyes × fog"}
    assert findings.systems["eyes × fog"]["discriminator"].value > 80
    for name in ("eyes", "fog"):
        assert findings.systems[f"{name}, same network"]["discriminator"].value == pytest.approx(50)
    assert findings.systems["eyes, two rotations"]["discriminator"].value > 80


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

    def forward(self, frames):
        return self.mix(self.normalise(frames).mean((2, 3)))


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
    result = reproduce(["table3"], **options, fps=2, networks={"visual": own}, seeds=[0, 1], device="cpu", workers=1)
    (table,) = result.tables
    assert result.exit_code == 0
    assert set(table.findings.systems) == {"colours"}
    for score in ("linear probe", "whole network"):
        assert table.findings.systems["colours"][score].value == 100
    assert table.findings.systems["colours"]["whole network"].seeds == (0, 1)
    assert len(list((tmp_path / "out" / "fine-tuning").glob("colours-full-*.json"))) == 2


def test_resumes_and_trains_nothing_twice(data, out, tables, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert before
    result = reproducing(data, out, "table5", "table4")
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == before
    for table in result.tables:
        assert table.rows() == tables[table.name].rows()


def test_llp_from_shared_features(tmp_path):
    """The paper's own networks by the names of the shared folders, from tables and folders alone."""
    tables = write_tables(tmp_path / "tables")
    generate("llp", tables, tmp_path / "feats")
    options = {"dataset": "llp", "annotations": tables, "features": tmp_path / "feats", "out": tmp_path / "out"}
    result = reproduce(["table1", "table5"], **options, **TINY, seeds=[0], workers=1, device="cpu")
    table, fifth = result.tables
    assert result.exit_code == 0
    assert "best networks: vggish × resnet152" in fifth.findings.notes
    assert any(note.startswith("no features of openl3-audio, vgg19-bn") for note in fifth.findings.notes)
    assert "baseline: vggish × resnet152+r2plus1d-18" in table.findings.notes
    assert not any("stand-ins" in note for note in table.findings.notes)
    assert (tmp_path / "out" / "store" / "llp-missing.tsv").is_file()
    assert {verdict.answer for verdict in table.verdicts} == {Answer.INCONCLUSIVE}  # of one seed


def test_a_table_names_its_data_and_what_it_replaces(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    first = reproducing(data, tmp_path / "out", str(own)).tables[0]
    settings = ", ".join(f"{key}={value}" for key, value in TINY.items())
    assert first.data == f"data set folder ({data.folder}), recipe paper, {settings}, seeds 0, 1"
    assert first.data in first.text()
    assert first.data in first.markdown()
    assert not any("had results" in note for note in first.findings.notes)
    again = reproducing(data, tmp_path / "out", str(own), epochs=2).tables[0]
    assert any("own.json had results of other settings: recipe.epochs 3 → 2" in note for note in again.findings.notes)


def test_missing_clips_are_scored_and_named(data, tmp_path):
    from seehear.features.store import Store

    shutil.copytree(data.store, tmp_path / "store")
    for network in ("ears", "eyes"):
        Store(tmp_path / "store").file(network, "test03").unlink()
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    result = reproducing(
        data, tmp_path / "out", str(own), store=tmp_path / "store", baseline={"audio": "ears", "visual": "eyes"}
    )
    (table,) = result.tables
    assert list(table.findings.missing) == ["test03"]
    assert result.exit_code == 1
    values = table.findings.systems["it"]["a"].values
    assert values is not None
    assert values.shape == (2, data.clips["test"])  # the lost clip counts
    assert "1 labelled clips without features" in result.text()


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
text = "c"
level = { system = "it", score = "a", least = 1 }
"""


def test_without_the_papers_networks_stand_ins_are_proposed(data, tmp_path):
    with pytest.raises(SeehearError) as error:
        reproducing(data, tmp_path, "table5", networks=[], baseline=[])
    message = str(error.value)
    assert "no features of" in message
    assert "--networks audio=cotton,ears visual=eyes,fog" in message
    with pytest.raises(SeehearError, match="names none of modality visual"):
        reproducing(data, tmp_path, "table4", networks=["audio=ears,cotton"])
    with pytest.raises(SeehearError, match="must be MODALITY=NETWORK,NETWORK"):
        reproducing(data, tmp_path, "table4", networks=["eyes,fog"])
    with pytest.raises(SeehearError, match="at least two networks of modality visual"):
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
    chosen, it = (table.findings.systems[name]["a"] for name in ("chosen", "it"))
    assert chosen.value > it.value + 5  # of good networks and of noisy ones


def test_one_failing_experiment_does_not_stop_the_others(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    result = reproducing(data, tmp_path / "out", "table4", str(own), networks={"audio": "ears", "visual": "eyes"})
    assert [table.name for table in result.tables] == ["own"]
    assert set(result.failed) == {"table4"}
    assert result.exit_code == 1
    assert "table4: at least two networks of modality visual" in result.text()


def test_one_network_per_modality_leaves_nothing_to_select(data, tmp_path):
    (table,) = reproducing(data, tmp_path, "figure5", networks={"audio": "ears", "visual": "eyes"}).tables
    assert table.findings.systems["ears × eyes"]["traversal"].value > 0
    orders = table.verdicts[0]
    assert orders.claim == "The upper bound orders collocations as traversal does."
    assert orders.answer == Answer.INCONCLUSIVE


def test_an_unknown_metric_is_named(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM.replace('metric = "average"', 'metric = "segment of what"'))
    with pytest.raises(SeehearError, match=r"no metric 'segment of what'"):
        reproducing(data, tmp_path / "out", str(own))


def test_result_shows_itself(data, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    result = reproducing(data, tmp_path / "out", own, progress=False)
    assert repr(result) == "Reproduction(own: 1 confirmed)"
    assert repr(result["own"]) == "Table(own: 1 confirmed)"
    assert [verdict.answer for verdict in result.verdicts] == [Answer.CONFIRMED]
    assert "<table>" in result._repr_html_()
    assert result["own"].markdown() == result.markdown()
    json.dumps(result.as_json())
    with pytest.raises(KeyError):
        result["table1"]
    pytest.importorskip("pandas")
    row = result.to_frame().set_index(["experiment", "system", "score"]).loc["own", "it", "a"]
    assert row["value"] == result["own"].findings.systems["it"]["a"].value


def test_from_the_command_line(data, tmp_path, capsys):
    own = tmp_path / "own.toml"
    own.write_text(ONE_SYSTEM)
    result = reproducing(data, tmp_path / "a", own)
    options = ["--dataset=folder", f"--annotations={data.folder}", f"--store={data.store}", f"--out={tmp_path / 'b'}"]
    options += ["--networks", "audio=ears,cotton", "visual=eyes,fog", "--baseline", "audio=cotton", "visual=fog"]
    options += ["--set", *(f"{key}={value}" for key, value in TINY.items()), "--seeds", "0", "1", "--workers=1"]
    with pytest.raises(SystemExit) as end:
        main(["reproduce", str(own), *options, "--device=cpu", "--json"])
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(result.as_json()))


def test_the_reproduction_needs_no_command():
    """Only what a notebook can use, and nothing of the command line."""
    import seehear.paper

    folder = Path(seehear.paper.__file__).parent
    for file in folder.rglob("*.py"):
        assert "seehear.cli" not in file.read_text(), file
