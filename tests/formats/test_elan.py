"""ELAN's files: valid by their schema and by the rules it can't say, and read alike by another reader."""

import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pympi
import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.clips import DOG, clip, event, parsed_clips, written
from seehear.errors import ClipError, SeehearError
from seehear.formats import Clip, elan

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
NAMES = {"audio": "heard", "visual": "seen", "audio_visual": "both"}
ODD_CLIPS = ["clip", "a b  c", "v1.2", "q'\"<&>", "Vögel 鳥 🐦", "100%d", "%20", "a#b?c", "[x", "a:b", "-x", "$x$"]
PUBLISHED = os.environ.get("SEEHEAR_EAF_SCHEMA")


@pytest.fixture(scope="module")
def ours():
    return xmlschema.XMLSchema(Path(__file__).with_name("eaf.xsd"))


@pytest.fixture(scope="module")
def published():
    if not PUBLISHED:
        pytest.skip(
            "SEEHEAR_EAF_SCHEMA names no file: save http://www.mpi.nl/tools/elan/EAFv3.0.xsd, which the sources of "
            "pympi-ling 1.71 hold too (test/EAFv3.0.xsd)"
        )
    return xmlschema.XMLSchema(PUBLISHED)


some = parsed_clips(clip=st.sampled_from(ODD_CLIPS))


@few
@given(parsed=some)
def test_valid_by_our_schema(parsed, ours, tmp_path_factory):
    (file,) = written("elan", parsed, tmp_path_factory.mktemp("elan"))
    ours.validate(file.read_text())


@few
@given(parsed=some)
def test_valid_by_the_published_schema(parsed, published, tmp_path_factory):
    (file,) = written("elan", parsed, tmp_path_factory.mktemp("elan"))
    published.validate(file.read_text())


DAMAGES = {
    "no header": lambda root: root.remove(root.find("HEADER")),
    "order": lambda root: root.insert(0, root.find("TIME_ORDER")),
    "no such slot": lambda root: root.find(".//ALIGNABLE_ANNOTATION").set("TIME_SLOT_REF2", "ts99"),
    "no such type": lambda root: root.find("TIER").set("LINGUISTIC_TYPE_REF", "other"),
    "no such tier": lambda root: root.find("TIER[@PARENT_REF]").set("PARENT_REF", "other"),
    "two tiers of one name": lambda root: root.findall("TIER")[1].set("TIER_ID", "heard"),
    "no such vocabulary": lambda root: root.find("LINGUISTIC_TYPE").set("CONTROLLED_VOCABULARY_REF", "other"),
    "no such language": lambda root: root.find(".//CVE_VALUE").set("LANG_REF", "eng"),
    "no date": lambda root: root.attrib.pop("DATE"),
    "two annotations of one name": lambda root: root.find(".//REF_ANNOTATION").set("ANNOTATION_ID", "a1"),
    "time": lambda root: root.find(".//TIME_SLOT").set("TIME_VALUE", "1.5"),
    "no media type": lambda root: root.find(".//MEDIA_DESCRIPTOR").attrib.pop("MIME_TYPE"),
    "nothing above": lambda root: root.find(".//REF_ANNOTATION").attrib.pop("ANNOTATION_REF"),
}


def damaged(damage, folder):
    (file,) = written("elan", clip(*DOG), folder)
    root = ET.parse(file).getroot()
    DAMAGES[damage](root)
    return ET.tostring(root, encoding="unicode")


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_not_valid(damage, ours, tmp_path):
    assert not ours.is_valid(damaged(damage, tmp_path))


def test_damaged_files_are_not_valid_by_the_published_schema(published, tmp_path):
    assert not [damage for damage in DAMAGES if published.is_valid(damaged(damage, tmp_path))]


@few
@given(parsed=parsed_clips())
def test_rules_that_the_schema_cant_express(parsed, tmp_path_factory):
    (file,) = written("elan", parsed, tmp_path_factory.mktemp("elan"))
    root = ET.parse(file).getroot()
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    used = [one.get(f"TIME_SLOT_REF{n}") for one in root.iter("ALIGNABLE_ANNOTATION") for n in (1, 2)]
    assert sorted(used) == sorted(slots)  # each once: what shares a slot moves together
    types = {one.get("LINGUISTIC_TYPE_ID"): one for one in root.iter("LINGUISTIC_TYPE")}
    values = {entry.get("CVE_ID"): entry.findtext("CVE_VALUE") for entry in root.iter("CV_ENTRY_ML")}
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    for tier in tiers.values():
        kind = types[tier.get("LINGUISTIC_TYPE_REF")]
        spans = []
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            assert kind.get("TIME_ALIGNABLE") == "true"
            assert values[one.get("CVE_REF")] == one.findtext("ANNOTATION_VALUE")
            spans.append((slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")]))
        assert all(onset < offset for onset, offset in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        if tier.get("PARENT_REF"):
            assert (kind.get("TIME_ALIGNABLE"), kind.get("CONSTRAINTS")) == ("false", "Symbolic_Association")
            above = [one.get("ANNOTATION_ID") for one in tiers[tier.get("PARENT_REF")].iter("ALIGNABLE_ANNOTATION")]
            below = [one.get("ANNOTATION_REF") for one in tier.iter("REF_ANNOTATION")]
            assert len(set(below)) == len(below)
            assert set(below) <= set(above)
    numbers = [int(one.get("ANNOTATION_ID")[1:]) for one in root.iter() if one.get("ANNOTATION_ID")]
    assert len(set(numbers)) == len(numbers)
    assert root.findtext("HEADER/PROPERTY[@NAME='lastUsedAnnotationId']") == str(max(numbers, default=0))
    for modality in parsed.modalities:  # no more tiers than there are events at once
        name = NAMES.get(modality, modality)
        lanes = [one for one in tiers if one == name or one.removeprefix(f"{name} ").isdigit()]
        of = parsed.of(modality)
        most = max((sum(a.onset <= b.onset < a.offset for a in of) for b in of), default=1)
        assert len(lanes) == max(1, most)


@few
@given(parsed=parsed_clips())
def test_another_reader_reads_the_same(parsed, tmp_path_factory):
    (file,) = written("elan", parsed, tmp_path_factory.mktemp("elan"))
    eaf = pympi.Elan.Eaf(str(file))
    events = set()
    for name in eaf.get_tier_names():
        base = name.rpartition(" ")[0] if name[-1].isdigit() else name
        if name.endswith(" confidence"):
            continue
        confidences = {}
        if f"{name} confidence" in eaf.get_tier_names():
            below = eaf.get_ref_annotation_data_for_tier(f"{name} confidence")
            confidences = {(onset, offset): float(value) for onset, offset, value, *_ in below}
        for onset, offset, value in eaf.get_annotation_data_for_tier(name):
            events.add((base, value, onset, offset, confidences.get((onset, offset), 1.0)))
    expected = {
        (
            NAMES.get(each.modality, each.modality),
            each.label,
            round(each.onset * 1000),
            round(each.offset * 1000),
            each.confidence,
        )
        for each in parsed.events
    }
    assert events == expected
    (vocabulary,) = eaf.get_controlled_vocabulary_names()
    entries = eaf.get_cv_entries(vocabulary)
    assert {values[0][0] for values, _ in entries.values()} == {each.label for each in parsed.events}


def test_a_class_stays_on_its_tier(tmp_path):
    dog, cat = [event("Dog", "audio", t, t + 2) for t in (0, 3)], [event("Cat", "audio", t, t + 2) for t in (1, 5)]
    (file,) = written("elan", clip(*dog, *cat), tmp_path)
    eaf = pympi.Elan.Eaf(str(file))
    assert [value for *_, value in sorted(eaf.get_annotation_data_for_tier("heard"))] == ["Dog", "Dog"]
    assert [value for *_, value in sorted(eaf.get_annotation_data_for_tier("heard 2"))] == ["Cat", "Cat"]
    assert list(eaf.get_tier_names()) == ["heard", "heard 2", "seen", "both"]  # certain: nothing to say of confidence


@pytest.mark.parametrize(("onset", "tiers"), [(0.9994, 2), (1.0, 1), (0.9996, 1), (0.999, 2)])
def test_events_that_overlap_by_a_millisecond_are_on_two_tiers(onset, tiers, tmp_path):
    parsed = clip(event("Dog", "audio", 0, 1), event("Cat", "audio", onset, 2), modalities=("audio",))
    (file,) = written("elan", parsed, tmp_path)
    assert len(pympi.Elan.Eaf(str(file)).get_tier_names()) == tiers


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a b.mp4", "video/mp4"),
        ("Vögel 100%.MOV", "video/quicktime"),
        ("x.mpeg", "video/mpeg"),
        ("x.webm", "video/*"),
        ("x.wav", "audio/x-wav"),
        ("x.mp3", "audio/*"),
        ("x.bin", "unknown"),
    ],
)
def test_the_clip_is_linked_as_elan_looks_for_it(name, mime, tmp_path):
    media = tmp_path / "clips" / name
    media.parent.mkdir()
    media.write_bytes(b"")
    os.utime(media, (1.7e9, 1.7e9))
    (tmp_path / "out").mkdir()
    parsed = replace(clip(*DOG, name=media.stem), file=str(media))
    (file,) = written("elan", parsed, tmp_path / "out")
    root = ET.parse(file).getroot()
    link = root.find("HEADER/MEDIA_DESCRIPTOR")
    address = link.get("MEDIA_URL")
    assert address.startswith("file:///")
    assert Path(address[len("file://") :]).samefile(media)  # ELAN takes off the scheme and undoes no %20
    assert link.get("RELATIVE_MEDIA_URL") == f"../clips/{name}"
    assert link.get("MIME_TYPE") == mime
    assert root.get("DATE") == "2023-11-14T22:13:20+00:00"
    (adjacent,) = written("elan", parsed, media.parent)
    assert ET.parse(adjacent).find("HEADER/MEDIA_DESCRIPTOR").get("RELATIVE_MEDIA_URL") == f"./{name}"


def test_the_vocabulary_has_all_classes_that_xml_can_hold(tmp_path):
    content = elan.FORMAT.encode(Clip(clip(*DOG), ("Cat", "\x01", "Dog", "Oboe", ""), tmp_path))["clip.eaf"]
    root = ET.fromstring(content)
    assert [one.text for one in root.iter("CVE_VALUE")] == ["Cat", "Dog", "Oboe"]


def test_names_that_xml_cant_hold(tmp_path):
    for parsed in (clip(event("a\x01", "audio", 0, 1)), clip(name="a\x02b"), clip(event("a\rb", "audio", 0, 1))):
        with pytest.raises(ClipError, match="XML"):
            written("elan", parsed, tmp_path)


def test_a_clip_whose_file_has_another_name(tmp_path):
    (file,) = written("elan", replace(clip(*DOG), file="elsewhere.mp4"), tmp_path)
    assert list(elan.read(file).by_clip) == ["clip"]


def eaf(tmp_path, tiers, *, slots="", header='<HEADER TIME_UNITS="milliseconds"/>', name="my clip"):
    file = tmp_path / f"{name}.eaf"
    file.write_text(f"<ANNOTATION_DOCUMENT>{header}<TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>")
    return file


def slot(number, time):
    return f'<TIME_SLOT TIME_SLOT_ID="ts{number}" TIME_VALUE="{time}"/>'


def tier(name, value, more=""):
    return (
        f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="x"{more}><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a7" '
        f'TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
    )


SLOTS = slot(1, 1000) + slot(2, 2500)


def test_files_that_people_made(tmp_path):
    tiers = (
        tier("heard", "Dog")
        + tier("heard 3", "Cat")
        + tier("visual", "Sun")
        + tier("herd", "?")
        + tier("seen 2", "Sea")
    )
    reading = elan.read(eaf(tmp_path, tiers + '<TIER TIER_ID="default" LINGUISTIC_TYPE_REF="x"/>', slots=SLOTS))
    assert [(e.label, e.modality, e.onset, e.offset) for e in reading.events("my clip")] == [
        ("Cat", "audio", 1.0, 2.5),
        ("Dog", "audio", 1.0, 2.5),
        ("Sea", "visual", 1.0, 2.5),
        ("Sun", "visual", 1.0, 2.5),
    ]
    (note,) = reading.notes  # the empty tier is nobody's loss
    assert "'herd'" in note
    assert "did you mean heard?" in note


def test_the_linked_clip_counts_whatever_the_file_is_called(tmp_path):
    header = '<HEADER><MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/my clips/a.b.mp4" MIME_TYPE="video/mp4"/></HEADER>'
    assert list(elan.read(eaf(tmp_path, tier("heard", "Dog"), slots=SLOTS, header=header)).by_clip) == ["a.b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<ANNOTATION_DOCUMENT>\n<HEADER>\n</ANNOTATION_DOCUMENT>", r"x\.eaf:3: is not XML"),
        ("<html/>", "is not an annotation file"),
        ('<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="PAL-frames"/></ANNOTATION_DOCUMENT>', "PAL-frames"),
        ("<ANNOTATION_DOCUMENT><HEADER/></ANNOTATION_DOCUMENT>", "no tier that is called one of heard, seen, both"),
        (
            f"<ANNOTATION_DOCUMENT><HEADER/>{tier('heard', 'Dog')}</ANNOTATION_DOCUMENT>",
            "a7 on tier 'heard' has no times",
        ),
    ],
)
def test_files_that_cant_be_read(content, message, tmp_path):
    file = tmp_path / "x.eaf"
    file.write_text(content)
    with pytest.raises(SeehearError, match=message):
        elan.read(file)
