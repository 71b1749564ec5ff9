"""Shards: clips in uncompressed tar archives, here and elsewhere, whole, cut off, and made to do harm."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from seehear.errors import ClipError, SeehearError
from seehear.media.clips import find_clips
from seehear.storage import remote
from seehear.storage.files import fetched, locate
from seehear.storage.shards import members
from storage.conftest import colours

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def pack(shard: Path, files: dict[str, bytes], kind: int = tarfile.PAX_FORMAT, **facts: object) -> Path:
    with tarfile.open(shard, "w", format=kind) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1234.5  # of half a second: a header of its own in POSIX's format
            for fact, value in facts.items():
                setattr(member, fact, value)
            archive.addfile(member, io.BytesIO(data))
    return shard


@pytest.fixture
def shard(tmp_path, clips) -> Path:
    files = {f"{file.name}": file.read_bytes() for file in sorted(clips.iterdir())}
    return pack(
        tmp_path / "shard-000.tar",
        {name: data for one in files for name, data in ((f"{one[:-4]}.json", b"{}"), (one, files[one]))},
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_members_are_those_that_were_packed(tmp_path, kind):
    rng = np.random.default_rng(0)
    long = "x" * 150 + "/" + "y" * 120 if kind != "ustar" else "x" * 90
    files = {f"{n:03}.mp4": rng.bytes(size) for n, size in enumerate((0, 1, 511, 512, 513, 200_000))}
    files |= {"a/b/é.mp4": b"12", f"{long}.wav": b"345", "./c.mkv": b"6"}
    found = members(str(pack(tmp_path / "s.tar", files, FORMATS[kind])))
    assert found.fault == ""
    assert {file.member: file.read(0, file.size) for file in found.files} == files
    for file in found.files:
        with fetched(file) as copy:
            assert copy.read_bytes() == files[file.member]


def test_clips_of_shards_are_those_of_their_files(shard, clips, tmp_path):
    found = find_clips(str(tmp_path / "*.tar"))
    assert {name: str(file) for name, file in found.items()} == {f"clip{n}": f"{shard}/clip{n}.mp4" for n in range(3)}
    here = sh.extract(clips, [colours], store=tmp_path / "here", progress=False)
    there = sh.extract(shard, [colours], store=tmp_path / "there", progress=False)
    for clip in ("clip0", "clip1", "clip2"):
        np.testing.assert_array_equal(here[clip]["colours"], there[clip]["colours"])
    assert sh.extract(shard, [colours], store=tmp_path / "there", progress=False).unchanged == 3
    assert sh.extract(clips, [colours], store=tmp_path / "there", progress=False).unchanged == 3  # the same content
    assert locate(f"{shard}/clip1.mp4") == found["clip1"]
    with pytest.raises(ClipError, match=r"holds no member 'none\.mp4'"):
        locate(f"{shard}/none.mp4")
    member = sh.extract(f"{shard}/clip1.mp4#t=1,2", [colours], progress=False)
    file = sh.extract(f"{clips}/clip1.mp4#t=1,2", [colours], progress=False)
    assert list(member) == ["clip1_1_2"]
    np.testing.assert_array_equal(member["clip1_1_2"]["colours"], file["colours"])
    with pytest.raises(SeehearError, match="is a folder or a shard"):
        find_clips(f"{shard}#t=1,2")


def test_of_a_shard_elsewhere_only_parts_are_read(shard, clips, upload, s3, tmp_path, monkeypatch):
    big = {"first.mp4": bytes(3_000_000), "clip1.mp4": (clips / "clip1.mp4").read_bytes(), "last.bin": bytes(3_000_000)}
    upload(pack(tmp_path / "big.tar", big))
    read, parts = remote.RemotePlace.read, []

    def counted(place, name, start=0, stop=None):
        data = read(place, name, start, stop)
        parts.append(len(data))
        return data

    monkeypatch.setattr(remote.RemotePlace, "read", counted)
    found = find_clips(f"{s3}/*.tar")
    assert set(found) == {"first", "clip1"}
    with fetched(found["clip1"]) as file:
        assert file.read_bytes() == big["clip1.mp4"]
    assert sum(parts) < 500_000
    parts.clear()
    assert find_clips(f"{s3}/big.tar") == found
    assert parts == []  # its headers are known
    upload(shard, "big.tar")
    with (
        pytest.raises(ClipError, match=r"big\.tar/first\.mp4: (has changed since it was found|it broke off)"),
        fetched(found["first"]),
    ):
        pass
    assert set(find_clips(f"{s3}/big.tar")) == {"clip0", "clip1", "clip2"}


@pytest.mark.parametrize("cut", [100, 600, 5_000, -600, -1024])
def test_what_is_whole_of_a_shard_that_was_cut_off_is_used(shard, tmp_path, cut):
    data = shard.read_bytes()
    ends = [file.start + file.size for file in members(str(shard)).files if file.member.endswith(".mp4")]
    length = cut if cut > 0 else len(data.rstrip(b"\0")) + cut
    (tmp_path / "cut.tar").write_bytes(data[:length])
    found = find_clips([tmp_path / "cut.tar"])
    assert len(found) == sum(end <= length for end in ends)
    (problem,) = found.unusable.values()
    assert problem.startswith(f"{tmp_path / 'cut.tar'}: is damaged after")


def test_damage_in_the_middle_is_named(shard):
    data = bytearray(shard.read_bytes())
    at = members(str(shard)).files[3].start - 512
    data[at + 150] ^= 0xFF  # in the checksum of a header
    shard.write_bytes(data)
    found = find_clips(shard)
    assert set(found) == {"clip0"}
    assert "is damaged after 3 members" in found.problems[0]
    assert sh.extract(shard, [colours], progress=False).failed[str(shard)]


@pytest.mark.parametrize(
    ("name", "facts", "message"),
    [
        ("../a.mp4", {}, "would lead out of it"),
        ("/a.mp4", {}, "would lead out of it"),
        ("a/../../a.mp4", {}, "would lead out of it"),
        ("a\nb.mp4", {}, "would lead out of it"),
        ("a.mp4", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a link or a special file"),
        ("a.mp4", {"type": tarfile.LNKTYPE, "linkname": "clip.mp4"}, "is a link or a special file"),
        ("a.mp4", {"type": tarfile.CHRTYPE}, "is a link or a special file"),
        ("a.mp4", {"type": tarfile.FIFOTYPE}, "is a link or a special file"),
        ("a.mp4", {"pax_headers": {"GNU.sparse.major": "1"}}, "is a link or a special file"),
        ("a.mp4", {"pax_headers": {"size": "-512"}}, "a size of '-512'"),
    ],
)
def test_shards_with_members_that_lead_elsewhere_are_refused(tmp_path, name, facts, message):
    shard = pack(tmp_path / "evil.tar", {"good.mp4": b"1"})
    with tarfile.open(shard, "a", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        for fact, value in facts.items():
            setattr(member, fact, value)
        archive.addfile(member)
    found = find_clips(shard)
    assert set(found) == ({"good"} if "size" in message else set())
    assert message in found.unusable[str(shard)]
    index = tmp_path / "cache" / "shards"  # the names of its files are hashes
    assert not [file for file in tmp_path.rglob("a*") if file.is_file() and file.parent != index]


def test_what_is_no_plain_tar_archive(tmp_path):
    files = {"a.mp4": b"1"}
    pack(tmp_path / "plain.tar", files)
    cases = [("is no tar archive", b"no tar" * 500), ("is damaged after 0 members", b"")]
    for mode in ("w:gz", "w:xz", "w:bz2"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=mode) as archive:
            archive.add(tmp_path / "plain.tar", "a.mp4")
        cases.append(("is compressed", packed.getvalue()))
    for message, data in cases:
        (tmp_path / "s.tar").write_bytes(data)
        assert message in find_clips(tmp_path / "s.tar").unusable[str(tmp_path / "s.tar")]
    pack(tmp_path / "none.tar", {"a.json": b"{}"})
    assert "no media files in this shard" in find_clips(tmp_path / "none.tar").problems[0]
    with pytest.raises(SeehearError, match="can't be read"):
        members(str(tmp_path / "absent.tar"))


def test_two_members_of_one_name(tmp_path):
    pack(tmp_path / "s.tar", {"a.mp4": b"1"})
    with tarfile.open(tmp_path / "s.tar", "a") as archive:
        archive.addfile(tarfile.TarInfo("a.mp4"))
    assert "two members are called 'a.mp4'" in find_clips(tmp_path / "s.tar").problems[0]
    pack(tmp_path / "t.tar", {"x/a.mp4": b"1", "y/a.mp4": b"2"})
    with pytest.raises(SeehearError, match=r"t\.tar/y/a\.mp4 and .*t\.tar/x/a\.mp4 would be one clip"):
        find_clips(tmp_path / "t.tar")


def test_random_bytes_are_no_fault_of_ours(tmp_path, shard):
    rng, data = np.random.default_rng(0), shard.read_bytes()
    for n in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, min(len(data), 6000), 8):
            damaged[at] = rng.integers(256)
        (tmp_path / f"s{n}.tar").write_bytes(damaged)
        find_clips(tmp_path / f"s{n}.tar")
