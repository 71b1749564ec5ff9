"""The parts of all pages: data, addresses, images, words."""

import io
import json

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seehear.pages import page
from seehear.pages.colours import MAGMA

texts = st.text(max_size=20)


@given(
    st.recursive(
        texts | st.floats(allow_nan=False) | st.none(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
    )
)
def test_data_is_preserved_and_ends_no_element(value):
    text = page.as_data(value)
    assert json.loads(text) == value
    assert not set("<>&") & set(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0.0 s"),
        (9.96, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00.0"),
        (75.25, "1:15.2"),
        (3600, "1:00:00.0"),
        (3661.5, "1:01:01.5"),
    ],
)
def test_seconds(value, words):
    assert page.seconds(value) == words


@given(st.floats(0, 1e5))
def test_seconds_are_rounded_to_tenths(value):
    parts = [float(part) for part in page.seconds(value).removesuffix(" s").split(":")]
    total = sum(part * 60**n for n, part in enumerate(reversed(parts)))
    assert total == pytest.approx(value, abs=0.0501)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("../clips/a b.mp4", "../clips/a%20b.mp4"),
        ("a#b?c%.mp4", "a%23b%3Fc%25.mp4"),
        ("javascript:alert(1).mp4", "javascript%3Aalert%281%29.mp4"),
        ("/tmp/a b.mp4", "file:///tmp/a%20b.mp4"),
        ("D:/a b.mp4", "file:///D:/a%20b.mp4"),
    ],
)
def test_addresses(link, address):
    assert page.address(link) == address


def test_images_are_preserved():
    ramp = np.linspace(-70, 0, 20).reshape(4, 5)
    found = np.asarray(Image.open(io.BytesIO(page.png(ramp, -70, 0))).convert("L"), dtype=float)
    assert found.shape == (4, 5)
    assert (np.diff(found[::-1].ravel()) > 0).all()  # the first row at the bottom, the louder the lighter
    grey = np.full((8, 8, 3), 128, np.uint8)
    picture = Image.open(io.BytesIO(page.jpeg(grey, 16, 9)))
    assert picture.size == (16, 9)
    assert abs(np.asarray(picture, dtype=float) - 128).max() <= 2


def test_colours_are_those_of_figures():
    table = matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255
    assert table.round().astype(np.uint8).tobytes() == MAGMA


def test_modalities_have_colours_of_their_own():
    assert page.tone("thermal") == "of-other"
