"""Two files whose clips have one name: whichever way they come, neither replaces what was written of the other."""

import json
import os
import re
import shutil

import pytest

import commands
from make_media import movie
from parsing.conftest import dataset
from seehear.errors import ClipError, SeehearError
from seehear.evaluation.parsers import evaluate
from seehear.features.extraction import extract
from seehear.labelling import Session, of_parsed
from seehear.labels.check import check
from seehear.parsing.batch import parse_clips
from seehear.parsing.folder import ParsedFiles, read, read_folder
from seehear.parsing.parser import load

PART = "#t=0,2"


@pytest.fixture(scope="module")
def parser(place):
    return load(place.run / "seed-3", device="cpu", trust_code=True)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Films of two folders with one name, of other content; and one that is called as a part of them is."""
    folder = tmp_path_factory.mktemp("films")
    for name, seconds in (("a/x", 3), ("b/x", 4), ("c/x_0_2", 3)):
        (folder / name).parent.mkdir()
        movie(folder / f"{name}.mkv", seconds, sound_codec="flac")
    return folder


def pairs(films):
    """Two files of one name, two parts of such files, and a part and a file that is called like it."""
    one, other, third = films / "a/x.mkv", films / "b/x.mkv", films / "c/x_0_2.mkv"
    return [(one, other), (f"{one}{PART}", f"{other}{PART}"), (f"{one}{PART}", third), (third, f"{one}{PART}")]


def both(one, other):
    """A message that names both files, in either order."""
    return f"(?s)(?=.*{re.escape(str(one))}).*{re.escape(str(other))}"


@pytest.mark.parametrize("n", range(4))
def test_one_call_refuses_both_before_it_begins(place, parser, films, tmp_path, n):
    pair, out = pairs(films)[n], tmp_path / "out"
    labels = place.folder / "labels.csv"
    ways = [
        lambda: parse_clips(parser, pair, out=out, progress=False),
        lambda: parse_clips(parser, pair, progress=False),
        lambda: extract(pair, place.networks[0], store=out, progress=False),
        lambda: extract(pair, place.networks[0], progress=False),
        lambda: Session(out, pair),
        lambda: commands.parse(place.run / "seed-3", pair, out=out, trust_code=True, device="cpu"),
        lambda: evaluate(parser, dataset(place), clips=pair, out=out),
        lambda: check([labels], clips=pair),
    ]
    for way in ways:
        with pytest.raises(SeehearError, match=both(*pair)):
            way()
        assert not out.exists()


@pytest.mark.parametrize("n", range(4))
def test_a_later_call_keeps_what_an_earlier_one_wrote(parser, films, tmp_path, n):
    (one, other), out = pairs(films)[n], tmp_path / "out"
    assert not parse_clips(parser, [one], out=out, progress=False).failed
    before = {file: file.read_bytes() for file in out.rglob("*.*") if file.is_file()}
    again = parse_clips(parser, [other], out=out, progress=False)
    (why,) = again.failed.values()
    assert re.match(both(one, other), why), why
    assert again.exit_code == 1
    assert {file: file.read_bytes() for file in out.rglob("*.*") if file.is_file()} == before
    assert parse_clips(parser, [one], out=out, progress=False).unchanged == 1


@pytest.mark.parametrize("n", range(4))
def test_a_clip_is_saved_beside_no_other_of_its_name(parser, films, tmp_path, n):
    one, other = pairs(films)[n]
    parser.parse(one).save(tmp_path / "out")
    page = parser.parse(one).save(tmp_path / "out")
    before = page.read_bytes()
    with pytest.raises(ClipError, match=both(one, other)):
        parser.parse(other).save(tmp_path / "out")
    assert page.read_bytes() == before


def test_a_file_that_was_moved_copied_linked_or_changed_is_no_other(parser, films, tmp_path):
    out = tmp_path / "out"

    def parsed(file):
        result = parse_clips(parser, [file], out=out, progress=False)
        assert not result.failed
        return read(out / "x.json").file

    here, there, link = (tmp_path / name / "x.mkv" for name in ("here", "there", "link"))
    for each in (here, there, link):
        each.parent.mkdir()
    shutil.copy(films / "a/x.mkv", here)
    assert parsed(here) == str(here)
    shutil.copy(here, there)
    assert parsed(there) == str(there)  # the same content
    link.symlink_to(here)
    assert parsed(link) == str(link)
    link.unlink()
    there.unlink()
    os.replace(here, there)
    assert parsed(there) == str(there)  # the one of before is gone
    shutil.copy(films / "b/x.mkv", there)
    assert parsed(there) == str(there)
    assert read(out / "x.json").duration == pytest.approx(4, abs=0.1)


def test_suggestions_are_of_the_file_itself(parser, films, tmp_path):
    parse_clips(parser, [films / "a/x.mkv"], out=tmp_path / "parsed", progress=False)
    suggester = of_parsed(tmp_path / "parsed")
    suggester.uncertainty(films / "a/x.mkv")
    with pytest.raises(ClipError, match=both(films / "a/x.mkv", films / "b/x.mkv")):
        suggester.uncertainty(films / "b/x.mkv")


def test_a_store_says_that_features_are_of_another_file(place, films, tmp_path):
    first, second = (
        extract(films / name, place.networks[0], store=tmp_path / "store", progress=False)
        for name in ("a/x.mkv", "b/x.mkv")
    )
    assert not first.notes
    assert any("for example x, were made from a file of other content" in note for note in second.notes)


def test_a_copied_parse_does_not_count_twice(parser, films, tmp_path):
    result = parse_clips(parser, [films / "a/x.mkv"], out=tmp_path, progress=False)
    assert isinstance(result.clips, ParsedFiles)
    shutil.copy(tmp_path / "x.json", tmp_path / "x copy.json")
    clips, damaged = read_folder(tmp_path)
    assert [each.clip for each in clips] == ["x"]
    assert len(damaged) == 1
    assert "x copy.json: holds the clip 'x'" in damaged[0]
    assert json.loads((tmp_path / "x copy.json").read_text())["clip"] == "x"
