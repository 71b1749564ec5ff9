"""Tests of every network in the registry: a new network needs no test of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.features import check
from seehear.features.check import check_network
from seehear.networks import EXTRAS, REGISTRY, AudioInput, Network, NetworkSpec, get, load
from seehear.networks.samples import sample

# Networks whose weights lie on hubs are tried with weights as they are made.
HUBS = [name for name, spec in REGISTRY.items() if spec.build is not None]
real = pytest.mark.parametrize("name", [name for name in REGISTRY if name not in HUBS])
made = pytest.mark.parametrize("name", HUBS)
everyone = pytest.mark.parametrize("name", REGISTRY)


@real
def test_works_on_the_sample(name, loaded, monkeypatch):
    loaded(name)
    monkeypatch.setattr(check, "TIMED_BATCH", 2)
    monkeypatch.setattr(check, "TIMED_SECONDS", 0.0)
    report = check_network(name, "cpu")
    assert [found for found in report.checks if not found.passed] == []
    assert report.passed
    assert report.speed > 0
    assert ("class" in {found.name for found in report.checks}) == bool(loaded(name).class_names)


@real
def test_many_items_and_none(name, loaded):
    spec = REGISTRY[name]
    batch = sample(spec.input, 17)  # more than one run of any network
    features = loaded(name).features(batch)
    assert features.shape == (17, spec.width)
    alone = loaded(name).features(batch[16:])
    np.testing.assert_allclose(features[16:], alone, atol=1e-4 * np.abs(features).max())
    nothing = loaded(name).features(batch[:0])
    assert nothing.shape == (0, spec.width)
    assert nothing.dtype == np.float32


@real
def test_silence_and_grey_are_finite(name, loaded):
    spec = REGISTRY[name]
    for value in (0, 1) if isinstance(spec.input, AudioInput) else (0, 255):
        assert np.isfinite(loaded(name).features(np.full_like(sample(spec.input, 1), value))).all()


@real
def test_classifier_gives_a_score_for_each_class(name, loaded):
    spec, network = REGISTRY[name], loaded(name)
    batch = sample(spec.input, 2)
    if network.class_names:
        assert network.logits(batch).shape == (2, len(network.class_names))
        assert len(set(network.class_names)) == len(network.class_names)
        assert spec.sample_class in network.class_names
    else:
        assert spec.sample_class == ""
        with pytest.raises(NotImplementedError):
            network.logits(batch)


@everyone
def test_is_declared_in_full(name):
    spec = REGISTRY[name]
    assert spec.name == name
    assert get(name) is spec
    assert all([spec.domain, spec.origin, spec.paper, spec.licence, spec.weights])
    assert re.fullmatch("[0-9a-f]{16}", spec.fingerprint)
    for file in spec.weights:
        assert file.sources
        if name not in HUBS:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert spec.extra is None or spec.extra in EXTRAS


@made
def test_network_of_a_hub_works(name, with_fresh_weights):
    """What `checking` looks at, on fewer items: these networks are large."""
    spec = with_fresh_weights(name)
    network = load(spec, "cpu")
    batch = sample(spec.input, 1)
    batch = np.concatenate([batch, np.zeros_like(batch)])
    features = network.features(batch)
    assert features.shape == (2, spec.width)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert not np.allclose(features[0], features[1], atol=1e-4 * np.abs(features).max())  # it looks at its input
    np.testing.assert_allclose(network.features(batch[:1])[0], features[0], atol=1e-4 * np.abs(features).max())
    assert network.features(batch[:0]).shape == (0, spec.width)
    assert not any(module.training for module in network.module().modules())


@made
def test_unreachable_hub_names_the_file_to_place(name, monkeypatch, tmp_path):
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", _closed)
    spec = REGISTRY[name]
    with pytest.raises(SeehearError) as error:
        load(spec)
    said, file = str(error.value), spec.weights[0]
    assert f"can't get the weights {file.name}" in said
    assert f"Put the file by hand at {file.path}" in said
    for source in file.sources:
        assert source.address in said


def _closed(*_, **__):
    raise URLError("no network")


@made
def test_weights_of_another_network_are_reported(name, with_fresh_weights):
    import torch

    spec = with_fresh_weights(name, first=False)
    torch.save({"something.else": torch.zeros(2)}, spec.weights[0].path)
    with pytest.raises(SeehearError, match=f"is not the weights of {name}: it lacks|can't be read as the weights"):
        load(spec, "cpu")


def test_fingerprint_follows_what_decides_the_features():
    spec = REGISTRY["yamnet"]
    assert len({other.fingerprint for other in REGISTRY.values()}) == len(REGISTRY)
    assert replace(spec, revision="other").fingerprint != spec.fingerprint
    assert replace(spec, input=replace(spec.input, hop=0.5)).fingerprint != spec.fingerprint
    assert replace(spec, weights=spec.weights[:1]).fingerprint != spec.fingerprint
    assert replace(spec, licence="other", reference="other").fingerprint == spec.fingerprint


def test_unknown_name_names_close_ones():
    with pytest.raises(SeehearError, match=r"'yamnett': did you mean yamnet"):
        get("yamnett")
    with pytest.raises(SeehearError, match=r"'yamnnet': did you mean yamnet\? For"):  # neither polynet nor senet154
        get("yamnnet")
    with pytest.raises(SeehearError, match=r"'YAMNet': did you mean yamnet\? For"):
        get("YAMNet")
    with pytest.raises(SeehearError, match="there are aisfx, ast, clap"):
        get("qqqqqq")


def test_missing_extra_names_what_to_install():
    def needs_more(paths, device) -> Network:
        import a_reader_that_nobody_has  # noqa: F401

        raise AssertionError

    spec = replace(REGISTRY["hed"], weights=(), load=needs_more, extra="reader")
    with pytest.raises(SeehearError, match=r"hed needs a_reader_that_nobody_has: pip install 'seehear\[reader\]'"):
        load(spec)


def test_import_is_light():
    heavy = {"torch", "onnx", "onnxruntime", "h5py", "ai_edge_litert", "av", "soxr", "rich", "urllib.request"}
    code = f"import sys, seehear.networks; print(*sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("attribute", ["spec", "other"])
def test_own_network_from_a_file(tmp_path, monkeypatch, attribute):
    own = tmp_path / "mine.py"
    own.write_text(
        "from beside import WIDTH\n"
        "from seehear.networks import network\n"
        "@network(name='mine', modality='visual', width=WIDTH, size=8)\n"
        "def spec(pictures):\n"
        "    return pictures.mean(axis=(1, 2))\n"
    )
    (tmp_path / "beside.py").write_text("WIDTH = 3\n")
    monkeypatch.chdir(tmp_path)
    if attribute == "other":
        with pytest.raises(SeehearError, match="has no 'other'; its networks: spec"):
            get("mine.py:other")
        return
    spec = get("mine.py:spec")
    assert isinstance(spec, NetworkSpec)
    assert spec.reference == f"{own}:spec"
    again = get("./mine.py:spec")
    assert (again.reference, again.fingerprint) == (spec.reference, spec.fingerprint)
    assert load(spec).features(np.full((2, 8, 8, 3), 7, np.uint8)).tolist() == [[7, 7, 7]] * 2


def test_own_network_from_a_module():
    assert get("seehear.networks.hed:SPEC") == replace(REGISTRY["hed"], reference="seehear.networks.hed:SPEC")
    with pytest.raises(SeehearError, match="SIZE is of type int, not a NetworkSpec"):
        get("seehear.networks.hed:SIZE")
    with pytest.raises(SeehearError, match="No module named 'nobody_has_this'"):
        get("nobody_has_this:SPEC")


def test_own_network_from_a_broken_or_missing_file(tmp_path):
    with pytest.raises(SeehearError, match=r"gone\.py: no such file"):
        get(f"{tmp_path}/gone.py:spec")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(SeehearError, match=r"broken\.py can't be run: ZeroDivisionError"):
        get(f"{tmp_path}/broken.py:spec")
