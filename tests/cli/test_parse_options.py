"""Options of `seehear parse` that don't go together."""

import pytest

import commands
from seehear.errors import SeehearError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"figures": ("png",)}, "pages and figures are written into a folder: give --out"),
        ({"embed": True}, "pages and figures are written into a folder"),
        ({"stall": 5.0}, "--stall is for streams: give --follow too"),
        ({"follow": True, "out": "x"}, "--follow prints events alone: leave out --out"),
    ],
)
def test_what_would_do_nothing_is_refused(tmp_path, options, words):
    with pytest.raises(SeehearError, match=words):
        commands.parse(tmp_path / "clip.mp4", **options)
