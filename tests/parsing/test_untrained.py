"""Parsing without training: the classifiers' own classes, thresholds from background clips, own classes beside them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands
import seehear as sh
from make_media import write
from seehear.data import Dataset
from seehear.labelling.suggestions import ParseSuggester
from seehear.networks.samples import sample_image, sample_waveform
from seehear.parsing.background import read_background, thresholds
from seehear.parsing.class_scores import means_around, without_parents
from seehear.parsing.clip import Origin
from seehear.parsing.untrained import Untrained
from seehear.vocabulary import builtin

RATE, SECONDS = 16000, 6
NETWORKS = {"audio": "yamnet", "visual": "efficientnet-lite0"}
WORDS = ["Dog", "Cat", "Speech", "Xyzzy"]


def film(path, sound, picture):
    """Six seconds of a sound and a still picture, which no codec changes."""
    return write(
        path,
        times=np.arange(SECONDS * 2) / 2,
        fps=2,
        picture=lambda _: picture,
        sound=sound,
        rate=RATE,
        sound_codec="flac",
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A dog barks for three seconds, which are followed by digital silence, in front of a cat; and noise on grey."""
    folder = tmp_path_factory.mktemp("untrained")
    bark = np.zeros(RATE * SECONDS, np.float32)
    wave = sample_waveform(RATE)[: 3 * RATE]
    bark[: len(wave)] = wave
    film(folder / "pets.mkv", bark, sample_image(224))
    rng = np.random.default_rng(0)
    for n in range(3):
        noise = rng.normal(0, 0.02, RATE * SECONDS).astype(np.float32)
        film(folder / "background" / f"noise{n}.mkv", noise, np.full((224, 224, 3), 60 + 50 * n, np.uint8))
    return folder


@pytest.fixture(scope="module")
def background(clips):
    return read_background(
        clips / "background", {m: [name] for m, name in NETWORKS.items()}, 2.0, "cpu", progress=False
    )


@pytest.fixture(scope="module")
def parser(background):
    return Untrained(WORDS, networks=NETWORKS, background=background, device="cpu")


# Probabilities and thresholds


def test_probabilities_are_those_of_the_loop(parser, background):
    found, of_second = parser.predict_proba(background), {}
    for m, (modality, network) in enumerate(NETWORKS.items()):
        classifier = sh.load_network(network, "cpu").classifier()
        for n, features in enumerate(background.arrays(network)):
            for t, feature in enumerate(features):
                logits = [float(classifier(feature)[k]) for k in range(len(classifier.ids))]
                for c, name in enumerate(WORDS):
                    sources = parser.map.sources[modality].get(name, ())
                    own = [logits[k] for k, each in enumerate(classifier.ids) if each in sources]
                    if modality == "audio":
                        of_second[n, t, c] = max((1 / (1 + np.exp(-logit)) for logit in own), default=0.0)
                    else:
                        highest = max(logits)
                        expected = sum(np.exp(x - highest) for x in own) / sum(np.exp(x - highest) for x in logits)
                        assert found[n, t, m, c] == pytest.approx(expected, abs=1e-5)
    for (n, t, c), probability in of_second.items():
        around = [of_second[n, s, c] for s in range(t - 5, t + 6) if (n, s, c) in of_second]
        assert found[n, t, 0, c] == pytest.approx(np.sqrt(probability * np.mean(around)), abs=1e-5)


def arrays(lengths, seed):
    """A data set without labels, of clips of these lengths, and probabilities of two classes for it."""
    rng = np.random.default_rng(seed)
    features = [rng.normal(size=(length, 2)).astype(np.float32) for length in lengths]
    dataset = Dataset.from_arrays({"audio": features, "visual": features})
    scores = rng.choice(np.array([0, 0.25, 0.5, 0.75, 0.9, 1], np.float32), (len(lengths), max(lengths), 2, 2))
    return dataset, scores


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.integers(0, 999),
    st.floats(0.01, 0.9),
    st.data(),
)
def test_a_threshold_is_the_lowest_that_few_enough_negatives_reach(lengths, seed, share, data):
    dataset, scores = arrays(lengths, seed)
    negative = np.array([[data.draw(st.booleans()) for _ in range(2)] for _ in lengths])
    found = thresholds(scores, dataset, negative, share)
    for m in range(2):
        for c in range(2):
            own = [scores[n, t, m, c] for n, length in enumerate(lengths) for t in range(length) if negative[n, c]]
            if not own:
                assert found[m, c] == 1
                continue
            passing = sum(score >= found[m, c] for score in own)
            if found[m, c] < 1:  # certainty always passes
                assert passing <= share * len(own)
            lower = [score for score in own if score < found[m, c]]
            if lower:  # with the next lower threshold, too many would pass
                assert sum(score >= max(lower) for score in own) > share * len(own)


def test_clips_with_a_class_are_not_its_background(parser, background):
    labelled = Dataset.from_arrays(
        {m: {name: background.arrays(name)} for m, name in NETWORKS.items()},
        labels=[["Bark"], ["Siamese cat", "Speech"], []],
    )
    negative = parser._negative(labelled)
    assert negative.tolist() == [[False, True, True, True], [True, False, False, True], [True, True, True, True]]


@given(st.integers(0, 999))
def test_parents_yield_to_what_fills_half_of_their_events(seed):
    rng = np.random.default_rng(seed)
    active = rng.random((2, 8, 3)) < 0.6
    children = {0: [1, 2], 1: [2]}
    found = without_parents(active, children)
    for n in range(2):
        for parent in range(3):
            start = None
            for t in range(9):
                on = t < 8 and active[n, t, parent]
                if on and start is None:
                    start = t
                if not on and start is not None:
                    covered = sum(any(active[n, s, c] for c in children.get(parent, [])) for s in range(start, t))
                    keeps = covered < (t - start) / 2 or not children.get(parent)
                    assert found[n, start:t, parent].tolist() == [keeps] * (t - start)
                    start = None
    assert not (found & ~active).any()


@given(st.lists(st.integers(1, 14), min_size=1, max_size=3), st.integers(0, 999))
def test_means_around_stay_within_a_clip(lengths, seed):
    rng = np.random.default_rng(seed)
    within = np.arange(max(lengths)) < np.array(lengths)[:, None]
    values = rng.random((*within.shape, 2), dtype=np.float32) * within[..., None]
    found = means_around(values, within, 5)
    for n, length in enumerate(lengths):
        for t in range(length):
            around = [values[n, s] for s in range(length) if abs(s - t) <= 5]
            assert found[n, t] == pytest.approx(np.mean(around, axis=0), abs=1e-6)


# Clips


def test_own_words(parser, clips):
    parsed = parser.parse(clips / "pets.mkv")
    heard, seen = ({event.label for event in parsed.of(modality)} for modality in ("audio", "visual"))
    assert heard == {"Dog"}
    assert seen == {"Cat"}
    assert all(event.offset <= 3 for event in parsed.of("audio"))  # nothing is heard in digital silence
    assert {event.origin for event in parsed.events} == {Origin.UNTRAINED}
    assert parsed.origins == (Origin.UNTRAINED,)
    assert "untrained" in repr(parsed)
    assert "Bark" in parsed.meanings["Dog"]["audio"]
    assert "Egyptian cat" in parsed.meanings["Cat"]["visual"]
    assert "Xyzzy" in parser.describe().splitlines()[-1]
    assert parser.notes == ("nothing means Xyzzy: never found",)


def test_the_classifiers_own_words(background, clips):
    parsed = Untrained(networks=NETWORKS, background=background, device="cpu").parse(clips / "pets.mkv")
    assert {"Dog", "Animal"}.isdisjoint(event.label for event in parsed.of("audio"))  # `Bark` and others say more
    assert any("Dog" in builtin().parents[event.label] for event in parsed.of("audio"))
    assert any("Cat" in builtin().parents[event.label] for event in parsed.of("visual"))


def test_what_is_heard_and_seen_meets_in_a_class_that_both_have(background, clips, tmp_path):
    wave = np.tile(sample_waveform(RATE), 2)[: RATE * SECONDS]
    film(tmp_path / "pets.mkv", wave, sample_image(224))
    parsed = Untrained(networks=NETWORKS, background=background, device="cpu").parse(tmp_path / "pets.mkv")
    assert {event.label for event in parsed.of("audio_visual")} & {"Animal", "Domestic animals, pets"}


def test_nothing_is_heard_without_audio(parser, clips, tmp_path):
    write(tmp_path / "mute.mkv", times=np.arange(8) / 2, fps=2, picture=lambda _: sample_image(224))
    parsed = parser.parse(tmp_path / "mute.mkv")
    assert parsed.absent == ("audio",)
    assert {event.label for event in parsed.events} == {"Cat"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["Xyzzy"]}, "Xyzzy: no class of .* means this"),
        ({"classes": ["Speach"]}, r"Speach \(did you mean Speech\?\): no class of .* means this"),
        ({"classes": []}, "at least one class"),
        ({"classes": ["Dog", "dogs"]}, "Dog and dogs are one class in two spellings"),
        ({"classes": "Xyzzy, Speach"}, "Xyzzy, Speach .*means this"),
        ({"classes": "none.csv"}, "none.csv: no such file"),
        ({"classes": ["Dog"], "false_alarm_share": 0}, "above 0 and below 1"),
        ({"classes": ["Dog"], "networks": {"audio": "efficientnet-lite0"}}, "input is visual, not audio"),
        ({"classes": ["Dog"], "networks": {"audio": "nothing"}}, "no network is called 'nothing'"),
    ],
)
def test_what_can_not_be_used(options, message):
    with pytest.raises(sh.SeehearError, match=message):
        Untrained(**options)


def test_networks_that_name_no_classes():
    with pytest.raises(sh.SeehearError, match="aisfx: names no classes of AudioSet"):
        Untrained(["Dog"], networks={"audio": "aisfx"})


def test_a_background_without_sound(clips, tmp_path):
    film(tmp_path / "still.mkv", np.zeros(RATE * SECONDS, np.float32), sample_image(224))
    parser = Untrained(["Dog"], networks=NETWORKS, background=tmp_path, device="cpu")
    with pytest.raises(sh.SeehearError, match="the background clips have no audio"):
        parser.parse(clips / "pets.mkv")


def test_words_with_semicolons_and_tables_of_any_suffix(tmp_path, clips):
    assert Untrained("Dog; Speech", networks=NETWORKS).classes == ("Dog", "Speech")
    (tmp_path / "words.txt").write_text("class,heard\nHound,Bark\n")
    assert Untrained(str(tmp_path / "words.txt"), networks=NETWORKS).classes == ("Hound",)


def test_labels_that_are_known_leave_nothing_else(parser, background):
    features = {m: {name: background.arrays(name)} for m, name in NETWORKS.items()}
    labelled = Dataset.from_arrays(features, labels=[["Dog"], [], ["Speech"]], classes=["Speech", "Dog"])
    everything = sh.Decoding("none", 0.0)
    found = parser.predict_labelled(labelled, everything)
    for array in found.values():
        assert array[0, :, WORDS.index("Dog")].all()
        assert array[2, :, WORDS.index("Speech")].all()
        assert array.sum() == 2 * SECONDS


# Beside a trained model


def test_a_trained_class_speaks_for_its_name(clips, parser, tmp_path):
    store = tmp_path / "store"
    sh.extract(clips / "background", list(NETWORKS.values()), store=store, fps=2, device="cpu", progress=False)
    (tmp_path / "weak.csv").write_text("filename\tevent_labels\nnoise0\tdog\nnoise1\tNoise\nnoise2\tdog,Noise\n")
    train = Dataset.from_tables(tmp_path / "weak.csv", store=store, collocation=NETWORKS)
    trained = sh.Parser("small", epochs=1, device="cpu", decoding=sh.Decoding("none", 0.0)).fit(
        train, out=tmp_path / "run", progress=False
    )
    both = trained.with_untrained(parser)
    assert both.classes == ("Noise", "dog", "Cat", "Speech", "Xyzzy")
    parsed = both.parse(clips / "pets.mkv")
    by_origin = {origin: {e.label for e in parsed.events if e.origin is origin} for origin in Origin}
    assert by_origin == {Origin.TRAINED: {"Noise", "dog"}, Origin.UNTRAINED: {"Cat"}}
    assert parsed.origins == (Origin.TRAINED, Origin.UNTRAINED)
    alone = trained.parse(clips / "pets.mkv")
    assert [e for e in parsed.events if e.origin is Origin.TRAINED] == list(alone.events)
    found = commands.parse(
        tmp_path / "run", [clips / "pets.mkv"], out=tmp_path / "out", device="cpu", figures=("html",),
        classes=["Cat,Speech"], background=[clips / "background"],
    )  # fmt: skip
    assert "Cat (untrained)" in found.text()
    page = (tmp_path / "out" / "pets.html").read_text("utf-8")
    assert "<small>untrained</small>" in page
    assert sh.ParsedClip.from_json(found.clips[0].as_json()).origins == parsed.origins


def test_what_training_adds_is_scored_beside_it(background, parser):
    features = {m: {name: background.arrays(name)} for m, name in NETWORKS.items()}
    rng = np.random.default_rng(0)
    truth = {m: rng.random((3, SECONDS, 2)) < 0.5 for m in NETWORKS}
    known = Dataset.from_arrays(features, classes=["Dog", "Cat"], truth=truth)
    trained = sh.Parser("small", epochs=1, device="cpu").fit(known, progress=False)
    found = sh.evaluate(trained, known, untrained=parser, progress=False).to_frame()
    alone = sh.evaluate(parser.predict(known), known, progress=False).to_frame()
    assert found["untrained_parse"].tolist() == pytest.approx(alone["score"].tolist())


def test_features_without_classes_can_not_be_parsed_untrained():
    features = {"audio": np.zeros((2, 3, 4), np.float32), "visual": np.zeros((2, 3, 4), np.float32)}
    with pytest.raises(sh.SeehearError, match="extract efficientat-mn04 or yamnet to parse its clips untrained"):
        Untrained.of_dataset(Dataset.from_arrays(features, classes=["Dog"]))


def test_labels_are_suggested(clips):
    suggester = ParseSuggester.untrained(["Dog", "Cat", "Speech"], device="cpu")
    found = {one.label: one.modality for one in suggester.suggest(clips / "pets.mkv")}
    assert (found["Dog"], found["Cat"]) == ("audio", "visual")
    assert 0 <= suggester.uncertainty(clips / "pets.mkv") <= 1


# The commands


def test_a_first_answer_writes_nothing_unless_asked(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {
        "classes": ["Dog,Cat"],
        "background": [clips / "background"],
        "networks": ["audio=yamnet", "visual=efficientnet-lite0"],
        "device": "cpu",
    }
    found = commands.parse(clips / "pets.mkv", **options)
    assert list(tmp_path.iterdir()) == []
    assert found.text().startswith("untrained: ")
    assert "visual            0.0 to    6.0 s" in found.text()
    kept = commands.parse(clips / "pets.mkv", out=tmp_path / "out", **options)
    assert [clip.events for clip in kept.clips] == [clip.events for clip in found.clips]
    content = json.loads((tmp_path / "out" / "pets.json").read_text("utf-8"))
    assert content["origins"] == ["untrained"]
    assert {event["origin"] for event in content["events"]} == {"untrained"}
    assert "<b>Untrained:</b>" in (tmp_path / "out" / "pets.html").read_text("utf-8")
    assert "<b>Untrained:</b>" in (tmp_path / "out" / "index.html").read_text("utf-8")
    again = commands.parse(clips / "pets.mkv", out=tmp_path / "out", **options)
    assert again.unchanged == 1
    with pytest.raises(sh.SeehearError, match="another run or decoding"):
        commands.parse(clips / "pets.mkv", out=tmp_path / "out", **{**options, "classes": ["Dog"]})


def test_a_threshold_of_ones_own_is_the_segments(clips):
    options = {"classes": ["Dog,Cat"], "background": [clips / "background"], "device": "cpu"}
    (found,) = commands.parse(clips / "pets.mkv", threshold=0.2, **options).clips
    assert found.decoding == "none,seg0.2"
    assert {event.label for event in found.events} == {"Dog", "Cat"}


def test_a_folder_that_is_no_run_is_not_passed_over(clips, tmp_path):
    (tmp_path / "RUN").mkdir()
    with pytest.raises(sh.SeehearError, match="RUN"):
        commands.parse(tmp_path / "RUN", [clips / "pets.mkv"], classes=["Dog"], background=[clips / "background"])


def test_a_map_is_printed_written_and_corrected(tmp_path, clips):
    words = tmp_path / "words.csv"
    found = commands.classes(["Dog,Xyzzy"], out=words)
    assert "nothing means Xyzzy: never found" in found.text()
    table = words.read_text("utf-8")
    words.write_text(table.replace("Dog", "Hound", 1), "utf-8")
    with pytest.raises(sh.SeehearError, match=r"words.csv: exists with other content"):
        commands.classes(["Dog,Xyzzy"], out=words)
    assert "Hound" in words.read_text("utf-8")
    parsed = commands.parse(
        clips / "pets.mkv", classes=[str(tmp_path / "words.csv")], background=[clips / "background"], device="cpu"
    ).clips[0]
    assert "Hound" in {event.label for event in parsed.of("audio")}
