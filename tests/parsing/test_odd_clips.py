"""One odd clip never ends the parse of a folder: the tiniest ones are parsed, and any exception costs one clip."""

import json
import subprocess
import sys
import wave

import numpy as np
import pytest

from make_media import movie
from seehear.errors import ClipError, SeehearError
from seehear.files import DiskFullError
from seehear.parsing.batch import parse_clips
from seehear.parsing.clip import ParsedClip
from seehear.parsing.folder import read_folder
from seehear.parsing.parser import load


@pytest.fixture(scope="module")
def parser(place):
    return load(place.run / "seed-3", device="cpu", trust_code=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    for name in "abc":
        movie(folder / f"{name}.mkv", 2, sound_codec="flac")
    return folder


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("rate", "samples"), [(16000, 1), (192000, 1), (1, 1), (1, 20), (2, 1), (50, 7), (8000, 5), (48000, 40)]
)
def test_the_tiniest_clips_are_parsed(parser, tmp_path, rate, samples):
    file = tmp_path / "tiny.wav"
    with wave.open(str(file), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(np.full(samples, 9000, "<i2").tobytes())
    result = parse_clips(parser, [file], out=tmp_path / "out", figures=("html", "png", "svg"), progress=False)
    assert result.failed == {}
    (parsed,) = result.clips
    assert parsed.duration == pytest.approx(samples / rate, rel=0.01)
    assert all(event.offset <= samples / rate for event in parsed.events)
    assert {path.name for path in (tmp_path / "out").glob("tiny.*")} == {f"tiny.{kind}" for kind in KINDS}
    (again,), damaged = read_folder(tmp_path / "out")
    assert (again, damaged) == (parsed, [])


KINDS = ("json", "html", "png", "svg")


def test_a_figure_is_drawn_only_on_request(place, clips, tmp_path):
    """A parse into pages does not import matplotlib, which takes as long as the clip itself."""
    out, run = tmp_path / "out", place.run / "seed-3"
    options = f"[{str(clips / 'a.mkv')!r}], out={str(out)!r}, device='cpu', trust_code=True"
    code = (
        f"import sys, seehear.cli.parse as cli; cli.parse({str(run)!r}, {options}); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert {path.name for path in out.glob("a.*")} == {"a.json", "a.html"}


def test_a_clip_of_no_length_is_damaged(parser, clips):
    content = json.loads(json.dumps(parser.parse(clips / "a.mkv").as_json()))
    with pytest.raises(SeehearError, match="duration is 0"):
        ParsedClip.from_json(content | {"duration": 0.0})


def failing_at(monkeypatch, target, error):
    """Make a function raise an error for the second clip."""
    from importlib import import_module

    module, _, name = target.partition(":")
    owner = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real, calls = getattr(owner, last), []

    def function(*arguments, **options):
        calls.append(arguments)
        if any("b.mkv" in str(getattr(each, "file", getattr(each, "path", each))) for each in arguments):
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(owner, last, function)


DRAWN = ("html", "png")
STAGES = [
    "seehear.parsing.base:open_clip",
    "seehear.features.segments:Collector.features",
    "seehear.plots.picture:plot_clip",
    "seehear.pages.parse:write",
]


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), OSError(5, "broken"), MemoryError("little")])
@pytest.mark.parametrize("stage", STAGES)
def test_any_exception_costs_one_clip(parser, clips, tmp_path, monkeypatch, stage, error):
    failing_at(monkeypatch, stage, error)
    result = parse_clips(parser, [clips], out=tmp_path, figures=DRAWN, progress=False)
    assert [parsed.clip for parsed in result.clips] == ["a", "c"]
    (message,) = result.failed.values()
    assert message.startswith(f"{clips / 'b.mkv'}: failed with {type(error).__name__}: {error} (")
    assert "report it" in message
    assert message in result.text()
    assert result.exit_code == 1
    monkeypatch.undo()
    assert parse_clips(parser, [clips], out=tmp_path, figures=DRAWN, progress=False).unchanged == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DiskFullError("full"), SeehearError("a mistake")])
@pytest.mark.parametrize("stage", STAGES)
def test_what_concerns_all_clips_ends_the_run(parser, clips, tmp_path, monkeypatch, stage, error):
    failing_at(monkeypatch, stage, error)
    with pytest.raises(type(error)) as raised:
        parse_clips(parser, [clips], out=tmp_path, figures=DRAWN, progress=False)
    assert raised.value is error


def test_an_error_of_a_clip_keeps_its_words(parser, clips, tmp_path, monkeypatch):
    failing_at(monkeypatch, STAGES[0], ClipError("b: is odd"))
    assert parse_clips(parser, [clips], out=tmp_path, figures=DRAWN, progress=False).failed == {"b": "b: is odd"}
