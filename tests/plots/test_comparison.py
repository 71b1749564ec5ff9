"""The forest plot: it shows the values given, and nothing overlaps."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from plots.looks import apart, shown, written
from seehear.plots.comparison import BLUE, VERMILION, Compared, Row, plot_forest
from seehear.plots.style import save
from seehear.scoring.comparison import Difference

SCORES = [(level, score) for level in ("segment", "event") for score in ("audio", "visual", "type_at_av")]
SIGNATURE = "F1|segment+event|iou0.5|decoding:global,clip0.5,seg0.5|labels:test@5ba72fe7|clips:160|seehear0.1.0"


def rows_of(seed=0, seeds=(8, 8), spread=2.0):
    rng = np.random.default_rng(seed)
    rows = []
    for n, (level, score) in enumerate([*SCORES, ("", "average")]):
        mean, half = spread * rng.normal(), 0.2 + rng.random()
        p = 0.001 if abs(mean) > 2 * half else 0.4
        found = Difference(mean, mean - half, mean + half, p, p, p, seeds, 160, True)
        rows.append(Row(score, level, 60.0 + n, found, p))
    return rows


def systems_of(n):
    return [Compared(f"system {k}", rows_of(k)) for k in range(n)]


def panels(figure):
    return [ax for ax in figure.axes if ax.get_xlabel().startswith("difference (points)")]


LONG = "a/long/path/of/folders/mtsc-entire-squared-clamped-visual-0.3/trained"


@pytest.mark.parametrize(("name", "n"), [("mtsc", 1), ("mtsc", 8), *((LONG, n) for n in (1, 2, 3, 8)), ("$x$", 2)])
def test_nothing_overlaps_or_leaves_the_figure(name, n):
    systems = [replace(one, name=f"{name} {one.name}") for one in systems_of(n)]
    apart(plot_forest(systems, baseline=name, signature=SIGNATURE))


def test_marks_and_intervals_stand_where_the_numbers_are():
    systems = systems_of(3)
    found = panels(plot_forest(systems, baseline="baseline", signature=SIGNATURE))
    assert len(found) == 3
    for ax, system in zip(found, systems, strict=True):
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        assert [float(dot.get_xdata()[0]) for dot in dots] == [row.difference.mean for row in system.rows]
        ends = [tuple(segment[:, 0]) for part in ax.collections for segment in part.get_segments()]
        assert ends == [(row.difference.low, row.difference.high) for row in system.rows]
        heights = [float(np.atleast_1d(dot.get_ydata())[0]) for dot in dots]
        assert heights == sorted(heights)  # downwards, since the axis is turned
        assert min(ax.get_xlim()) < min(row.difference.low for row in system.rows)
        assert max(ax.get_xlim()) > max(row.difference.high for row in system.rows)


def test_panels_share_their_axis():
    assert (
        len({ax.get_xlim() for ax in panels(plot_forest(systems_of(8), baseline="baseline", signature=SIGNATURE))}) == 1
    )


def test_only_what_is_significant_is_filled_and_coloured_by_its_side():
    rows = rows_of(spread=4.0)
    (ax,) = panels(plot_forest([Compared("one", rows)], baseline="baseline", signature=SIGNATURE))
    looks = {(dot.get_markerfacecolor(), dot.get_color()) for dot in ax.lines if dot.get_marker() == "o"}
    for row, dot in zip(rows, (line for line in ax.lines if line.get_marker() == "o"), strict=True):
        if row.adjusted < 0.05:
            side = BLUE if row.difference.mean > 0 else VERMILION
            assert (dot.get_markerfacecolor(), dot.get_color()) == (side, side)
        else:
            assert dot.get_markerfacecolor() == "white"
    assert len(looks) > 1


def test_every_number_and_name_is_written(tmp_path):
    systems = systems_of(2)
    figure = plot_forest(systems, baseline="<b>baseline</b> & $1", signature=SIGNATURE)
    save(figure, tmp_path / "a.svg")
    texts = written(tmp_path / "a.svg")
    assert "systems minus <b>baseline</b> & $1" in texts
    assert {"system 0", "system 1", "baseline", SIGNATURE} <= set(texts)
    assert [text.strip() for text in texts if text.strip() in ("segment:", "event:")] == ["segment:", "event:"]
    for row in systems[0].rows:
        assert f"{row.score}   {row.baseline:.1f}" in texts
    for system in systems:
        for row in system.rows:
            assert any(f"{row.difference.mean:+.2f}".replace("-", "−") in text for text in texts)
    assert "Holm-adjusted for 2 systems. 160 clips." in " ".join(texts)  # in one line or more
    assert "8 against 8 seeds, in pairs" in texts


@pytest.mark.parametrize(
    ("seeds", "note"),
    [((1, 1), "1 against 1 seeds: no evidence about other seeds"), ((3, 3), "too few for any p < 0.05")],
)
def test_few_seeds_are_noted(seeds, note):
    level, _ = shown(plot_forest([Compared("one", rows_of(seeds=seeds))], baseline="baseline", signature=SIGNATURE))
    assert any(note in " ".join(text.split()) for text, _ in level)


def test_what_is_not_finite_is_marked():
    rows = rows_of()
    lost = replace(rows[2].difference, mean=math.nan, low=math.nan, high=math.nan, p=math.nan)
    rows[2] = replace(rows[2], difference=lost, adjusted=math.nan)
    (ax,) = panels(plot_forest([Compared("one", rows)], baseline="baseline", signature=SIGNATURE))
    assert len([line for line in ax.lines if line.get_marker() == "x"]) == 1
    assert len([line for line in ax.lines if line.get_marker() == "o"]) == len(rows) - 1


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="no system"):
        plot_forest([], baseline="b", signature="s")
    two = [Compared("one", rows_of()), Compared("other", rows_of()[1:])]
    with pytest.raises(ValueError, match="other scores"):
        plot_forest(two, baseline="b", signature="s")


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    for suffix in ("png", "svg"):
        one, other = (
            save(plot_forest(systems_of(2), baseline="b"), tmp_path / f"{k}.{suffix}")[0].read_bytes() for k in range(2)
        )
        assert one == other


def test_reading_the_module_does_not_load_matplotlib():
    code = "import sys, seehear.plots.comparison; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
