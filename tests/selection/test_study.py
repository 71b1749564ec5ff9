"""The study of selections, on tables that are drawn from a known model."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from seehear.selection.prior import Prior, kind_of
from study.report import CLOSED, frozen_priors, report
from study.selections import answer, grids, regret_of_chance, traversed
from study.tables import Table

SHAPE, CLIPS = (2, 3), 60


def drawn(seed):
    """A sample whose closed form is right up to what networks and pairings add."""
    rng = np.random.default_rng(seed)
    closed = (rng.normal(0, 0.05, (2, 1)) + rng.normal(0, 0.05, (1, 3))).ravel()
    added = 2.0 * rng.normal(size=(2, 1)) + 2.0 * rng.normal(size=(1, 3)) + 0.7 * rng.normal(size=SHAPE)
    score = 100 * closed + added.ravel()

    def trainings(seeds):
        clips = 30 * rng.normal(size=CLIPS) + 15 * rng.normal(size=(6, 1, CLIPS))
        return 70 + score[:, None, None] + clips + 1.5 * rng.normal(size=(6, seeds, 1))

    values = {"traversal": trainings(2), "full": trainings(1), "ridge@train": closed, "unimodal@train": closed}
    values |= {f"{name}, label F1": values[name] for name in ("traversal", "full")}
    seconds = {f"{name} seconds": np.full((6, 2), 9.0) for name in ("traversal", "full")}
    free = {f"{name} seconds": np.full(6, 0.01) for name in ("ridge@train", "unimodal@train")}
    return Table(SHAPE, values | seconds | free | {"traversal best epoch": np.full((6, 2), 5.0)})


@pytest.fixture(scope="module")
def tables():
    main = {n: drawn(n) for n in range(10)}
    return {"refined-scaled": main, "refined": {n: drawn(n) for n in range(3)}}


@pytest.fixture(scope="module")
def priors(tables):
    return frozen_priors({"refined-scaled": {n: t for n, t in tables["refined-scaled"].items() if n < 7}})


def test_a_table_is_kept_whole(tmp_path, tables):
    table = tables["refined-scaled"][0]
    table.save(tmp_path / "00.safetensors")
    again = Table.read(tmp_path / "00.safetensors")
    assert again.shape == table.shape
    assert again.values.keys() == table.values.keys()
    assert all(np.array_equal(again[name], table[name]) for name in table.values)


def test_every_subset_of_networks_is_a_grid(tables):
    table = tables["refined-scaled"][0]
    found = list(grids(table))
    assert sorted(each.shape for each in found) == [(2, 2), (2, 2), (2, 2), (2, 3)]
    for each in found:
        assert len(each.truth) == each.shape[0] * each.shape[1]
        assert {*each.truth} <= {*table.truth}


def test_certainty_is_right_where_the_model_is(tables, priors):
    """P(best) of the choice agrees with how often it is the best, and the tied set holds the best as it promises."""
    prior = Prior.from_json(priors["priors"][kind_of("average", True)]["pilots"])
    every = [(n, grid) for n in range(1000, 1060) for grid in grids(drawn(n))]
    for budget in (0.0, 0.2):
        answers = [answer(n, grid, prior, CLOSED, budget) for n, grid in every]
        promised = np.mean([each.p_best.max() for each in answers])
        kept = np.mean([each.p_best.argmax() == each.best for each in answers])
        assert kept == pytest.approx(promised, abs=0.1)
        assert np.mean([each.tied[each.best] for each in answers]) >= 0.9
        assert np.mean([each.regret for each in answers]) < 0.5 * np.mean([regret_of_chance(grid) for _, grid in every])


def test_the_report_has_every_part(tmp_path, tables, priors):
    text = report(tables, 7, json.loads(json.dumps(priors)), tmp_path)
    for part in (
        "| refined-scaled | 10 |",
        "scaled minus as they are",
        "| ridge@train |",
        "`refined-scaled`, last samples: 12",
    ):
        assert part in text
    assert (tmp_path / "refined-scaled-last.png").exists()


def test_what_is_learnt_is_what_comes_with_seehear(priors):
    """The report writes priors in the form in which seehear reads them."""
    for of_kind in priors["priors"].values():
        for each in of_kind.values():
            assert Prior.from_json(each).as_json() == each


def test_a_grid_without_pilot_trainings_teaches_nothing_about_them(tables):
    grid = traversed(tables["refined-scaled"][0])
    assert grid.pilots is None
    assert np.isnan(grid.pilot_seed)
