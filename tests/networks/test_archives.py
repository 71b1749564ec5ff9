"""Archives and arrays that someone made to write elsewhere, or to take all the memory."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.networks import archives
from seehear.networks.archives import ArchiveError, open_member, read_npz, unpack
from seehear.networks.openl3 import build_image, read_keras
from seehear.networks.weights import LocalFile, WeightFile

NAMES = [
    "../out", "a/../../out", "/out", "//out", "..", "a/..", "C:/out", "C:out", "a\\..\\..\\out", "..\\out", "a\nb",
    "a\x1bb", "./../out", "a/b/../../../out",
]  # fmt: skip


def pack(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members of one name
        for name, content in members:
            archive.writestr(name, content)
    return path


def linked(name: str, mode: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (mode | 0o777) << 16
    return member


def declared(path: Path, size: int) -> Path:
    """The archive, in which the first member is declared to be of this size."""
    data = bytearray(path.read_bytes())
    for start, place in ((data.index(b"PK\3\4"), 22), (data.index(b"PK\1\2"), 24)):
        data[start + place : start + place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    return path


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_an_archive_is_unpacked(tmp_path):
    archive = pack(tmp_path / "a.zip", ("a/b.txt", b"b"), ("c.txt", b"c"), ("..d/e..f", b"d"))
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "a" / "b.txt").read_bytes() == b"b"
    assert tree(tmp_path / "out") == {"a", "a/b.txt", "c.txt", "..d", "..d/e..f"}
    with open_member(archive, "c.txt") as stream:
        assert stream.read() == b"c"


@pytest.mark.parametrize("name", NAMES)
def test_no_member_is_written_outside(tmp_path, name):
    archive = pack(tmp_path / "a.zip", ("good.txt", b"good"), (name, b"evil"))
    before = tree(tmp_path)
    with pytest.raises(ArchiveError, match="would be written outside"):
        unpack(archive, tmp_path / "in" / "out")
    assert tree(tmp_path) == before


@given(st.lists(st.sampled_from(["..", ".", "/", "\\", "a", "b", ":", " ", "\n"]), min_size=1, max_size=6))
def test_no_member_is_written_outside_by_chance(tmp_path_factory, pieces):
    top = tmp_path_factory.mktemp("chance")
    archive = pack(top / "a.zip", ("".join(pieces), b"evil"))
    folder = top / "in" / "deep" / "out"
    folder.mkdir(parents=True)
    try:
        unpack(archive, folder)
    except ArchiveError:
        assert tree(folder) == set()
    assert {path for path in tree(top) if not path.startswith("in/deep/out/")} == {
        "a.zip",
        "in",
        "in/deep",
        "in/deep/out",
    }


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(tmp_path, mode):
    archive = pack(tmp_path / "a.zip", (linked("way", mode), b"/etc"), ("way/passwd", b"evil"))
    with pytest.raises(ArchiveError, match="'way' in the archive is a link or a special file"):
        unpack(archive, tmp_path / "out")
    with pytest.raises(ArchiveError, match="is a link"), open_member(archive, "way"):
        pass


def test_members_of_one_name_are_refused(tmp_path):
    archive = pack(tmp_path / "a.zip", ("w.bin", b"one"), ("w.bin", b"two"))
    with (
        pytest.raises(ArchiveError, match=r"2 members of the archive are called 'w\.bin'"),
        open_member(archive, "w.bin"),
    ):
        pass
    with pytest.raises(ArchiveError, match="2 members"):  # on some systems they are one file
        unpack(pack(tmp_path / "b.zip", ("w.bin", b"one"), ("W.BIN", b"two")), tmp_path / "out")


def test_bombs_are_refused_before_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 100_000)
    archive = pack(tmp_path / "a.zip", *((f"{n}.bin", bytes(60_000)) for n in range(2)))
    with pytest.raises(ArchiveError, match="would unpack to 120000 bytes, more than 100000"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    archive = pack(tmp_path / "b.zip", ("w.bin", bytes(200_000)))
    with pytest.raises(ArchiveError, match="declared as 200000 bytes"), open_member(archive, "w.bin"):
        pass
    with pytest.raises(SeehearError, match="declared as 200000 bytes"):
        fetch_from(archive)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(ArchiveError, match="4 members, more than 3"):
        unpack(pack(tmp_path / "c.zip", *((str(n), b"") for n in range(4))), tmp_path / "out")


def fetch_from(archive: Path) -> None:
    """As an address of a member does, from the disk."""
    from seehear.networks import weights

    try:
        with open_member(archive, "w.bin") as stream:
            weights._keep(stream, WeightFile("w.bin", "00" * 32, (LocalFile("none"),)))
    except ArchiveError as error:
        raise SeehearError(str(error)) from None


def test_a_member_that_is_longer_than_declared_gives_no_more(tmp_path):
    archive = declared(pack(tmp_path / "a.zip", ("w.bin", bytes(1 << 20))), 10)
    got = bytearray()

    def copy() -> None:
        with open_member(archive, "w.bin") as stream:
            while byte := stream.read(1):
                got.extend(byte)

    with pytest.raises(ArchiveError):
        copy()
    assert len(got) <= 10


@pytest.mark.parametrize("cut", [0, 1, 10, 40, 80, -30, -1])
def test_damaged_archives_are_named_as_such(tmp_path, cut):
    archive = pack(tmp_path / "a.zip", ("w.bin", bytes(range(256)) * 4))
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(ArchiveError), open_member(archive, "w.bin") as stream:
        stream.read()


def npy(shape: tuple[int, ...], dtype: str = "<f4", data: bytes = b"") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


HEADERS = [
    npy((1 << 40,)), npy((1 << 32, 1 << 32)), npy((1 << 70,)), npy((10**12, 128)), npy((-1,)), npy((2,), "|O"),
    npy((4,), data=b"123"), b"", b"\x93NUMPY", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", b"\x93NUMPY\x09\x00",
    b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"(" * 9000,
    b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"-" * 8999 + b"1", b"\x80\x04K\x01.",
]  # fmt: skip


@pytest.mark.parametrize("content", HEADERS, ids=range(len(HEADERS)))
def test_arrays_that_declare_more_than_they_hold_are_refused(tmp_path, content):
    archive = pack(tmp_path / "a.npz", ("x.npy", content))
    with pytest.raises(ArchiveError, match="the array x"):
        read_npz(archive, ["x"])


def test_arrays_of_an_npz_file(tmp_path):
    values = {"x": np.arange(6.0).reshape(2, 3), "y": np.array(7, np.int32), "z": np.asfortranarray(np.eye(3))}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **values)
        found = read_npz(tmp_path / "a.npz", list(values))
        assert all(np.array_equal(found[name], values[name]) for name in values)
    with pytest.raises(ArchiveError, match=r"no item named 'w\.npy'"):
        read_npz(tmp_path / "a.npz", ["w"])


# HDF5, in which an array may lie in another file


def keras(path: Path, fill) -> Path:
    """A weight file of one layer, of whose array `fill(group, name)` makes what it likes."""
    h5py = pytest.importorskip("h5py", reason="seehear[openl3] is not installed")
    with h5py.File(path, "w") as file:
        layer = file.create_group("layer")
        file.attrs["layer_names"] = ["layer"]
        layer.attrs["weight_names"] = ["layer/kernel:0"]
        fill(layer, "layer/kernel:0")
    return path


def fills(secret: Path) -> dict[str, object]:
    import h5py

    def virtual(group, name):
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = h5py.VirtualSource(str(secret), "secret", shape=(4,))
        group.create_virtual_dataset(name, layout)

    def elsewhere(group, name):
        group.create_group("layer")
        group[name] = h5py.ExternalLink(str(secret), "secret")

    def soft(group, name):
        group.create_group("layer")
        group[name] = h5py.SoftLink("/layer")

    return {
        "external storage": lambda group, name: group.create_dataset(
            name, (4,), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        ),
        "virtual": virtual,
        "external link": elsewhere,
        "soft link": soft,
        "declared": lambda group, name: group.create_dataset(name, (1 << 40,), "f4", chunks=(1 << 10,)),
        "bomb": lambda group, name: group.create_dataset(name, (1 << 36,), "i1", compression="gzip", chunks=(1 << 20,)),
    }


@pytest.mark.parametrize("kind", ["external storage", "virtual", "external link", "soft link", "declared", "bomb"])
def test_arrays_in_other_files_are_not_read(tmp_path, kind):
    h5py = pytest.importorskip("h5py", reason="seehear[openl3] is not installed")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.full(4, 7.0, np.float32)
    path = keras(tmp_path / "w.h5", fills(secret)[kind])
    with pytest.raises(SeehearError, match=r"w\.h5: 'layer/kernel:0' is (a link|stored in another file|declared as)"):
        read_keras(path, build_image(), "openl3-image")
