"""Which collocations there are to choose from, in which order, under which names."""

import itertools

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation, Grid


def test_grid_takes_one_option_of_each_modality():
    grid = Grid.over({"audio": ["a", "b"], "visual": ["v", "w", "x"], "touch": ["t"]})
    assert grid.shape == (2, 3, 1)
    assert grid.modalities == ("audio", "visual", "touch")
    assert len(grid) == len(set(grid)) == 6
    assert {c.networks for c in grid} == set(itertools.product("ab", "vwx", "t"))
    assert grid.networks == ("a", "b", "v", "w", "x", "t")


def test_order_is_that_of_an_array_of_its_shape():
    grid = Grid.over({"audio": ["a", "b"], "visual": ["v", "w", "x"]})
    names = np.array([c.argument for c in grid], dtype=object).reshape(grid.shape)
    assert names[1, 2] == "audio=b visual=x"
    assert names[1, 0] == "audio=b visual=v"


def test_several_networks_may_feed_one_modality():
    grid = Grid.over({"audio": ["a", "b", "c"], "visual": ["v"]}, together=2)
    options = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
    assert list(grid.options["audio"]) == options
    assert len(grid) == 6
    assert grid.networks == ("a", "b", "c", "v")


def test_a_name_given_twice_is_one_network():
    assert Grid.over({"audio": ["a", "b", "a"]}, together=2).options["audio"] == (("a",), ("b",), ("a", "b"))


def test_a_collocation_has_one_name():
    one = Collocation.of({"audio": ["a", "b"], "visual": ["v"]})
    assert str(one) == "a+b × v"
    assert one.argument == "audio=a+b visual=v"
    assert one.as_json() == {"audio": ["a", "b"], "visual": ["v"]}
    assert one == Collocation.of(one.as_json())
    assert hash(one) == hash(Collocation.of(one.as_json()))
    assert one != Collocation.of({"audio": ["b", "a"], "visual": ["v"]})


@pytest.mark.parametrize("networks", [{}, {"audio": []}, {"audio": ["a"], "visual": []}])
def test_nothing_to_choose_from(networks):
    with pytest.raises(SeehearError, match="at least one"):
        Grid.over(networks)
