"""What someone types into a notebook, line by line, with files and with arrays."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import seehear as sh

pd = pytest.importorskip("pandas", reason="pandas is not installed, and results become data frames")

ROOT = Path(__file__).parent.parent
CLIPS = {"train": 8, "val": 4, "test": 4}  # clips of the demo per table
NETWORKS = {"audio": "yamnet", "visual": "efficientnet-lite0"}
LINE = 200  # characters of a repr at most


def is_result(result):
    """Whether it shows itself as every result does: one line, HTML, a data frame and a figure that a notebook shows."""
    assert "\n" not in repr(result)
    assert len(repr(result)) < LINE
    assert result._repr_html_().startswith("<")
    assert isinstance(result.to_frame(), pd.DataFrame)
    figure = result.plot()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with CLIPS, the tables train.csv, val.csv and test.csv, the ground truth a.csv and v.csv, and STORE."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "CLIPS").mkdir()
    for split, count in CLIPS.items():
        rows = (ROOT / "demo" / f"{split}.csv").read_text(encoding="utf-8").splitlines()[: count + 1]
        (folder / f"{split}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for row in rows[1:]:
            name = row.split("\t")[0]
            shutil.copy(ROOT / "demo" / "clips" / f"{name}.mp4", folder / "CLIPS")
    for modality, name in (("audio", "a"), ("visual", "v")):
        shutil.copy(ROOT / "demo" / f"eval_{modality}.csv", folder / f"{name}.csv")
    clip = sorted((folder / "CLIPS").iterdir())[0]
    for name in ("clip", "new"):
        shutil.copy(clip, folder / f"{name}.mp4")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sh.extract("CLIPS", ["yamnet", "efficientnet-lite0"], store="STORE", fps=2)
        yield folder


@pytest.fixture(scope="module")
def data(folder):
    """Training, validation and test clips."""
    train = sh.Dataset.from_tables("train.csv", store="STORE", collocation=NETWORKS)
    truth = {"audio": "a.csv", "visual": "v.csv"}
    val, test = (
        sh.Dataset.from_tables(f"{split}.csv", store="STORE", collocation=train.collocation, truth=truth)
        for split in ("val", "test")
    )
    return train, val, test


@pytest.fixture(scope="module")
def parser(data):
    train, val, _ = data
    return sh.Parser(recipe="small", epochs=2).fit(train, val)


@pytest.fixture(scope="module")
def toy():
    """Arrays: features (N, T, D) of two networks per modality, and labels (N, C)."""
    rng = np.random.default_rng(0)
    labels = np.eye(2)[np.arange(24) % 2]  # (N, C)
    made = {
        name: np.repeat(labels @ rng.normal(size=(2, 8)), 10, axis=0).reshape(24, 10, 8) + rng.normal(size=(24, 10, 8))
        for name in ("mel", "wavelet", "resnet", "clip")
    }
    return made, labels


def test_list_networks_after_first_import():
    assert "yamnet" in sh.list_networks("audio")
    assert "yamnet" not in sh.list_networks("visual")
    assert callable(sh.list_networks)
    assert sh.networks.__name__ == "seehear.networks"


def test_load_network_is_a_function():
    network = sh.load_network("yamnet")
    assert network(np.zeros(16000, dtype=np.float32), 16000).shape == (1, 1024)
    assert "\n" not in repr(network)


@pytest.mark.parametrize("kind", [str, Path], ids=["str", "Path"])
def test_extract_one_clip(folder, kind):
    before = sorted(folder.rglob("*"))
    x = sh.extract(kind(folder / "clip.mp4"), ["yamnet", "efficientnet-lite0"])
    assert x["yamnet"].shape == (10, 1024)
    assert sorted(folder.rglob("*")) == before  # nothing on disk
    assert "\n" not in repr(x)
    assert x.to_frame("yamnet").shape == (10, 1024)
    assert x.to_frame()["yamnet"].shape == (10, 1024)


def test_extract_list_of_paths(folder):
    files = sorted(Path("CLIPS").iterdir())[:2]
    kept = sh.extract(files, ["yamnet"])
    assert sorted(kept) == [file.stem for file in files]
    assert kept[files[0].stem]["yamnet"].shape[1] == 1024


def test_store_is_kept(folder):
    store = sh.extract("CLIPS", ["yamnet", "efficientnet-lite0"], store="STORE", fps=2)
    assert len(store) == sum(CLIPS.values())
    assert "\n" not in repr(store)
    assert len(repr(store)) < LINE


def test_dataset_of_tables(data):
    train, val, _ = data
    assert "\n" not in repr(train)
    assert train.collocation == val.collocation
    assert val.truth["audio"].shape[:2] == (CLIPS["val"], 10)


def test_dataset_of_arrays(toy):
    made, y = toy
    names = ["Dog", "Speech"]
    toy = sh.Dataset.from_arrays({"audio": made["mel"], "visual": made["resnet"]}, labels=y, classes=names)
    as_lists = sh.Dataset.from_arrays(
        {"audio": list(made["mel"]), "visual": list(made["resnet"])}, labels=y, classes=names
    )
    assert toy.classes == ("Dog", "Speech")
    assert np.array_equal(toy.arrays("audio")[3], as_lists.arrays("audio")[3])


def test_training_writes_nothing(folder, data):
    train, val, _ = data
    before = sorted(folder.rglob("*"))
    sh.Parser(recipe="small", epochs=1).fit(train, val)
    assert sorted(folder.rglob("*")) == before


def test_predict_proba(parser, data):
    _, val, _ = data
    p = parser.predict_proba(val)
    assert p.shape == (CLIPS["val"], 10, 2, len(parser.classes))  # (N, T, M, C)
    assert 0 <= p.min() <= p.max() <= 1


def test_parse(folder, parser):
    clip = parser.parse("new.mp4")
    is_result(clip)
    assert isinstance(clip.events, tuple | list)
    clip.save("OUT")
    clip.export("new.eaf")
    assert (folder / "OUT" / "new.json").is_file()
    assert (folder / "new.eaf").is_file()


def test_load_a_run(folder, data):
    train, val, _ = data
    trained = sh.Parser(recipe="small", epochs=1).fit(train, val, out="RUN")
    assert sh.load("RUN").parse("new.mp4") == trained.parse("new.mp4")


def test_score(parser, data):
    _, val, _ = data
    s = sh.score(parser.predict(val), val.truth, classes=val.classes)
    is_result(s)
    assert s.average == sh.evaluate(parser, val, progress=False).scores[0].average


def test_score_of_plain_arrays_needs_no_signature():
    truth = {name: np.ones((2, 10, 3), dtype=bool) for name in ("audio", "visual")}
    assert sh.score(truth, truth, classes=["a", "b", "c"]).average == 100


def test_evaluate(parser, data):
    _, val, _ = data
    evaluation = sh.evaluate(parser, val)
    is_result(evaluation)


def test_compare(data):
    train, val, test = data
    runs_a, runs_b = (
        [
            sh.Parser(recipe="small", epochs=1, seed=seed, **settings).fit(train, val, progress=False)
            for seed in range(2)
        ]
        for settings in ({}, {"contrast": {"loss": "mtsc"}})
    )
    c = sh.compare({"baseline": runs_a, "mtsc": runs_b}, test)
    is_result(c)


def test_select_by_tables(data):
    train, val, _ = data
    sel = sh.select(train, val, networks={"audio": ["yamnet"], "visual": ["efficientnet-lite0"]}, by="ridge")
    is_result(sel)
    assert sel.best.as_json() == {modality: [name] for modality, name in NETWORKS.items()}


@pytest.mark.parametrize("by", ["ridge", "pilots"])
def test_select_by_arrays(folder, toy, by):
    made, y = toy
    before = sorted(folder.rglob("*"))
    clips = sh.Dataset.from_arrays(
        {
            "audio": {"mel": made["mel"], "wavelet": made["wavelet"]},
            "visual": {"resnet": made["resnet"], "clip": made["clip"]},
        },
        labels=y,
        classes=["Dog", "Speech"],
    )
    sel = sh.select(clips.subset(slice(0, 16)), clips.subset(slice(16, None)), by=by, recipe="small", epochs=2)
    is_result(sel)
    assert len(sel.to_frame()) == 4
    assert re.fullmatch(r"Collocation\(audio=\w+, visual=\w+\)", repr(sel.best))
    assert sel.best in sel.tied
    assert sorted(folder.rglob("*")) == before


def test_align(parser, data):
    _, _, test = data
    is_result(sh.align(parser, test))


def test_loss_is_a_module_of_torch():
    audio, visual = (torch.randn(4, 10, 16, requires_grad=True) for _ in range(2))  # (B, T, D)
    mask = torch.ones(4, 10, dtype=torch.bool)
    loss = sh.losses.MTSC(exponent=5)
    assert isinstance(loss, torch.nn.Module)
    loss(audio, visual, mask).backward()
    assert torch.isfinite(audio.grad).all()
    assert repr(sh.losses.ContrastiveLoss())  # the default settings are a loss


def test_a_mapping_where_the_command_line_takes_pairs():
    mapping = sh.Parser(recipe="small", contrast={"loss": "mtsc", "weight": 0.3})
    pairs = sh.load_recipe("small", ["contrast.loss=mtsc", "contrast.weight=0.3"])
    assert mapping.recipe == pairs


def test_import_is_quick_and_help_names_what_to_give():
    code = "import sys, seehear as sh; print([m for m in ('torch', 'matplotlib', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    shown = subprocess.run([sys.executable, "-m", "seehear", "parse", "--help"], capture_output=True, text=True).stdout
    assert "OUT/<clip>.json" in shown


def test_what_is_saved_is_json(folder, parser):
    parser.parse("new.mp4").save("SAVED")
    assert json.loads((folder / "SAVED" / "new.json").read_text(encoding="utf-8"))["clip"] == "new"
