"""Words for classes: what LLP's names and others are heard and seen as, and what is left unmapped."""

from __future__ import annotations

import functools
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seehear.datasets.llp import CLASSES
from seehear.errors import SeehearError
from seehear.names import valid_line
from seehear.vocabulary import ClassMap, Rule, builtin, map_classes, read_map, write_map
from seehear.vocabulary import find as finding
from seehear.vocabulary.classes import Match, build
from seehear.vocabulary.graph import audioset, imagenet
from seehear.vocabulary.wordpiece import tokens, vocabulary
from seehear.vocabulary.words import key, stems

TABLES = Path(__file__).parents[3] / "shared" / "tables"
# LLP's names -> AudioSet's, and the leaves of ImageNet-1k, by their names in WordNet, or how many there are.
LLP = {
    "Accordion": ("Accordion", ["accordion"]),
    "Acoustic_guitar": ("Acoustic guitar", ["acoustic guitar"]),
    "Baby_cry_infant_cry": ("Baby cry, infant cry", []),
    "Baby_laughter": ("Baby laughter", []),
    "Banjo": ("Banjo", ["banjo"]),
    "Basketball_bounce": ("Basketball bounce", []),
    "Blender": ("Blender", []),
    "Car": ("Car", 10),
    "Cat": ("Cat", 7),
    "Cello": ("Cello", ["cello"]),
    "Chainsaw": ("Chainsaw", ["chain saw"]),
    "Cheering": ("Cheering", []),
    "Chicken_rooster": ("Chicken, rooster", ["cock", "hen"]),
    "Clapping": ("Clapping", []),
    "Dog": ("Dog", 118),
    "Fire_alarm": ("Fire alarm", []),
    "Frying_(food)": ("Frying (food)", []),
    "Helicopter": ("Helicopter", []),
    "Lawn_mower": ("Lawn mower", ["lawn mower"]),
    "Motorcycle": ("Motorcycle", ["moped", "motor scooter"]),
    "Singing": ("Singing", []),
    "Speech": ("Speech", []),
    "Telephone_bell_ringing": ("Telephone bell ringing", []),
    "Vacuum_cleaner": ("Vacuum cleaner", ["vacuum"]),
    "Violin_fiddle": ("Violin, fiddle", ["violin"]),
}
# What words are heard as, mostly by their meaning; None for nothing.
HEARD = {
    "dog bark": "Bark",
    "dog barking": "Bark",
    "cat purring": "Purr",
    "goose honking": "Honk",
    "crying baby": "Baby cry, infant cry",
    "playing violin": "Violin, fiddle",
    "toilet flushing": "Toilet flush",
    "door knock": "Knock",
    "hot dog": None,
    "hot dog stand": None,
    "elephant trumpeting": None,
    "eagle screaming": None,
    "dancing": None,
    "skiing": None,
    "dentist": None,
    "democracy": None,
    "asdfgh": None,
}


def encoded(call):
    """Call, or skip without the text encoder's weights, which are no fault of the code."""
    try:
        return call()
    except SeehearError as error:
        if str(error).startswith("can't get the weights"):
            pytest.skip(str(error))
        raise


def heard_as(classes: ClassMap, name: str) -> list[str]:
    return [audioset().concepts[each].name for each in classes.matches["audio"][name].concepts]


def seen_as(classes: ClassMap, name: str) -> list[str]:
    return [imagenet().concepts[each].name for each in classes.sources["visual"].get(name, ())]


def reached(graph, start: str, named: bool = True) -> set[str]:
    """The named concepts from which walking upwards leads to one: a naive walk from every concept."""
    found = set()
    for each, concept in graph.concepts.items():
        level, seen = {each}, {each}
        while level:
            level = {parent for one in level for parent in graph.concepts[one].parents}
            seen |= level
        if start in seen and (concept.named or not named):
            found.add(each)
    return found


def test_llp():
    classes = map_classes(CLASSES)  # without the text encoder
    assert set(LLP) == set(CLASSES)
    assert classes.unmapped() == ()
    for name, (heard, seen) in LLP.items():
        assert heard_as(classes, name) == [heard]
        leaves = seen_as(classes, name)
        assert len(leaves) == seen if isinstance(seen, int) else sorted(leaves) == sorted(seen)


def test_sources_are_what_a_naive_walk_reaches():
    classes = map_classes(["Dog", "Vehicle", "Musical instrument"])
    for name, mid, wnid in (
        ("Dog", "/m/0bt9lr", "n02084071"),
        ("Vehicle", "/m/07yv9", "n04524313"),
        ("Musical instrument", "/m/04szw", "n03800933"),
    ):
        assert set(classes.sources["audio"][name]) == reached(audioset(), mid)
        assert set(classes.sources["visual"][name]) == reached(imagenet(), wnid)


def test_every_source_is_one_of_a_classifiers_classes():
    assert sum(concept.named for concept in audioset().concepts.values()) == 527
    assert sum(concept.named for concept in imagenet().concepts.values()) == 1000
    for modality, graph in (("audio", audioset()), ("visual", imagenet())):
        ids = {each for sources in builtin().sources[modality].values() for each in sources}
        assert ids == {each for each, concept in graph.concepts.items() if concept.named}


@pytest.mark.skipif(not TABLES.is_dir(), reason="the published tables are not on this machine")
def test_tables_are_the_published_ones():
    ontology = json.loads((TABLES / "audioset_ontology.json").read_text("utf-8"))
    children = {entry["id"]: set(entry["child_ids"]) for entry in ontology}
    assert {each: set(audioset().children(each)) for each in audioset().concepts} == children
    leaves = (TABLES / "imagenet_synsets.txt").read_text("utf-8").split()
    assert sorted(leaves) == [each for each, concept in imagenet().concepts.items() if concept.named]


def test_calls_that_two_animals_share_tell_neither():
    growling, bark = "/m/0ghcn6", "/m/05tny_"
    alone, both = map_classes(["Dog"]), map_classes(["Dog", "Cat"])
    assert growling in alone.sources["audio"]["Dog"]
    assert growling not in (*both.sources["audio"]["Dog"], *both.sources["audio"]["Cat"])
    assert bark in both.sources["audio"]["Dog"]
    siren = map_classes(["Siren", "Emergency vehicle"])  # what is both stays both
    assert set(siren.sources["audio"]["Siren"]) & set(siren.sources["audio"]["Emergency vehicle"])


def test_parents():
    classes = map_classes(["Border collie", "Dog", "Animal", "Bark", "Cat"])
    above = {"Border collie": {"Dog", "Animal"}, "Dog": {"Animal"}, "Bark": {"Dog", "Animal"}, "Cat": {"Animal"}}
    assert classes.parents == {name: frozenset(above.get(name, ())) for name in classes.classes}
    assert map_classes(["Dog", "dogs"]).parents == {"Dog": frozenset(), "dogs": frozenset()}


@pytest.mark.parametrize("name", ["Dog", "dog", "DOGS", "_dog", "Dog’s", "d\u200bog", "ｄｏｇ", "dogs."])
def test_spellings(name):
    assert map_classes([name]).sources == {
        side: {name: ids["Dog"]} for side, ids in map_classes(["Dog"]).sources.items()
    }


@pytest.mark.parametrize(
    "pair",
    [
        *("horse horses", "bus buses", "fly flies", "woman women", "mouse mice", "pie pies", "movie movies"),
        *("box boxes", "church churches", "knife knives", "tree trees", "goose geese", "house houses", "toy toys"),
        *("wolf wolves", "shoe shoes", "baby babies"),
    ],
)
def test_plurals(pair):
    one, several = pair.split()
    assert key(one) == key(several)


def test_verbs():
    assert stems("Dogs barking") == stems("dog bark")
    assert stems("hammering") == stems("hammer")


@pytest.mark.parametrize(
    ("name", "leaves"),
    [
        ("hot dog", ["hotdog"]),  # not a dog
        ("Mouse", []),  # of AudioSet's animals, not a computer's
        ("Wood", []),  # no woodwind
        ("Engine", []),  # no locomotive
        ("Wind", []),  # no wind instrument
        ("Gears", []),  # no equipment
        ("Person", []),  # no groom, ballplayer or scuba diver
        ("groom", ["groom"]),
        ("Glasses", ["sunglasses"]),
        ("Glass", ["beer glass", "goblet"]),
        ("Cricket", ["cricket"]),
        ("Railroad car, train wagon", ["freight car", "passenger car"]),
        ("Baby_cry", []),
        ("Television", ["television"]),
    ],
)
def test_words_choose_the_synset(name, leaves):
    matched = finding.find_seen(name, finding.heard_by_words(name))
    found = build([name], {"visual": {name: matched} if matched else {}})
    assert sorted(seen_as(found, name)) == leaves


def test_synonyms_are_heard():
    classes = map_classes(["Automobile", "Plane", "Phone"])
    assert [heard_as(classes, name) for name in classes.classes] == [
        ["Car"],
        ["Fixed-wing aircraft, airplane"],
        ["Telephone"],
    ]
    assert {match.rule for match in classes.matches["audio"].values()} == {Rule.SYNONYM}


def test_meanings():
    classes = encoded(lambda: map_classes(list(HEARD)))
    found = {name: heard_as(classes, name) if name in classes.matches["audio"] else None for name in HEARD}
    assert found == {name: heard and [heard] for name, heard in HEARD.items()}
    assert seen_as(classes, "playing violin") == ["violin"]
    assert seen_as(classes, "dog bark") == []
    assert "democracy" in classes.unmapped()
    assert "democracy" in classes.text()
    match = classes.matches["audio"]["dog bark"]
    assert match.rule is Rule.SIMILAR
    assert 0.6 <= match.similarity <= 1


def test_thresholds_on_the_names_that_chose_them():
    lines = (Path(__file__).parent / "meanings.tsv").read_text("utf-8").splitlines()[1:]
    expected = {name: set(filter(None, heard.split("|"))) for name, heard in (line.split("\t") for line in lines)}
    classes = encoded(lambda: map_classes(list(expected)))
    found = {name: set(heard_as(classes, name)) if name in classes.matches["audio"] else set() for name in expected}
    wrong = [name for name in expected if found[name] and not found[name] & expected[name]]
    missed = [name for name in expected if expected[name] and not found[name]]
    assert len(expected) == 120
    assert wrong == ["bird singing", "mouse click"]
    assert len(missed) == 5


@given(st.text(max_size=40))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_any_text_is_mapped_or_refused(name):
    try:
        valid_line(name)
    except SeehearError:
        with pytest.raises(SeehearError):
            map_classes([name])
        return
    classes = encoded(lambda: map_classes([name]))
    assert classes.classes == (name,)
    assert name in classes.text()
    json.dumps(classes.as_json())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "at least one class"),
        ("Dog", "in a list"),
        (["Dog", "Dog"], "given twice: Dog"),
        ([""], "can't stand in a line"),
        (["Dog\nCat"], "can't stand in a line"),
        (["x" * 2000], "more than 1000"),
    ],
)
def test_wrong_names(names, message):
    with pytest.raises(SeehearError, match=message):
        map_classes(names)


@pytest.mark.parametrize("similarity", [0.0, -1.0, 1.5, float("nan")])
def test_wrong_similarity(similarity):
    with pytest.raises(SeehearError, match="similarity must be"):
        map_classes(["Dog"], similarity=similarity)


def test_a_long_name():
    assert encoded(lambda: map_classes(["xyzzy " * 150 + "x"])).unmapped()


# The built-in vocabulary


def test_builtin_has_joint_classes():
    classes = builtin()
    for name in ("Dog", "Cat", "Car", "Train", "Violin, fiddle", "Piano", "Bird", "Truck", "Guitar"):
        assert name in classes.sources["audio"]
        assert name in classes.sources["visual"]
    for name in ("Fish", "Food", "Fruit", "Furniture", "Border collie", "Crane", "Computer mouse"):
        assert name in classes.sources["visual"]
        assert name not in classes.sources["audio"]
    assert {"Dog", "Animal"} <= classes.parents["Border collie"]
    assert classes.unmapped() == ()
    assert len(set(map(str.casefold, classes.classes))) == len(classes.classes)
    assert not {"Person", "Object", "Artifact", "Entity", "Whole"} & set(classes.classes)


def test_every_source_of_a_class_is_one_of_its_parents():
    classes = builtin()
    for name, above in classes.parents.items():
        for parent in above:
            shared = [each for each in classes.sources.values() if name in each and parent in each]
            assert any(set(each[parent]) >= set(each[name]) for each in shared)
            assert name not in classes.parents[parent]


# Tables of classes


def test_a_map_and_its_table(tmp_path):
    for classes in (map_classes(CLASSES), builtin()):
        write_map(tmp_path / "classes.csv", classes)
        again = read_map(tmp_path / "classes.csv")
        assert (again.classes, again.sources, again.parents) == (classes.classes, classes.sources, classes.parents)


@given(
    st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from("\",;=' ")), unique=True, min_size=1, max_size=3)
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_a_table_keeps_any_name(tmp_path, names):
    try:
        names = [valid_line(name) for name in names]
    except SeehearError:
        return
    sources = {"audio": {names[0]: ("/m/05tny_",)}, "visual": {}}
    write_map(tmp_path / "odd.csv", ClassMap(tuple(names), sources, {name: frozenset() for name in names}))
    again = read_map(tmp_path / "odd.csv")
    assert again.classes == tuple(names)
    assert again.sources == sources


def test_a_map_without_matches_keeps_its_sources(tmp_path):
    given_ = ClassMap(("Hund",), {"audio": {"Hund": ("/m/0bt9lr",)}, "visual": {}}, {"Hund": frozenset()})
    write_map(tmp_path / "classes.csv", given_)
    assert read_map(tmp_path / "classes.csv").sources == given_.sources


def test_a_table_that_a_user_wrote(tmp_path):
    file = tmp_path / "classes.csv"
    cells = "Pet,Dog; /m/01yrx,dog; n02121808 domestic cat,/m/05tny_ Bark"
    file.write_text(f"class,heard,seen,without\n{cells}\nNoise,,,\n")
    classes = read_map(file)
    assert "/m/05tny_" not in classes.sources["audio"]["Pet"]
    assert "/m/0bt9lr" in classes.sources["audio"]["Pet"]
    assert len(classes.sources["visual"]["Pet"]) == 118 + 5
    assert classes.unmapped() == ("Noise",)
    file.write_text("class\theard\nHund\tDog\n")
    assert set(read_map(file).sources["audio"]) == {"Hund"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the header lacks class"),
        ("class,heard,seen\n", "lists no class"),
        ("class,other\nDog,x\n", ":1: the header has neither"),
        ("class,heard\nDog,Dog\nDog,Cat\n", ":3: Dog is also on line 2"),
        ("class,heard\nDog,/m/000000\n", ":2: /m/000000 is no class that is heard"),
        ("class,seen\nDog,n00000000\n", ":2: n00000000 is no class that is seen"),
        ("class,heard\n\nDog,Wauwau\n", ":3: 'Wauwau' is no class of AudioSet"),
        ("class,seen\nDog,speech\n", ":2: 'speech' is no noun"),
        ("class,heard,without\nDog,Dog,Bark\n", ":2: without holds 'Bark', which begins with no id"),
        ("class,heard,without\nDog,Dog,/m/0bt9lr\n", ":2: heard holds 'Dog', of which no classifier"),
        ("class,heard\nDog\n", ":2: "),
        ('class,heard\n"Dog,Dog\n', ":2: "),
        ("class,heard,heard\nDog,Dog,Dog\n", ":1: the header holds heard twice"),
    ],
)
def test_wrong_tables(tmp_path, text, message):
    file = tmp_path / "classes.csv"
    file.write_text(text)
    with pytest.raises(SeehearError) as error:
        read_map(file)
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "classes.csv").write_bytes(b"\x00\xff" * 100)
    with pytest.raises(SeehearError, match=r"classes\.csv"):
        read_map(tmp_path / "classes.csv")
    with pytest.raises(SeehearError, match="no such file"):
        read_map(tmp_path / "missing.csv")


def test_results():
    classes = map_classes(["Dog", "Speech"])
    pytest.importorskip("pandas")
    frame = classes.to_frame()
    assert list(frame["class"]) == ["Dog", "Dog", "Speech"]
    assert list(frame["modality"]) == ["audio", "visual", "audio"]
    assert "118 classes" in classes.text()
    assert repr(classes) == "ClassMap(2 classes: 2 heard, 1 seen)"
    assert build(["a"], {"audio": {"a": Match((), Rule.FILE)}}).unmapped() == ("a",)


# WordPiece


@pytest.mark.parametrize(
    "text",
    ["Dog bark", "Frying (food)", "Bézier café", "狗 barks", "$+<=>^`|~", "a\u200bb", "ab" * 80, "🐶", ""],
)
def test_pieces_are_joined_to_words(text):
    """Pieces, without their marks and those for unknown words, are a text's letters."""
    known = list(vocabulary())
    pieces = [known[number] for number in tokens(text, vocabulary(), 512)]
    assert pieces[0] == "[CLS]"
    assert pieces[-1] == "[SEP]"
    if "[UNK]" not in pieces:
        letters = unicodedata.normalize("NFD", text.lower())
        kept = "".join(s for s in letters if unicodedata.category(s) not in ("Mn", "Cf") and not s.isspace())
        assert "".join(piece.removeprefix("##") for piece in pieces[1:-1]) == kept


@functools.cache
def reference():
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.BertWordPieceTokenizer(vocab=dict(vocabulary()), lowercase=True)


@given(st.text(st.characters(max_codepoint=0x24F) | st.sampled_from("中文ह🐶​　’́"), max_size=30))
@settings(max_examples=200)
def test_pieces_are_those_of_tokenizers(text):
    assert tokens(text, vocabulary(), 512) == reference().encode(text).ids


def test_a_text_of_many_tokens_is_cut():
    assert len(tokens("dog " * 500, vocabulary(), 128)) == 128
