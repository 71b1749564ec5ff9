"""Edit lists and timelines: their very text, frames of real files, what OpenTimelineIO reads, and corrected ones."""

import json
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import commands
from formats.clips import DOG, clip, event, parsed_clips, written
from make_media import movie, tone
from seehear.errors import ClipError, SeehearError
from seehear.formats import edl, export, import_annotations, otio, write_clip
from seehear.formats.timecode import COMMON, FrameRate
from seehear.formats.timing import Timing, _known, timing_of

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
rates = st.sampled_from([FrameRate.of(name) for name in COMMON])


def frames_of(events, rate):
    return sorted((one.label, rate.frame(one.onset), rate.frame(one.offset)) for one in events)


def stated(path, rate, code=None, seconds=1, format=None, sound=False):
    """A video file that states a frame rate and, if given, a time code."""
    rate = Fraction(rate)
    with av.open(str(path), "w", format=format) as file:
        if code:
            file.metadata["timecode"] = code
        stream = file.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for n in range(round(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = n, 1 / rate
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


# Edit lists


def test_an_edit_list(tmp_path):
    heard, seen, both = written("edl", clip(*DOG, event("Cat & mouse", "audio", 0.5, 1.5)), tmp_path)
    assert [file.name for file in (heard, seen, both)] == ["clip.heard.edl", "clip.seen.edl", "clip.both.edl"]
    facts = '"clip": "clip", "modality": "audio", "rate": "25", "start": "00:00:00:00"}'
    assert heard.read_bytes().decode().split("\r\n") == [
        "TITLE: clip heard",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       B     C        00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00",
        "* FROM CLIP NAME: clip.mp4",
        "* LOC: 01:00:00:00 BLUE    Dog",
        f'* SEEHEAR: {{"confidence": 0.9312, "origin": null, {facts}',
        "",
        "002  AX       B     C        00:00:00:13 00:00:01:13 01:00:05:00 01:00:06:00",
        "* FROM CLIP NAME: clip.mp4",
        "* LOC: 01:00:05:00 BLUE    Cat & mouse",
        f'* SEEHEAR: {{"confidence": 1.0, "origin": null, {facts}',
        "",
    ]
    assert "00:00:02:00 00:00:03:00 01:00:00:00 01:00:01:00" in seen.read_text()


def test_the_tracks_that_a_clip_has(tmp_path):
    for absent, channel in ((("audio",), " V "), (("visual",), " A "), ((), " B ")):
        heard, seen, _ = written("edl", replace(clip(*DOG), absent=absent), tmp_path)
        assert channel in heard.read_text()
        assert channel in seen.read_text()


@few
@given(rate=rates, parsed=parsed_clips(), late=st.integers(0, 80_000))
def test_opentimelineio_reads_the_same_edits(rate, parsed, late, tmp_path_factory):
    pytest.importorskip("otio_cmx3600_adapter")
    from opentimelineio import adapters

    folder = tmp_path_factory.mktemp("edl")
    moved = [replace(one, onset=one.onset + late, offset=one.offset + late) for one in parsed.events]
    parsed = replace(parsed, events=tuple(moved), duration=parsed.duration + late)
    fps = float(rate.fps)
    for file, modality in zip(written("edl", parsed, folder, rate=rate), parsed.modalities, strict=True):
        timeline = adapters.read_from_file(str(file), "cmx_3600", rate=fps)
        tracks = {track.name: list(track.find_clips()) for track in timeline.tracks}
        expected = sorted(parsed.of(modality), key=lambda one: (one.onset, one.label))
        assert set(tracks) == ({"V", "A1"} if expected else set())
        record = rate.frame_of("01:00:00:00")
        for clips in tracks.values():
            spans = [
                (each.source_range.start_time.value, each.source_range.end_time_exclusive().value) for each in clips
            ]
            assert spans == [(rate.frame(one.onset), rate.frame(one.offset)) for one in expected]
            assert {each.name for each in clips} == {"clip.mp4"}
            if not rate.drop:  # it reads no marker with a semicolon
                named = [(mark.name, mark.marked_range.start_time.value) for each in clips for mark in each.markers]
                lengths = [stop - start for start, stop in spans]
                assert named == [(one.label, record + sum(lengths[:n])) for n, one in enumerate(expected)]
        ours = edl.read(file, file.stem.rpartition(".")[2])
        assert frames_of(ours.events("clip"), rate) == frames_of(expected, rate)


def test_edits_corrected_and_written_by_others(tmp_path):
    rate = FrameRate.of("29.97df")
    heard, *_ = written("edl", clip(*DOG, event("Cat", "audio", 6, 8, 0.5)), tmp_path, rate=rate)
    text = heard.read_text()
    edits = text.replace("BLUE    Cat", "BLUE    Fox").replace("00:00:08;00", "00:00:09;15").split("\n\n")
    heard.write_text("\n\n".join([edits[0], edits[2], edits[1]]))  # in another order
    assert [(one.label, one.confidence) for one in edl.read(heard).events("clip")] == [("Dog", 0.9312), ("Fox", 0.5)]
    assert edl.read(heard).events("clip")[1].offset == rate.seconds(9 * 30 + 15)
    heard.write_text("\n\n".join([edits[0], edits[2]]))  # one was deleted
    assert [one.label for one in edl.read(heard).events("clip")] == ["Fox"]
    (tmp_path / "x.seen.edl").write_text(
        "TITLE: x\nFCM: DROP FRAME\n"
        "000001  A001C003 V     D    012 00:01:00:02 00:02:00:02 00:00:00:00 00:01:00:00\n"
        "M2   A001C003       030.0                00:01:00:02\n"
        "* FROM CLIP NAME: my clip.mov\n"
        "*LOC: 00:00:00:00 red Dog\n"
        '* SEEHEAR: {"rate": "29.97"}\n'
        "FCM: NON-DROP FRAME\n"
        "2 AX AA/V C 00:00:10:00 00:00:10:01 00:00:00:00 00:00:00:01\n"
        "* LOC: 00:00:00:00 red Cat\n"
        "3 BL V C 00:00:00:00 00:00:01:00 00:00:00:01 00:00:01:01\n"
    )
    reading = edl.read(tmp_path / "x.seen.edl")
    plain = FrameRate.of("29.97")
    assert reading.events("my clip") == [event("Dog", "visual", plain.seconds(1800), plain.seconds(3598))]
    assert reading.events("x") == [event("Cat", "visual", plain.seconds(300), plain.seconds(301))]


def test_an_empty_list_says_that_there_is_nothing(tmp_path):
    heard, *_ = written("edl", clip(event("Dog", "visual", 0, 1)), tmp_path)
    assert heard.read_text() == "TITLE: clip heard\nFCM: NON-DROP FRAME\n"
    assert edl.read(heard).by_clip == {"clip": {"audio": []}}
    (tmp_path / "list.edl").write_text("TITLE: x\n")
    with pytest.raises(SeehearError, match=r"name it list\.heard\.edl or list\.seen\.edl, or give --modality"):
        edl.read(tmp_path / "list.edl")


SECOND = ("00:00:00:00", "00:00:01:00")
EDIT = "TITLE: x\n001 AX V C {} {} 00:00:00:00 00:00:01:00\n* LOC: 00:00:00:00 RED Dog\n* SEEHEAR: {}\n"
RATE = '{"rate": "25"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no edit list"),
        ("1,2,3\n", "is no edit list"),
        ("TITLE: x\n001 AX V C 00:00:00:00 00:00:01:00\n", "a.seen.edl:2: error: '001 AX V C"),
        (EDIT.format(*SECOND, "{}"), "2: error: the list names no frame rate"),
        (EDIT.format(*SECOND, "[]"), "2: the comment SEEHEAR must be an object"),
        (
            EDIT.format(*SECOND, "{"),
            "2: the comment SEEHEAR: can't be read as JSON",
        ),
        (
            EDIT.format("00:00:00:00", "00:00:01:25", RATE),
            "2: error: '00:00:01:25' is no time code at 25",
        ),
        (
            EDIT.format(*SECOND, '{"rate": "17.3"}'),
            "2: error: '17.3' is no frame rate",
        ),
        (EDIT.format("00:01:00;00", "00:01:01;00", '{"rate": "29.97"}'), "leave out"),
        (
            EDIT.format(*SECOND, '{"rate": 25, "confidence": 2}'),
            "confidence 2 is no",
        ),
        ("TITLE: x\n001 AX V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n" + f"* SEEHEAR: {RATE}\n", "no class"),
    ],
)
def test_lists_that_cant_be_read(text, message, tmp_path):
    (tmp_path / "a.seen.edl").write_text(text)
    with pytest.raises(SeehearError) as error:
        edl.read(tmp_path / "a.seen.edl")
    assert message in str(error.value)


# Timelines


@few
@given(rate=rates, parsed=parsed_clips(), late=st.integers(0, 10**6))
def test_opentimelineio_reads_the_same_markers(rate, parsed, late, tmp_path_factory):
    otio_library = pytest.importorskip("opentimelineio")
    folder = tmp_path_factory.mktemp("otio")
    moved = [replace(one, onset=one.onset + late, offset=one.offset + late) for one in parsed.events]
    parsed = replace(parsed, events=tuple(moved), duration=parsed.duration + late)
    (file,) = written("otio", parsed, folder, rate=rate)
    timeline = otio_library.adapters.read_from_file(str(file))
    assert [track.name for track in timeline.tracks] == [
        {"audio": "heard", "visual": "seen", "audio_visual": "both"}.get(name, name) for name in parsed.modalities
    ]
    for track, modality in zip(timeline.tracks, parsed.modalities, strict=True):
        (item,) = track.find_clips()
        assert track.kind == ("Audio" if modality == "audio" else "Video")
        assert item.media_reference.target_url.startswith("file:///")
        assert item.media_reference.target_url.endswith("/clips/clip.mp4")
        available = item.media_reference.available_range
        assert available.start_time.rate == float(rate.fps)
        assert available.duration.value == max(1, rate.frame(parsed.duration))
        assert item.source_range == available
        read = [
            (mark.name, mark.marked_range.start_time.value, mark.marked_range.end_time_exclusive().value)
            for mark in item.markers
        ]
        assert sorted(read) == frames_of(parsed.of(modality), rate)
        confidences = [mark.metadata["seehear"]["confidence"] for mark in item.markers]
        assert confidences == [one.confidence for one in parsed.of(modality)]
    # as the library writes it, in its present version
    otio_library.adapters.write_to_file(timeline, str(file))
    assert '"Clip.2"' in file.read_text()
    assert frames_of(otio.read(file).events("clip"), rate) == frames_of(parsed.events, rate)


def test_the_colours_of_modalities(tmp_path):
    (file,) = written("otio", clip(*DOG), tmp_path)
    tracks = json.loads(file.read_text())["tracks"]["children"]
    colours = {track["name"]: [mark["color"] for mark in track["children"][0]["markers"]] for track in tracks}
    assert colours == {"heard": ["BLUE"], "seen": ["YELLOW"], "both": ["GREEN"]}


def test_what_a_clip_lacks_has_no_track(tmp_path):
    (file,) = written("otio", replace(clip(event("Dog", "audio", 0, 1)), absent=("visual",)), tmp_path)
    (track,) = json.loads(file.read_text())["tracks"]["children"]
    assert (track["name"], track["kind"]) == ("heard", "Audio")
    assert set(otio.read(file).by_clip["clip"]) == {"audio", "visual", "audio_visual"}


def timeline(tmp_path, *tracks, name="a.otio", **more):
    content = {"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": list(tracks)}, **more}
    (tmp_path / name).write_text(json.dumps(content))
    return tmp_path / name


def time(value, rate=25.0):
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def mark(name, start, length, rate=25.0, **more):
    span = {"start_time": time(start, rate), "duration": time(length, rate)}
    return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": span, **more}


def item(*markers, url="file:///c/my%20clip.mov", start=0, **more):
    span = {"start_time": time(start), "duration": time(1000)}
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url, "available_range": span}
    return {"OTIO_SCHEMA": "Clip.1", "markers": list(markers), "media_reference": reference, **more}


def track(name, *children, **more):
    return {"OTIO_SCHEMA": "Track.1", "name": name, "children": list(children), **more}


def test_timelines_of_others(tmp_path):
    nested = {"OTIO_SCHEMA": "Stack.1", "children": [track("x", item(mark("Fox", 25, 5)))]}
    file = timeline(
        tmp_path,
        track("Heard", item(mark("Dog", 90025, 25), start=90000), {"OTIO_SCHEMA": "Gap.1"}, nested),
        track("seen", item(mark("Cat", 299.7, 29.97, 29.97), mark("Owl", 0, 0)), markers=[mark("here", 1, 1)]),
    )
    reading = otio.read(file)
    assert [(one.label, one.modality, one.onset, one.offset) for one in reading.events("my clip")] == [
        ("Dog", "audio", 1.0, 2.0),
        ("Fox", "audio", 1.0, 1.2),
        ("Owl", "visual", 0.0, 0.0),
        ("Cat", "visual", pytest.approx(10.0, abs=0.02), pytest.approx(11.0, abs=0.02)),
    ]
    assert reading.notes == [f"{file}: 1 markers on tracks or the timeline were skipped; put them on the clip"]
    with pytest.raises(SeehearError, match="'Owl' seen from 0 to 0 s: has no length"):
        import_annotations(file)
    named = timeline(tmp_path, track("Video 1", item(mark("Dog", 0, 25), url="")), name="b.otio")
    assert otio.read(named, "seen").events("b") == [event("Dog", "visual", 0, 1)]
    with pytest.raises(SeehearError, match=r"b\.otio: error: clip 1 of the track 'Video 1': marker 1, 'Dog', names no"):
        otio.read(named)


def test_a_deleted_marker_does_not_come_back(tmp_path):
    (file,) = written("otio", clip(*DOG), tmp_path)
    content = json.loads(file.read_text())
    content["tracks"]["children"][0]["children"][0]["markers"].clear()
    file.write_text(json.dumps(content))
    result = import_annotations(file)
    assert {name: len(table.events) for name, table in result.tables.items()} == {"audio": 0, "visual": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "is no timeline"),
        ({"OTIO_SCHEMA": "Clip.1"}, "is no timeline"),
        ({"OTIO_SCHEMA": "Timeline.1"}, "a.otio: tracks has something else"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": 3}}, "children is no list"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": [3]}}, "has something else than an object"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {}, "metadata": {"seehear": {"clip": 3}}}, "clip is 3"),
        (
            {"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": [track("seen", item(mark("Dog", 0, 1, 0.0)))]}},
            "rate is 0",
        ),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": [track("seen", item(mark(7, 0, 1)))]}}, "name is 7"),
        (
            {"OTIO_SCHEMA": "Timeline.1", "tracks": {"children": [track("seen", item(mark("Dog", 0, 1), start=50))]}},
            "'Dog', begins 2 s before its file",
        ),
    ],
)
def test_timelines_that_cant_be_read(content, message, tmp_path):
    (tmp_path / "a.otio").write_text(json.dumps(content))
    with pytest.raises(SeehearError) as error:
        otio.read(tmp_path / "a.otio")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (item(mark("Dog", 0, 1, 0.0)), "marker 1: is damaged (marked_range.start_time.rate is 0.0"),
        (item(mark(7, 0, 1)), "marker 1: is damaged (name is 7"),
        (item(mark("Dog", float("nan"), 1)), "marked_range.start_time.value is nan"),
        (item(mark("Dog", 0, 1, metadata={"seehear": {"confidence": 7}})), "confidence is 7"),
        (item(mark("Dog", 0, 1), start=50), "'Dog', begins 2 s before its file"),
    ],
)
def test_markers_that_cant_be_read(content, message, tmp_path):
    with pytest.raises(SeehearError) as error:
        otio.read(timeline(tmp_path, track("seen", content)))
    assert message in str(error.value)


# Frame rates of files


@pytest.mark.parametrize(
    ("name", "fps", "code", "rate", "start"),
    [
        ("a.mp4", "24000/1001", None, "23.976", 0),
        ("a.mkv", "30000/1001", None, "29.97", 0),
        ("a.mov", "25", "10:00:00:05", "25", 900005),
        ("a.mov", "30000/1001", "01:00:00;02", "29.97df", 107894),
        ("a.mov", "30000/1001", "01:00:00:00", "29.97", 108000),
        ("a.mp4", "60000/1001", "00:01:00;04", "59.94df", 3600),
        ("a.mp4", "10", None, "10", 0),
    ],
)
def test_the_rate_of_the_file(name, fps, code, rate, start, tmp_path):
    file = stated(tmp_path / name, fps, code)
    parsed = replace(clip(*DOG, name="a"), file=str(file))
    assert timing_of(parsed) == Timing(FrameRate.of(rate), start, has_audio=False)
    other = FrameRate.of("50")
    assert timing_of(parsed, other) == Timing(other, 0, has_audio=False)


@pytest.mark.parametrize(("every", "rate"), [(7, "30"), (3, "30")])
def test_a_rate_that_varies(every, rate, tmp_path):
    times = [n / 30 for n in range(60) if n % every]  # frames are missing, as of phones
    file = movie(tmp_path / "a.mp4", times=times, fps=30)
    assert str(timing_of(replace(clip(), file=str(file))).rate) == rate


def test_a_rate_that_is_whole_by_chance_alone():
    assert _known([Fraction(29), Fraction(90000)]) is None
    assert _known([Fraction(29), Fraction(30)]) == 30
    assert _known([Fraction(25), Fraction(50)]) == 25  # fields
    assert _known([Fraction(10), Fraction(10)]) == 10
    assert _known([]) is None


def test_a_source_with_a_time_code_reads_back(tmp_path):
    file = stated(tmp_path / "a.mov", "30000/1001", "23:59:58;00")
    parsed = replace(clip(*DOG, name="a"), file=str(file))
    heard, seen, both = write_clip(parsed, tmp_path / "a.edl")
    assert "FCM: DROP FRAME" in heard.read_text()
    assert "23:59:58;00 00:00:03;00 01:00:00;00 01:00:05;00" in heard.read_text()  # past midnight
    (timeline_file,) = write_clip(parsed, tmp_path / "a.otio")
    rate = FrameRate.of("29.97df")
    expected = frames_of(DOG, rate)
    assert (
        frames_of([*edl.read(heard).events("a"), *edl.read(seen).events("a"), *edl.read(both).events("a")], rate)
        == expected
    )
    assert frames_of(otio.read(timeline_file).events("a"), rate) == expected
    start = json.loads(timeline_file.read_text())["tracks"]["children"][0]["children"][0]["source_range"]["start_time"]
    assert start["value"] == rate.frame_of("23:59:58;00")


def test_a_part_of_a_file_with_a_time_code(tmp_path):
    """A program needs to know what the file holds, and may write that anew."""
    file = stated(tmp_path / "film.mov", "25/1", "01:00:00:00", seconds=8)
    parsed = replace(clip(event("Dog", "audio", 0.4, 1.2), name="film_3_5", duration=2.0), file=f"{file}#t=3,5")
    (timeline_file,) = write_clip(parsed, tmp_path / "film_3_5.otio")
    content = json.loads(timeline_file.read_text())
    items = [each["children"][0] for each in content["tracks"]["children"]]
    hour = 25 * 3600
    for each in items:
        used, held = each["source_range"], each["media_reference"]["available_range"]
        assert (used["start_time"]["value"], used["duration"]["value"]) == (hour + 75, 50)
        assert (held["start_time"]["value"], held["duration"]["value"]) == (hour, 200)
    changes = [lambda each: None]
    changes += [lambda each, start=start: _hold(each, start) for start in (0, hour, hour + 75, None)]
    changes += [lambda each: each.update(metadata={}), lambda each: (_hold(each, None), each.update(metadata={}))]
    for change in changes:
        for each in items:
            change(each)
        timeline_file.write_text(json.dumps(content))
        reading = otio.read(timeline_file)
        assert reading.events("film_3_5") == list(parsed.events)
        assert set(reading.by_clip) == {"film_3_5"}
    del content["metadata"]  # then nothing says which part it was: it is the file
    for each in items:
        _hold(each, hour)
    timeline_file.write_text(json.dumps(content))
    assert otio.read(timeline_file).events("film") == [event("Dog", "audio", 3.4, 4.2)]


def _hold(item, start):
    """Write what the file of a clip holds, as a program does that counts its frames from another one."""
    span = None if start is None else {"start_time": time(start), "duration": time(200)}
    item["media_reference"]["available_range"] = span


def test_a_part_of_a_file_that_is_gone(tmp_path):
    parsed = replace(clip(event("Dog", "audio", 0.4, 1.2), duration=2.0), file="gone.mp4#t=3,5")
    (file,) = written("otio", parsed, tmp_path)
    (item, *_) = json.loads(file.read_text())["tracks"]["children"][0]["children"]
    assert item["media_reference"]["available_range"] is None
    assert otio.read(file).events("clip") == list(parsed.events)


def test_audio_and_files_whose_rate_is_unknown(tmp_path):
    sound = movie(tmp_path / "a.wav", times=(), sound=tone(440, 1.0), sound_codec="pcm_s16le")
    assert timing_of(replace(clip(), file=str(sound))) == Timing(FrameRate.of(25), 0, has_video=False)
    assert timing_of(replace(clip(), file="gone.mp3")).rate == FrameRate.of(25)
    assert timing_of(replace(clip(), file="gone.mp4", absent=("visual",))).has_video is False
    with pytest.raises(ClipError, match=r"its frame rate is unknown \(gone\.mp4: no such file\): give --frame-rate"):
        timing_of(replace(clip(), file="gone.mp4"))
    odd = stated(tmp_path / "odd.mkv", "35/2")
    with pytest.raises(ClipError, match=r"odd\.mkv: states 17\.5 frames per second.*: give --frame-rate"):
        timing_of(replace(clip(), file=str(odd)))


def test_the_command(tmp_path):
    from seehear.parsing import folder as folder_of_clips

    file = movie(tmp_path / "clips" / "a.mp4", fps=25)
    folder_of_clips.write(replace(clip(*DOG, name="a"), file=str(file)), tmp_path / "parsed")
    folder_of_clips.write(clip(*DOG, name="gone"), tmp_path / "parsed")
    report = commands.export([tmp_path / "parsed"], out=tmp_path / "out", formats=["edl", "otio"])
    assert report.exit_code == 1
    assert len(report.failed) == 2
    assert all("gone: " in line and "give --frame-rate" in line for line in report.failed)
    assert "00:00:05:00" in (tmp_path / "out" / "a.heard.edl").read_text()
    given = commands.export([tmp_path / "parsed"], out=tmp_path / "given", formats=["edl"], frame_rate="59.94df")
    assert given.failed == []
    assert "00:00:05;00" in (tmp_path / "given" / "a.heard.edl").read_text()
    with pytest.raises(SeehearError, match=r"'25df': only 29\.97 and 59\.94 have drop-frame"):
        commands.export([tmp_path / "parsed"], out=tmp_path / "other", formats=["edl"], frame_rate="25df")
    assert not (tmp_path / "other").exists()


# What they can't hold


@pytest.mark.parametrize(
    ("parsed", "rate", "message"),
    [
        (clip(event("Dog", "audio", 1, 1.001)), "25", "has no frame of its own at 25 frames per second"),
        (clip(event("Dog", "audio", 83000, 83001)), "25", "can't hold more than 23 hours"),
        (clip(*(event(f"{n}", "audio", 0, 3600) for n in range(24))), "25", "more than 23 hours of clip or of audio"),
        (clip(event("Dog", "audio", 0, 1)), "120", "two digits for frames"),
        (replace(clip(event("Dog", "audio", 0, 1)), file="a\nb.mp4"), "25", "file name"),
        (clip(event("two\nlines", "audio", 0, 1)), "25", "can't stand in a line"),
    ],
)
def test_what_an_edit_list_cant_hold(parsed, rate, message, tmp_path):
    with pytest.raises(ClipError, match=message):
        written("edl", parsed, tmp_path, rate=FrameRate.of(rate))
    assert written("edl", clip(event("Dog", "audio", 82000, 82799)), tmp_path)


def test_an_event_that_ends_after_its_clip_keeps_its_end(tmp_path):
    parsed = clip(event("Dog", "audio", 9, 10.6), duration=10.0)
    heard, *_ = written("edl", parsed, tmp_path)
    (file,) = written("otio", parsed, tmp_path)
    for reading in (edl.read(heard), otio.read(file)):
        assert reading.events("clip") == [event("Dog", "audio", 9, 10.6)]


def test_many_clips(tmp_path):
    report = export([clip(*DOG, name=name) for name in "ab"], out=tmp_path, formats="edl,otio", frame_rate=24)
    assert {name: len(files) for name, files in report.files.items()} == {"edl": 6, "otio": 2}
    result = import_annotations([*sorted(tmp_path.glob("*.otio"))])
    assert {name: len(table.events) for name, table in result.tables.items()} == {"audio": 2, "visual": 2}
