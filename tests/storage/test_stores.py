"""A store elsewhere holds what one of this machine holds, and serves as it does."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

import commands
import seehear as sh
from seehear.errors import SeehearError
from seehear.features.store import Store
from storage.conftest import ACCOUNT, SECRET, colours


@pytest.fixture(params=["memory", "s3"])
def elsewhere(request, folder_of_kind) -> str:
    return folder_of_kind(request.param)


@pytest.fixture
def folder_of_kind(request):
    return lambda kind: f"{request.getfixturevalue('s3')}/store" if kind == "s3" else f"memory://{id(request)}/store"


def labelled(tmp_path, store):
    table = tmp_path / "labels.csv"
    table.write_text("filename\tevent_labels\nclip0\tDark\nclip1\tDark\nclip2\tBright\n")
    return sh.Dataset.from_tables(table, store=store)


def test_it_holds_the_same(elsewhere, clips, tmp_path):
    there = sh.extract(clips, colours, store=elsewhere, fps=4, progress=False)
    here = sh.extract(clips, colours, store=tmp_path / "here", fps=4, progress=False)
    assert (there.made, there.failed, there.store) == (3, {}, elsewhere)
    for clip in here:
        np.testing.assert_array_equal(there[clip]["colours"], here[clip]["colours"])
    again = sh.extract(clips, colours, store=elsewhere, fps=4, progress=False)
    assert (again.made, again.unchanged) == (0, 3)
    stored = Store(elsewhere)
    assert stored.block > 1
    assert stored.clips("colours") == set(here)
    assert Store(tmp_path / "here").origin("colours", "clip1") == stored.origin("colours", "clip1")


def test_a_changed_clip_is_made_again(elsewhere, clips, tmp_path):
    files = [tmp_path / file.name for file in sorted(clips.iterdir())]
    for file, source in zip(files, sorted(clips.iterdir()), strict=True):
        file.write_bytes(source.read_bytes())
    before = sh.extract(files, colours, store=elsewhere, fps=4, progress=False)["clip0"]["colours"]
    files[0].write_bytes(files[2].read_bytes())
    again = sh.extract(files, colours, store=elsewhere, fps=4, progress=False)
    assert (again.made, again.unchanged) == (1, 2)
    np.testing.assert_array_equal(again["clip0"]["colours"], again["clip2"]["colours"])
    assert not np.array_equal(again["clip0"]["colours"], before)


def test_training_reads_it_and_packs_in_the_cache(elsewhere, clips, tmp_path, cache):
    sh.extract(clips, colours, store=elsewhere, fps=4, progress=False)
    sh.extract(clips, colours, store=tmp_path / "here", fps=4, progress=False)
    there, here = labelled(tmp_path, elsewhere), labelled(tmp_path, tmp_path / "here")
    assert there.content == here.content
    np.testing.assert_array_equal(there.packed("colours").rows, here.packed("colours").rows)
    assert list((cache / "packed").rglob("*.npy"))
    parsers = (sh.Parser(recipe="small", epochs=1, device="cpu") for _ in range(2))
    one, other = (parser.fit(data, progress=False) for parser, data in zip(parsers, (there, here), strict=True))
    np.testing.assert_array_equal(one.predict_proba(there), other.predict_proba(here))


def test_it_travels_to_another_process_without_credentials(s3, clips):
    sh.extract(clips, colours, store=f"{s3}/store", fps=4, progress=False)
    sent = pickle.dumps(Store(f"{s3}/store"))
    assert SECRET.encode() not in sent
    assert ACCOUNT.encode() not in sent
    assert pickle.loads(sent).clips("colours") == {"clip0", "clip1", "clip2"}


def test_what_needs_a_folder_of_this_machine_says_so(s3, tmp_path):
    with pytest.raises(SeehearError, match=f"{s3}/store: no feature store here"):
        Store(f"{s3}/store")
    with pytest.raises(SeehearError, match="is prepared into a folder of this machine"):
        commands.prepare(dataset="folder", annotations=tmp_path, store=f"{s3}/store")
    Store(f"{s3}/store", create=True)
    with pytest.raises(SeehearError, match=re.escape(f"{s3}/store: is elsewhere, and this needs a folder")):
        _ = Store(f"{s3}/store").path
    with pytest.raises(SeehearError, match="holds other files"):
        Store(s3, create=True)
