"""docs/tutorial.md, command by command, as it is written."""

import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from seehear.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)\n```", TEXT, flags=re.DOTALL)
TRAIN, TEST = 12, 4  # clips of the demo
HERE = ("train", "parse", "evaluate")  # run in this process, as the import of torch takes longer than they do


@pytest.fixture
def desk(tmp_path):
    """The folder in which it begins: clips and two tables."""
    (tmp_path / "clips").mkdir()
    for split, count in (("train", TRAIN), ("test", TEST)):
        rows = (ROOT / "demo" / f"{split}.csv").read_text(encoding="utf-8").splitlines()[: count + 1]
        (tmp_path / f"{split}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for row in rows[1:]:
            name = row.split("\t")[0]
            shutil.copy(ROOT / "demo" / "clips" / f"{name}.mp4", tmp_path / "clips")
    return tmp_path


def test_ten_commands_or_fewer():
    assert len(COMMANDS) <= 10
    assert all(command.startswith("seehear ") and "\n" not in command for command in COMMANDS)


def test_from_own_videos_to_a_report(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"BROWSER": "true"}  # opens nothing
    for command in COMMANDS:
        if command.startswith("seehear view"):
            look(command, desk, environment)
            continue
        if command.split()[1] in HERE:
            run(command, capsys)
            continue
        done = subprocess.run(["bash", "-c", command], cwd=desk, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if " export " in command:
            correct(desk / "drafts")
    report = (desk / "report" / "evaluation.html").read_text(encoding="utf-8")
    assert f"clips:{TEST}|" in report
    assert list((desk / "report").glob("**/test_*.html"))


def run(command, capsys):
    """A command in this process, its patterns expanded as by a shell."""
    tokens = shlex.split(command)[1:]
    with pytest.raises(SystemExit) as left:
        main([each for token in tokens for each in sorted(glob.glob(token)) or [token]])
    assert left.value.code == 0, f"{command}\n{capsys.readouterr()}"


def look(command, desk, environment):
    """What someone would find in the browser that `view` opens."""
    served = subprocess.Popen(shlex.split(command), cwd=desk, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", served.stderr.readline())[0]
        folder = desk / command.split()[2]
        for page in (folder / "index.html", folder / "evaluation.html"):
            if page.exists():
                assert urllib.request.urlopen(address + page.name).read() == page.read_bytes()
    finally:
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 0


def correct(drafts):
    """What someone would do in ELAN: what is heard in each clip is Speech, from 1 s to 3 s."""
    for file in drafts.glob("*.eaf"):
        tree = ET.parse(file)
        root = tree.getroot()
        times = root.find("TIME_ORDER")
        for name, value in (("own1", 1000), ("own2", 3000)):
            ET.SubElement(times, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(value))
        heard = next(tier for tier in root.iter("TIER") if tier.get("TIER_ID") == "heard")
        for annotation in list(heard):
            heard.remove(annotation)
        part = ET.SubElement(ET.SubElement(heard, "ANNOTATION"), "ALIGNABLE_ANNOTATION")
        part.attrib |= {"ANNOTATION_ID": "own", "TIME_SLOT_REF1": "own1", "TIME_SLOT_REF2": "own2"}
        ET.SubElement(part, "ANNOTATION_VALUE").text = "Speech"
        tree.write(file, encoding="utf-8", xml_declaration=True)
