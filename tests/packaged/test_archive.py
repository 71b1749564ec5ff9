"""Package files: whole, damaged, of another format, and made to do harm."""

import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.packaged import archive


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "model.seehear"
    (path.parent / "weights.bin").write_bytes(bytes(range(256)))
    members = {archive.FACTS: b'{"a": 1}', archive.member_of("net", "w.bin"): path.parent / "weights.bin"}
    archive.write(path, members)
    return path


def test_what_was_written_is_read(package, tmp_path):
    assert len(archive.check(package)) == 64
    assert archive.read(package, archive.FACTS, 100) == b'{"a": 1}'
    files = archive.unpacked(package, tmp_path)
    assert {name: [*of] for name, of in files.items()} == {"net": ["w.bin"]}
    assert files["net"]["w.bin"].read_bytes() == bytes(range(256))


def test_any_zip_program_reads_it(package):
    with zipfile.ZipFile(package) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["package.json", "networks/net/w.bin"]


def test_the_same_content_gives_the_same_file(package, tmp_path):
    again = tmp_path / "again.seehear"
    members = {archive.FACTS: b'{"a": 1}', archive.member_of("net", "w.bin"): package.parent / "weights.bin"}
    archive.write(again, members)
    assert again.read_bytes() == package.read_bytes()


@given(data=st.data())
def test_every_changed_byte_is_noticed(package, tmp_path_factory, data):
    content = bytearray(package.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    changed = tmp_path_factory.getbasetemp() / "changed.seehear"
    changed.write_bytes(content)
    with pytest.raises(SeehearError, match=r"changed\.seehear: (is damaged|is no package|a package of format)"):
        archive.check(changed)


@pytest.mark.parametrize("length", [0, 1, 64, 90, 128, 300, -1])
def test_a_file_that_was_cut_off_is_noticed(package, tmp_path, length):
    cut = tmp_path / "cut.seehear"
    cut.write_bytes(package.read_bytes()[:length])
    with pytest.raises(SeehearError, match=r"cut\.seehear: is no package .* or was cut off; copy it again"):
        archive.check(cut)


def test_another_format_says_so(package, tmp_path):
    later = tmp_path / "later.seehear"
    later.write_bytes(package.read_bytes().replace(b"seehear package 1 ", b"seehear package 7 "))
    with pytest.raises(SeehearError, match="a package of format 7, but this version of seehear reads format 1"):
        archive.check(later)


def test_no_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(SeehearError, match="there is no such file"):
        archive.check(tmp_path / "none.seehear")
    assert archive.is_package("none.seehear")
    (tmp_path / "folder.seehear").mkdir()
    assert not archive.is_package(tmp_path / "folder.seehear")


def test_a_renamed_package_is_known_by_its_end_and_media_are_not_opened(package, tmp_path):
    for name, known in (("model.bin", True), ("model", True), ("clip.mp4", False), ("clip.WAV", False)):
        renamed = tmp_path / name
        renamed.write_bytes(package.read_bytes())
        assert archive.is_package(renamed) == archive.is_package(str(renamed)) == known
    (tmp_path / "other.bin").write_bytes(package.read_bytes() + b"\n")
    assert not archive.is_package(tmp_path / "other.bin")


def test_members_lead_nowhere_else(tmp_path):
    evil = tmp_path / "evil.seehear"
    archive.write(evil, {"../outside": b"x"})
    archive.check(evil)  # its hash is right: anyone can compute one
    with pytest.raises(SeehearError, match=r"evil\.seehear: '\.\./outside' in the archive would be written outside"):
        archive.unpacked(evil, tmp_path / "in")
    assert not (tmp_path / "outside").exists()


def test_a_member_that_is_too_large_is_not_read(package):
    with pytest.raises(SeehearError, match=r"package\.json has more than 3 bytes"):
        archive.read(package, archive.FACTS, 3)
