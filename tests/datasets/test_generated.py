"""Synthetic features: the signal can be learnt, and the same seed gives the same numbers."""

from dataclasses import replace

import numpy as np
import pytest

from seehear import datasets
from seehear.datasets.activity import SyntheticActivity
from seehear.datasets.generated import LATENT, Maker, generate
from seehear.datasets.spec import shared_folders
from seehear.datasets.tables import read_tables
from seehear.errors import SeehearError
from seehear.features.forms.spec import Form, SharedForm

from .tables import CLASSES, LLP, TRAIN, VAL, needs_llp, write_tables

SMALL = (
    SharedForm("a", "me", "audio", "ears", Form(width=96, segments=10), prefix=11, folder="ears", network="hearing"),
    SharedForm("v", "me", "visual", "eyes", Form(3, 128, 10), prefix=11, folder="eyes", network="seeing"),
)


@pytest.fixture
def given(tmp_path):
    """A data set and the folder of its tables."""
    return replace(datasets.get("llp"), forms=SMALL), write_tables(tmp_path / "tables")


def drawn(given, seed):
    dataset, folder = given
    return SyntheticActivity.of(dataset, read_tables(dataset, folder), seed)


def files(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.npy")}


def test_shapes_and_names(given, tmp_path):
    result = generate(*given, tmp_path / "out")
    assert result.count == 7
    assert repr(result) == f"Generated({tmp_path / 'out'}: 7 clips in each of ears, eyes)"
    names = {clip[:11] for clip in (*TRAIN, *VAL)} | {"Test_-_-_-0"}
    for shared in SMALL:
        assert {file.stem for file in (tmp_path / "out" / shared.folder).iterdir()} == names
        values = np.load(tmp_path / "out" / shared.folder / "_a-b_c-d_e-.npy", allow_pickle=False)
        assert (values.shape, values.dtype) == ((shared.form.total, shared.form.width), np.float32)
        assert (values >= 0).all()


def test_one_seed_fixes_all_and_a_clip_depends_on_no_other(given, tmp_path):
    generate(*given, tmp_path / "whole", seed=3)
    generate(*given, tmp_path / "part", seed=3, clips=1, only=["hearing"])
    whole, part = files(tmp_path / "whole"), files(tmp_path / "part")
    assert len(part) == 3
    assert all(whole[name] == data for name, data in part.items())
    generate(*given, tmp_path / "part", seed=3)  # goes on
    assert files(tmp_path / "part") == whole
    generate(*given, tmp_path / "other", seed=4)
    assert not set(files(tmp_path / "other").values()) & set(whole.values())


def test_other_settings_and_real_features_are_not_overwritten(given, tmp_path):
    generate(*given, tmp_path / "out", seed=3)
    with pytest.raises(SeehearError, match="seed 3, not 4"):
        generate(*given, tmp_path / "out", seed=4)
    (tmp_path / "real" / "ears").mkdir(parents=True)
    with pytest.raises(SeehearError, match="holds ears, which were not generated"):
        generate(*given, tmp_path / "real")
    with pytest.raises(SeehearError, match="no feature folder 'nose'"):
        generate(*given, tmp_path / "new", only=["nose"])
    with pytest.raises(SeehearError, match=r"^clips must be 0, for all, or more, not -5$"):
        generate(*given, tmp_path / "out", clips=-5)
    with pytest.raises(SeehearError, match=r"^strength must be a finite number, not"):
        generate(*given, tmp_path / "new", strength=float("nan"))


@pytest.mark.parametrize("form", [int, float, np.float32, np.int64])
def test_every_form_of_a_number_gives_the_same_files(given, tmp_path, form):
    generate(*given, tmp_path / "exact", seed=3, strength=4.0, clips=1)
    generate(*given, tmp_path / "out", seed=form(3), strength=form(4), clips=form(1))
    exact, out = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "exact", tmp_path / "out")
    )
    assert out == exact


def test_activity_of_evaluation_clips_is_that_of_the_tables(given):
    activity = drawn(given, seed=0)
    assert activity.classes == CLASSES
    heard = np.zeros((10, 3), dtype=bool)
    heard[:, 0] = True  # Cat
    heard[2:5, 1] = True  # Dog
    np.testing.assert_array_equal(activity.active("audio", VAL[0]), heard)
    assert activity.active("visual", VAL[0]).sum(axis=0).tolist() == [10, 0, 0]


def test_training_clips_show_their_weak_labels_as_val_clips_do(given):
    draws = [drawn(given, seed) for seed in range(60)]
    clip = TRAIN[1]  # Dog and Speech; Dog is heard in two val clips and seen in none, Speech only seen
    heard = {tuple(np.flatnonzero(draw.active("audio", clip)[:, 1])) for draw in draws}
    assert heard == {(2, 3, 4), (0, 1, 2)}
    assert not any(draw.active("visual", clip)[:, 1].any() for draw in draws)
    assert all(np.flatnonzero(draw.active("visual", clip)[:, 2]).tolist() == [4, 5] for draw in draws)
    assert not any(draw.active(name, clip)[:, 0].any() for draw in draws for name in ("audio", "visual"))


def test_classes_move_segments_by_the_strength():
    shared = SharedForm("f", "me", "audio", "ears", Form(width=2000, segments=10), network="n")
    strong = Maker.of(shared, CLASSES, 4.0, 0)
    assert np.linalg.norm(strong.directions, axis=1) == pytest.approx(1)
    active = np.zeros((10, 3), dtype=bool)
    active[:5, 1] = True
    latent = []
    for n in range(200):
        features = strong.features(f"clip{n}", active)  # half of normal numbers' variation survives max(0, ·)
        latent.append(features @ strong.mixing.T @ strong.directions[1] * 2 * LATENT / 2000)
    rows = np.array(latent)
    assert (rows[:, :5].mean() - rows[:, 5:].mean()) == pytest.approx(4, rel=0.25)
    assert rows[:, 5:].std() == pytest.approx(np.sqrt(1 + 0.25), rel=0.25)  # of segment and clip


@needs_llp
def test_a_simple_probe_finds_the_signal(tmp_path):
    spec = datasets.get("llp")
    folders = [replace(shared, form=replace(shared.form, width=128)) for shared in shared_folders(spec)[:2]]
    given = replace(spec, forms=tuple(folders)), LLP
    generate(*given, tmp_path, clips=150)
    activity = drawn(given, 0)
    chosen = [clip for table in activity.tables.weak.values() for clip in table.clips[:150]]
    for shared in folders:
        rows, labels = [], []
        for clip in chosen:
            values = np.load(tmp_path / shared.folder / f"{clip[:11]}.npy")
            values = values.reshape(10, shared.form.total // 10, -1).mean(axis=1)
            alone = activity.active(shared.modality, clip)
            rows.append(values[alone.sum(axis=1) == 1])
            labels.append(alone.argmax(axis=1)[alone.sum(axis=1) == 1])
        x, y = np.concatenate(rows), np.concatenate(labels)
        train = np.arange(len(x)) < len(x) // 2  # other clips
        known = np.array([c for c in np.unique(y[train]) if (y[train] == c).sum() >= 20])
        means = np.stack([x[train & (y == c)].mean(axis=0) for c in known])
        test = ~train & np.isin(y, known)
        nearest = known[((x[test][:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
        accuracy = (nearest == y[test]).mean()
        assert 0.35 < accuracy < 0.99  # chance is about .05; the commonest class about .2


def test_one_clip_per_split_of_chosen_networks(tmp_path):
    tables = write_tables(tmp_path / "tables")
    result = datasets.generate("llp", tables, tmp_path / "out", clips=1, only=["vggish", "r2plus1d_18"])
    assert (result.count, result.exit_code) == (3, 0)
    assert {file.parent.name for file in (tmp_path / "out").rglob("*.npy")} == {"vggish", "r2plus1d_18"}
    with pytest.raises(SeehearError, match="the dense tables have no event in a val clip"):
        datasets.generate("folder", _folder(tmp_path / "own"), tmp_path / "o")


def _folder(path):
    path.mkdir()
    for name in ("train", "val", "test"):
        (path / f"{name}.csv").write_text("filename\tevent_labels\na\tDog\n")
    (path / "eval_audio.csv").write_text("filename\tonset\toffset\tevent_labels\n")
    return path
