"""What every place of files promises, whether it is on this machine, in memory, or behind a real S3 interface."""

from __future__ import annotations

import threading

import pytest

from seehear.errors import SeehearError
from seehear.storage import transfers
from seehear.storage.place import LocalPlace
from seehear.storage.remote import RemotePlace, place_of

CONTENT = bytes(range(256)) * 40


def test_what_is_written_is_read(folder):
    place = place_of(folder)
    assert str(place) == str(folder)
    place.write("yamnet/ab/clip é.bin", CONTENT)
    assert place.read("yamnet/ab/clip é.bin") == CONTENT
    assert place.fetch("yamnet/ab/clip é.bin").read_bytes() == CONTENT
    place.write("yamnet/ab/clip é.bin", b"other")
    assert place.read("yamnet/ab/clip é.bin") == b"other"
    assert place.fetch("yamnet/ab/clip é.bin").read_bytes() == b"other"
    place.write("empty", b"")
    assert place.read("empty") == place.read("empty", 0, 5) == b""


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 10), (5, 5), (100, 200), (10_000, None), (0, None), (10_230, 99_999), (20_000, 20_010)]
)
def test_parts_are_those_of_the_content(folder, start, stop):
    place = place_of(folder)
    place.write("file", CONTENT)
    assert place.read("file", start, stop) == CONTENT[start:stop]


def test_names_are_those_directly_in_a_folder(folder):
    place = place_of(folder)
    assert place.names() == place.names("none") == []
    for name in ("b", "a", ".hidden", "sub/c", "sub/deep/d", "sub.txt"):
        place.write(name, b"1")
    assert place.names() == ["a", "b", "sub", "sub.txt"]
    assert place.names("sub") == ["c", "deep"]
    assert [place.exists(name) for name in ("a", "sub/c", "none", "sub/none")] == [True, True, False, False]


def test_what_is_absent(folder):
    place = place_of(folder)
    for absent in (lambda: place.read("none"), lambda: place.read("none", 3, 9)):
        with pytest.raises(FileNotFoundError):
            absent()
    place.write("file", b"1")
    place.remove("file")
    place.remove("file")
    assert not place.exists("file")
    assert place.names() == []


def test_what_is_created_stays(folder):
    place = place_of(folder)
    place.create("store.json", b"first")
    place.create("store.json", b"second")
    assert place.read("store.json") == b"first"


def test_of_several_that_create_one_succeeds(folder):
    place = place_of(folder)
    ready = threading.Barrier(6)

    def create(n: int) -> None:
        ready.wait()
        place.create("store.json", b"%d" % n)
        seen.append(place.read("store.json"))

    seen: list[bytes] = []
    writers = [threading.Thread(target=create, args=(n,)) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_a_server_refuses_to_overwrite_what_was_created_since_it_was_asked(s3, monkeypatch):
    place = RemotePlace(f"{s3}/folder")
    place.write("store.json", b"first")
    monkeypatch.setattr(place, "exists", lambda name: False)
    place.create("store.json", b"second")
    assert place.read("store.json") == b"first"


def test_a_bucket_that_does_not_exist(s3):
    place = place_of(f"{s3}-none/folder")
    for use in (place.names, lambda: place.read("a"), lambda: place.write("a", b"")):
        with pytest.raises(SeehearError, match=f"{s3}-none/folder.*no such bucket"):
            use()


def test_web_servers_only_give_files(web):
    web.files["/a"] = CONTENT
    place = place_of(web.address)
    assert place.read("a") == CONTENT
    assert place.read("a", 10, 20) == CONTENT[10:20]
    assert place.exists("a")
    assert not place.exists("b")
    for use in (place.names, lambda: place.write("b", b""), lambda: place.create("b", b""), lambda: place.remove("a")):
        with pytest.raises(SeehearError, match="web servers only give single files"):
            use()
    web.ranges = False
    with pytest.raises(SeehearError, match="doesn't send parts of files"):
        place.read("a", 10, 20)


def test_which_addresses_are_known(tmp_path, monkeypatch):
    assert isinstance(place_of(tmp_path), LocalPlace)
    assert isinstance(place_of(str(tmp_path)), LocalPlace)
    with pytest.raises(SeehearError, match=r"ftp://host/a: addresses begin with s3://, gs://, https://, http://"):
        place_of("ftp://host/a")
    monkeypatch.setattr(transfers.importlib.util, "find_spec", lambda name: None if name == "gcsfs" else name)
    with pytest.raises(SeehearError, match=r"gs://bucket/a: .* pip install 'seehear\[gs\]'"):
        place_of("gs://bucket/a")
    for address in ("s3:///key", "https://?a", "s3://bucket/a\nb"):
        with pytest.raises(SeehearError, match="names no bucket or server, or has control"):
            place_of(address)
