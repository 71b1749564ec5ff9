"""Data sets from tables and from arrays: what they hold, their views, and what is wrong with bad ones."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import seehear
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.labels import Event, write_dense

CLIPS, LENGTHS = ("a", "b", "c", "d"), (3, 5, 2, 4)


def features(width: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, width])
    return [rng.normal(size=(length, width)).astype(np.float32) for length in LENGTHS]


@pytest.fixture
def tables(tmp_path):
    """A store of two audio networks and one visual, with label tables; clip c lacks the visual features."""
    store = Store(tmp_path / "store", create=True)
    for name, modality, width in (("ears", "audio", 2), ("horn", "audio", 3), ("eyes", "visual", 4)):
        store.register(NetworkInfo(name, modality, width, "made"))
        for clip, values in zip(CLIPS, features(width), strict=True):
            if (clip, name) != ("c", "eyes"):
                store.write(name, Origin(clip, "made", clip), values)
    (tmp_path / "weak.csv").write_text("filename\tevent_labels\na\tDog\nb\tCat,Dog\nc\tCat\nd\t\n")
    write_dense(tmp_path / "audio.csv", [Event("a", 0, 2, "Dog"), Event("b", 1, 3, "Cat"), Event("c", 0, 1, "Cat")])
    write_dense(tmp_path / "visual.csv", [Event("b", 0, 6, "Dog"), Event("b", 2, 3, "Bird")])
    return tmp_path


def from_tables(folder: Path, **options) -> Dataset:
    given = {"store": folder / "store", "collocation": {"audio": "ears", "visual": "eyes"}}
    return Dataset.from_tables(folder / "weak.csv", **(given | options))


def test_classes_of_clips_that_are_not_labelled_do_not_matter(tables):
    """Truth tables hold all splits: `classes=` of the training clips is about the clips of this one."""
    truth = {"audio": tables / "audio.csv", "visual": tables / "visual.csv"}
    events = [
        Event("a", 0, 1, "Dog"),
        Event("elsewhere", 0, 1, "Cello"),
        Event("b", 0, 1, "Cat"),
        Event("c", 0, 1, "Cat"),
    ]
    write_dense(truth["visual"], events)
    assert from_tables(tables, truth=truth, classes=("Dog", "Cat")).classes == ("Dog", "Cat")
    write_dense(truth["visual"], [*events, Event("c", 0, 1, "Cello")])
    advice = "; add it to the list, or give no list: then the classes are those of the tables$"
    with pytest.raises(
        SeehearError, match=rf"visual.csv:\d: error: class 'Cello' is not in the list of classes{advice}"
    ):
        from_tables(tables, truth=truth, classes=("Dog", "Cat"))
    with pytest.raises(
        SeehearError, match=r"weak.csv:\d: error: class 'Dog' is not in the list of classes; add it to the list"
    ):
        from_tables(tables, classes=("Cat",))
    assert from_tables(tables, truth=truth).classes == ("Cat", "Dog", "Cello")


def test_tables_and_store(tables):
    data = from_tables(tables, truth={"audio": tables / "audio.csv", "visual": str(tables / "visual.csv")})
    assert data.clips == CLIPS
    assert data.missing == ()
    assert data.incomplete == ("c",)
    assert data.available.tolist() == [[True, True], [True, True], [True, False], [True, True]]
    assert data.notes == (
        f"2 of 3 clips with labels have no row in {tables / 'visual.csv'}, for example a: nothing is seen in them, by "
        "this table",
        "1 clip has no visual features, for example c: they are used by what they have",
    )
    assert data.lengths.tolist() == [3, 5, 2, 4]
    assert data.classes == ("Cat", "Dog", "Bird")  # those of the weak table first
    assert data.labels.tolist() == [[0, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert data.collocation == {"audio": ["ears"], "visual": ["eyes"]}
    assert data.truth is not None
    assert data.truth["visual"].shape == (4, 6, 3)  # the last event ends after the longest clip
    assert data.truth["audio"][1, :, 0].nonzero()[0].tolist() == [1, 2]
    assert data.truth["visual"][1, :, 2].nonzero()[0].tolist() == [2]
    assert repr(data) == ("Dataset(4 clips, 1 without visual, 3 classes, weak labels and ground truth; ears × eyes)")


@pytest.mark.parametrize("event", [Event("b", 0, 7, "Dog"), Event("a", 2000, 3000, "Dog"), Event("d", 9, 8, "Dog")])
def test_truth_past_the_end_of_a_clip_is_an_error(tables, event):
    write_dense(tables / "visual.csv", [Event("b", 2, 3, "Bird"), event])
    with pytest.raises(SeehearError, match=r"visual\.csv:3: error: Dog ends at .* after the end of its clip at \d s"):
        from_tables(tables, truth={"audio": tables / "audio.csv", "visual": tables / "visual.csv"})


def test_a_frame_of_the_clips(tables):
    frame = from_tables(tables).to_frame()
    assert frame.values.tolist() == [["a", 3, "Dog"], ["b", 5, "Cat, Dog"], ["c", 2, "Cat"], ["d", 4, ""]]


def test_every_form_of_an_argument(tables):
    forms = [
        {"store": str(tables / "store"), "collocation": ["audio=ears", "visual=eyes"]},
        {"store": Store(tables / "store"), "collocation": {"audio": ["ears"], "visual": ["eyes"]}},
        {"classes": ("Cat", "Dog")},
    ]
    for form in forms:
        assert np.array_equal(from_tables(tables, **form).labels, from_tables(tables).labels)


def test_arrays_of_a_network_and_of_a_modality(tables):
    data = from_tables(tables, collocation={"audio": ["ears", "horn"]})
    assert [array.shape for array in data.arrays("audio")] == [(3, 5), (5, 5), (2, 5), (4, 5)]
    for one, other in zip(data.arrays("horn"), features(3), strict=True):
        assert np.array_equal(one, other)
    visual = from_tables(tables).arrays("visual")
    assert [array.shape for array in visual] == [(3, 4), (5, 4), (0, 4), (4, 4)]
    with pytest.raises(SeehearError, match="no features of 'nose'; available: audio, visual, ears, eyes"):
        from_tables(tables).arrays("nose")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_a_subset_is_its_clips(numbers):
    data = Dataset.from_arrays({"audio": features(2)}, labels=np.eye(4), truth={"audio": np.ones((4, 5, 4))})
    if len(set(numbers)) < len(numbers):
        numbers = list(dict.fromkeys(numbers))
    for selection in (numbers, np.array(numbers), [data.clips[n] for n in numbers]):
        part = data.subset(selection)
        assert part.clips == tuple(data.clips[n] for n in numbers)
        assert np.array_equal(part.labels, data.labels[numbers])
        assert part.lengths.tolist() == [LENGTHS[n] for n in numbers]
        for n, array in zip(numbers, part.arrays("audio"), strict=True):
            assert np.array_equal(array, features(2)[n])


def test_masks_slices_and_parts_of_parts(tables):
    data = from_tables(tables)
    assert data[1:].subset([0, 2]).clips == ("b", "d")
    assert data.subset(np.array([True, False, True, False])).incomplete == ("c",)
    assert np.array_equal(data[1:][2:].arrays("eyes")[0], features(4)[3])
    assert data.usable() is data
    assert data.complete().clips == ("a", "b", "d")
    assert data.complete().notes == ()
    for bad, message in ((np.array([True]), "a mask of 4 clips"), ([9], "4 clips"), (["z"], "no clip 'z'")):
        with pytest.raises(SeehearError, match=message):
            data.subset(bad)


def same_features(one: Dataset, other: Dataset) -> None:
    for name in (*one.modalities, *(info.name for info in one.infos)):
        for array, expected in zip(one.arrays(name), other.arrays(name), strict=True):
            assert np.array_equal(array, expected)


def test_a_clip_that_lacks_a_modality_has_zeros_of_its_length(tables):
    """From a store, from arrays, as a part, with other networks, from a pickle."""
    stored = from_tables(tables)
    eyes = features(4)
    eyes[2] = None
    arrays = Dataset.from_arrays({"audio": {"ears": features(2)}, "visual": {"eyes": eyes}}, clips=CLIPS)
    views = [
        stored,
        arrays,
        stored[[3, 2]][[1, 0]],
        stored.with_networks({"audio": "horn"}).with_networks(stored.collocation),
        pickle.loads(pickle.dumps(stored)),
        pickle.loads(pickle.dumps(stored[1:])),
        stored.repacked(),
    ]
    for data in views:
        pack = data.packed("eyes")
        assert pack.offsets.tolist() == data.packed("ears").offsets.tolist()
        assert pack.available is not None
        assert data.packed("ears").available is None
        for clip, start, stop, has in zip(
            data.featured_clips, pack.offsets[:-1], pack.offsets[1:], pack.available, strict=True
        ):
            n = CLIPS.index(clip)
            assert stop - start == LENGTHS[n]
            assert has == (clip != "c")
            expected = features(4)[n] if has else np.zeros((2, 4))
            assert np.array_equal(pack.rows[start:stop], expected)
        assert data.arrays("visual")[data.clips.index("c")].shape == (0, 4)
        assert data.incomplete == ("c",)
    assert isinstance(stored.packed("eyes").rows, np.memmap)
    same_features(stored, arrays)
    assert stored[[2]].complete().clips == ()


def test_a_modality_with_a_missing_network_is_missing(tables):
    """The other network of the modality counts for nothing in that clip."""
    store = Store(tables / "store")
    store.register(NetworkInfo("more", "visual", 2, "made"))
    for clip, values in zip(CLIPS[1:], features(2)[1:], strict=True):
        store.write("more", Origin(clip, "made", clip), values)
    data = from_tables(tables, collocation={"audio": "ears", "visual": ["eyes", "more"]})
    assert data.available[:, 1].tolist() == [False, True, False, True]
    assert not data.packed("eyes").rows[:3].any()
    assert not data.packed("more").rows[8:10].any()
    again = from_tables(tables).with_networks(data.collocation)
    for name in ("eyes", "more"):
        assert np.array_equal(data.packed(name).rows, again.packed(name).rows)
        part = from_tables(tables)[[0, 2, 3]].with_networks(data.collocation)
        assert np.array_equal(part.arrays(name)[2], data.arrays(name)[3])
        assert [len(array) for array in part.arrays(name)] == [0, 0, 4]
    assert data.with_networks({"visual": "eyes"}).missing == ("c",)


def test_contents_say_what_is_missing(tables):
    data = from_tables(tables)
    whole = data.complete()
    store = Store(tables / "store")
    store.write("eyes", Origin("c", "made", "c"), np.zeros((2, 4), np.float32))
    assert from_tables(tables).content != data.content  # rows of zeros that are features
    assert from_tables(tables)[[0, 1, 3]].content.split("+")[0] == whole.content.split("+")[0]


def test_networks_of_a_modality_that_differ_in_length_leave_the_others(tables):
    store = Store(tables / "store")
    store.register(NetworkInfo("more", "visual", 2, "made"))
    for clip, values in zip(CLIPS, features(2), strict=True):
        store.write("more", Origin(clip, "made", clip), values)
    for clip, count in (("c", 7), ("b", 1)):
        store.write("eyes", Origin(clip, "made", clip), np.ones((count, 4), np.float32))
    store.file("ears", "c").unlink()
    data = from_tables(tables, collocation={"audio": "ears", "visual": ["eyes", "more"]})
    assert data.available.tolist() == [[True, True], [True, False], [False, False], [True, True]]
    assert data.missing == ("c",)
    advice = "left out of visual; extract or import both from the same files"
    assert data.notes == (
        f"1 clip has fewer segments of eyes than of more, for example b with 1 and 5: {advice}",
        f"1 clip has fewer segments of more than of eyes, for example c with 2 and 7: {advice}",
    )
    assert [len(array) for array in data.arrays("eyes")] == [3, 0, 0, 4]
    assert from_tables(tables).with_networks(data.collocation).available.tolist() == data.available.tolist()


def test_a_truncated_clip_is_left_out_and_the_others_used(tables):
    store = Store(tables / "store")
    store.write("eyes", Origin("b", "made", "b"), np.ones((1, 4), np.float32))
    data = from_tables(tables)
    assert data.missing == ("b",)
    assert data.notes[0].startswith("1 clip has fewer segments of eyes than of ears, for example b with 1 and 5: left")
    assert data.lengths[1] == 0
    assert np.array_equal(data.arrays("ears")[0], from_tables(tables, collocation={"audio": "ears"}).arrays("ears")[0])
    assert data.with_networks({"audio": "ears"}).missing == ()  # by itself, its audio is as good as that of others
    for clip in CLIPS[2:]:
        store.write("eyes", Origin(clip, "made", clip), np.ones((9, 4), np.float32))
    with pytest.raises(SeehearError, match=r"clip b has 1 segment of eyes but 5 of ears, and .* don't belong"):
        from_tables(tables)


def test_the_network_that_lacks_clips_is_named(tables):
    store = Store(tables / "store")
    store.register(NetworkInfo("more", "visual", 2, "made"))
    for clip, values in zip(CLIPS[2:], features(2)[2:], strict=True):
        store.write("more", Origin(clip, "made", clip), values)
    data = from_tables(tables, collocation={"audio": "ears", "visual": ["eyes", "more"]})
    together = "visual takes eyes and more together, so they are used by what they have"
    assert data.notes == (
        f"1 clip has no visual features of eyes, for example c: {together}",
        f"2 clips have no visual features of more, for example a: {together}",
    )


def test_features_of_one_modality_that_are_not_finite_leave_the_other():
    arrays = features(2)
    arrays[1][0, 0] = np.nan
    data = Dataset.from_arrays({"audio": arrays, "visual": features(4)})
    assert (data.missing, data.incomplete) == ((), ("1",))
    assert not data.packed("audio").rows[3:8].any()
    assert any("not finite" in note for note in data.notes)


def test_other_networks_and_other_classes(tables):
    data = from_tables(tables)
    audio = data.with_networks({"audio": "horn"})
    assert audio.collocation == {"audio": ["horn"]}
    assert audio.missing == ()
    assert data[2:].with_networks(["audio=horn"]).arrays("horn")[0].shape == (2, 3)
    other = data.with_classes(["Dog", "Fish"])
    assert other.labels.tolist() == [[1, 0], [1, 0], [0, 0], [0, 0]]
    with pytest.raises(SeehearError, match="it can't feed visual"):
        data.with_networks({"visual": "horn"})


def test_all_networks_of_a_store(tables):
    assert from_tables(tables, collocation=None).collocation == {"audio": ["ears", "horn"], "visual": ["eyes"]}


def test_from_arrays_takes_stacks_lists_and_several_networks():
    stack = np.ones((2, 5, 3))
    data = Dataset.from_arrays({"audio": {"one": stack, "two": [np.ones((5, 2)), None]}}, [["Dog"], []], ["Cat", "Dog"])
    assert data.missing == ("1",)
    assert data.labels.tolist() == [[0, 1], [0, 0]]
    assert data.collocation == {"audio": ["one", "two"]}
    assert data.truth is None
    unlabelled = Dataset.from_arrays({"audio": stack})
    assert unlabelled.labels.shape == (2, 0)


def test_the_revision_is_that_of_the_labels():
    def revision(labels, truth):
        return Dataset.from_arrays({"audio": np.ones((2, 3, 1))}, labels, truth={"audio": truth}).revision

    base = revision(np.eye(2), np.zeros((2, 3, 2)))
    assert base == revision(np.eye(2), np.zeros((2, 3, 2)))
    assert base != revision(np.ones((2, 2)), np.zeros((2, 3, 2)))
    assert base != revision(np.eye(2), np.ones((2, 3, 2)))


def test_scores_against_truth_from_arrays_are_signed_with_its_revision():
    active = np.eye(2)[:, None, :].repeat(3, axis=1)
    data = Dataset.from_arrays({"audio": np.ones((2, 3, 1))}, np.eye(2), truth={"audio": active})
    assert data.truth is not None
    assert re.fullmatch("arrays@[0-9a-f]{8}", data.truth.source)
    assert data.truth.source == data.revision == data[:1].truth.source
    assert f"|labels:{data.revision}|clips:2|" in str(seehear.score(data.truth, data.truth).signature)


def test_clips_with_features_that_are_not_finite_are_left_out():
    arrays = features(2)
    arrays[1][0, 0] = np.nan
    data = Dataset.from_arrays({"audio": arrays})
    assert data.missing == ("1",)
    assert "not finite" in data.notes[0]
    with pytest.raises(SeehearError, match="no clip of the arrays has finite features"):
        Dataset.from_arrays({"audio": [arrays[1]]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": {}}, "at least one modality"),
        ({"features": {"audio": np.ones((2, 3))}}, r"must be \(T, D\) per clip"),
        ({"features": {"audio": np.ones((2, 3, 1)), "visual": np.ones((3, 3, 1))}}, "the same clips"),
        (
            {"features": {"audio": np.ones((2, 3, 1)), "visual": np.ones((2, 4, 1))}},
            "0 has 3 segments of audio but 4 of visual",
        ),
        ({"labels": np.ones((3, 2))}, "2 clips and labels of 3"),
        ({"labels": np.full((2, 1), 2.0)}, "from 0 to 1"),
        ({"labels": [["Speech"], ["Speach"]], "classes": ["Speech"]}, "class 'Speach' .* did you mean Speech"),
        ({"labels": np.ones((2, 1)), "truth": {"visual": np.ones((2, 3, 1))}}, "ground truth is needed for every"),
        ({"labels": np.ones((2, 1)), "truth": {"audio": np.ones((2, 3, 2))}}, r"ground truth of audio must be \(2, T"),
        ({"clips": ["a", "a"]}, "2 different names"),
        ({"features": np.ones((2, 3, 1))}, "must map each modality to arrays, not ndarray"),
        ({"labels": ["Dog,Cat", "Dog"]}, "for each clip a list of names"),
        ({"labels": [["Dog"], []], "classes": "Dog"}, "a list of names, not the text 'Dog'"),
        ({"labels": np.ones((2, 1)), "truth": {"audio": np.ones((2, 2, 1))}}, "has 3 segments, but its ground truth"),
    ],
)
def test_arrays_that_do_not_fit(options, message):
    with pytest.raises(SeehearError, match=message):
        Dataset.from_arrays(**({"features": {"audio": np.ones((2, 3, 1))}} | options))


def test_clips_of_which_only_the_ground_truth_is_known():
    truth = np.zeros((2, 4, 3), dtype=bool)
    truth[0, 1, 2] = True
    data = Dataset.from_arrays({}, truth={"audio": truth, "visual": truth}, classes=["Cat", "Dog", "Fish"])
    assert data.modalities == ("audio", "visual")
    assert data.labels.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert data.lengths.tolist() == [4, 4]
    assert "no features" in repr(data)


def test_truth_of_some_modalities_only(tables):
    with pytest.raises(SeehearError, match="give a dense table for visual too"):
        from_tables(tables, truth={"audio": tables / "audio.csv"})
