"""Captions: what a player shows, as another reader reads them, and captions that people edited."""

from itertools import combinations

import av
import pytest
from hypothesis import HealthCheck, given, settings

from formats.clips import DOG, clip, event, parsed_clips, written
from seehear.errors import ClipError, SeehearError
from seehear.formats import webvtt

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
NAMES = {"audio": "heard", "visual": "seen"}


def shown(file):
    """(from, to, text) of what FFmpeg finds in a file, milliseconds."""
    with av.open(str(file)) as media:
        packets = [packet for packet in media.demux() if packet.size]
    return [(one.pts, one.pts + one.duration, bytes(one).decode()) for one in packets]


def plain(text):
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_class_is_shown_once_at_a_time(tmp_path):
    (file,) = written("webvtt", clip(*DOG, event("<i>Cat</i> --> &", "visual", 0, 10)), tmp_path)
    assert file.name == "clip.vtt"
    assert shown(file) == [
        (0, 2000, "heard: Dog"),
        (0, 10000, "seen: &lt;i&gt;Cat&lt;/i&gt; --&gt; &amp;"),
        (2000, 3000, "both: Dog"),
        (3000, 5000, "heard: Dog"),
    ]
    assert file.read_text().startswith("WEBVTT\n\n")
    assert "\n\n3: heard 0.9312, seen 0.8, both 0.75\n00:00:02.000 --> 00:00:03.000\nboth: Dog\n\n" in file.read_text()


@few
@given(parsed=parsed_clips())
def test_captions_show_every_active_class(parsed, tmp_path_factory):
    (file,) = written("webvtt", parsed, tmp_path_factory.mktemp("webvtt"))
    cues = shown(file)
    assert [cue[0] for cue in cues] == sorted(cue[0] for cue in cues)
    captions = [(start, stop, *plain(text).split(": ", 1)) for start, stop, text in cues]
    for one, other in combinations(captions, 2):
        assert one[3] != other[3] or one[1] <= other[0] or other[1] <= one[0]
    single = [name for name in parsed.modalities if "_" not in name]
    for t in range(0, round(parsed.duration * 1000) + 1, 80):
        on = {}
        for each in parsed.events:
            if each.modality in single and round(each.onset * 1000) <= t < round(each.offset * 1000):
                on.setdefault(each.label, []).append(NAMES.get(each.modality, each.modality))
        both = single == ["audio", "visual"]
        expected = {label: "both" if both and len(names) == 2 else " and ".join(names) for label, names in on.items()}
        assert {label: names for start, stop, names, label in captions if start <= t < stop} == expected


def test_an_hour_and_more(tmp_path):
    (file,) = written("webvtt", clip(event("Dog", "audio", 3599.9996, 400000.25)), tmp_path)
    assert "01:00:00.000 --> 111:06:40.250" in file.read_text()
    assert webvtt.read(file).events("clip") == [event("Dog", "audio", 3600, 400000.25)]


@pytest.mark.parametrize(
    "events",
    [
        [event("Dog", "audio", 0, 2), event("Dog", "audio", 2, 3)],
        [event("Dog", "audio", 1, 3), event("Dog", "audio", 0, 2)],
        [event("Dog", "audio", 1, 1.0004)],
    ],
)
def test_events_that_captions_would_join(events, tmp_path):
    with pytest.raises(ClipError, match="Dog"):
        written("webvtt", clip(*events), tmp_path)


@pytest.mark.parametrize(
    "events",
    [
        [event("Dog", "audio_visual", 0, 2, 0.5)],
        [event("Dog", "audio_visual", 0, 2, 0.5), event("Dog", "audio", 1, 3, 0.25)],
        [event("Dog", "audio", 0, 2, 0.5), event("Dog", "visual", 1, 3, 0.25)],
    ],
)
def test_joint_events_outside_of_their_modalities(events, tmp_path):
    (file,) = written("webvtt", clip(*events), tmp_path)
    assert webvtt.read(file).events("clip") == sorted(events, key=lambda one: one.modality)


def vtt(tmp_path, text, name="my clip"):
    file = tmp_path / f"{name}.vtt"
    file.write_bytes(text.encode())
    return file


def test_captions_that_an_editor_rewrote(tmp_path):
    text = (
        "\ufeffWEBVTT - corrected\r\n\r\nSTYLE\r\n::cue { color: lime }\r\n\r\nNOTE by hand\r\n\r\n"
        "00:01.000 --> 00:02.500 line:0 align:start\r\n<v Anna>both: <b>Dog &amp; cat</b></v>\r\n\r\n"
        "2\r\n00:00:02.500 --> 00:00:03.000\r\nheard: Dog & cat\r\nseen: Tree\r\n"
    )
    assert webvtt.read(vtt(tmp_path, text)).events("my clip") == [
        event("Dog & cat", "audio", 1, 3),
        event("Dog & cat", "audio_visual", 1, 2.5),
        event("Dog & cat", "visual", 1, 2.5),
        event("Tree", "visual", 2.5, 3),
    ]


def test_the_text_counts_where_it_contradicts_its_identifier(tmp_path):
    (file,) = written("webvtt", clip(*DOG), tmp_path)
    file.write_text(file.read_text().replace("both: Dog", "seen: Cat"))
    assert webvtt.read(file).events("clip") == [
        event("Dog", "audio", 0, 2, 0.9312),
        event("Dog", "audio", 3, 5, 0.9312),
        event("Cat", "visual", 2, 3),
    ]


def test_lines_without_a_modality(tmp_path):
    file = vtt(tmp_path, "WEBVTT\n\n00:00.000 --> 00:01.000\nDog: small\n")
    assert webvtt.read(file, "audio").events("my clip") == [event("Dog: small", "audio", 0, 1)]
    with pytest.raises(SeehearError, match=r"my clip\.vtt:4: error: 'Dog: small': must begin with heard, seen, both"):
        webvtt.read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n00:00:00,000 --> 00:00:01,000\nheard: Dog\n", "x.vtt:1: captions begin with WEBVTT"),
        ("WEBVTT\n\n00:00,000 --> 00:01.000\nheard: Dog\n", "x.vtt:3: error: '00:00,000 --> 00:01.000'"),
        ("WEBVTT\n\n00:01.000 --> 00:01.000\nheard: Dog\n", "x.vtt:3: error: '00:01.000 --> 00:01.000': ends before"),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\nherd: Dog\n", "did you mean heard?"),
        (
            "WEBVTT\n\n00:00.000 --> 00:01.000\nheard: Dog\n\nseen: Cat\n",
            "x.vtt:6: error: 'seen: Cat': is not a caption",
        ),
    ],
)
def test_captions_that_cant_be_read(text, message, tmp_path):
    with pytest.raises(SeehearError) as error:
        webvtt.read(vtt(tmp_path, text, "x"))
    assert message in str(error.value)
