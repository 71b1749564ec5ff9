"""Data sets: what they declare, and the tables in a user's folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear import datasets
from seehear.datasets import llp
from seehear.datasets.spec import shared_folders, shared_forms
from seehear.errors import SeehearError
from seehear.labels import read_weak

from .tables import LLP, needs_llp, write_tables

SYMBOLS = "abcXYZ019_-"


@given(
    st.text(SYMBOLS, min_size=11, max_size=11),
    st.integers(0, 99999),
    st.integers(1, 999),
    st.sampled_from((1, 10)),
)
def test_ids_of_llp_may_hold_underscores(name, start, length, parts):
    stop = start + length
    clip = f"{name}_{start / parts:g}_{stop / parts:g}"
    assert llp.SPEC.short(clip) == name
    if "e" not in clip[11:]:  # as 1e+05
        assert llp.span(clip) == pytest.approx((float(f"{start / parts:g}"), float(f"{stop / parts:g}")))


@pytest.mark.parametrize("clip", ["abcdefghijk", "abcdefghijk_10", "abcdefghijk_10_5", "short_0_10", "abcdefghijk_a_b"])
def test_other_names_have_no_times(clip):
    assert llp.span(clip) is None


def test_fractional_times():
    assert llp.span("AP0061o0Nvk_101.8_111.8") == (101.8, 111.8)


@needs_llp
def test_splits_of_llp():
    tables = datasets.find_tables(datasets.get("llp"), LLP)
    clips = {split: read_weak(path).clips for split, path in tables.weak.items()}
    assert {split: len(names) for split, names in clips.items()} == {"train": 10000, "val": 649, "test": 1200}
    every = [clip for names in clips.values() for clip in names]
    assert len({llp.SPEC.short(clip) for clip in every}) == len(every) == 11849
    spans = [llp.span(clip) for clip in every]
    assert all(span is not None and span[1] - span[0] == pytest.approx(10) for span in spans)
    assert sum(span[0] != int(span[0]) for span in spans) == 5


def test_features_of_llp():
    shapes = {shared.folder: (shared.form.total, shared.form.width) for shared in shared_forms(datasets.get("llp"))}
    assert shapes == {"vggish": (10, 128), "res152": (80, 2048), "r2plus1d_18": (10, 512)}


def test_missing_tables_are_named(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "AVVP_val_pd.csv").unlink()
    (tmp_path / "AVVP_eval_visual.csv").unlink()
    with pytest.raises(SeehearError, match=r"lacks AVVP_val_pd\.csv, AVVP_eval_visual\.csv"):
        datasets.find_tables(datasets.get("llp"), tmp_path)
    with pytest.raises(SeehearError, match="no such folder"):
        datasets.find_tables(datasets.get("llp"), tmp_path / "none")


def test_a_folder_of_ones_own_with_any_modality(tmp_path):
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.csv").write_text("filename\tevent_labels\n")
    with pytest.raises(SeehearError, match=r"lacks eval_<modality>\.csv"):
        datasets.find_tables(datasets.get("folder"), tmp_path)
    for name in ("visual", "audio", "touch"):
        (tmp_path / f"eval_{name}.csv").write_text("filename\tonset\toffset\tevent_labels\n")
    tables = datasets.find_tables(datasets.get("folder"), tmp_path)
    assert list(tables.dense) == ["audio", "touch", "visual"]
    assert tables.tables["touch"] == tmp_path / "eval_touch.csv"
    assert tables.dataset.short("any_1_2") == "any_1_2"
    assert tables.dataset.span("any_1_2") is None


def test_an_unknown_name():
    with pytest.raises(SeehearError, match=r"'LPP': did you mean llp\?"):
        datasets.get("LPP")
    with pytest.raises(SeehearError, match="there are audioset-strong, ave, desed, folder, lfav, llp, ov-avebench"):
        datasets.get("zzz")


def test_every_data_set_names_its_splits():
    for name, spec in datasets.REGISTRY.items():
        assert spec.name == name
        assert spec.read or tuple(spec.weak) == datasets.SPLITS
        assert sum(map(bool, (spec.dense, spec.dense_pattern, spec.read))) == 1
        assert spec.metrics
        folders = shared_folders(spec)
        assert len({shared.network for shared in folders}) == len({shared.folder for shared in folders}) == len(folders)
        assert all(shared.network and shared.form.rows_per_segment() for shared in folders)  # so that they're generated
        assert all(spec.source.endswith(f"/{shared.source}") for shared in shared_forms(spec))
