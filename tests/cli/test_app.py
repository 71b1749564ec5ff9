"""The command line: what it prints, how it exits, and that it answers without loading what is heavy."""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys

import pytest

import seehear
from seehear.cli import main
from seehear.cli.app import COMMANDS, GROUP_COMMANDS
from seehear.evaluation import score_tables

# A command that is interrupted while a module is imported, in a place that a library would turn into its own error.
SLOW_IMPORT = """
import signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started without
from seehear.cli import app, main

def command(**given):
    import slow_module
    print("imported", flush=True)
    import time
    time.sleep(60)

sys.modules["seehear.cli.recipes"] = types.SimpleNamespace(recipes=command)
main(["recipes"])
"""
SLOW_MODULE = """
import time
print("importing", flush=True)
try:
    for _ in range(40):
        time.sleep(0.05)
except BaseException as error:
    raise ImportError("initialization failed") from error
"""


def test_ctrl_c_waits_until_a_module_is_imported(tmp_path):
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", SLOW_IMPORT], stdout=-1, stderr=-1, text=True, env=environment) as it:
        assert it.stdout.readline() == "importing\n"
        it.send_signal(signal.SIGINT)
        out, err = it.communicate(timeout=50)  # less than the command takes
    assert (it.returncode, out) == (130, "imported\n")
    assert err == "seehear: interrupted. Finished pieces are kept; rerun the same command to resume\n"


def test_importing_seehear_changes_nothing_about_ctrl_c():
    script = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import seehear
from seehear.cli import main
try:
    main(["--version"])
except SystemExit as ended:
    assert not ended.code
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def run(capsys, *arguments):
    """Exit code, standard output and standard error of a command line."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


@pytest.fixture
def tables(tmp_path):
    """Labels and truth of two clips, and a prediction that finds half of what is heard."""
    files = {
        "labels": ("filename\tevent_labels", "a\tDog", "b\tCat"),
        "heard": ("filename\tonset\toffset\tevent_labels", "a\t0\t4\tDog"),
        "seen": ("filename\tonset\toffset\tevent_labels", "b\t0\t2\tCat"),
        "found": ("filename\tonset\toffset\tevent_labels", "a\t0\t2\tDog", "stranger\t0\t2\tDog"),
    }
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return {name: tmp_path / f"{name}.csv" for name in files}


def scoring(tables):
    return [
        "score", "--labels", tables["labels"], "--audio", tables["found"], "--visual", tables["seen"],
        "--dense-audio", tables["heard"], "--dense-visual", tables["seen"],
    ]  # fmt: skip


EXTRACT = ["extract", "none.wav", "--networks", "vggish", "--store", "store"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["bogus"], 2),
        (["extract"], 2),
        ([*EXTRACT, "--bogus"], 2),
        ([*EXTRACT, "--fps", "x"], 2),
        (["parse", "none.wav", "--figures", "pdf"], 2),
        (EXTRACT, 1),
        ([*EXTRACT, "--fps", "0"], 1),
        ([*EXTRACT, "--segment", "-1"], 1),
        ([*EXTRACT, "--shard", "3/2"], 1),
        (["extract", "none.wav", "--networks", "none", "--store", "store"], 1),
        (["parse", "none.wav", "--stall", "3"], 1),
    ],
)
def test_a_line_that_cannot_be_read_is_another_error_than_a_value_that_makes_no_sense(capsys, line, code, tmp_path):
    """As the table of exit codes in docs/commands.md says. Nothing is begun."""
    with contextlib.chdir(tmp_path):
        assert run(capsys, *line)[0] == code
    assert not list(tmp_path.iterdir())


def test_score_as_json_has_the_documented_form(capsys, tables):
    code, out, _ = run(capsys, *scoring(tables), "--json")
    assert code == 0
    found = json.loads(out)
    names = ["audio", "visual", "audio_visual", "type_at_av", "event_at_av"]
    assert list(found["segment"]) == list(found["event"]) == names
    assert found["segment"]["audio"] == pytest.approx((100 * 2 / 3 + 100) / 2)
    assert found["event"]["audio"] == 100.0  # half is enough
    every = [*found["segment"].values(), *found["event"].values()]
    assert found["average"] == pytest.approx(sum(every) / 10)
    assert found["signature"].startswith("F1|segment+event|iou0.5|decoding:given|labels:labels+heard+seen@")


def test_score_in_words(capsys, tables):
    code, out, _ = run(capsys, *scoring(tables), "--iou", 0.6, "--decoding", "mine")
    assert code == 0
    assert "iou0.6|decoding:mine" in out
    assert "1 clip is not in" in out


def test_python_and_command_line_agree(capsys, tables):
    _, out, _ = run(capsys, *scoring(tables), "--json")
    predictions = {"audio": tables["found"], "visual": tables["seen"]}
    truth = {"audio": tables["heard"], "visual": tables["seen"]}
    assert score_tables(predictions, truth, tables["labels"]).as_json() == json.loads(out)


def test_score_needs_both_sides(capsys, tables):
    code, _, err = run(capsys, "score", "--labels", tables["labels"], "--audio", tables["found"])
    assert code == 1
    assert "give --audio with --dense-audio" in err


def test_predictions_of_other_clips_are_refused(capsys, tables):
    tables["found"].write_text("filename\tonset\toffset\tevent_labels\nstranger\t0\t2\tDog\n")
    code, _, err = run(capsys, *scoring(tables))
    assert code == 1
    assert f"{tables['found']}: names none of the clips" in err


def test_labels_check(capsys, tables):
    code, out, _ = run(capsys, "labels", "check", tables["labels"], tables["heard"], tables["found"])
    assert code == 0
    assert f"{tables['found']}:3: stranger is in no weak table" in out
    assert "0 fatal" in out
    tables["labels"].write_text("filename\tevent_labels\na\tDog\na\tCat\n")
    code, out, _ = run(capsys, "labels", "check", tables["labels"])
    assert code == 1
    assert "labels.csv:3: error: a has other labels" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["score"], 2, "--labels"),
        (["sing"], 2, "sing"),
        (["score", "--labels", "none", "--audio", "a", "--dense-audio", "b"], 1, "none: no such file"),
        (
            ["train", "--store", "s", "--labels", "none", "--collocation", "a=b", "--out", "none"],
            1,
            "no feature store",
        ),
        (["extract", "none", "--networks", "yamnet", "--store", "s"], 1, "none: no such file or folder"),
        (["extract", ".", "--networks", "yamnot", "--store", "s"], 1, "did you mean yamnet"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    found, out, err = run(capsys, *arguments)
    assert found == code
    assert said in out + err
    assert "Traceback" not in err
    assert not (tmp_path / "s").exists()


def test_recipes_and_networks_are_listed(capsys):
    _, out, _ = run(capsys, "recipes")
    assert "learning_rate" in out
    assert "paper" in out
    _, out, _ = run(capsys, "networks", "--json")
    assert {"yamnet", "efficientnet-lite0"} <= {network["name"] for network in json.loads(out)}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["networks"]])
def test_answers_without_what_is_heavy(arguments):
    code = (
        "import sys; from seehear.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'av', 'matplotlib', 'soxr'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


EVERY_COMMAND = [
    *(((name,), target) for name, target, _ in COMMANDS),
    *(((group, name), target) for group, name, target, _ in GROUP_COMMANDS),
]


@pytest.mark.parametrize(("command", "target"), EVERY_COMMAND)
def test_every_command_has_a_function_and_a_help_text(capsys, command, target):
    module, function = target.split(":")
    described = getattr(importlib.import_module(f"seehear.cli.{module}"), function).__doc__
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert f"Usage: seehear {' '.join(command)}" in out
    assert " ".join(described.replace("`", "").split()[:3]) in " ".join(out.split())


def test_every_public_name_of_python_is_documented():
    for name in set(seehear.__all__) - {"__version__"}:
        assert getattr(seehear, name).__doc__
    with pytest.raises(AttributeError):
        seehear.sing  # noqa: B018
