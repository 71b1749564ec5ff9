"""Annotations as other tools and people write them: read as their format says, or refused by file and line."""

import json
import unicodedata

import pytest

from formats.clips import event
from formats.test_elan import SLOTS, eaf, slot, tier
from seehear.errors import SeehearError
from seehear.formats import activitynet, audacity, csv, elan, import_annotations, of_file, webvtt
from seehear.labels import read_dense
from seehear.modality import display_name, modality_of

# ELAN


@pytest.mark.parametrize(
    ("address", "clip"),
    [
        ("file:///C:/my clips/a.b.mp4", "a.b"),
        ("file:///C:/my%20clips/a%20b.mp4", "a b"),
        ("file:///home/u/V%C3%B6gel%20100%25.mp4", "Vögel 100%"),
        ("file:///home/u/Vo%CC%88gel.mp4", "Vögel"),  # as macOS names files
        ("file:///my clips/100%25.mp4", "100%25"),  # the space says that nothing is encoded
        ("file:///clips/Vögel%20.mp4", "Vögel%20"),
        ("file:///clips/my%20clip.mp4", "my clip"),
        ("file:///clips/%FF.mp4", "%FF"),
        ("C:\\clips\\a b.mp4", "a b"),
        ("\\\\server\\clips\\a.mp4", "a"),
        ("./a.mp4", "a"),
        ("https://host/a%20b.mp4?t=1#x.y", "a b"),
    ],
)
def test_the_clip_of_an_address(address, clip, tmp_path):
    header = f'<HEADER><MEDIA_DESCRIPTOR MEDIA_URL="{address}" MIME_TYPE="video/mp4"/></HEADER>'
    assert list(elan.read(eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=header)).by_clip) == [clip]


def test_an_address_that_is_not_encoded_is_the_file_beside_it(tmp_path):
    header = '<HEADER><MEDIA_DESCRIPTOR MEDIA_URL="file:///clips/a%20b.mp4"/></HEADER>'
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=header, name="a%20b")
    assert list(elan.read(file).by_clip) == ["a%20b"]


@pytest.mark.parametrize("address", ["file:///clips/..%2Fx.mp4", "file:///clips/a%00b.mp4", "file:///clips/a%0Ab.mp4"])
def test_names_in_addresses_are_checked(address, tmp_path):
    header = f'<HEADER><MEDIA_DESCRIPTOR MEDIA_URL="{address}"/></HEADER>'
    with pytest.raises(SeehearError, match=r"path separator|control character"):
        import_annotations(eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=header), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def media(*more):
    return "<HEADER>" + "".join(f'<MEDIA_DESCRIPTOR MEDIA_URL="file:///c/{one}/>' for one in more) + "</HEADER>"


def test_times_count_from_where_the_media_begins(tmp_path):
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=media('a.mp4" TIME_ORIGIN="12000"'))
    assert elan.read(file).events("a") == [event("Dog", "audio", 13, 14.5)]
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=media('a.mp4"', 'a.wav" TIME_ORIGIN="99"'))
    assert elan.read(file).events("a") == [event("Dog", "audio", 1, 2.5)]
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=media('a.mp4"', 'b.mp4"'))
    assert "links a, b; its events are those of a" in elan.read(file).notes[0]
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=media('a.mp4" TIME_ORIGIN="1.5 s"'))
    with pytest.raises(SeehearError, match=r"TIME_ORIGIN '1\.5 s'"):
        elan.read(file)


@pytest.mark.parametrize(("origin", "what"), [(-2000, "-1 to 0.5"), (10**14, "to 1e")])
def test_what_lies_outside_of_every_clip_is_not_imported(origin, what, tmp_path):
    file = eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=media(f'a.mp4" TIME_ORIGIN="{origin}"'))
    with pytest.raises(SeehearError, match=rf"annotation a7 on tier 'heard': 'Dog' heard from .*{what}.* 0 to 1000000"):
        import_annotations(file, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def refers(number, above, value, previous=""):
    before = f' PREVIOUS_ANNOTATION="{previous}"' if previous else ""
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{number}" ANNOTATION_REF="{above}"{before}>'
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


def aligned(number, first, second, value):
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{number}" TIME_SLOT_REF1="ts{first}" '
        f'TIME_SLOT_REF2="ts{second}"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    )


def below(name, parent, *annotations):
    return f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="x" PARENT_REF="{parent}">{"".join(annotations)}</TIER>'


def test_annotations_have_the_times_of_those_that_they_refer_to(tmp_path):
    tiers = (
        tier("scene", "kitchen")  # 1 s to 2.5 s, a7
        + below("seen", "scene", refers("a8", "a7", "Pan"))  # symbolic association
        + below("heard", "scene", refers("b3", "a7", "C", "b2"), refers("b1", "a7", "A"), refers("b2", "a7", "B", "b1"))
        + below("heard 2", "heard", refers("c1", "b2", "D"), refers("c2", "b2", "E", "c1"))  # symbolic subdivision
    )
    reading = elan.read(eaf(tmp_path, tiers, slots=SLOTS))
    assert [(e.label, e.onset, e.offset) for e in reading.events("my clip")] == [
        ("A", 1.0, 1.5),
        ("B", 1.5, 2.0),
        ("D", 1.5, 1.75),
        ("E", 1.75, 2.0),
        ("C", 2.0, 2.5),
        ("Pan", 1.0, 2.5),
    ]
    assert "'scene'" in reading.notes[0]


def test_slots_without_a_value_divide_their_span(tmp_path):
    slots = slot(1, 1000) + "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{n}"/>' for n in (2, 3)) + slot(4, 4000)
    parts = [aligned("a1", 1, 2, "A"), aligned("a2", 2, 3, "B"), aligned("a3", 3, 4, "C")]
    reading = elan.read(eaf(tmp_path, below("Heard", "words", *parts), slots=slots))
    assert reading.events("my clip") == [event(label, "audio", n + 1, n + 2) for n, label in enumerate("ABC")]


@pytest.mark.parametrize(
    ("annotations", "number"),
    [
        ([aligned("a1", 1, 9, "A")], "a1"),
        ([aligned("a1", 3, 3, "A")], "a1"),
        ([aligned("a1", 1, 3, "A"), aligned("a2", 3, 3, "A")], "a1"),
        ([refers("a1", "a1", "A")], "a1"),
        ([refers("a1", "a2", "A"), refers("a2", "a1", "A")], "a1"),
        ([refers("a1", "none", "A")], "a1"),
    ],
)
def test_annotations_without_times_are_named(annotations, number, tmp_path):
    file = eaf(tmp_path, below("heard", "x", *annotations), slots=slot(1, 1000) + '<TIME_SLOT TIME_SLOT_ID="ts3"/>')
    with pytest.raises(SeehearError, match=f"my clip.eaf: error: annotation {number} on tier 'heard' has no times"):
        elan.read(file)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 99}">' for n in range(9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"<!DOCTYPE x [{LAUGHS}]><ANNOTATION_DOCUMENT>&l8;</ANNOTATION_DOCUMENT>", "document type"),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&e;</ANNOTATION_DOCUMENT>',
            "document type",
        ),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><ANNOTATION_DOCUMENT/>', "document type"),
        ("<a>" * 100_000, "100 deep"),
        ("<a>" * 100_000 + "</a>" * 100_000, "100 deep"),
        ("<ANNOTATION_DOCUMENT>&undefined;</ANNOTATION_DOCUMENT>", "is not XML"),
        ("", "is not XML"),
        ("heard\tDog", "is not XML"),
    ],
)
def test_documents_that_elan_does_not_write(text, message, tmp_path):
    file = tmp_path / "a.eaf"
    file.write_text(text)
    with pytest.raises(SeehearError, match=rf"a\.eaf.*{message}"):
        elan.read(file)


def test_a_document_in_utf_16(tmp_path):
    file = eaf(tmp_path, tier("heard", "Vögel"), slots=SLOTS)
    file.write_bytes(('<?xml version="1.0" encoding="UTF-16"?>' + file.read_text("utf-8")).encode("utf-16"))
    assert elan.read(file).events("my clip") == [event("Vögel", "audio", 1, 2.5)]


# Tables and JSON


@pytest.mark.parametrize(
    ("name", "modality"),
    [("Audio", "audio"), ("Heard", "audio"), ("VISUAL", "visual"), (" seen ", "visual"), ("BOTH", "audio_visual")],
)
def test_modalities_in_any_case(name, modality, tmp_path):
    assert modality_of(name) == modality
    file = tmp_path / "events.csv"
    file.write_text(f"clip,modality,label,onset,offset\na,{name},Dog,0,1\nb,{modality},Dog,0,1\n")
    assert {each for of_clip in csv.read(file).by_clip.values() for each in of_clip} == {modality}
    file = tmp_path / f"a.{name.strip()}.txt"
    file.write_text("0\t1\tDog\n")
    assert list(audacity.read(file).by_clip["a"]) == [modality]
    assert elan.read(eaf(tmp_path, tier(name.strip(), "Dog"), slots=SLOTS)).events("my clip")[0].modality == modality
    file = tmp_path / f"{name.strip()}.csv"
    file.write_text("filename\tonset\toffset\tevent_labels\na\t0\t1\tDog\n")
    assert list(of_file(file).read(file, None).by_clip["a"]) == [modality]
    file = tmp_path / "a.vtt"
    file.write_text(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{display_name(modality).upper()}: Dog\n")
    assert list(webvtt.read(file).by_clip["a"])[-1] == modality


def test_one_modality_in_two_spellings(tmp_path):
    (tmp_path / "x.csv").write_text("clip,modality,label,onset,offset\na,touch,Dog,0,1\nb,Touch,Dog,0,1\n")
    with pytest.raises(SeehearError, match=r"'Touch'.* 'touch'; write one name"):
        import_annotations(tmp_path / "x.csv")


@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_of_spreadsheets(separator, encoding, tmp_path):
    rows = ["Clip,Modality,Label,Onset,Offset,,", '"a","heard","Vögel",0,1.5,,', ",,,,,,", "", "a,heard,Dog,2,3"]
    (tmp_path / "x.csv").write_bytes("\r\n".join(rows).replace(",", separator).encode(encoding))
    assert csv.read(tmp_path / "x.csv").events("a") == [event("Vögel", "audio", 0, 1.5), event("Dog", "audio", 2, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('label,onset,offset\n"Dog,0,1\nCat,0,1\n', r"x\.csv:2: can't be read as a table from here on"),
        ("label,onset,offset\n" + "x" * 140_000 + ",0,1\n", r"x\.csv:2: .*field larger"),
        ("label,onset,offset,onset\nDog,0,1,0\n", r"x\.csv:1: the header holds onset twice"),
        ("video_id,label,onset,offset\na,Dog,0,1\n", r"x\.csv:1: .*if video_id names the clips, call it clip"),
        ("label,onset,offset\nDog,0,1e308\n", r"x\.csv:2: error: offset '1e308' is more than"),
        ('label,onset,offset\nDog,"0,5",1\n', r"x\.csv:2: error: onset '0,5' .* write 0.5"),
        ("\x00" * 99, r"x\.csv:1: not a text file"),
    ],
)
def test_tables_that_are_refused(text, message, tmp_path):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(SeehearError, match=message):
        import_annotations(tmp_path / "x.csv", modality="audio")


SEGMENT = {"label": "Dog", "segment": [0, 1], "modality": "audio"}


def results(*segments, **more):
    entry = {"annotations": list(segments), **more}
    return json.dumps({"database": {"a": entry}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            results({"label": "Dog", "segment": [0, float("nan")], "modality": "audio"}),
            "segment 1 of 'a'.*not a number",
        ),
        (
            results({"label": "Dog", "segment": [0, float("inf")], "modality": "audio"}),
            "segment 1 of 'a'.*not a number",
        ),
        (results({"label": "Dog", "segment": [-1, 1], "modality": "audio"}), "segment 1 of 'a'.*before"),
        (results({"label": "Dog", "segment": [0, 10**400], "modality": "audio"}), "segment 1 of 'a'.*more than"),
        (results({"label": "Dog", "segment": [0, True], "modality": "audio"}), "segment 1 of 'a'"),
        (results(SEGMENT, {"label": "Dog", "modality": "audio"}), "segment 2 of 'a'.*KeyError: 'segment'"),
        (results({**SEGMENT, "segment": [1, 12]}, duration=10), "segment 1 of 'a'.*ends at 12 s, after the end"),
        (json.dumps({"database": {"a": {"subset": "test"}}}), "clip 'a'.*KeyError: 'annotations'"),
        (json.dumps({"results": {"a": [{**SEGMENT, "score": float("nan")}]}}), "score nan is not a number"),
        ("[" * 200_000, "can't be read as JSON"),
        ('{"results": {"a": ' + "[" * 200_000, "can't be read as JSON"),
        ("9" * 100_000, "can't be read as JSON"),
        ("\x00\x00", "not a text file"),
    ],
)
def test_json_that_is_refused(text, message, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SeehearError, match=rf"x\.json.*{message}"):
        activitynet.read(tmp_path / "x.json")


def test_json_with_numbers_as_text_and_a_mark(tmp_path):
    text = results({**SEGMENT, "segment": ["0.5", "2"], "modality": "Heard"}, duration="10.2")
    (tmp_path / "x.json").write_bytes(text.encode("utf-8-sig"))
    assert activitynet.read(tmp_path / "x.json").events("a") == [event("Dog", "audio", 0.5, 2)]


# Label tracks and captions


def test_label_tracks_of_other_systems(tmp_path):
    (tmp_path / "a.heard.txt").write_bytes("\ufeff0,500000\t2,250000\tDog, big\r\n\\\t100,0\t3000,5\r\n \r\n".encode())
    assert audacity.read(tmp_path / "a.heard.txt").events("a") == [event("Dog, big", "audio", 0.5, 2.25)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.5\t1.5\tDog", "has no length"),
        ("1.5\t2\t", "the class ''"),
        ("1,000.5\t2\tDog", "a.heard.txt:1: error"),
        ("1\t1e9\tDog", "a.heard.txt:1: error"),
        ("1.5\tDog", "a.heard.txt:1: error"),
    ],
)
def test_labels_that_are_no_events(line, message, tmp_path):
    (tmp_path / "a.heard.txt").write_text(f"{line}\n")
    with pytest.raises(SeehearError, match=message):
        import_annotations(tmp_path / "a.heard.txt")


def test_captions_as_other_programs_write_them(tmp_path):
    text = (
        "\ufeffWEBVTT\nKind: captions\nLanguage: en\n\nREGION\nid:fred\n\nNOTE\ntwo\nlines\n\n"
        "00:59.000-->01:00.500 align:start position:0%\n<c.red>Heard: A&nbsp;<i>B</i> &lt;C&gt;</c>\n\n"
        "intro\n100:00:00.000\t-->\t100:00:01.000\nseen: <00:00:00.500>Dog\n"
    )
    (tmp_path / "a.vtt").write_bytes(text.replace("\n", "\r").encode())
    assert webvtt.read(tmp_path / "a.vtt").events("a") == [
        event("A\xa0B <C>", "audio", 59, 60.5),
        event("Dog", "visual", 360_000, 360_001),
    ]


@pytest.mark.parametrize("time", ["00:60.000", "60:00.000", "0:00.000", "00:00.00", "00:00"])
def test_captions_at_no_time(time, tmp_path):
    (tmp_path / "a.vtt").write_text(f"WEBVTT\n\n{time} --> 99:00:00.000\nheard: Dog\n")
    with pytest.raises(SeehearError, match=r"a\.vtt:3: error: .* must be two times"):
        webvtt.read(tmp_path / "a.vtt")


# There and back


def test_a_clip_is_the_same_in_every_normal_form(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Vögel") for form in ("NFC", "NFD"))
    (tmp_path / f"{decomposed}.heard.txt").write_text("0\t1\tDog\n")
    first = import_annotations(tmp_path / f"{decomposed}.heard.txt", out=tmp_path / "out")
    assert [e.clip for e in read_dense(tmp_path / "out/audio.csv").events] == [composed]
    (tmp_path / "more.csv").write_text(f"clip,modality,label,onset,offset\n{composed},heard,Cat,0,1\n", "utf-8")
    again = import_annotations(tmp_path / "more.csv", out=tmp_path / "out")
    assert (first.clips, again.clips) == (1, 1)
    assert [(e.clip, e.label) for e in read_dense(tmp_path / "out/audio.csv").events] == [(composed, "Cat")]


def test_imported_tables_import_again_as_they_are(tmp_path):
    (tmp_path / "x.csv").write_text(
        'clip,modality,label,onset,offset\n"""a"" b",heard,"""Dog"" big",0,1.25\nb,seen,"Cat, Dog",0.0004,3\n'
    )
    import_annotations(tmp_path / "x.csv", out=tmp_path / "one")
    import_annotations([tmp_path / "one/audio.csv", tmp_path / "one/visual.csv"], out=tmp_path / "two")
    for name in ("audio.csv", "visual.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    (row,) = read_dense(tmp_path / "two/audio.csv").events
    assert (row.clip, row.label) == ('"a" b', '"Dog" big')
