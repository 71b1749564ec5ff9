"""The plot of a clip: what must be in it is in it, where it belongs."""

from dataclasses import replace

import pytest

from overviews import overview
from plots.looks import apart
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.plots.picture import plot_clip
from seehear.plots.style import save


def parsed(clip="a", events=(), truth=None):
    joint = ("audio", "visual", "audio_visual")
    return ParsedClip(clip, f"{clip}.mp4", 10.0, 1.0, joint, "global", tuple(events), {}, truth)


EVENTS = (ParsedEvent("Dog", "audio", 0.0, 4.0, 0.9), ParsedEvent("Tea_kettle", "visual", 2.0, 10.0, 0.6))


def svg(figure, path):
    save(figure, path)
    return path.read_text()


def test_names_and_confidences_are_written(tmp_path):
    text = svg(plot_clip(parsed(events=EVENTS), overview()), tmp_path / "a.svg")
    for word in ("heard", "seen", "both", "Dog", "Tea kettle", "0.90", "0.60", "no event", "seconds"):
        assert f">{word}<" in text, word
    assert "ground truth" not in text


def test_a_modality_that_the_clip_lacks_is_named(tmp_path):
    figure = plot_clip(replace(parsed(), absent=("visual",)), overview(thumbnails=0))
    text = svg(figure, tmp_path / "a.svg")
    assert text.count(">no video<") == 1
    assert text.count(">no event<") == 2


def test_truth_is_drawn_beneath(tmp_path):
    truth = (ParsedEvent("Cat", "audio", 1.0, 2.0, 1.0),)
    text = svg(plot_clip(parsed(events=EVENTS, truth=truth), overview()), tmp_path / "a.svg")
    assert ">Cat<" in text
    assert "hollow: ground truth" in text


def test_names_are_text_not_markup(tmp_path):
    name = "$x_1$ <b>&amp; \\frac{1}{2} “äöü” 山"
    text = svg(
        plot_clip(parsed(name, [ParsedEvent("$y$ & <i>", "audio", 0.0, 4.0, 0.9)]), overview()), tmp_path / "a.svg"
    )
    assert "$x_1$ &lt;b&gt;&amp;amp; \\frac{1}{2}" in text
    assert ">$y$ &amp; &lt;i&gt;<" in text


def test_a_clip_without_audio_or_without_frames(tmp_path):
    for made in (overview(has_audio=False), overview(thumbnails=0)):
        figure = plot_clip(parsed(events=EVENTS), made)
        assert len(figure.axes) == 4  # three tracks, and either thumbnails or spectrogram
        save(figure, tmp_path / "a.png")


def test_the_same_plot_gives_the_same_bytes(tmp_path):
    for suffix in ("png", "svg"):
        files = [tmp_path / f"{n}.{suffix}" for n in range(2)]
        for file in files:
            save(plot_clip(parsed(events=EVENTS), overview()), file)
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    "truth", [None, [ParsedEvent("A_class_with_a_very_long_name_that_has_no_room", "visual", 1, 9, 1)]]
)
def test_nothing_overlaps_or_leaves_the_figure(truth):
    long = "a_clip_with_a_name_that_is_longer_than_any_plot_is_wide_" * 4
    apart(plot_clip(parsed(long, events=EVENTS, truth=truth), overview()))


def test_events_lie_where_they_are():
    figure = plot_clip(parsed(events=EVENTS, truth=[ParsedEvent("Cat", "audio", 1.0, 2.0, 1.0)]))
    heard, seen, both = figure.axes
    spans = [[bars.get_paths()[0].get_extents() for bars in ax.collections] for ax in (heard, seen, both)]
    assert [[(box.x0, box.x1) for box in of] for of in spans] == [[(0, 4), (1, 2)], [(2, 10)], []]
    assert [box.y0 for box in spans[0]] == sorted(box.y0 for box in spans[0])  # the dog's lane above the cat's
    assert [label.get_text() for label in heard.get_yticklabels()] == ["Dog", "Cat"]
    assert heard.get_xlim() == (0, 10)


def test_a_plot_without_an_overview_has_only_tracks():
    assert len(plot_clip(parsed(events=EVENTS)).axes) == 3
