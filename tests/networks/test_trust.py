"""Code that a folder names does not run unless the user trusts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import commands
import seehear
from make_media import movie
from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.networks import get_named_in
from seehear.parsing.parser import load

OWN = """
from pathlib import Path

from seehear.networks import network

Path(__file__).with_suffix(".ran").touch()


@network(name="colours", modality="visual", width=3, size=32)
def SPEC(pictures):
    return pictures.mean(axis=(1, 2)) / 255
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with clips, and a run that was trained on the features of the user's own network."""
    folder = tmp_path_factory.mktemp("trust")
    (folder / "own.py").write_text(OWN)
    rows = ["filename\tevent_labels"]
    for n in range(4):
        shade = np.full((32, 32, 3), 40 + 50 * n, np.uint8)
        movie(folder / "clips" / f"clip{n}.mp4", 2.0, picture=lambda _, shade=shade: shade)
        rows.append(f"clip{n}\t{('Dark', 'Light')[n % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    own = f"{folder}/own.py:SPEC"
    commands.extract([folder / "clips"], networks=[own], store=folder / "store", fps=2)
    commands.train(
        store=folder / "store",
        labels=folder / "labels.csv",
        collocation=["visual=colours"],
        out=folder / "run",
        set=["epochs=1", "width=16", "feed_forward=16"],
        device="cpu",
    )
    (folder / "own.ran").unlink()
    return folder


def parse_as_someone_else(place: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = ["parse", str(place / "run"), str(place / "clips"), "--out", str(out), "--figures", "html", *options]
    return subprocess.run(
        [sys.executable, "-m", "seehear", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_parse_refuses_the_code_of_a_run_and_runs_it_when_trusted(place, tmp_path):
    refused = parse_as_someone_else(place, tmp_path / "out")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    for part in (str(place / "run"), f"{place}/own.py:SPEC", "--trust-code"):
        assert part in refused.stderr
    assert not (place / "own.ran").exists()
    trusted = parse_as_someone_else(place, tmp_path / "out", "--trust-code")
    assert trusted.returncode == 0, trusted.stderr
    assert (place / "own.ran").exists()
    assert len(list((tmp_path / "out").glob("clip*.json"))) == 4


def test_a_network_that_the_user_named_in_this_process_is_trusted(place, tmp_path):
    parsed = commands.parse(place / "run", [place / "clips"], out=tmp_path / "out", figures=())
    assert len(parsed.clips) == 4


@pytest.mark.parametrize(
    "reference", ["{}/evil.py:SPEC", "evil.py:SPEC", "evil:SPEC", "~/evil.py:SPEC", "{}/evil:SPEC"]
)
def test_no_form_of_a_reference_in_a_file_runs_code(place, tmp_path, monkeypatch, reference):
    evil = tmp_path / "evil.py"
    evil.write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    run = tmp_path / "run"
    run.mkdir()
    for file in (place / "run").iterdir():
        if file.is_file():
            (run / file.name).write_bytes(file.read_bytes())
    facts = json.loads((run / "run.json").read_text())
    facts["networks"]["visual"][0]["reference"] = reference.format(tmp_path)
    (run / "run.json").write_text(json.dumps(facts))
    (run / "done").write_text("epoch 0, chosen by last\n")  # without hashes
    with pytest.raises(SeehearError, match="trust") as error:
        load(run).parse(next((place / "clips").iterdir()))
    assert str(run) in str(error.value)
    assert not evil.with_suffix(".ran").exists()


def test_the_code_that_a_store_names_does_not_run(place, tmp_path):
    """As a store that someone sent names it; the networks that a store only lists are read without their code."""
    (tmp_path / "evil.py").write_text(OWN)
    file = place / "store" / "colours" / "network.json"
    before = file.read_text()
    file.write_text(json.dumps(json.loads(before) | {"reference": f"{tmp_path}/evil.py:SPEC"}))
    try:
        reference = Store(place / "store").network("colours").reference
        with pytest.raises(SeehearError, match="trust"):
            get_named_in(place / "store", reference)
    finally:
        file.write_text(before)
    assert not (tmp_path / "evil.ran").exists()


def test_an_experiment_that_names_code_is_refused(place, tmp_path):
    (tmp_path / "evil.py").write_text(OWN)
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.csv").write_bytes((place / "labels.csv").read_bytes())
    (tmp_path / "eval_visual.csv").write_text("filename\tonset\toffset\tevent_labels\nclip0\t0\t1\tDark\n")
    table = (Path(seehear.__file__).parent / "paper" / "experiments" / "table3.toml").read_text()
    start, end = table.index("[networks]"), table.index("[scores]")
    evil = f'[networks]\nvisual = ["{tmp_path}/evil.py:SPEC"]\n\n'
    (tmp_path / "sent.toml").write_text(table[:start] + evil + table[end:])
    with pytest.raises(SeehearError, match="trust"):
        commands.reproduce(
            [str(tmp_path / "sent.toml")],
            dataset="folder",
            annotations=tmp_path,
            videos=place / "clips",
            out=tmp_path / "out",
        )
    assert not (tmp_path / "evil.ran").exists()


def test_registry_names_need_no_trust():
    assert get_named_in("run", "yamnet").name == "yamnet"


def test_classes_of_a_parse_that_someone_sent_make_no_rows_about_other_clips(place, tmp_path):
    out = tmp_path / "out"
    commands.parse(place / "run", [place / "clips"], out=out, figures=())
    facts = json.loads((out / "clip0.json").read_text())
    event = {"label": "Dog\nclip1\t0\t1\tDog", "modality": "visual", "onset": 0.0, "offset": 1.0, "confidence": 1.0}
    (out / "sent.json").write_text(json.dumps(facts | {"clip": "sent", "events": [event]}))
    parsed = commands.parse(place / "run", [place / "clips"], out=out, figures=())
    assert "Dog" not in (out / "visual.csv").read_text()
    (note,) = [note for note in parsed.notes if "sent.json" in note]
    assert "left out of the tables" in note
