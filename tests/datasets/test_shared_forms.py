"""Features that authors share become the same store, whether `prepare` or `features import` reads them."""

from dataclasses import replace

import numpy as np
import pytest

import commands
from seehear import datasets
from seehear.datasets.spec import shared_folders
from seehear.features.packed import pack
from seehear.features.store import Store

from .published import MAKERS
from .tables import write_tables

SHARED = [(name, form) for name, spec in datasets.REGISTRY.items() for form in shared_folders(spec)]
TABLES = {"llp": write_tables, **MAKERS}


@pytest.fixture(params=SHARED, ids=lambda each: each[1].name)
def shared(request, tmp_path):
    """A data set, and one of its forms: features in that form lie in tmp_path / "feats", tables in "tables"."""
    name, form = request.param
    TABLES[name](tmp_path / "tables")
    datasets.generate(name, tmp_path / "tables", tmp_path / "feats", only=[form.folder])
    return name, form


def prepare(tmp_path, shared, store, **options):
    return commands.prepare(dataset=shared[0], annotations=tmp_path / "tables", store=tmp_path / store, **options)


def take(tmp_path, shared, store, **options):
    form, weak = shared[1], prepare(tmp_path, shared, "none").annotations.weak
    options = {"form": form.name, "labels": list(weak.values())} | options
    return commands.import_features(
        tmp_path / "feats" / form.folder,
        store=tmp_path / store, network=form.network, modality=form.modality, **options,
    )  # fmt: skip


def content(store, network):
    files = [store / "store.json", *(path for path in (store / network).rglob("*") if path.is_file())]
    return {file.relative_to(store): file.read_bytes() for file in files}


def written(store, network):
    """Which file each is, and since when."""
    files = (store / network).rglob("*.safetensors")
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def made_by(store, network):
    return {Store(store).origin(network, clip).made_by for clip in Store(store).clips(network)}


def remade(store, network, made_by, shift=0.0):
    """Let the features have another fingerprint, as if an older version had imported them."""
    kept = Store(store)
    kept.register(replace(kept.network(network), made_by=made_by))
    for clip in kept.clips(network):
        found = kept.stored(network, clip)
        kept.write(network, replace(found.origin, made_by=made_by), found.features + np.float32(shift))


def test_both_ways_give_the_same_store_and_find_it_current(tmp_path, shared):
    network = shared[1].network
    prepared = prepare(tmp_path, shared, "one", features=tmp_path / "feats")
    imported = take(tmp_path, shared, "two")
    assert (imported.count, imported.failed) == (sum(prepared.sizes.values()), {})
    assert len(content(tmp_path / "one", network)) == imported.count + 2
    assert content(tmp_path / "one", network) == content(tmp_path / "two", network)
    before = {store: written(tmp_path / store, network) for store in ("one", "two")}
    take(tmp_path, shared, "one")
    prepare(tmp_path, shared, "two", features=tmp_path / "feats")
    assert {store: written(tmp_path / store, network) for store in ("one", "two")} == before


def test_rows_counted_by_hand_give_the_same_store(tmp_path, shared):
    """As one imported before there were forms: so many rows per segment."""
    form = shared[1]
    rows = round(1 / form.form.stride)
    take(tmp_path, shared, "one")
    take(tmp_path, shared, "two", form="", prefix=form.prefix, frames=rows)
    assert made_by(tmp_path / "one", form.network) == {f"imported/{rows}"}
    assert content(tmp_path / "one", form.network) == content(tmp_path / "two", form.network)


def test_features_of_older_versions_are_current_if_their_numbers_are_equal(tmp_path, shared):
    """Until 2026-11 a form's fingerprint was that of its stride; means of several rows differ in their last digits."""
    network, stride = shared[1].network, shared[1].form.stride
    take(tmp_path, shared, "store")
    remade(tmp_path / "store", network, older := f"imported/1/stride{stride:g}/window{stride:g}", shift=1)
    before = written(tmp_path / "store", network)
    missing = min(before)
    missing.unlink()
    prepare(tmp_path, shared, "store", features=tmp_path / "feats")
    after = written(tmp_path / "store", network)
    assert after.keys() == before.keys()
    kept = {file for file in before if after[file] == before[file]}
    assert kept == (before.keys() - {missing} if stride == 1 else set())
    assert made_by(tmp_path / "store", network) == {older if stride == 1 else f"imported/{round(1 / stride)}"}
    pack(Store(tmp_path / "store"), network, [file.stem for file in before])  # of two fingerprints it would be refused


def test_other_segments_are_another_fingerprint(tmp_path, shared):
    form = shared[1]
    take(tmp_path, shared, "store", segment=2.0)
    assert made_by(tmp_path / "store", form.network) == {f"imported/{round(2 / form.form.stride)}"}
    remade(tmp_path / "store", form.network, f"imported/{round(1 / form.form.stride)}")
    before = written(tmp_path / "store", form.network)
    prepare(tmp_path, shared, "store", features=tmp_path / "feats")
    after = written(tmp_path / "store", form.network)
    assert not any(after[file] == before[file] for file in before)
