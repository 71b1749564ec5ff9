"""Nothing is heard in digital silence, whether a clip is parsed or its stored features are."""

import shutil

import numpy as np
import pytest

import commands
import seehear as sh
from make_media import tone, write
from parsing.conftest import SECONDS, SILENT, dataset
from seehear.decoding import Decoding
from seehear.features.store import Origin, Store
from seehear.parsing.parser import load
from seehear.training.bags import Bags
from seehear.training.inference import predict

pytestmark = pytest.mark.usefixtures("few_draws")
LOW = Decoding("none", 1e-6)  # what has any probability is active


@pytest.fixture(scope="module")
def parser(place):
    return load(place.run / "seed-3", device="cpu", trust_code=True)


def before(parser, data):
    """What the model predicts by itself."""
    return predict(parser.model, Bags(data.packs()), parser.run.facts.window)


def test_predictions_of_stored_features(place, parser):
    data = dataset(place)
    expected = before(parser, data)
    for n in range(6):
        for t in range(SECONDS):
            silent = n % 2 == 1 and t in SILENT
            assert data.silent[n, t] == silent
            if silent:
                assert expected.segment[n, t, 0].all()
                expected.segment[n, t, 0] = 0
    found = parser.probabilities(data)
    for name in ("segment", "clip", "modality_clip"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-6)
    active = parser.predict(data, LOW)
    assert not active["audio"][1, list(SILENT)].any()
    assert active["visual"][1].all()
    assert active["audio"][0].all()
    report = sh.evaluate(parser, data, decoding=LOW)
    assert report.average.mean == pytest.approx(sh.score(active, data.truth).average)


def test_a_file_is_parsed_as_its_features_are(place, parser):
    found = parser.predict_proba(dataset(place))
    for n in (0, 1):
        parsed = parser.parse(place.clips / f"clip{n}.mkv", decoding=LOW)
        for m, modality in enumerate(("audio", "visual")):
            for c, label in enumerate(parser.classes):
                assert parsed.probabilities[modality][label] == pytest.approx(found[n, :, m, c], abs=1e-3)
    heard = [(event.onset, event.offset) for event in parsed.of("audio") if event.label == parser.classes[0]]
    assert heard == [(0.0, SILENT[0]), (SILENT[-1] + 1, SECONDS)]
    assert {(event.onset, event.offset) for event in parsed.of("visual")} == {(0.0, SECONDS)}
    assert all(probability == 0 for probability in parsed.probabilities["audio"][parser.classes[0]][2:4])


def test_an_ensemble_hears_nothing_either(place):
    data, together = dataset(place), load(place.run, ensemble=True, device="cpu", trust_code=True)
    found = together.predict_proba(data)
    assert not found[:, :, 0][data.silent].any()
    assert found[:, :, 1].all()
    parsed = together.parse(place.clips / "clip1.mkv", decoding=LOW)
    assert parsed.probabilities["audio"][together.classes[0]][2:4] == [0, 0]


def test_a_store_of_an_earlier_version_predicts_as_before(place, parser, tmp_path):
    shutil.copytree(place.folder / "store", tmp_path / "store", ignore=shutil.ignore_patterns("packed"))
    kept = Store(tmp_path / "store")
    for clip in kept.clips("level"):
        origin = kept.origin("level", clip)
        assert isinstance(origin, Origin)
        kept.write("level", origin, kept.read("level", clip))
    data = dataset(place, tmp_path / "store")
    assert not data.silent.any()
    np.testing.assert_array_equal(parser.predict_proba(data), before(parser, data).segment)
    assert data.content == dataset(place).content  # nothing that was trained on these features is out of date
    again = commands.extract([place.clips], networks=place.networks, store=tmp_path / "store", fps=2)
    assert (again.made, again.unchanged) == (0, 12)


def test_a_clip_long_enough_for_windows(place, parser, tmp_path):
    """A clip longer than those of training. A second that is silent in part only is not silent."""
    sound = tone(400, 20, 16000) + 0.45
    sound[9 * 16000 : round(14.5 * 16000)] = 0
    shade = np.full((16, 16, 3), 90, np.uint8)
    path = write(
        tmp_path / "a.mkv", times=np.arange(80) / 4, fps=4, picture=lambda _: shade, sound=sound, sound_codec="flac"
    )
    parsed = parser.parse(path, decoding=LOW)
    heard = np.array(parsed.probabilities["audio"][parser.classes[0]])
    assert np.flatnonzero(heard == 0).tolist() == [9, 10, 11, 12, 13]
