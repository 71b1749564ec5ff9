"""The background clips that come with seehear: their content, labels and sources, and where features are kept."""

import sys
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from seehear.labels import read_weak
from seehear.media.reader import Media
from seehear.networks.weights import cache_folder
from seehear.parsing.background import BUNDLED, LABELS, bundled
from seehear.parsing.untrained import Untrained
from seehear.vocabulary import Rule, map_classes

ROOT = Path(__file__).parents[2]
FOLDER = BUNDLED
FEW = ("dogs", "speech-1", "drums")  # so that the tests are fast
LARGEST = 3_500_000  # bytes of all clips, since each installation has them
NETWORKS = {"audio": "yamnet", "visual": "efficientnet-lite0"}


@pytest.fixture(scope="module")
def listed():
    """The tables of the script that makes the clips."""
    folders = [str(ROOT / "tools"), str(ROOT / "demo")]
    sys.path[:0] = folders
    try:
        import background_clips
    finally:
        sys.path[:] = [folder for folder in sys.path if folder not in folders]
        sys.modules.pop("sources", None)
    return background_clips


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with the weights of the usual one, and without features; and a bundle of few clips."""
    few = tmp_path / "few"
    few.mkdir()
    for name in FEW:
        (few / f"{name}.mp4").symlink_to(FOLDER / f"{name}.mp4")
    head, *rows = (FOLDER / LABELS).read_text(encoding="utf-8").splitlines()
    kept = [head, *(row for row in rows if row.split("\t")[0] in FEW)]
    (few / LABELS).write_text("\n".join(kept) + "\n", encoding="utf-8")
    monkeypatch.setattr("seehear.parsing.background.BUNDLED", few)
    for folder in ("weights", "converted"):
        (tmp_path / folder).symlink_to(cache_folder() / folder)
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
    return tmp_path


def test_each_clip_lasts_ten_seconds_and_is_heard_and_seen():
    paths = sorted(FOLDER.glob("*.mp4"))
    for path in paths:
        media = Media(path)
        assert media.has_audio, path
        assert media.has_video, path
        assert media.segments(1.0) == 10, path
    assert sum(path.stat().st_size for path in paths) <= LARGEST
    assert sorted(read_weak(FOLDER / LABELS).clips) == [path.stem for path in paths]


def test_each_label_has_a_meaning_that_needs_no_download():
    labels = read_weak(FOLDER / LABELS).labels
    classes = map_classes(sorted({label for of_clip in labels.values() for label in of_clip}))
    assert classes.unmapped() == ()
    rules = {match.rule for of_modality in classes.matches.values() for match in of_modality.values()}
    assert Rule.SIMILAR not in rules


def test_labels_are_those_of_the_script(listed):
    expected = {
        name: {label for group in (heard, listed.SEEN[seen].labels) for label in group.split(",") if label}
        for name, (heard, _, seen) in listed.CLIPS.items()
    }
    assert {name: set(of_clip) for name, of_clip in read_weak(FOLDER / LABELS).labels.items()} == expected


def test_every_source_is_credited(listed):
    credits = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    used = {source for _, recordings, _ in listed.CLIPS.values() for source in recordings}
    used |= {source for seen in listed.SEEN.values() for source in seen.sources} | set(listed.MEADOWS)
    for source in used:
        package, path = source.split(":")
        match package:
            case "gcompris":
                assert f"| `{path.replace('/resource/', '/…/')}` |" in credits, source
            case "opensfx":
                assert f"\n| {int(path)} | " in credits, source
            case "sonicpi":
                assert f"\n| `{Path(path).stem}` | " in credits, source
            case _:
                assert package in credits, source


def test_each_class_of_a_word_has_a_background():
    labels = read_weak(FOLDER / LABELS)
    words = ["Dog", "Speech", "Music", "Guitar", "Car", "Water", "Bird", "Castle", "Fish", "Animal", "Vehicle"]
    dataset = sh.Dataset.from_arrays(
        {m: {name: [np.zeros((10, width), np.float32)] * len(labels.clips)} for m, name, width in of_networks()},
        labels=[labels.labels[clip] for clip in labels.clips],
    )
    parser = Untrained(words, networks=NETWORKS, device="cpu")
    assert parser._negative(dataset).sum(axis=0).min() >= 20


def of_networks():
    return [(modality, name, sh.networks.get(name).width) for modality, name in NETWORKS.items()]


def test_thresholds_come_from_the_clips_by_default_and_are_kept(cache):
    first = Untrained(["Dog"], networks=NETWORKS, device="cpu").decoding
    assert (cache / "background" / "store.json").is_file()
    again = Untrained(["Dog"], networks=NETWORKS, device="cpu").decoding
    thresholds = first.segment_threshold.values
    assert again.segment_threshold.values == thresholds
    assert all(0 < of_class["Dog"] < 1 for of_class in thresholds.values())


def test_a_cache_that_cannot_be_written_does_not_stop_it(cache, monkeypatch):
    kept = bundled({m: [name] for m, name in NETWORKS.items()}, "cpu")
    monkeypatch.setattr("seehear.parsing.background.cache_folder", lambda: Path("/proc/self/none"))
    found = bundled({m: [name] for m, name in NETWORKS.items()}, "cpu")
    order = [found.clips.index(clip) for clip in kept.clips]
    np.testing.assert_array_equal(found.with_classes(kept.classes).labels[order], kept.labels)
    for name in NETWORKS.values():
        for n, features in zip(order, kept.arrays(name), strict=True):
            np.testing.assert_allclose(found.arrays(name)[n], features, atol=1e-4)
