"""Similarity matrices: the given values are drawn, bands lie at the segments of the events, nothing overlaps."""

import math
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plots.looks import apart
from seehear.media.overview import BANDS, COLUMNS
from seehear.parsing.clip import ParsedEvent
from seehear.plots.similarity import COLOURS, Matrices, plot_similarity
from seehear.plots.style import save

PAIR = ("audio", "visual")
TRAPS = "$x_1$ <b>&amp; \\frac{1}{2} 山 and so on, for as long as a name can be"


def cosines(count, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (count, count))


def system(count, name="baseline", target=True, pair=PAIR):
    within = {modality: cosines(count, k) for k, modality in enumerate(pair)}
    return Matrices(name, within, cosines(count, 2), cosines(count, 3) if target else None)


def event(label, onset, offset, modality="audio"):
    return ParsedEvent(label, modality, onset, offset, 1.0)


TRUTH = {
    "audio": [event("Dog", 0, 2), event("Cat", 1, 4), event("Car", 3, 6)],
    "visual": [event("Cat", 2, 3, "visual")],
    "audio_visual": [event("Cat", 2, 3, "audio_visual")],
}


class Still:
    """An overview: thumbnails and a spectrogram."""

    duration, has_audio = 6.0, True
    thumbnails = (np.zeros((8, 8, 3), np.uint8),) * 5
    spectrogram = np.full((BANDS, COLUMNS), -10.0)


def matrices(figure):
    """The (T, T) pictures of a figure, in order; with their axes."""
    images = [(ax, ax.images[0].get_array()) for ax in figure.axes if ax.images]
    return [(ax, array) for ax, array in images if array.ndim == 2 and array.shape[0] == array.shape[1]]


def bands(ax):
    """The axes of the band beside a matrix and of the one above it."""
    beside = [band for band in ax.child_axes if band.get_ylim() == (ax.images[0].get_array().shape[0], 0)]
    return beside, [band for band in ax.child_axes if band not in beside]


def texts_of(figure, path):
    save(figure, path)
    return ["".join(text.itertext()) for text in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_the_given_values_are_drawn_on_one_scale():
    systems = [system(6, "one"), system(6, "two", target=False)]
    drawn = matrices(plot_similarity("clip", PAIR, systems, TRUTH, 1.0, Still()))
    expected = []
    for each in systems:
        expected += [each.within["audio"], each.within["visual"], each.between]
        expected += [each.target] if each.target is not None else []
    assert len(drawn) == len(expected) == 7
    for (ax, array), values in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(array, values)
        assert ax.images[0].get_clim() == (-1, 1)
        assert ax.images[0].get_extent() == [0, 6, 6, 0]  # the first segment in the upper left


@pytest.mark.parametrize("count", [1, 10, 11])
def test_numbers_stand_in_their_cells_while_they_fit(count):
    segment = 0.5
    ax, values = matrices(plot_similarity("clip", PAIR, [system(count)], None, segment))[2]
    assert len(ax.texts) == (count * count if count <= 10 else 0)
    for text in ax.texts:
        x, y = text.get_position()
        expected = f"{values[int(y / segment), int(x / segment)]:.2f}".replace("-", "−").replace("0.", ".", 1)
        assert text.get_text() in (expected, expected.replace("−.00", ".00"))


def test_bands_lie_at_the_segments_of_their_modality():
    from matplotlib.colors import to_rgb

    figure = plot_similarity("clip", PAIR, [system(6)], TRUTH, 1.0)
    looks = dict(zip(("Dog", "Cat", "Car"), COLOURS, strict=False))
    spans = {
        "audio": [("Dog", 0, 2, 0), ("Cat", 1, 4, 1), ("Car", 3, 6, 0)],  # the car takes the lane that the dog left
        "visual": [("Cat", 2, 3, 0)],
    }
    axes = [ax for ax, _ in matrices(figure)]
    for ax, (down, across) in zip(axes, [PAIR[:1] * 2, PAIR[1:] * 2, PAIR, PAIR], strict=True):
        (beside,), (over,) = bands(ax)
        assert beside.get_ylim() == (6, 0)
        assert over.get_xlim() == (0, 6)
        for band, modality in ((beside, down), (over, across)):
            found = []
            for patch in band.patches:
                label = next(name for name, colour in looks.items() if to_rgb(colour) == patch.get_facecolor()[:3])
                start, length = patch.get_y(), patch.get_height()
                lane = patch.get_x()
                if band is over:
                    start, length, lane = patch.get_x(), patch.get_width(), patch.get_y()
                found.append((label, start, start + length, lane))
            assert sorted(found) == sorted(spans[modality])


def test_without_truth_there_are_no_bands(tmp_path):
    bare = plot_similarity("clip", PAIR, [system(6)], None, 1.0)
    assert bands(matrices(bare)[0][0]) == ([], [])
    texts = texts_of(bare, tmp_path / "a.svg")
    assert any("along its diagonal" in text for text in texts)
    assert "heard" not in texts


def test_what_is_written(tmp_path):
    figure = plot_similarity("clip", PAIR, [system(6, "with mtsc"), system(6, target=False)], TRUTH, 1.0, Still())
    texts = texts_of(figure, tmp_path / "a.svg")
    expected = {"clip, 6.0 s", "heard", "seen", "both", "Dog", "Cat", "Car", "with mtsc", "baseline", "no target"}
    assert expected <= set(texts)
    assert [texts.count(title) for title in ("audio–audio", "visual–visual", "audio–visual")] == [2, 2, 2]
    assert texts.count("target of audio–visual") == 2
    assert "A good audio–visual matrix is blue where both its bands carry one class, and pale elsewhere." in texts


def test_a_modality_in_which_nothing_happens(tmp_path):
    figure = plot_similarity("clip", PAIR, [system(6)], {"audio": TRUTH["audio"], "visual": []}, 1.0)
    assert texts_of(figure, tmp_path / "a.svg").count("no event") == 1
    (_,), (over,) = bands(matrices(figure)[2][0])
    assert not over.patches


def test_what_has_no_value_is_marked():
    one = system(3)
    values = np.array(one.between)
    values[1, 2] = math.nan
    ax, array = matrices(plot_similarity("clip", PAIR, [Matrices("a", one.within, values)], None, 1.0))[2]
    assert np.ma.getmaskarray(array).tolist() == np.isnan(values).tolist()
    assert [text.get_position() for text in ax.texts if text.get_text() == "–"] == [(2.5, 1.5)]


def plot_of(kind):
    if kind == "one segment":
        return plot_similarity("clip", PAIR, [system(1)], {"audio": [event("Dog", 0, 1)], "visual": []}, 1.0)
    if kind == "a minute":
        many = [event(f"class {k}", 7 * k, 7 * k + 12) for k in range(8)]
        return plot_similarity(
            "clip", PAIR, [system(60, f"system {k}") for k in range(5)], {"audio": many}, 1.0, Still()
        )
    if kind == "long names":
        pair = (TRAPS, TRAPS[::-1])
        truth = {name: [event(TRAPS, 0, 2), event(f"{TRAPS[::-1]}", 1, 4)] for name in (*pair, "both_of_them")}
        return plot_similarity(TRAPS * 3, pair, [system(6, TRAPS * 3, pair=pair)], truth, 1.0)
    if kind == "no truth":
        return plot_similarity("clip", PAIR, [system(7), system(7, target=False)], None, 0.96)
    return plot_similarity("clip", PAIR, [system(10)], TRUTH, 1.0, Still())


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
@pytest.mark.parametrize("kind", ["one segment", "a minute", "long names", "no truth", "strip"])
def test_nothing_overlaps_or_leaves_the_figure(kind):
    figure = plot_of(kind)
    apart(figure)
    boxes = [ax.get_window_extent() for ax in figure.axes]
    for box in boxes:
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    for one, other in combinations(boxes, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        assert across <= 0 or min(one.y1, other.y1) - max(one.y0, other.y0) <= 0


def test_names_are_text_not_markup(tmp_path):
    truth = {"audio": [event("$y$ & <i>", 0, 4)], "visual": []}
    texts = texts_of(plot_similarity("$x_1$ <b>&amp;", PAIR, [system(6, "$z$ <u>")], truth, 1.0), tmp_path / "a.svg")
    assert {"$x_1$ <b>&amp;, 6.0 s", "$y$ & <i>", "$z$ <u>"} <= set(texts)


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    files = [tmp_path / f"{n}.png" for n in range(2)]
    for file in files:
        save(plot_similarity("clip", PAIR, [system(2)], TRUTH, 1.0), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="no system"):
        plot_similarity("clip", PAIR, [], None, 1.0)
    with pytest.raises(ValueError, match="segment"):
        plot_similarity("clip", PAIR, [system(0)], None, 1.0)
    with pytest.raises(ValueError, match="shape"):
        plot_similarity("clip", PAIR, [system(6), system(5)], None, 1.0)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 11), st.integers(0, 14)), max_size=8))
def test_bands_hold_every_event_once_in_as_few_lanes_as_can_be(given_events):
    truth = {"audio": [event(label, start, stop) for label, start, stop in given_events], "visual": []}
    figure = plot_similarity("clip", PAIR, [system(12)], truth, 1.0)
    _, (over,) = bands(matrices(figure)[0][0])
    boxes = [(box.get_y(), round(box.get_x()), round(box.get_x() + box.get_width())) for box in over.patches]
    spans = sorted((start, min(stop, 12)) for _, start, stop in given_events if stop > start)
    assert sorted((start, stop) for _, start, stop in boxes) == spans
    for lane in {lane for lane, *_ in boxes}:
        for (_, stop), (start, _) in pairwise(sorted(box[1:] for box in boxes if box[0] == lane)):
            assert stop <= start
    at_once = [sum(start <= segment < stop for start, stop in spans) for segment in range(12)]
    assert over.get_ylim() == (0, max(1, *at_once))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.834, ".83"), (-0.07, "−.07"), (-0.001, ".00"), (1.0, "1.0"), (0.996, "1.0"), (-1.0, "−1.0"), (math.nan, "–")],
)
def test_numbers_are_short_and_can_be_read_on_their_colour(value, text):
    ax, _ = matrices(
        plot_similarity("clip", PAIR, [Matrices("a", {PAIR[0]: [[1]], PAIR[1]: [[1]]}, [[value]])], None, 1.0)
    )[2]
    assert [written.get_text() for written in ax.texts] == [text]
    assert ax.texts[0].get_color() == ("white" if abs(value) > 0.7 else "0.1")
