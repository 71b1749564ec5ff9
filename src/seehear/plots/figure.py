"""A figure of matplotlib that shows itself in a notebook."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure without a window, which notebooks show as an image whether or not pyplot is in use."""

    def _repr_png_(self) -> bytes:
        from seehear.plots.style import write

        buffer = io.BytesIO()
        write(self, buffer, "png")
        return buffer.getvalue()
