"""Plots of a selection: every name and number is there, nothing overlaps, failures are marked."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plots.looks import apart, shown, written
from seehear.plots.curves import Curve, plot_curves
from seehear.plots.effects import plot_effects
from seehear.plots.estimators import CHEAPEST, Point, plot_estimators
from seehear.plots.ranking import plot_ranking
from seehear.plots.style import BLUE, TIED, VERMILION, decimals, number, save

NAN = math.nan
TRAPS = ["$x_1$ × $y^2$", "<b>&amp; × a_b", "_hidden × $", "\\frac{1}{2} × 山"]
AUDIO = ["yamnet", "aisfx", "speech-embedding", "vggish", "openl3-audio", "yamnet+aisfx", "panns", "clap"]
VISUAL = ["efficientnet-lite0", "efficientnet-lite2", "open-nsfw", "hed", "resnet152", "vgg19_bn", "senet154", "poly"]


def names_of(n):
    return [f"{audio} × {visual}" for audio in AUDIO for visual in VISUAL][:n]


def scores_of(n, seed=0):
    return 50 + 3 * np.random.default_rng(seed).normal(size=n)


def curves_of(n):
    truth = scores_of(n)
    return [
        Curve("traversal, 5 seeds", truth, truth - 1, truth + 1, "Type@AV, %"),
        Curve("upper bound", truth + scores_of(n, 1) / 50, unit="Type@AV, %"),
        Curve("LogME", scores_of(n, 2), unit="log evidence per clip"),
    ]


def points_of(n, seed=0):
    random = np.random.default_rng(seed)
    costs, taus = 10 ** random.uniform(-4, 0, n), random.uniform(-0.2, 0.9, n)
    return [
        Point(f"estimator {k}", costs[k], taus[k], taus[k] - 0.1, taus[k] + 0.1, 1 - taus[k], k % 3 == 0)
        for k in range(n)
    ]


def effects_of(rows, columns):
    """Arguments of `plot_effects` up to the interaction, by loops."""
    values = scores_of(rows * columns).reshape(rows, columns)
    mean = sum(values[r][c] for r in range(rows) for c in range(columns)) / (rows * columns)
    by_row = [sum(values[r]) / columns - mean for r in range(rows)]
    by_column = [sum(values[:, c]) / rows - mean for c in range(columns)]
    rest = [[values[r][c] - mean - by_row[r] - by_column[c] for c in range(columns)] for r in range(rows)]
    return values, by_row, by_column, rest


def ranks_of(n):
    scores = scores_of(n)
    place = np.argsort(np.argsort(-scores)) + 1
    return scores, np.maximum(place - 2, 1), np.minimum(place + 2, n), np.full(n, 1 / n), place <= 3


def plot_of(kind, n):
    """A plot of n collocations or estimators."""
    side = max(1, math.isqrt(n))
    if kind == "long names":
        return plot_effects(names_of(side), [" and ".join(VISUAL)] * side, *effects_of(side, side), unit="points")
    if kind == "failures":
        return plot_curves(names_of(n), [Curve("t", [NAN] * n, unit="u"), Curve("o", [NAN] * n)])
    if kind == "figure5":
        return plot_curves(names_of(n), curves_of(n), tied=np.arange(n) < 2)
    if kind == "effects":
        return plot_effects(AUDIO[:side], VISUAL[:side], *effects_of(side, side), unit="points")
    if kind == "cost":
        return plot_estimators(points_of(min(n, 30)), (0.8, 0.7, 0.9), unit="points")
    return plot_ranking(names_of(n), *ranks_of(n), unit="Type@AV, %")


def lines(ax, marker):
    return [line for line in ax.lines if line.get_marker() == marker and len(line.get_xdata())]


@pytest.mark.parametrize("n", [1, 4, 60])
@pytest.mark.parametrize("kind", ["figure5", "effects", "cost", "ranking", "long names", "failures"])
def test_no_text_overlaps_another_or_leaves_the_figure(kind, n):
    apart(plot_of(kind, n))


def test_turned_names_keep_apart():
    figure = plot_curves(names_of(60), curves_of(60))
    ax = figure.axes[-1]
    between = (
        ax.get_position().width * figure.get_figwidth() / 60 * math.sin(math.radians(60))
    )  # inches between baselines
    assert between > ax.get_xticklabels()[0].get_fontsize() / 72


@pytest.mark.parametrize("path", ["here", "run.v2", "a.svg", "a.png"])
def test_both_formats_are_written_unless_one_is_named(tmp_path, path):
    expected = [path] if path in ("a.svg", "a.png") else [f"{path}.png", f"{path}.svg"]
    files = save(plot_ranking(names_of(4), *ranks_of(4)), tmp_path / "new" / path)
    assert files == [tmp_path / "new" / name for name in expected]
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG" if file.suffix == ".png" else b"<?xml")
    assert sorted((tmp_path / "new").iterdir()) == files


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    for suffix in ("png", "svg"):
        one, other = (save(plot_curves(names_of(4), curves_of(4)), tmp_path / f"{k}.{suffix}")[0] for k in range(2))
        assert one.read_bytes() == other.read_bytes()


def test_names_are_text_whatever_signs_are_in_them(tmp_path):
    path, unit = tmp_path / "a.svg", "_$u_1$ <i>"
    values = scores_of(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(plot_curves(TRAPS, [Curve(TRAPS[2], values, unit=unit), Curve(TRAPS[0], values, unit="R")]), path)
        assert {*TRAPS, f"{TRAPS[0]} (R)", unit} <= set(written(path))
        save(plot_effects(TRAPS, TRAPS, *effects_of(4, 4), unit=unit), path)
        assert all(written(path).count(name) == 4 for name in TRAPS)  # two sides of two maps
        assert any(unit in text for text in written(path))
        points = [Point(name, 0.1, 0.5, 0.4, 0.6, 0.0, False) for name in TRAPS]
        save(plot_estimators(points, unit=unit), path)
        assert {*TRAPS, f"regret ({unit})"} <= set(written(path))
        save(plot_ranking(TRAPS, *ranks_of(4), unit=unit), path)
        assert {*TRAPS, f"score ({unit})"} <= set(written(path))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="shape"):
        plot_curves(names_of(3), curves_of(4))
    with pytest.raises(ValueError, match="shape"):
        plot_effects(AUDIO[:2], VISUAL[:4], *effects_of(4, 2))
    with pytest.raises(ValueError, match="shape"):
        plot_ranking(names_of(3), *ranks_of(4))


def test_reading_the_module_does_not_load_matplotlib():
    modules = "curves, effects, estimators, ranking, scores, similarity, picture"
    code = f"import sys; from seehear.plots import {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Figure 5


def test_collocations_go_from_the_best_down_or_as_given(tmp_path):
    names, truth = names_of(5), [3.0, NAN, 5.0, 4.0, 5.0]
    for order, expected in (("truth", [2, 4, 3, 0, 1]), ("grid", range(5))):
        save(plot_curves(names, [Curve("truth", truth)], order=order), tmp_path / "a.svg")
        assert [text for text in written(tmp_path / "a.svg") if text in names] == [names[k] for k in expected]


def test_points_stand_over_their_names():
    truth, other = np.array([3.0, 5.0, 4.0]), np.array([30.0, 10.0, 20.0])
    top, beneath = plot_curves(names_of(3), [Curve("t", truth), Curve("o", other, unit="u")]).axes
    assert lines(top, "o")[0].get_ydata().tolist() == [5, 4, 3]
    assert lines(beneath, "s")[0].get_ydata().tolist() == [10, 20, 30]
    assert [label.get_text() for label in beneath.get_xticklabels()] == [names_of(3)[k] for k in (1, 2, 0)]


def test_what_failed_is_crossed_and_beneath_all_else():
    truth, other = np.array([3.0, NAN, 5.0, np.inf]), np.array([NAN, 3.0, NAN, 4.0])
    figure = plot_curves(names_of(4), [Curve("t", truth), Curve("o", other)], order="grid")
    (ax,) = figure.axes
    assert [line.get_xdata().tolist() for line in lines(ax, "x")] == [[1, 3], [0, 2]]
    highest = max(line.get_ydata().max() for line in lines(ax, "x"))  # of the panel's height
    bottom, top = ax.get_ylim()
    assert bottom + highest * (top - bottom) < 3
    assert "no value" in {text for text, _ in shown(figure)[0]}


def test_an_axis_without_values_has_no_numbers():
    top, beneath = plot_of("failures", 3).axes
    assert (len(top.get_yticks()), len(beneath.get_yticks())) == (0, 0)
    assert [line.get_xdata().tolist() for ax in (top, beneath) for line in lines(ax, "x")] == [[0, 1, 2]] * 2


def test_no_line_runs_into_what_the_truth_does_not_rank():
    figure = plot_curves(names_of(4), [Curve("t", [1, NAN, 2, 3]), Curve("o", [1.0, 2, 3, 4])])
    drawn = [line for line in lines(figure.axes[0], "s") if line.get_linestyle() != "None"]
    assert [line.get_ydata().tolist() for line in drawn] == [[4, 3, 1]]


def test_tied_collocations_are_shaded_wherever_they_stand():
    from matplotlib.colors import to_hex

    curves = [Curve("t", [3.0, 5.0, 4.0, 1.0]), Curve("o", [1.0, 2.0, 3.0, 4.0], unit="u")]
    for order, expected in (("truth", [0, 2]), ("grid", [0, 1])):
        for ax in plot_curves(names_of(4), curves, order=order, tied=[True, True, False, False]).axes:
            shaded = [patch for patch in ax.patches if to_hex(patch.get_facecolor()).upper() == TIED]
            assert [patch.get_x() + 0.5 for patch in shaded] == expected


def test_intervals_end_at_low_and_high():
    figure = plot_curves(names_of(2), [Curve("t", [1.0, 2.0], [0.5, 1.0], [4.0, 2.5])])
    (bars,) = figure.axes[0].collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [[1.0, 2.5], [0.5, 4.0]]


def test_a_curve_that_would_flatten_the_first_gets_a_panel_of_its_own():
    truth = np.array([50.0, 52.0, 54.0])
    near, far = Curve("near", truth + 1, unit="%"), Curve("far", [99.5, 99.7, 99.9], unit="%")
    bits = Curve("bits", truth, unit="bits")
    for curves, expected in (
        ([near], [["t", "near"]]),
        ([far], [["t"], ["far (%)"]]),
        ([bits, near], [["t", "near"], ["bits (bits)"]]),
    ):
        axes = plot_curves(names_of(3), [Curve("t", truth, unit="%"), *curves]).axes
        assert [[text.get_text() for text in ax.get_legend().get_texts()] for ax in axes] == expected


# Effects and interaction


def test_scores_effects_and_interaction_are_written(tmp_path):
    values = [[51.0, 53.0], [55.0, 61.0]]  # mean 55, effects ±3 and ±2, interaction ±1
    save(plot_effects(AUDIO[:2], VISUAL[:2], values, [-3, 3], [-2, 2], [[1, -1], [-1, 1]]), tmp_path / "a.svg")
    texts = written(tmp_path / "a.svg")
    expected = ["51.0", "53.0", "55.0", "61.0", "−3.0", "+3.0", "−2.0", "+2.0"]
    assert all(texts.count(text) == 1 for text in expected)
    assert (texts.count("+1.0"), texts.count("−1.0")) == (2, 2)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-30, 30) | st.just(NAN), min_size=12, max_size=12))
def test_both_maps_spend_their_colours_on_the_same_span(flat):
    values = np.array(flat[:6]).reshape(2, 3)
    rest = np.array(flat[6:]).reshape(2, 3)
    figure = plot_effects(AUDIO[:2], VISUAL[:3], values, [0, 0], [0, 0, 0], rest, unit="points")
    (low, high), (below, above) = (
        ax.images[0].get_clim() for ax in figure.axes if ax.images and ax.images[0].get_array().shape == (2, 3)
    )
    assert below == -above
    assert above - below == pytest.approx(high - low)
    for value in values[np.isfinite(values)]:
        assert low - 1e-9 <= value <= high + 1e-9
    for value in rest[np.isfinite(rest)]:
        assert below <= value <= above


def test_failed_cells_are_hatched_and_the_best_is_framed():
    values, by_row, by_column, rest = effects_of(3, 3)
    values[1, 2], rest[1][2] = NAN, NAN
    best = divmod(int(np.nanargmax(values)), 3)
    figure = plot_effects(AUDIO[:3], VISUAL[:3], values, by_row, by_column, rest, unit="points")
    maps = [ax for ax in figure.axes if ax.images and ax.images[0].get_array().shape == (3, 3)]
    for ax in maps:
        hatched = [patch for patch in ax.patches if patch.get_hatch()]
        assert [(patch.get_y() + 0.5, patch.get_x() + 0.5) for patch in hatched] == [(1, 2)]
        assert [text.get_text() for text in ax.texts].count("–") == 1
    framed = [patch for patch in maps[0].patches if not patch.get_fill()]
    assert [(patch.get_y() + 0.5, patch.get_x() + 0.5) for patch in framed] == [best]
    assert any("hatched: failed" in text for text, _ in shown(figure)[0])


@pytest.mark.parametrize(("rows", "columns"), [(1, 4), (4, 1), (1, 1)])
def test_one_row_or_column_has_no_interaction(tmp_path, rows, columns):
    save(plot_effects(AUDIO[:rows], VISUAL[:columns], *effects_of(rows, columns)), tmp_path / "a.svg")
    texts = written(tmp_path / "a.svg")
    assert {*AUDIO[:rows], *VISUAL[:columns]} <= set(texts)
    assert not any("interaction" in text for text in texts)
    assert sum(text.startswith(("+", "−")) for text in texts) == (max(rows, columns) if rows != columns else 0)


def test_one_modality_has_one_nameless_column(tmp_path):
    values, by_row, by_column, rest = effects_of(3, 1)
    save(plot_effects(AUDIO[:3], [""], values, by_row, by_column, rest), tmp_path / "a.svg")
    assert set(AUDIO[:3]) <= set(written(tmp_path / "a.svg"))


def test_a_wide_grid_is_stacked():
    wide = plot_effects(AUDIO[:2], VISUAL, *effects_of(2, 8), unit="points")
    wider = plot_effects(AUDIO[:2], [*VISUAL, *AUDIO], *effects_of(2, 16), unit="points")
    assert wide.get_figwidth() > wide.get_figheight()
    assert wider.get_figwidth() < wide.get_figwidth()


# Cost against agreement


POINTS = [
    Point("poor", 0.5, 0.1, -0.1, 0.3, 2.5, False),
    Point("failed", 0.1, NAN, NAN, NAN, NAN, False),
    Point("good", 0.0004, 0.8, 0.7, 0.9, 0.0, True),
    Point("free", 0.0, 0.3, 0.1, 0.5, 1.25, False),
    Point("cost unknown", NAN, 0.2, 0.1, 0.3, 1.0, False),
    Point("nearly free", CHEAPEST / 9, 0.05, 0.0, 0.1, 1.0, False),
]


def test_estimators_stand_from_the_best_down():
    taus, costs, regrets = plot_estimators(POINTS, (0.85, 0.75, 0.95), unit="points").axes
    names = ["good", "free", "cost unknown", "poor", "nearly free", "failed"]
    assert [label.get_text() for label in taus.get_yticklabels()] == names
    assert taus.get_ylim()[0] > taus.get_ylim()[1]  # the first on top
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines(taus, "o")]
    assert dots == [(0.8, 0), (0.3, 1), (0.2, 2), (0.1, 3), (0.05, 4)]
    assert [text.get_text().strip() for text in taus.texts] == ["no value"]
    assert [text.get_text() for text in costs.texts] == ["0.04 %", "0 %", "–", "50 %", "< 0.0001 %", "10 %"]
    assert [line.get_ydata()[0] for line in lines(costs, "<")] == [1, 4]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines(costs, "o")] == [
        (0.0004, 0),
        (0.5, 3),
        (0.1, 5),
    ]
    left, right = costs.get_xlim()
    assert all(left <= line.get_xdata()[0] < 0.0004 for line in lines(costs, "<"))
    assert right > 1
    assert [bar.get_width() for bar in regrets.patches] == [0, 1.25, 1.0, 2.5, 1.0, 0]
    assert [text.get_text() for text in regrets.texts] == ["0.00", "1.25", "1.00", "2.50", "1.00", "–"]
    assert regrets.get_xlabel() == "regret (points)"


def test_leaking_estimators_are_hollow_and_red():
    from matplotlib.colors import to_hex

    taus, costs, _ = plot_estimators(POINTS).axes
    for ax in (taus, costs):
        fills = [to_hex(line.get_markerfacecolor()).upper() for line in lines(ax, "o")]
        assert fills == ["#FFFFFF", *[BLUE] * (len(fills) - 1)]
    assert to_hex(taus.get_yticklabels()[0].get_color()).upper() == VERMILION


def test_names_that_no_cheaper_estimator_beats_are_bold():
    points = points_of(12)
    taus = plot_estimators(points).axes[0]
    bold = {label.get_text() for label in taus.get_yticklabels() if label.get_weight() == "bold"}
    honest = [point for point in points if not point.leaks]
    expected = {
        one.label
        for one in honest
        if all(other.tau <= one.tau for other in honest if other.cost_ratio <= one.cost_ratio)
    }
    assert bold == expected


def test_the_legend_explains_what_is_drawn(tmp_path):
    save(plot_estimators(POINTS, (0.85, 0.75, 0.95)), tmp_path / "a.svg")
    texts = written(tmp_path / "a.svg")
    assert {"leaks: looks at them", "95 % interval", "ceiling: traversal against itself"} <= set(texts)
    points = [Point("a", 0.1, 0.5, NAN, NAN, 0.5, False), Point("b", 0.2, 0.25, NAN, NAN, 1.0, False)]
    save(plot_estimators(points), tmp_path / "b.svg")
    assert not any("interval" in text or "leaks" in text or "ceiling" in text for text in written(tmp_path / "b.svg"))


# Ranks


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, NAN]), min_size=1, max_size=6))
def test_dots_stand_at_the_rank_by_score_best_on_top(scores):
    n, names = len(scores), names_of(len(scores))
    figure = plot_ranking(names, scores, np.ones(n), np.full(n, n), np.full(n, 1 / n), np.zeros(n))
    ax = figure.axes[0]
    order = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(order) == sorted(names)
    sorted_scores = [scores[names.index(name)] for name in order]
    known = [score for score in sorted_scores if not math.isnan(score)]
    assert known == sorted(known, reverse=True)
    assert all(math.isnan(score) for score in sorted_scores[len(known) :])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    expected = []
    for score in known:  # the equal share the best of their places
        expected.append(1 + sum(other > score for other in known))
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines(ax, "o")]
    assert dots == [(rank, row) for row, rank in enumerate(expected)]
    assert [text.get_text() for text in ax.texts] == ["no value"] * (n - len(known))


def test_ranks_show_chances_and_what_is_tied():
    from matplotlib.colors import to_hex

    figure = plot_ranking(
        names_of(4), [1, 4, 3, NAN], [2, 1, 1, NAN], [3, 2, 2, NAN], [0.001, 0.6, 0.399, 0], [0, 1, 1, 0], unit="%"
    )
    ranks, chances = figure.axes
    assert [text.get_text() for text in chances.texts] == ["0.60", "0.40", "< 0.01", "0.00"]
    bars = [patch for patch in chances.patches if patch.get_height() == pytest.approx(0.6)]
    assert [bar.get_width() for bar in bars] == [0.6, 0.399, 0.001, 0]
    assert [to_hex(line.get_markeredgecolor()).upper() == BLUE for line in lines(ranks, "o")] == [True, True, False]
    ends = [segment[:, 0].tolist() for one in ranks.collections for segment in one.get_segments() if len(segment)]
    assert ends == [[1, 2], [1, 2], [2, 3]]


# Numbers


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "text"),
    [(1.25, 1, "+", "+1.2"), (-0.04, 1, "", "0.0"), (-1.0, 2, "", "−1.00"), (NAN, 1, "+", "–"), (-np.inf, 1, "", "–")],
)
def test_numbers(value, decimals, sign, text):
    assert number(value, decimals, sign) == text


@given(st.floats(1e-4, 1e4))
def test_a_span_shows_in_three_digits(span):
    digits = f"{span:.{decimals(span)}f}".replace(".", "").lstrip("0")
    assert 2 <= len(digits) <= 5
    assert len(digits) == 3 or decimals(span) in (0, 5) or digits == "1000"
