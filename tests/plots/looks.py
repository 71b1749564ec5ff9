"""What a plot shows: its texts, where they stand, and whether they overlap."""

import xml.etree.ElementTree as ET
from itertools import combinations


def written(path):
    """Every text in an SVG, in order."""
    return ["".join(text.itertext()) for text in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def shown(figure):
    """(text, its box in pixels) of every visible text: those that are level or upright, and slanted ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    unseen = set()
    for ax in figure.axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            for tick in axis.get_major_ticks():
                if not ax.axison or not min(limits) <= tick.get_loc() <= max(limits):
                    unseen |= {tick.label1, tick.label2}
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in unseen]
    boxes = [(text, text.get_window_extent(canvas.get_renderer())) for text in texts]
    level = [(text.get_text(), box) for text, box in boxes if text.get_rotation() in (0, 90)]
    return level, [(text.get_text(), box) for text, box in boxes if text.get_rotation() not in (0, 90)]


def apart(figure):
    """Check that no text overlaps another or leaves the figure."""
    level, turned = shown(figure)
    for text, box in level + turned:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, first), (other, second) in combinations(level, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 2 or up <= 2, (one, other)  # pixels
