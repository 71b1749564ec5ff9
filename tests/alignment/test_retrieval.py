"""Retrieval against loops in float64, on cases whose answer is known, and on what must not matter."""

import itertools
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.alignment.metrics import METRICS
from seehear.alignment.retrieval import TIE_TOLERANCE, Matches, Segments, retrieve
from seehear.errors import SeehearError
from seehear.labels import classes_of, read_dense, read_weak

FIELDS = [field.name for field in fields(Matches)]


def segments(embeddings, labels, clip=None) -> Segments:
    embeddings = np.asarray(embeddings, dtype=np.float32)
    clip = np.arange(len(embeddings)) if clip is None else np.asarray(clip, dtype=np.int64)
    return Segments(embeddings, np.asarray(labels, dtype=bool), clip)


def of_sets(embeddings, sets, classes="abc", clip=None) -> Segments:
    """Segments whose labels are given as texts, one letter a class."""
    return segments(embeddings, [[name in labels for name in classes] for labels in sets], clip)


def cosine(one, other) -> float:
    dot = sum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    length = math.sqrt(sum(float(a) ** 2 for a in one)) * math.sqrt(sum(float(b) ** 2 for b in other))
    return dot / length if length else 0.0


def oracle(queries: Segments, gallery: Segments, exclude: str) -> dict[str, list[float]]:
    """The definitions, one query at a time."""
    result = {name: [] for name in FIELDS}
    for i in range(len(queries.clip)):
        labels = set(np.flatnonzero(queries.labels[i]))
        allowed = [
            (cosine(queries.embeddings[i], gallery.embeddings[j]), set(np.flatnonzero(gallery.labels[j])))
            for j in range(len(gallery.clip))
            if not (exclude == "self" and i == j) and not (exclude == "clip" and queries.clip[i] == gallery.clip[j])
        ]
        rules = {
            "exact": lambda other, labels=labels: other == labels,
            "overlap": lambda other, labels=labels: bool(other & labels),
            "distinguish": lambda other: bool(other),
        }
        for what, rule in rules.items():
            matches = sum(rule(other) for _, other in allowed)
            recall = chance = precision = math.nan
            if allowed and (labels or what != "overlap"):
                top = max(similar for similar, _ in allowed)
                nearest = [rule(other) for similar, other in allowed if similar >= top - TIE_TOLERANCE]
                recall, chance = sum(nearest) / len(nearest), matches / len(allowed)
            if matches:
                last = sorted((similar for similar, _ in allowed), reverse=True)[matches - 1]
                nearer = [rule(other) for similar, other in allowed if similar > last + TIE_TOLERANCE]
                tied = [rule(other) for similar, other in allowed if abs(similar - last) <= TIE_TOLERANCE]
                precision = (sum(nearer) + (matches - len(nearer)) * sum(tied) / len(tied)) / matches
            if what == "distinguish":
                result["distinguish"].append(recall)
                result["chance_distinguish"].append(chance)
            else:
                result[f"recall_{what}"].append(recall)
                result[f"chance_recall_{what}"].append(chance)
                result[f"precision_{what}"].append(precision)
                result[f"chance_precision_{what}"].append(chance if matches else math.nan)
    return result


def same(result: Matches, expected: Matches | dict[str, list[float]], which=slice(None)) -> None:
    for name in FIELDS:
        other = getattr(expected, name) if isinstance(expected, Matches) else expected[name]
        np.testing.assert_allclose(getattr(result, name)[which], other, atol=1e-12, err_msg=name)


@st.composite
def pairs(draw, least: int = 1):
    """Queries and a gallery of small whole numbers: ties, zeros and repeated label sets all over."""
    width, classes = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def one(n: int) -> Segments:
        numbers = st.lists(st.integers(-2, 2), min_size=n * width, max_size=n * width)
        flags = st.lists(st.booleans(), min_size=n * classes, max_size=n * classes)
        clips = st.lists(st.integers(0, 3), min_size=n, max_size=n)
        return segments(np.reshape(draw(numbers), (n, width)), np.reshape(draw(flags), (n, classes)), draw(clips))

    n = draw(st.integers(least, 8))
    return one(n), one(n if draw(st.booleans()) else draw(st.integers(least, 8)))


@settings(max_examples=150, deadline=None)
@given(pairs(), st.sampled_from(["none", "self", "clip"]), st.integers(1, 9))
def test_equals_loops(pair, exclude, block):
    queries, gallery = pair
    if exclude == "self" and len(queries.clip) != len(gallery.clip):
        gallery = queries
    same(retrieve(queries, gallery, exclude, block), oracle(queries, gallery, exclude))


@settings(max_examples=50, deadline=None)
@given(pairs(), st.sampled_from(["none", "clip"]), st.randoms(use_true_random=False))
def test_order_of_the_gallery_and_lengths_do_not_matter(pair, exclude, random):
    queries, gallery = pair
    expected = retrieve(queries, gallery, exclude)
    order = random.sample(range(len(gallery.clip)), len(gallery.clip))
    shuffled = Segments(gallery.embeddings[order], gallery.labels[order], gallery.clip[order])
    same(retrieve(queries, shuffled, exclude), expected)

    def longer(of: Segments) -> Segments:
        lengths = np.float32([[random.choice([1e-30, 0.3, 7.0, 1e30])] for _ in of.clip])
        return replace(of, embeddings=of.embeddings * lengths)

    same(retrieve(longer(queries), longer(gallery), exclude), expected)


@pytest.mark.parametrize("exclude", ["none", "self", "clip"])
def test_wide_embeddings_equal_loops(exclude):
    rng = np.random.default_rng(0)
    one, other = (
        segments(rng.normal(size=(60, 48)), rng.random((60, 4)) < 0.3, np.repeat(range(12), 5)) for _ in range(2)
    )
    same(retrieve(one, other, exclude, 7), oracle(one, other, exclude))


def test_one_query_worked_by_hand():
    query = of_sets([[1, 0]], ["a"])
    gallery = of_sets([[5, 0], [2, 0], [1, 1], [0, 1], [-1, 0]], ["a", "b", "a", "", "ab"])
    result = retrieve(query, gallery)
    assert result.recall_exact == [1 / 2]  # a and b are tied for the nearest
    assert result.distinguish == [1.0]
    assert result.precision_exact == [1 / 2]  # two segments are exactly a; the two nearest are a and b
    assert result.precision_overlap == [2 / 3]  # three have a; the three nearest are a, b, a
    assert (result.chance_recall_exact, result.chance_recall_overlap, result.chance_distinguish) == (
        2 / 5,
        3 / 5,
        4 / 5,
    )


def test_ties():
    query = of_sets([[1, 0]], ["a"])
    gallery = of_sets([[3e-6, 1], [2.5e-6, 1], [1e-6, 1], [-1, 0]], ["b", "a", "a", "a"])  # first numbers are cosines
    result = retrieve(query, gallery)
    assert result.recall_exact == [1 / 2]
    assert result.precision_exact == pytest.approx([2 / 3])  # the third place is the third's alone


def test_embedding_of_the_labels_is_perfect():
    sets = ["", "a", "ab", "c", "", "ab", "a", "c"]
    labels = [[name in labels for name in "abc"] for labels in sets]
    embeddings = np.eye(4)[[0, 1, 2, 3, 0, 2, 1, 3]]
    one = segments(embeddings, labels)
    for exclude in ("none", "self", "clip"):
        result = retrieve(one, one, exclude)
        np.testing.assert_array_equal(result.recall_exact, np.ones(8))
        np.testing.assert_array_equal(result.precision_exact, np.ones(8))
        np.testing.assert_array_equal(result.distinguish, [0, 1, 1, 1, 0, 1, 1, 1])
        np.testing.assert_array_equal(result.recall_overlap, [np.nan, 1, 1, 1, np.nan, 1, 1, 1])


def test_chance_is_the_mean_over_all_orders_of_the_gallery():
    query = of_sets([[1, 0]], ["a"])
    angles = np.linspace(0.1, 3.0, 5)
    sets = ["a", "b", "", "ab", "a"]
    runs = [
        retrieve(query, of_sets(np.stack([np.cos(angles), np.sin(angles)], axis=1), order))
        for order in itertools.permutations(sets)
    ]
    for name in METRICS:
        values = [getattr(result, name)[0] for result in runs]
        assert len(set(values)) > 1
        assert np.mean(values) == pytest.approx(getattr(runs[0], f"chance_{name}")[0])


def test_a_random_embedding_is_near_chance():
    rng = np.random.default_rng(0)
    one, other = (segments(rng.normal(size=(600, 16)), rng.random((600, 3)) < 0.4) for _ in range(2))
    result = retrieve(one, other)
    for name in METRICS:
        value, chance = np.nanmean(getattr(result, name)), np.nanmean(getattr(result, f"chance_{name}"))
        assert 0.1 < chance < 0.9
        assert value == pytest.approx(chance, abs=0.07), name


def test_excluding_a_clip_equals_removing_it():
    rng = np.random.default_rng(1)
    one, other = (
        segments(rng.integers(-2, 3, size=(12, 3)), rng.random((12, 2)) < 0.5, np.repeat(range(4), 3)) for _ in range(2)
    )
    result = retrieve(one, other, "clip")
    for clip in range(4):
        at, rest = one.clip == clip, other.clip != clip
        queries = Segments(one.embeddings[at], one.labels[at], one.clip[at])
        gallery = Segments(other.embeddings[rest], other.labels[rest], other.clip[rest])
        same(result, retrieve(queries, gallery), at)


def test_excluding_clips_of_one_segment_equals_excluding_the_query():
    rng = np.random.default_rng(2)
    one = segments(rng.integers(-2, 3, size=(9, 2)), rng.random((9, 2)) < 0.5)
    same(retrieve(one, one, "self"), retrieve(one, one, "clip"))
    assert (retrieve(one, one).recall_exact != retrieve(one, one, "self").recall_exact).any()


def test_nan_where_no_gallery_segment_is_allowed():
    one = of_sets([[1, 0], [0, 1]], ["a", "b"], clip=[0, 0])
    nothing = segments(np.empty((0, 2)), np.empty((0, 3)))
    for result in (retrieve(one, one, "clip"), retrieve(one, nothing)):
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(result, name), [np.nan, np.nan])
    alone = of_sets([[1, 0]], ["a"])
    assert np.isnan(retrieve(alone, alone, "self").distinguish).all()


def test_without_labels_anywhere_all_match_exactly_and_nothing_overlaps():
    one = of_sets([[1, 0], [0, 1], [1, 1]], ["", "", ""])
    result = retrieve(one, one, "self")
    for name in ("recall_exact", "precision_exact", "chance_recall_exact"):
        np.testing.assert_array_equal(getattr(result, name), np.ones(3))
    np.testing.assert_array_equal(result.distinguish, np.zeros(3))
    assert np.isnan([result.recall_overlap, result.precision_overlap, result.chance_recall_overlap]).all()


def test_a_labelled_query_without_match_counts_in_recall_only():
    result = retrieve(of_sets([[1, 0]], ["a"]), of_sets([[1, 0], [0, 1]], ["b", ""]))
    assert (result.recall_exact, result.recall_overlap, result.chance_recall_exact) == (0.0, 0.0, 0.0)
    assert np.isnan([result.precision_exact, result.precision_overlap, result.chance_precision_exact]).all()


def test_zero_vectors_are_equally_near_to_all():
    gallery = of_sets([[1, 0], [-1, 0], [0, 1], [0, 0]], ["a", "b", "", "b"])
    assert retrieve(of_sets([[0, 0]], ["a"]), gallery).recall_exact == [1 / 4]
    result = retrieve(of_sets([[-1, 1e-3]], ["a"]), of_sets([[1, 0], [0, 0]], ["a", "b"]))
    assert result.recall_exact == [0.0]  # cosine 0 is nearer than -1


@pytest.mark.parametrize(
    ("queries", "gallery", "exclude", "message"),
    [
        (
            segments(np.ones((2, 3)), np.ones((1, 1))),
            segments(np.ones((1, 3)), np.ones((1, 1))),
            "none",
            "queries: emb",
        ),
        (segments(np.ones((1, 3)), np.ones((1, 1))), segments(np.ones((1, 3)), np.ones(1)), "none", "gallery: emb"),
        (segments(np.ones((1, 3)), np.ones((1, 1))), segments(np.ones((1, 2)), np.ones((1, 1))), "none", "not 3 and 2"),
        (segments(np.ones((1, 3)), np.ones((1, 1))), segments(np.ones((1, 3)), np.ones((1, 2))), "none", "not 1 and 2"),
        (segments([[np.nan]], [[1]]), segments([[1]], [[1]]), "none", "queries: an embedding is not finite"),
        (segments([[1]], [[1]]), segments([[np.inf]], [[1]]), "none", "gallery: an embedding is not finite"),
        (segments([[1]], [[1]]), segments([[1], [1]], [[1], [1]]), "self", "1 queries and 2 gallery"),
        (segments([[1]], [[1]]), segments([[1]], [[1]]), "row", "none, self or clip, not 'row'"),
    ],
)
def test_bad_input_is_refused(queries, gallery, exclude, message):
    with pytest.raises(SeehearError, match=message):
        retrieve(queries, gallery, exclude)


LLP = Path(__file__).parents[3] / "shared" / "llp"


@pytest.mark.skipif(not LLP.is_dir(), reason="LLP's label tables are not on this machine")
def test_chance_on_llp():
    tables = [read_dense(LLP / f"AVVP_eval_{name}.csv") for name in ("audio", "visual")]
    clips = read_weak(LLP / "AVVP_test_pd.csv").clips
    classes = classes_of([read_weak(LLP / "AVVP_dataset_full.csv")])
    audio, visual = (table.array(clips, classes, 10).reshape(-1, len(classes)) for table in tables)
    # Chance does not depend on embeddings, so one number each will do.
    clip = np.repeat(np.arange(len(clips)), 10)
    result = retrieve(
        segments(np.ones((len(audio), 1)), audio, clip), segments(np.ones((len(visual), 1)), visual, clip)
    )
    assert result.chance_recall_exact.mean() == pytest.approx(0.0430, abs=5e-5)
    assert np.nanmean(result.chance_recall_overlap) == pytest.approx(0.0696, abs=5e-5)
    assert result.chance_distinguish.mean() == pytest.approx(0.8085, abs=1e-12)
    assert np.isnan(result.recall_overlap).sum() == 1289  # audio segments without a label
    assert np.isnan(result.precision_exact).sum() == 449
    # All are tied, so that what is result is chance itself.
    np.testing.assert_allclose(result.precision_exact, result.chance_precision_exact)
