"""Which rows are not those of the newest revision."""

import hashlib

import pytest

from seehear import datasets
from seehear.datasets.revision import differing, known, parse, write
from seehear.errors import SeehearError

from .tables import LLP, TRAIN, VAL, needs_llp, write_tables


@pytest.fixture
def given(tmp_path):
    return datasets.annotations(datasets.get("llp"), write_tables(tmp_path / "tables"))


@pytest.fixture
def newest(given, tmp_path):
    write(given, tmp_path / "it.revision")
    return parse((tmp_path / "it.revision").read_bytes())


def test_the_hashes_are_of_clip_and_rows(newest):
    said = [f"{VAL[0]}\n0.000 10.000 Cat\n2.000 5.000 Dog", f"{VAL[1]}\n0.000 3.000 Dog"]
    assert newest["audio"] >= {hashlib.sha256(text.encode()).digest()[:4] for text in said}
    assert hashlib.sha256(f"{TRAIN[0]}\nCat\nDog".encode()).digest()[:4] in newest["train"]
    assert {name: len(hashes) for name, hashes in newest.items()} == {
        "train": 4, "val": 2, "test": 1, "audio": 3, "visual": 3,
    }  # fmt: skip


def test_the_same_meaning_is_the_same(given, newest):
    path = given.dense["audio"]
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *reversed(rows), rows[1].replace("\t2\t5", "\t2.0\t5.0")]) + "\n")
    weak = given.weak["train"]
    weak.write_text(weak.read_text().replace("Cat,Dog", "Dog, Cat,Dog"))
    assert differing(given, newest) == []


def test_other_rows_are_named(given, newest):
    path = given.dense["audio"]
    path.write_text(path.read_text().replace(f"{VAL[1]}\t0\t3", f"{VAL[1]}\t0\t4"))
    (found,) = differing(given, newest)
    assert (found.path, found.line, found.fatal) == (path, 4, False)
    assert VAL[1] in found.message


def test_strangers_and_what_is_lacking_are_told(given, newest):
    path = given.weak["train"]
    path.write_text("\n".join(path.read_text().splitlines()[:3]) + "\nstranger123_0_10\tCat\n")
    stranger, lacking = differing(given, newest)
    assert (stranger.line, "stranger123_0_10" in stranger.message) == (4, True)
    assert (lacking.line, lacking.message) == (0, "lacks at least 1 of the 4 clips of the newest revision")


def test_nothing_is_known_of_a_folder_of_ones_own():
    assert known(datasets.get("folder")) == {}


def test_a_table_that_cant_be_read(given, newest):
    given.dense["audio"].write_text("nothing\n")
    with pytest.raises(SeehearError, match=r"eval_audio\.csv: no row can be read"):
        differing(given, newest)


@needs_llp
def test_llp_in_its_newest_revision_and_an_older_one(tmp_path):
    spec = datasets.get("llp")
    assert differing(datasets.annotations(spec, LLP)) == []
    for table in datasets.annotations(spec, LLP).tables.values():
        (tmp_path / table.name).write_bytes(table.read_bytes())
    older = tmp_path / "AVVP_eval_audio.csv"
    lines = older.read_text().splitlines()
    edited = {100, 700, 2000}  # in the file, from 1
    for line in edited:
        clip, onset, offset, label = lines[line - 1].split("\t")
        lines[line - 1] = "\t".join([clip, onset, str(float(offset) + 0.5), label])
    older.write_text("\n".join(lines) + "\n")
    found = differing(datasets.annotations(spec, tmp_path))
    assert {defect.path for defect in found} == {older}
    assert [defect.message.split()[0] for defect in found] == [
        lines[line - 1].split("\t")[0] for line in sorted(edited)
    ]


@needs_llp
def test_the_file_that_comes_along_can_be_made_again(tmp_path):
    from importlib import resources

    write(datasets.annotations(datasets.get("llp"), LLP), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (resources.files("seehear.datasets") / "llp.revision").read_bytes()
