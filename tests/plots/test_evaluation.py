"""Plots of an evaluation: they show the values given, and nothing overlaps."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest

from plots.looks import apart, shown, written
from seehear.plots.evaluation import (
    BLUE,
    VERMILION,
    Training,
    plot_confusion,
    plot_learning,
    plot_reliability,
    plot_thresholds,
)
from seehear.plots.style import save
from seehear.scoring.confusion import Confusion
from seehear.scoring.precision_recall import ThresholdTally
from seehear.scoring.reliability import Bin, Reliability
from seehear.scoring.reliability import reliability as measured

NAMES = ("Dog", "a_very_long_name_of_a_class_that_has_no_room_in_any_picture", "$x$", "<b>Cat</b> & \"q\" 'q'")


def calibration(seed=0, sharp=2.0, clips=20):
    """The reliability of forecasts that are overconfident if sharp is large."""
    rng = np.random.default_rng(seed)
    p = rng.random((clips, 10, 4))
    true = rng.random(p.shape) < 1 / (1 + ((1 - p) / p) ** (1 / sharp))
    return measured(p, true, np.full(clips, 10))


def confusion_of(count, seed=0, of=300):
    rng = np.random.default_rng(seed)
    table = rng.poisson(0.4, (count + 1, count + 1)).astype(float)
    table += np.diag(rng.integers(0, of, count + 1))
    table[-1, -1] = 0
    return Confusion(tuple(NAMES[n % 4] + f" {n}" * (n > 3) for n in range(count)), table)


def training(epochs=12, seed=0, val=True, chosen=4):
    rng = np.random.default_rng(seed)
    loss = 2 / np.arange(1, epochs + 1) + 0.1 * rng.random(epochs)
    nothing = [None] * epochs
    return Training(
        loss.tolist(), (loss + 0.2).tolist() if val else nothing, (100 - 10 * loss).tolist() if val else nothing, chosen
    )


# Reliability


@pytest.mark.parametrize("titles", [["heard"], ["heard", "seen"], [*NAMES, "heard"]])
@pytest.mark.parametrize("clips", [3, 3000])
def test_no_text_of_the_diagrams_overlaps(titles, clips):
    apart(plot_reliability([(title, calibration(n, clips=clips)) for n, title in enumerate(titles)]))


def test_points_and_intervals_stand_where_the_numbers_are():
    found = [calibration(1), calibration(2, sharp=0.5)]
    axes = plot_reliability([("heard", found[0]), ("seen", found[1])]).axes
    for one, ax, below in zip(found, axes[::2], axes[1::2], strict=True):
        marks = [line for line in ax.lines if line.get_marker() in ("o", "v", "^")]
        filled_bins = [each for each in one.bins if each.count]
        assert len(filled_bins) == 10
        assert [(float(mark.get_xdata()[0]), float(mark.get_ydata()[0])) for mark in marks] == [
            (each.confidence, each.frequency) for each in filled_bins
        ]
        ends = [segment for part in ax.collections for segment in part.get_segments()]
        assert [(e[0, 0], e[0, 1], e[1, 1]) for e in ends] == [
            (each.confidence, each.frequency_low, each.frequency_high) for each in filled_bins
        ]
        assert [bar.get_y() + bar.get_height() for bar in below.patches] == pytest.approx(
            [b.count for b in filled_bins]
        )
        assert max(below.get_ylim()) >= max(b.count for b in filled_bins)
        assert below.get_yscale() == "log"


def test_shape_and_colour_show_whether_it_is_calibrated():
    one, other = calibration(1), calibration(2, sharp=0.5)
    verdicts = set()
    for found in (one, other):
        ax = plot_reliability([("heard", found)]).axes[0]
        marks = [line for line in ax.lines if line.get_marker() in ("o", "v", "^")]
        for each, mark in zip((b for b in found.bins if b.count), marks, strict=True):
            if each.frequency_high < each.confidence:
                expected = "over", "v", VERMILION
            elif each.frequency_low > each.confidence:
                expected = "under", "^", VERMILION
            else:
                expected = "fair", "o", BLUE
            assert (each.calibration, mark.get_marker(), mark.get_color()) == expected
            verdicts.add(expected[0])
    assert verdicts == {"over", "under", "fair"}


def test_empty_bins_have_no_point():
    nothing = (math.nan,) * 4
    bins = (Bin(0.0, 0.5, 0, 0, *nothing), Bin(0.5, 1.0, 10, 2, 0.7, 0.8, 0.2, 0.9))
    figure = plot_reliability([("heard", Reliability(bins, 10, 1, 0.1, 0.2, 0.8, 0.16))])
    assert [line.get_marker() for line in figure.axes[0].lines if line.get_marker() in ("o", "v", "^")] == ["o"]
    assert len(figure.axes[1].patches) == 1
    assert bins[0].calibration is None
    apart(figure)


# Confusions


@pytest.mark.parametrize(("count", "of"), [(1, 3), (2, 300), (14, 100_000), (30, 300)])
def test_no_text_of_the_matrix_overlaps(count, of):
    apart(plot_confusion(confusion_of(count, of=of)))


def filled(ax):
    """(column, row) -> share in per cent as written, opacity, colour; of the cells that are filled."""
    patches = [patch for patch in ax.patches if patch.get_alpha()]
    assert len(patches) == len(ax.texts)
    cells = {}
    for patch, text in zip(patches, ax.texts, strict=True):
        assert text.get_position() == (patch.get_x() + 0.5, patch.get_y() + 0.5)
        colour = "#{:02X}{:02X}{:02X}".format(*(round(255 * part) for part in patch.get_facecolor()[:3]))
        cells[math.floor(patch.get_x()), math.floor(patch.get_y())] = (text.get_text(), patch.get_alpha(), colour)
    return cells


@pytest.mark.parametrize("count", [1, 4, 9])
def test_cells_are_the_shares(count):
    found = confusion_of(count, seed=count)
    expected = {}
    for r in range(count + 1):
        for c in range(count + 1):
            if found.table[r, c]:
                whole = found.table[r].sum() if r < count else found.table[:, c].sum()
                expected[c, r] = found.table[r, c] / whole
    cells = filled(plot_confusion(found).axes[0])
    assert cells.keys() == expected.keys()
    for (c, r), (text, opacity, colour) in cells.items():
        share = expected[c, r]
        assert text == ("<1" if share < 0.005 else f"{100 * share:.0f}")
        assert opacity == pytest.approx(0.6 * share**0.5)
        assert colour == (BLUE if r == c else VERMILION)


def test_rows_without_a_segment_are_empty():
    table = np.zeros((4, 4))
    table[0, 0], table[3, 2] = 5, 3  # the first is right; the third has false positives; of the second there is nothing
    cells = filled(plot_confusion(Confusion(("a", "b", "c"), table)).axes[0])
    assert {place: text for place, (text, *_) in cells.items()} == {(0, 0): "100", (2, 3): "100"}


def test_names_and_supports_are_written(tmp_path):
    found = confusion_of(4)
    save(plot_confusion(found), tmp_path / "a.svg")
    texts = written(tmp_path / "a.svg")
    for name, row in zip(found.classes, found.table, strict=False):
        short = name if len(name) <= 26 else f"{name[:12]}…{name[-13:]}"
        assert texts.count(short) == 2  # of its row and its column
        assert f"{row.sum():.0f}" in texts
    assert {"ground truth", "predicted", "false positive", "false negative"} <= set(texts)


def test_a_confusion_matrix_is_drawn_into_given_axes():
    from matplotlib.figure import Figure

    left, right = (figure := Figure(figsize=(10, 5))).subplots(1, 2)
    assert plot_confusion(confusion_of(3), ax=right) is figure
    assert not left.patches
    assert right.patches


# Learning


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("val", [True, False])
def test_no_text_of_the_curves_overlaps(count, val):
    apart(plot_learning([training(seed=n, val=val) for n in range(count)], "average score, validation (%)"))


def test_curves_are_the_histories():
    given = [training(8, seed=1, chosen=2), training(12, seed=2, chosen=11), training(5, seed=3, chosen=None)]
    loss, score = plot_learning(given, "average").axes
    for ax, expected in (
        (loss, [each.loss for each in given] + [each.val_loss for each in given]),
        (score, [each.score for each in given]),
    ):
        curves = [line for line in ax.lines if line.get_marker() == "None"]
        assert [line.get_ydata().tolist() for line in curves] == expected
        assert all(line.get_xdata().tolist() == list(range(1, len(line.get_ydata()) + 1)) for line in curves)
        dots = [(int(line.get_xdata()[0]), line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
        assert dots == [
            (each.chosen + 1, values[each.chosen])
            for each, values in zip(given * 2, expected, strict=False)
            if each.chosen is not None
        ]
    curves = [line for line in loss.lines if line.get_marker() == "None"]
    assert [line.get_linestyle() for line in curves] == ["-"] * 3 + ["--"] * 3
    assert (loss.get_ylabel(), score.get_ylabel()) == ("loss", "average")


@pytest.mark.parametrize("epochs", [1, 5, 200])
def test_epochs_begin_with_1(epochs):
    for ax in plot_learning([training(epochs, chosen=0)], "average").axes:
        low, high = ax.get_xlim()
        assert 0 < low < 1 <= epochs < high


def test_without_validation_there_is_one_panel():
    (ax,) = plot_learning([training(val=False)], "average").axes
    assert len(ax.lines) == 2  # the loss and the chosen epoch
    level, _ = shown(ax.figure)
    assert "validation loss" not in [text for text, _ in level]


def test_what_is_not_finite_is_a_gap():
    given = Training([1.0, math.nan, 0.5, math.inf], [None] * 4, [None] * 4, 1)
    (ax,) = plot_learning([given], "average").axes
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1.0, math.nan, 0.5, math.nan])
    assert len(ax.lines) == 1  # the chosen epoch has no loss to be marked at


# All


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="no reliability"):
        plot_reliability([])
    with pytest.raises(ValueError, match="no class"):
        plot_confusion(Confusion((), np.zeros((1, 1))))
    for given in ([], [Training([math.nan], [None], [None], None)], [Training([], [], [], None)]):
        with pytest.raises(ValueError, match="no training has a loss"):
            plot_learning(given, "score")


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    for kind, draw in (
        ("r", lambda: plot_reliability([("heard", calibration())])),
        ("c", lambda: plot_confusion(confusion_of(3))),
        ("l", lambda: plot_learning([training()], "score")),
    ):
        one, other = (save(draw(), tmp_path / f"{kind}{k}") for k in range(2))
        assert [file.suffix for file in one] == [".png", ".svg"]
        assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_names_are_no_mathematics(tmp_path):
    save(plot_reliability([("$x$", calibration())]), tmp_path / "a.svg")
    save(plot_learning([training()], "$x$"), tmp_path / "b.svg")
    for file in ("a.svg", "b.svg"):
        assert "$x$" in written(tmp_path / file)
        assert not re.search(r"\binf\b|nan", (tmp_path / file).read_text().partition("</metadata>")[2])


def test_reading_the_module_does_not_load_matplotlib():
    code = "import sys, seehear.plots.evaluation; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_thresholds_have_a_panel_per_class_that_occurs():
    rng = np.random.default_rng(0)
    names = (*(f"class {n}" for n in range(7)), "never")
    tally = ThresholdTally(8)
    scores, true = rng.random((50, 8)).astype(np.float32), rng.random((50, 8)) < 0.5
    scores[:, 7], true[:, 7] = 0, False
    tally.add(scores, true, scores >= 0.5)
    curves = tally.curves(names, true.sum(axis=0), np.full(8, 0.5))
    drawn = [ax for ax in plot_thresholds(curves).axes if ax.axison]
    assert [ax.get_title(loc="left").partition(" (")[0] for ax in drawn] == [*names[:7]]
    precision, recall = [line for line in drawn[0].lines if len(line.get_xdata()) > 2]
    np.testing.assert_allclose(precision.get_ydata(), 100 * curves.precision[0])
    np.testing.assert_allclose(recall.get_ydata(), 100 * curves.recall[0])
    with pytest.raises(ValueError, match="no class"):
        plot_thresholds(ThresholdTally(1).curves(("never",), np.zeros(1, dtype=np.int64), np.full(1, 0.5)))


@pytest.mark.parametrize("count", [1, 4, 25])
def test_no_text_of_the_thresholds_overlaps(count):
    rng = np.random.default_rng(count)
    tally, support = ThresholdTally(count), np.full(count, 7)
    scores, true = rng.random((20, count)).astype(np.float32), rng.random((20, count)) < 0.5
    tally.add(scores, true, scores >= 0.5)
    names = tuple(NAMES[n % 4] + f" {n}" * (n > 3) for n in range(count))
    apart(plot_thresholds(tally.curves(names, support, np.full(count, 0.5))))
