"""Clips elsewhere are listed, extracted and parsed as those of this machine are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from seehear import arguments
from seehear.decoding import Decoding, Probabilities
from seehear.errors import ClipError, SeehearError
from seehear.features.extraction import Settings
from seehear.features.store import Origin, Store
from seehear.files import check_folder
from seehear.media.clips import find_clips, find_local_clips
from seehear.networks import load as load_network
from seehear.parsing.base import BaseParser
from seehear.parsing.folder import read
from seehear.parsing.reading import FileReader
from seehear.storage import transfers
from seehear.storage.files import RemoteFile, fetched, locate
from seehear.storage.remote import place_of
from storage.conftest import ACCOUNT, SECRET, colours

QUERY = f"?X-Amz-Signature={SECRET}&X-Amz-Credential={ACCOUNT}"


def put(address: str, data: bytes = b"x") -> str:
    transfers.system(address).pipe_file(address.removeprefix("s3://"), data)
    return address


OWN = """
from seehear.networks import network


@network(name="colours", modality="visual", width=3, size=16)
def SPEC(frames):
    return frames.mean(axis=(1, 2)) / 255
"""


class Brightness(BaseParser):
    """A parser that nobody trained: a class is seen in a segment by the brightness of its frames."""

    classes, collocation, segment, identity = ("Bright",), {"visual": ["colours"]}, 1.0, "brightness"
    decoding = Decoding(filter="none")
    reader = FileReader([(colours, load_network(colours))], Settings(2, 1.0))

    def _features(self, dataset):
        return dataset

    def _predict(self, packs):
        (pack,) = packs["visual"]
        segment = np.asarray(pack.rows).mean(axis=1)[None, :, None, None].astype(np.float32)  # (1, T, 1, 1)
        return Probabilities.of_segments(segment)


@pytest.fixture
def parser():
    return Brightness()


# What is found


def test_a_folder_a_file_and_a_pattern(s3):
    for name in ("a/one.mp4", "a/b/two.wav", "a/.hidden.mp4", "a/notes.txt", "a/x.zzz", "ab/three.mp4", "a/one.gif"):
        put(f"{s3}/{name}")
    found = find_clips(f"{s3}/a")
    assert {name: str(file) for name, file in found.items()} == {"two": f"{s3}/a/b/two.wav", "one": f"{s3}/a/one.mp4"}
    assert found.notes == [
        f"{s3}/a: passed over 1 files that have no media suffix: 1 .zzz. Name a file itself to use it"
    ]
    assert find_clips(f"{s3}/a/") == found
    assert set(find_clips(s3)) == {"one", "two", "three"}
    assert set(find_clips(f"{s3}/a/x.zzz")) == {"x"}
    assert set(find_clips([f"{s3}/**/*.mp4"])) == {"one", "three"}
    assert set(find_clips(f"{s3}/a*/t*")) == {"three"}
    assert all(isinstance(file, RemoteFile) for file in found.values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "no such file or folder"),
        ("none/", "no such file or folder"),
        ("*.nix", "no file is named like this"),
        ("tables", r"no media files in this folder, such as \.mp4"),
    ],
)
def test_what_is_not_there(s3, name, message):
    put(f"{s3}/tables/a.csv")
    with pytest.raises(SeehearError, match=f"{s3}/{name.replace('*', '.')}: {message}"):
        find_clips(f"{s3}/{name}")
    with pytest.raises(SeehearError, match="no such bucket"):
        find_clips(f"{s3}-none/a")


def test_clips_of_one_name_elsewhere(s3):
    for name in ("a/clip.mp4", "b/clip.mp4", "c/Clip.mp4"):
        put(f"{s3}/{name}")
    with pytest.raises(SeehearError, match=rf"{s3}/b/clip.mp4 and {s3}/a/clip.mp4 would be one clip, 'clip'"):
        find_clips([f"{s3}/a", f"{s3}/b"])
    assert set(find_clips([f"{s3}/a", f"{s3}/a/clip.mp4"])) == {"clip"}
    (note,) = find_clips([f"{s3}/a", f"{s3}/c"]).notes
    assert "differ in the case" in note


def test_web_servers_list_nothing(web):
    web.files |= {"/a%20b.mp4": b"1", "/deep/c.mp4": b"2"}
    assert set(find_clips([f"{web.address}/a%20b.mp4{QUERY}", f"{web.address}/deep/c.mp4"])) == {"a b", "c"}
    for name in ("deep/", "*.mp4"):
        with pytest.raises(SeehearError, match="web servers list no folders, and know no patterns"):
            find_clips(f"{web.address}/{name}")
    with pytest.raises(SeehearError, match=r"none\.mp4: no such file"):
        find_clips(f"{web.address}/none.mp4")
    web.hides = True  # addresses that are signed to GET alone
    assert set(find_clips(f"{web.address}/deep/c.mp4")) == {"c"}


@pytest.fixture
def failing_s3(s3, web, monkeypatch):
    """A server in the place of S3 that answers as the test says."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", web.address)
    transfers._system.cache_clear()
    yield web
    transfers._system.cache_clear()


def test_a_bucket_without_rights(failing_s3):
    failing_s3.faults = {"/bucket/a.mp4": [403] * 9, "/bucket": [403] * 9, "/bucket/b": [403] * 9}
    cases = {
        "the right to read a.mp4 of the bucket bucket is missing": lambda: find_clips("s3://bucket/a.mp4"),
        "the right to list clips/ of the bucket bucket is missing": lambda: find_clips("s3://bucket/clips/"),
        "the right to write b of the bucket bucket is missing": lambda: place_of("s3://bucket").write("b", b"1"),
    }
    for message, use in cases.items():
        with pytest.raises(
            SeehearError, match=rf"s3://bucket/.*: {message} \(the server answered 403.*AWS_ACCESS_KEY_ID"
        ):
            use()
    assert all(count == 1 for count in failing_s3.log.values())  # not repeated


def test_storage_that_is_busy(failing_s3, clips):
    failing_s3.files["/bucket/clip0.mp4"] = (clips / "clip0.mp4").read_bytes()
    failing_s3.faults["/bucket/clip0.mp4"] = [503] * 4
    with fetched(locate("s3://bucket/clip0.mp4")) as file:
        assert file.read_bytes() == failing_s3.files["/bucket/clip0.mp4"]
    failing_s3.files["/bucket/clip1.mp4"] = (clips / "clip1.mp4").read_bytes()
    failing_s3.faults["/bucket/clip1.mp4"] = ["cut", "cut"]
    with fetched(locate("s3://bucket/clip1.mp4")) as file:
        assert file.read_bytes() == failing_s3.files["/bucket/clip1.mp4"]


def test_credentials_that_are_wrong_or_absent(s3, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    transfers._system.cache_clear()
    try:
        with pytest.raises(SeehearError, match=r"the right to read .* is missing \(NoCredentials.*AWS_ACCESS_KEY_ID"):
            find_clips(f"{s3}/a.mp4")
    finally:
        transfers._system.cache_clear()


def test_only_clips_are_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeehearError, match="is elsewhere: copy it"):
        sh.labels.read_weak("s3://bucket/train.csv")
    with pytest.raises(SeehearError, match=r"s3://bucket/run: is an address: name a file or a folder of this machine"):
        arguments.paths(["s3://bucket/run"])
    with pytest.raises(SeehearError, match="s3:/bucket/out: is elsewhere: name a folder of this machine"):
        check_folder(Path("s3://bucket/out"))
    with pytest.raises(SeehearError, match="give it as a string where clips are meant"):
        find_clips(Path("s3://bucket/a.mp4"))
    assert not list(tmp_path.iterdir())


def test_what_needs_files_of_this_machine_says_so(s3):
    with pytest.raises(SeehearError, match=rf"{s3}/a\.mp4: clips are drawn here: copy it to this machine"):
        find_local_clips(put(f"{s3}/a.mp4"), "clips are drawn here")


# What is made of it


def test_extraction_is_that_of_the_same_files_here(s3, clips, upload, tmp_path):
    for file in clips.iterdir():
        upload(file)
    here = sh.extract(clips, [colours], store=tmp_path / "here", progress=False)
    there = sh.extract(s3, [colours], store=tmp_path / "there", progress=False)
    assert there.made == here.made == 3
    assert not there.failed
    for clip in ("clip0", "clip1", "clip2"):
        one, other = (Store(tmp_path / name) for name in ("here", "there"))
        np.testing.assert_array_equal(one.read("colours", clip), other.read("colours", clip))
        assert one.origin("colours", clip).content == other.origin("colours", clip).content


def test_features_stay_current_without_a_download(s3, clips, upload, tmp_path, monkeypatch):
    addresses = [upload(file) for file in sorted(clips.iterdir())]
    store = tmp_path / "store"
    sh.extract(s3, [colours], store=store, progress=False)
    downloads = []
    place = transfers.system(s3)
    get = place.get_file
    monkeypatch.setattr(
        place, "get_file", lambda path, *rest, **more: (downloads.append(path), get(path, *rest, **more))
    )
    assert sh.extract(s3, [colours], store=store, progress=False).unchanged == 3
    assert downloads == []
    upload(clips / "clip0.mp4", "clip1.mp4")  # another content
    again = sh.extract(s3, [colours], store=store, progress=False)
    assert (again.made, again.unchanged) == (1, 2)
    origin = Store(store).origin("colours", "clip0")
    assert origin.is_current(origin.made_by, locate(addresses[0]))
    later = Origin(origin.clip, origin.made_by, origin.content, origin.size, origin.modified - 1)
    assert later.is_current(origin.made_by, locate(addresses[0]))  # of another time: fetched, and the same
    assert not later.is_current(origin.made_by, RemoteFile(addresses[0] + "x", origin.size, 1))


def test_one_file_gives_its_features_and_its_error(s3, clips, upload):
    address = upload(clips / "clip0.mp4")
    np.testing.assert_array_equal(
        sh.extract(address, [colours], progress=False)["colours"],
        sh.extract(clips / "clip0.mp4", [colours], progress=False)["colours"],
    )
    with pytest.raises(ClipError, match=rf"{s3}/broken\.mp4: is not a media file"):
        sh.extract(put(f"{s3}/broken.mp4", b"no film" * 100), [colours], progress=False)
    both = sh.extract(s3, [colours], progress=False)
    assert set(both) == {"clip0"}
    assert both.failed["broken"][0].startswith(f"{s3}/broken.mp4: is not a media file")


def test_a_clip_is_parsed_as_the_same_file_here(s3, clips, upload, parser):
    there = parser.parse(upload(clips / "clip0.mp4"))
    here = parser.parse(clips / "clip0.mp4")
    assert there.clip == here.clip == "clip0"
    assert there.file == f"{s3}/clip0.mp4"
    assert (there.events, there.probabilities, there.duration) == (here.events, here.probabilities, here.duration)
    again = parser.parse_clips(s3, progress=False).clips[0]
    assert again.plot() is not None  # decoded again
    assert "The clip lies elsewhere" in again._repr_html_().replace("&#x27;", "'")


def test_parts_of_files_elsewhere(s3, web, clips, upload, parser, tmp_path):
    here = parser.parse(f"{clips / 'clip0.mp4'}#t=0.5,1.5")
    web.files["/clip0.mp4"] = (clips / "clip0.mp4").read_bytes()
    for kind, address in {"s3": upload(clips / "clip0.mp4"), "http": f"{web.address}/clip0.mp4{QUERY}"}.items():
        part = f"{address}#t=0.5,1.5"
        there = parser.parse(part)
        assert there.clip == here.clip == "clip0_0.5_1.5"
        assert there.file == f"{address.partition('?')[0]}#t=0.5,1.5"
        assert (there.events, there.probabilities, there.duration) == (here.events, here.probabilities, here.duration)
        features = sh.extract(part, [colours], progress=False)
        np.testing.assert_array_equal(features["colours"], sh.extract(here.file, [colours], progress=False)["colours"])
        assert there.plot() is not None  # decoded again
        page = there.save(tmp_path / kind).read_text()
        assert "The clip lies elsewhere" in page.replace("&#x27;", "'")
        assert read(tmp_path / kind / "clip0_0.5_1.5.json").file == there.file
    upload(clips / "clip1.mp4", "folder/clip1.mp4")
    found = find_clips(f"{s3}/*.mp4#t=1")
    assert [str(file) for file in found.values()] == [f"{s3}/clip0.mp4#t=1"]
    with pytest.raises(SeehearError, match="is a folder or a shard"):
        find_clips(f"{s3}/folder#t=1")
    odd = put(f"{s3}/odd.mp4#t=1,2", (clips / "clip0.mp4").read_bytes())
    assert isinstance(locate(odd), RemoteFile)


def test_a_folder_of_parses_names_addresses(s3, clips, upload, parser, tmp_path):
    upload(clips / "clip0.mp4")
    parsed = parser.parse_clips(s3, out=tmp_path / "out", figures=("html",), progress=False)
    assert json.loads((tmp_path / "out" / "clip0.json").read_text())["file"] == f"{s3}/clip0.mp4"
    page = (tmp_path / "out" / "clip0.html").read_text()
    assert f"<code>{s3}/clip0.mp4</code>" in page
    assert "media-src 'none'" in page
    assert "src=" not in page.partition('id="player"')[2].partition(">")[0]
    assert read(tmp_path / "out" / "clip0.json").file == parsed.clips[0].file == f"{s3}/clip0.mp4"
    assert parser.parse_clips(s3, out=tmp_path / "out", figures=("html",), progress=False).unchanged == 1
    upload(clips / "clip1.mp4", "clip0.mp4")
    assert parser.parse_clips(s3, out=tmp_path / "out", figures=("html",), progress=False).unchanged == 0


# Credentials


def test_credentials_are_nowhere(s3, web, clips, upload, parser, tmp_path, capfd):
    """Of a signed address, of the environment, and in what goes wrong: neither in files nor in what is printed."""
    upload(clips / "clip1.mp4")
    web.files |= {"/clip0.mp4": (clips / "clip0.mp4").read_bytes(), "/bad.mp4": b"no film", "/gone.mp4": b"1"}
    signed = [f"{web.address}/{name}.mp4{QUERY}" for name in ("clip0", "bad", "gone")]
    web.faults |= {"/clip0.mp4": ["cut", 503], "/gone.mp4": [200, 403]}
    web.faults["/gone.mp4"] = []
    given = [s3, *signed]
    made = sh.extract(given, [colours], store=tmp_path / "store")
    web.files.pop("/gone.mp4")
    parsed = parser.parse_clips([s3, *signed[:2]], out=tmp_path / "out")
    assert {*made} == {"clip0", "clip1"}
    assert {*made.failed} == {"bad", "gone"}
    assert {clip.clip for clip in parsed.clips} == {"clip0", "clip1"}
    said = [*map(str, (made, parsed, made.failed, parsed.failed)), parsed.text(), repr(find_clips(given[:3]))]
    said += [str(error) for error in refusals(web.address)]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 8
    everything = "".join([*said, *capfd.readouterr(), *map(str, files)]).encode()
    everything += b"".join(file.read_bytes() for file in files)
    for secret in (SECRET, SECRET.partition("/")[0], ACCOUNT, "X-Amz-Signature"):
        assert secret.encode() not in everything
    page = (tmp_path / "out" / "clip0.html").read_text()
    assert f'href="{web.address}/clip0.mp4"' in page


def refusals(address: str):
    """What is said of addresses with a user, of unknown kinds, and of those that fail."""
    host = address.partition("://")[2]
    wrong = [
        f"http://{ACCOUNT}:{SECRET}@{host}/clip0.mp4",
        f"s3://{ACCOUNT}:{SECRET}@bucket/clip.mp4",
        f"ftp://{ACCOUNT}:{SECRET}@host/clip.mp4{QUERY}",
        f"{address}/none.mp4{QUERY}",
        f"{address}/none/{QUERY}",
    ]
    for each in wrong:
        for use in (find_clips, locate, sh.labels.read_weak, lambda each: sh.extract(each, "none", store=each)):
            with pytest.raises(SeehearError) as error:
                use(each)
            yield error.value


@pytest.mark.parametrize(
    "address", [f"s3://{ACCOUNT}:{SECRET}@bucket/a", f"s3://{ACCOUNT}@bucket/a", "https://u:p@host/a"]
)
def test_users_in_addresses_are_refused(address):
    with pytest.raises(SeehearError, match=r"must not hold a user name or password.*(AWS_ACCESS_KEY_ID|netrc)"):
        find_clips(address)


def test_a_signed_address_is_read(web, clips):
    web.files["/clip0.mp4"] = (clips / "clip0.mp4").read_bytes()
    with fetched(locate(f"{web.address}/clip0.mp4{QUERY}")) as file:
        assert file.read_bytes() == (clips / "clip0.mp4").read_bytes()


def test_a_parse_that_someone_sent_fetches_nothing(web, clips, parser, tmp_path):
    web.files["/clip0.mp4"] = (clips / "clip0.mp4").read_bytes()
    parser.parse(f"{web.address}/clip0.mp4").save(tmp_path)
    sent = read(tmp_path / "clip0.json")
    web.log.clear()
    for use in (
        sent.plot,
        sent._repr_html_,
        lambda: sent.save(tmp_path / "again"),
        lambda: sent.export(tmp_path / "a.edl"),
    ):
        with pytest.raises(SeehearError, match="lies elsewhere, and is fetched only to be parsed"):
            use()
    assert not web.log


@pytest.mark.parametrize("suffix", [".eaf", ".otio", ".json", ".edl", ".csv"])
def test_exports_name_the_address(web, clips, parser, tmp_path, suffix):
    web.files["/clip2.mp4"] = (clips / "clip2.mp4").read_bytes()
    parsed = parser.parse(f"{web.address}/clip2.mp4{QUERY}")
    assert parsed.events
    (file, *_) = parsed.export(tmp_path / f"out{suffix}")
    text = file.read_text()
    assert SECRET not in text
    if suffix in (".eaf", ".otio"):
        assert f'"{web.address}/clip2.mp4"' in text


def test_the_command_line_takes_addresses(s3, clips, upload, tmp_path):
    upload(clips / "clip0.mp4")
    (tmp_path / "own.py").write_text(OWN)
    command = ["extract", f"{s3}/*.mp4", "--networks", f"{tmp_path}/own.py:SPEC", "--store", f"{tmp_path}/store"]
    done = subprocess.run([sys.executable, "-m", "seehear", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Store(tmp_path / "store").clips("colours") == {"clip0"}
