"""Clips that are parts of files: how they are named, found, decoded into features, and known to be unchanged."""

from __future__ import annotations

import math
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from make_media import movie, number_of
from seehear.arguments import Shard
from seehear.datasets import get
from seehear.datasets.cutting import cut_clips
from seehear.datasets.videos import find_parts
from seehear.errors import ClipError, SeehearError
from seehear.evaluation import score_tables
from seehear.features.extraction import extract
from seehear.features.store import Store
from seehear.formats import import_annotations
from seehear.labels import DefectKind, check, read_dense, read_weak
from seehear.media.child import DECODER, open_clip
from seehear.media.clips import file_by_file, find_clips, with_parts
from seehear.media.stream_source import source_of
from seehear.storage.files import locate, part_of
from seehear.storage.parts import Part, split

FPS = 4


@sh.network(name="which", modality="visual", width=1, size=32)
def which(frames):
    """The numbers of the frames."""
    return np.array([[number_of(frame)] for frame in frames], dtype=np.float32)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Twelve seconds whose frames are numbered, four per second."""
    return movie(tmp_path_factory.mktemp("films") / "film.mp4", 12, fps=FPS)


@pytest.mark.parametrize(
    ("fragment", "start", "stop", "name"),
    [
        ("#t=3,5", 3, 5, "film_3_5"),
        ("#t=3", 3, math.inf, "film_3_end"),
        ("#t=,5", 0, 5, "film_0_5"),
        ("#t=0.5,1.25", 0.5, 1.25, "film_0.5_1.25"),
        ("#t=.5,1.", 0.5, 1, "film_0.5_1"),
        ("#t=npt:3,5", 3, 5, "film_3_5"),
        ("#t=0:03,0:00:05.5", 3, 5.5, "film_3_5.5"),
        ("#t=1:02:03,1:02:04", 3723, 3724, "film_3723_3724"),
        ("#t=3s,5s", 3, 5, "film_3_5"),
        ("#t=123456.789,1234567", 123456.789, 1234567, "film_123456.789_1234567"),
    ],
)
def test_a_part_is_named_by_its_file_and_its_seconds(fragment, start, stop, name):
    assert split(f"a/film.mp4{fragment}") == ("a/film.mp4", start, stop)
    part = locate(f"a/film.mp4{fragment}")
    assert isinstance(part, Part)
    assert (part.file, part.start, part.stop) == (Path("a/film.mp4"), start, stop)
    assert part.stem == name
    assert locate(str(part)) == part == pickle.loads(pickle.dumps(part))
    assert os.fspath(part) == str(part)


@pytest.mark.parametrize(
    "fragment", ["#t=", "#t=,", "#t=5,3", "#t=3,3", "#t=x", "#t=-1,3", "#t=1e3", "#t=nan", "#t=3,inf", "#t=1,2,3"]
)
def test_what_is_no_part_is_an_error(film, fragment):
    with pytest.raises(
        SeehearError, match=r"film\.mp4#t=.*: (ends .* it begins: )?a part is FILE#t=START,STOP in seconds"
    ):
        find_clips(f"{film}{fragment}")
    with pytest.raises(SeehearError):
        open_clip(f"{film}{fragment}")


def test_a_part_that_ends_before_it_begins(film):
    for fragment, fault in (("#t=20,10", "ends before it begins"), ("#t=3,3", "ends where it begins")):
        with pytest.raises(SeehearError, match=rf"film\.mp4{fragment}: {fault}: a part is FILE#t="):
            find_clips([film, f"{film}{fragment}"])


def test_a_part_in_python(film):
    part = Part(str(film), 1, 3)
    assert part == Part(film, 1.0, 3.0) == Part(file=film, start=np.int64(1), stop=np.float32(3))
    assert (part.name, part.stem, part.suffix) == ("film.mp4#t=1,3", "film_1_3", ".mp4")
    assert Part(film, 9, None) == Part(film, 9)
    assert open_clip(Part(str(film), 9, None)).duration == pytest.approx(3)
    assert replace(part, clip="own").stem == "own"
    assert pickle.loads(pickle.dumps(part)) == part
    for wrong in ((f"{film}#t=1,2",), (7,), (None,), ("",), (film, "1"), (film, None), (film, 1, "2"), (film, 1, 2, 3)):
        with pytest.raises(SeehearError):
            Part(*wrong)


def test_every_part_of_a_broken_file_says_which_it_is(film, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing at all")
    parts = [f"{broken}#t=1,2", f"{broken}#t=2,3", f"{broken}#t=3"]
    done = extract([film, *parts], which, fps=FPS, progress=False)
    for part, (message,) in zip(parts, done.failed.values(), strict=True):
        assert message.startswith(f"{part}: is not a media file")


def test_a_stream_has_no_parts(film):
    with pytest.raises(ClipError, match=r"film\.mp4#t=1,2: names a part of a file, and a stream has no parts"):
        source_of(f"{film}#t=1,2", 1.0)


def test_parts_of_one_file_are_taken_one_after_another(film, tmp_path, monkeypatch):
    """However they are given, each file is listed once; results are in the order in which parts were given."""
    from seehear.media.parts import _listed

    monkeypatch.setenv("SEEHEAR_ISOLATE", "0")
    _listed.cache_clear()
    films = [Path(shutil.copy(film, tmp_path / f"{n}.mp4")) for n in range(4)]
    parts = [f"{file}#t={n},{n + 1}" for n in range(3) for file in films]
    done = extract(parts, which, fps=FPS, progress=False)
    assert _listed.cache_info().misses == len(films)
    assert list(done) == list(find_clips(parts))
    found = file_by_file(find_clips(parts))
    assert [file.stem for file in found.values()] == [f"{f}_{n}_{n + 1}" for f in range(4) for n in range(3)]


def test_a_file_that_is_really_called_so_is_the_file(film, tmp_path):
    odd = tmp_path / "film.mp4#t=3,5"
    shutil.copy(film, odd)
    assert part_of(odd) is None
    assert dict(find_clips(odd)) == {"film": odd} or list(find_clips(odd).values()) == [odd]
    assert open_clip(str(odd)).duration == pytest.approx(12, abs=0.1)
    part = find_clips(f"{odd}#t=1,2")
    assert [str(file) for file in part.values()] == [f"{odd}#t=1,2"]


def test_parts_are_found_like_files(film, tmp_path, monkeypatch):
    monkeypatch.chdir(film.parent)
    found = find_clips(["film.mp4#t=1,3", Path("film.mp4#t=2,4"), "film.mp4", Part(film, 5, 6, clip="own_name")])
    assert list(found) == ["film_1_3", "film_2_4", "film", "own_name"]
    for n in range(2):
        shutil.copy(film, tmp_path / f"{n}.mp4")
    assert list(find_clips(f"{tmp_path}/*.mp4#t=0,5")) == ["0_0_5", "1_0_5"]
    assert list(find_clips([f"{film}#t=1,3", "film.mp4#t=1,3.0"])) == ["film_1_3"]
    with pytest.raises(SeehearError, match="would be one clip, 'film_1_3'"):
        find_clips([f"{film}#t=1,3", Part(film, 1, 4, clip="film_1_3")])
    with pytest.raises(SeehearError, match="is a folder or a shard"):
        find_clips(f"{tmp_path}#t=1,3")
    with pytest.raises(SeehearError, match=r"none\.mp4: no such file"):
        find_clips("none.mp4#t=1,3")


def test_features_of_a_part_are_those_of_the_whole_there(film):
    whole = extract(film, which, fps=FPS, progress=False)["which"]
    part = extract(f"{film}#t=3,7", which, fps=FPS, progress=False)
    assert part.duration == pytest.approx(4)
    np.testing.assert_array_equal(part["which"], whole[3:7])


def test_features_are_current_for_one_part_alone(film, tmp_path):
    file = shutil.copy(film, tmp_path / "film.mp4")

    def made(*parts: str | Part) -> int:
        return extract(parts, which, store=tmp_path / "store", fps=FPS, progress=False).made

    assert made(f"{file}#t=1,3", f"{file}#t=2,4") == 2
    assert made(f"{file}#t=1,3", f"{file}#t=2,4.0") == 0
    assert made(Part(file, 1, 3, clip="one")) == 1
    assert made(Part(file, 1, 3, clip="one")) == 0
    assert made(Part(file, 1, 3.5, clip="one")) == 1  # another part under the same name
    os.utime(file, (1, 1))
    assert made(f"{file}#t=1,3") == 0  # touched, with the same content
    assert made(file) == 1
    kept = Store(tmp_path / "store")
    np.testing.assert_array_equal(kept.read("which", "film_1_3"), kept.read("which", "film")[1:3])
    assert kept.origin("which", "film_1_3").source != kept.origin("which", "film_2_4").source


def test_a_part_that_the_file_does_not_hold(film, tmp_path):
    done = extract([f"{film}#t=5,15", f"{film}#t=20", f"{film}#t=5,12.4"], which, fps=FPS, progress=False)
    assert done.failed["film_5_15"] == [f"{film}#t=5,15: is 12.0 s long, but the part ends at second 15"]
    assert done.failed["film_20_end"] == [f"{film}#t=20: is 12.0 s long, but the part begins at second 20"]
    (note,) = done["film_5_12.4"].notes
    assert str(note) == "its file ends 0.4 s before the part does"
    assert not note.missing


def test_tables_name_parts_as_people_write_them(film, tmp_path):
    (tmp_path / "weak.csv").write_text("filename,event_labels\nfilm.mp4#t=1,3,Dog\n")
    (tmp_path / "weak.tsv").write_text("filename\tevent_labels\nfilm.mp4#t=1,3\tDog\nfilm.mp4\tDog\n")
    table = read_weak(tmp_path / "weak.tsv")
    assert table.clips == ("film_1_3", "film.mp4")
    (tmp_path / "dense.tsv").write_text("filename\tonset\toffset\tevent_labels\nfilm.mp4#t=1,3\t0\t1\tDog\n")
    assert [event.clip for event in read_dense(tmp_path / "dense.tsv").events] == ["film_1_3"]
    (tmp_path / "bad.tsv").write_text("filename\tevent_labels\nfilm.mp4#t=3,1\tDog\n")
    with pytest.raises(SeehearError, match=r"bad\.tsv:2: .*a part is FILE#t=START,STOP"):
        read_weak(tmp_path / "bad.tsv")


def test_lengths_of_parts_are_those_that_labels_are_checked_by(film, tmp_path):
    table = tmp_path / "audio.tsv"
    table.write_text("filename\tonset\toffset\tevent_labels\nfilm.mp4#t=1,3\t0\t4\tDog\n")
    (defect,) = check(table, clips=f"{film}#t=1,3").defects
    assert defect.kind is DefectKind.PAST_END
    assert check(table, clips=Part(film, 1, 5, clip="film_1_3")).exit_code == 0


def test_clips_of_a_data_set_are_parts_of_its_videos(film, tmp_path):
    ident = "a_b-c_d-e_f"
    folder = tmp_path / "videos" / "deeper"
    folder.mkdir(parents=True)
    shutil.copy(film, folder / f"{ident}_full_video.mp4")
    movie(folder / "0123456789a.mp4", 10, fps=FPS)
    names = [f"{ident}_1_3", f"{ident}_0.5_10.5", "0123456789a_30_40", f"{ident}_20_30", "nowhere_____1_2"]
    found = find_parts(get("llp"), names, tmp_path / "videos")
    assert [str(file)[len(str(folder)) + 1 :] for file in found.clips.values()] == [
        f"{ident}_full_video.mp4#t=1,3",
        f"{ident}_full_video.mp4#t=0.5,10.5",
        "0123456789a.mp4#t=0",  # as long as the clip: it is the clip
    ]
    assert list(find_clips(found.clips.values())) == names[:3]
    assert found.whole == 1
    assert found.failed[names[3]].endswith(f"is 12.0 s long, but {names[3]} begins at second 20")
    assert found.failed[names[4]] == f"{tmp_path / 'videos'}: holds no video of nowhere_____1_2"


@pytest.fixture
def too_late(tmp_path) -> Path:
    """A dense table with times of the whole file."""
    table = tmp_path / "audio.csv"
    table.write_text("filename\tonset\toffset\tevent_labels\nva0.mp4#t=10,20\t12\t18\tDog\n")
    return table


def test_a_table_says_how_long_its_parts_are(too_late, tmp_path):
    weak = tmp_path / "weak.csv"
    weak.write_text("filename\tevent_labels\nva0_10_20\tDog\n")
    message = "Dog ends at 18 s, after the end of its clip at 10 s; times are seconds from the start of va0_10_20, "
    (defect,) = check(too_late).defects
    assert (defect.kind, defect.line) == (DefectKind.PAST_END, 2)
    assert defect.message == f"{message}which is a part of its file"
    for call in (
        lambda: score_tables({"audio": too_late}, {"audio": too_late}, weak),
        lambda: import_annotations(too_late),
        lambda: sh.benchmark({"audio": too_late}, weak, truth={"audio": too_late}, metrics="segment-accuracy"),
    ):
        with pytest.raises(SeehearError, match=message):
            call()
    too_late.write_text(too_late.read_text().replace("12\t18", "2\t10.5"))  # rounded
    assert check(too_late).exit_code == 0
    weak.write_text("filename\tevent_labels\nva0.mp4#t=10,20\tDog\n")
    too_late.write_text(too_late.read_text().replace("va0.mp4#t=10,20\t2\t10.5", "va0_10_20\t12\t18"))
    assert DefectKind.PAST_END in {defect.kind for defect in check([weak, too_late]).defects}


@pytest.mark.parametrize("form", ["audacity", "webvtt", "elan", "edl", "label-studio", "csv"])
def test_an_import_that_lost_which_part_it_is(form, tmp_path):
    """A tool dropped what the export wrote of the part, and kept times of the whole file."""
    from formats.clips import clip, event, written

    (file, *_) = written(form, clip(event("Dog", "audio", 12, 18), name="va0_10_20", modalities=("audio",)), tmp_path)
    (note,) = import_annotations(file, modality="audio").notes
    assert "va0_10_20 lasts 10 s by its name, and 1 of its events end later, the first 'Dog' heard from 12 to 18 s" in (
        note
    )
    assert "put back what the export wrote of the part, such as #t=10,20, or subtract 10 s" in note
    (file, *_) = written(form, clip(event("Dog", "audio", 2, 10.4), name="va0_10_20", modalities=("audio",)), tmp_path)
    assert not import_annotations(file, modality="audio").notes


def test_wanted_clips_that_are_no_files_are_parts_of_files(film, tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("film", "a_1_2", "full_full_video", "other"):
        shutil.copy(film, folder / f"{name}.mp4")
    wanted = ["film_3_5", "film_3_end", "a_1_2", "a_1_2_0_1.5", "full_00_2", "none_1_2", "film_5_3", "film_x_5"]
    found = with_parts(find_clips(folder), wanted)
    assert {clip: str(file)[len(str(folder)) + 1 :] for clip, file in found.items()} == {
        "a_1_2": "a_1_2.mp4",
        "other": "other.mp4",
        "film_3_5": "film.mp4#t=3,5",
        "film_3_end": "film.mp4#t=3",
        "a_1_2_0_1.5": "a_1_2.mp4#t=0,1.5",
        "full_00_2": "full_full_video.mp4#t=0,2",
    }
    assert all(file.stem == clip for clip, file in found.items())
    assert list(with_parts(find_clips(film), ["film", "film_0_3"])) == ["film", "film_0_3"]
    assert list(with_parts(find_clips(f"{film}#t=0,9"), ["film_0_9_1_2"])) == ["film_0_9"]  # a part has no parts


def test_tables_of_parts_against_a_folder_of_full_videos(film, tmp_path):
    weak, audio = tmp_path / "train.csv", tmp_path / "audio.csv"
    weak.write_text("filename\tevent_labels\nfilm.mp4#t=1,3\tDog\nfilm_4_6\tDog\n")
    audio.write_text("filename\tonset\toffset\tevent_labels\nfilm_1_3\t0\t2\tDog\nfilm_4_6\t0\t2\tDog\n")
    assert not check([weak, audio], clips=film.parent).defects
    audio.write_text(audio.read_text() + "film_4_6\t3\t5\tCat\n")
    assert DefectKind.PAST_END in {defect.kind for defect in check([weak, audio], clips=film.parent).defects}


def test_parts_of_your_own_videos(film, tmp_path):
    """In a data set whose names say nothing of seconds, a name that is no file may be a part of one."""
    names = ["film_1_3", "film_2_end", "film", "film_9_20", "film_3_3", "none_1_2"]
    found = find_parts(get("folder"), names, film.parent)
    assert list(map(str, found.clips.values())) == [f"{film}#t=1,3", f"{film}#t=2", str(film)]
    assert list(find_clips(found.clips.values())) == names[:3]
    assert found.failed["film_9_20"] == f"{film}: is 12.0 s long, but film_9_20 ends at second 20"
    assert found.failed["film_3_3"].endswith(
        "; seconds 3 to 3 of film, which the name says, are empty: correct the name"
    )
    (why,) = find_parts(get("llp"), ["0123456789a_30_30"], film.parent).failed.values()
    assert "seconds 30 to 30 of 0123456789a, which the name says, are empty" in why
    assert found.failed["none_1_2"].endswith("none named none or none_full_video, of which it would be a part")
    cuts = cut_clips(get("folder"), names[:3], film.parent, tmp_path / "cut")
    assert [cuts.made, cuts.whole, cuts.failed] == [2, 1, {}]
    assert open_clip(tmp_path / "cut" / "film_1_3.mp4").duration == pytest.approx(2, abs=0.1)


def test_a_part_needs_no_more_than_its_own_frames(film, monkeypatch):
    """The packets of a file are listed once, however many of its parts are decoded one after the other."""
    from seehear.media.parts import _listed

    monkeypatch.setenv("SEEHEAR_ISOLATE", "0")
    _listed.cache_clear()
    for n in range(5):
        open_clip(f"{film}#t={n},{n + 2}")
    assert _listed.cache_info().misses == 1
    assert DECODER is not None


def test_shares_of_a_list_are_by_the_names_of_parts(film):
    parts = [f"{film}#t={n},{n + 1}" for n in range(8)]
    shares = [extract(parts, which, fps=FPS, shard=Shard(n, 2), progress=False) for n in (1, 2)]
    assert sorted([*shares[0], *shares[1]]) == sorted(find_clips(parts))


def test_an_unknown_part_is_a_clip_error(tmp_path):
    with pytest.raises(ClipError, match="no such file"):
        open_clip(tmp_path / "none.mp4#t=1,2")
