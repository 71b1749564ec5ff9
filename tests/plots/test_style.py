"""Figures show themselves in a notebook, and the module of a plot is read without matplotlib."""

import base64

from IPython.core.formatters import DisplayFormatter

from seehear.plots.scores import ScoreMark, plot_scores


def test_a_notebook_shows_a_figure_without_pyplot():
    shown, _ = DisplayFormatter().format(plot_scores([ScoreMark("segment audio", 50.0)]))
    image = shown["image/png"]
    data = base64.b64decode(image) if isinstance(image, str) else image
    assert data.startswith(b"\x89PNG")
    assert len(data) > 1000
