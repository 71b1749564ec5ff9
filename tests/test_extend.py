"""The examples of docs/extend.md, as they are written there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import seehear as sh
from refinement.made import clips
from seehear.formats import Clip
from seehear.fusion.model import ParsingModel
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.refinement import teachers
from seehear.scoring.metrics import METRICS
from seehear.selection import estimators

TEXT = (Path(__file__).parent.parent / "docs" / "extend.md").read_text(encoding="utf-8")


def example(section, language="python"):
    """The first block of code in a section."""
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", TEXT, flags=re.DOTALL | re.MULTILINE)[1]
    return re.search(rf"```{language}\n(.*?)```", body, flags=re.DOTALL)[1]


def run(section):
    names = {}
    exec(compile(example(section), f"<{section}>", "exec"), names)
    return names


def test_network(tmp_path):
    file = tmp_path / "loudness.py"
    file.write_text(example("The simplest possible network"), encoding="utf-8")
    assert sh.check_network(f"{file}:loudness").passed


def test_metric(monkeypatch):
    metric = run("A metric of a paper")["METRIC"]
    monkeypatch.setitem(METRICS, metric.name, metric)
    truth = np.random.default_rng(0).random((6, 5, 2)) < 0.5
    half = truth.copy()
    half[::2] = False
    data = sh.Dataset.from_arrays({}, truth={"audio": truth, "visual": truth})
    found = sh.benchmark({"audio": half, "visual": truth}, data, metrics="recall").interval("recall", "recall")
    assert found.mean == pytest.approx(100 * half.sum() / truth.sum())
    assert found.low < found.mean < found.high


def test_loss():
    mine = run("A contrastive loss")["Mine"]()
    audio, visual = (torch.randn(3, 10, 8, requires_grad=True) for _ in range(2))  # (B, T, d)
    mask = torch.ones(3, 10, dtype=torch.bool)
    loss = mine(audio, visual, mask)
    loss.backward()
    assert loss.item() == pytest.approx((1 - torch.cosine_similarity(audio, visual, dim=-1)).mean().item(), abs=1e-6)
    assert mine(audio, audio, mask).item() == pytest.approx(0, abs=1e-6)


def test_loss_of_the_task():
    smooth = run("A loss of the parsing task")["Smooth"]
    torch.manual_seed(0)
    model = ParsingModel({"audio": [4], "visual": [3]}, classes=2, width=8, feed_forward=8).eval()
    output = model({"audio": torch.randn(3, 5, 4), "visual": torch.randn(3, 5, 3)})
    labels = torch.eye(3)[:, :2]
    weak, segments = labels[:, None].expand(3, 2, 2), labels[:, None, None].expand(3, 5, 2, 2)
    steps = [
        abs(output.segment[n, t + 1, m, c] - output.segment[n, t, m, c]).item() for n, t, m, c in np.ndindex(3, 4, 2, 2)
    ]
    found = smooth(0.5)(output, labels, weak, segments)
    task = sh.losses.RefinedLoss()(output, labels, weak, segments)
    assert found.item() == pytest.approx(task.item() + 0.5 * sum(steps) / len(steps), rel=1e-5)
    found.backward()


def test_teacher(monkeypatch):
    (teacher,) = run("The simplest possible teacher")["TEACHERS"]
    monkeypatch.setitem(teachers.REGISTRY, teacher.name, teacher)
    made = clips()
    refined = sh.refine(made, "mean-difference")
    assert sh.score(refined.segments, made.truth).average > 80
    shares = {row.label: row for row in refined.shares}
    assert shares["Bell"].only["audio"] > 0.7 * shares["Bell"].clips
    parser = sh.Parser(epochs=1, width=8, feed_forward=8, refine={"teacher": teacher.name}).fit(made, progress=False)
    assert len(parser.history) == 1


def to_choose_from():
    """Two audio networks, of which one shows the classes; and a visual one that shows nothing."""
    rng = np.random.default_rng(0)
    labels = np.eye(2)[np.arange(40) % 2]  # (N, C)
    noise = {name: rng.normal(size=(40, 5, 8)) for name in ("noise", "signal", "visual")}
    signal = noise["signal"] + 3 * (labels @ rng.normal(size=(2, 8)))[:, None]
    audio = {"noise": noise["noise"], "signal": signal}
    return sh.Dataset.from_arrays({"audio": audio, "visual": noise["visual"]}, labels=labels)


def test_estimator(monkeypatch):
    (alignment,) = run("An estimator")["ESTIMATORS"]
    monkeypatch.setitem(estimators.REGISTRY, alignment.name, alignment)
    assert sh.select(to_choose_from(), by="alignment").best["audio"] == ["signal"]


def test_estimator_of_modalities(monkeypatch):
    (neighbours,) = run("An estimator that looks at modalities one by one")["ESTIMATORS"]
    monkeypatch.setitem(estimators.REGISTRY, neighbours.name, neighbours)
    found = sh.select(to_choose_from(), by="neighbours")
    assert found.best["audio"] == ["signal"]
    assert found.estimates[0].draws is not None
    assert found.estimates[0].scores.max() <= 1


def test_data_set(tmp_path):
    spec = run("A data set")["SPEC"]
    for name in (*spec.weak.values(), *spec.dense.values()):
        columns = "filename\tonset\toffset\tevent_labels" if name in spec.dense.values() else "filename\tevent_labels"
        row = "a\t0\t1\tDog" if name in spec.dense.values() else f"{name.split('.')[0]}\tDog"
        (tmp_path / name).write_text(f"{columns}\n{row}\n", encoding="utf-8")
    annotations = sh.datasets.find_tables(spec, tmp_path)
    assert set(annotations.tables) == {"train", "val", "test", "audio", "visual"}


def test_experiment(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(example("An experiment", "toml"), encoding="utf-8")
    experiment = sh.paper.load_experiment(file)
    assert list(experiment.systems) == ["with", "without"]
    assert experiment.claims[0].text == "Dropout helps."


def test_format(tmp_path):
    form = run("A file format")["FORMAT"]
    events = (ParsedEvent("Dog", "audio", 0.0, 2.5, 1.0), ParsedEvent("Acoustic guitar", "visual", 1.0, 3.0, 1.0))
    parsed = ParsedClip("a.b", "a.b.mp4", 10.0, 1.0, ("audio", "visual"), "global", events, {})
    for name, content in form.encode(Clip(parsed, ("Dog",), tmp_path)).items():
        (tmp_path / name).write_bytes(content)
    assert form.read(tmp_path / "a.b.mine", None).events("a.b") == list(events)
    (tmp_path / "a.b.mine").write_text("Dog from 1 to 2\n", encoding="utf-8")
    with pytest.raises(sh.SeehearError, match=r"a\.b\.mine:1"):
        form.read(tmp_path / "a.b.mine", None)
