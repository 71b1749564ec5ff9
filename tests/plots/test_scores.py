"""The plot of scores: every value, interval and baseline stands where its number is, and nothing overlaps."""

from plots.looks import apart
from seehear.plots.scores import ScoreMark, plot_scores

MARKS = [
    ScoreMark("segment audio", 36.4, (29.0, 43.0), 57.1),
    ScoreMark("segment visual", 98.0, (95.0, 99.5), 96.5),
    ScoreMark("average", 2.5, (0.0, 9.0), 0.0),
]


def test_nothing_overlaps_or_leaves_the_figure():
    apart(plot_scores(MARKS, title="a/long/path/of/folders/baseline-with-all-losses/trained/seed-0"))
    apart(plot_scores([ScoreMark(mark.name, mark.value) for mark in MARKS]))


def test_marks_stand_where_the_numbers_are():
    (ax,) = plot_scores(MARKS).axes
    by_marker = {
        marker: [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == marker] for marker in "o|"
    }
    assert by_marker == {"o": [mark.value for mark in MARKS], "|": [mark.baseline for mark in MARKS]}
    ends = [tuple(segment[:, 0]) for part in ax.collections for segment in part.get_segments()]
    assert ends == [mark.interval for mark in MARKS]
    assert [label.get_text() for label in ax.get_yticklabels()] == [mark.name for mark in MARKS]


def test_scores_are_drawn_into_given_axes():
    from matplotlib.figure import Figure

    left, right = (figure := Figure(figsize=(10, 3))).subplots(1, 2)
    assert plot_scores(MARKS, right) is figure
    assert not left.lines
