"""Projections against canonical correlations worked out naively, and on what must not change them."""

import numpy as np
import pytest
import scipy.linalg

from seehear.alignment.projection import BLOCK_ROWS, PROJECTIONS, cca, random
from seehear.alignment.retrieval import Segments, retrieve
from seehear.errors import SeehearError


def related(n: int, widths: dict[str, int], seed: int = 0, latent: int = 3) -> dict[str, np.ndarray]:
    """Modalities that see the same hidden numbers through noise, away from 0 and scaled unevenly."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, latent)) * np.linspace(2, 0.5, latent)
    return {
        name: (hidden @ rng.normal(size=(latent, d)) + rng.normal(size=(n, d))) * rng.uniform(0.5, 3, d)
        + rng.normal(size=d)
        for name, d in widths.items()
    }


def products(projections) -> dict[tuple[str, str], np.ndarray]:
    """What the signs of columns, which are free, can't change: matrix @ matrix.T of every two modalities."""
    return {(a, b): projections[a].matrix @ projections[b].matrix.T for a in projections for b in projections}


def assert_same(one, other) -> None:
    expected = products(other)
    for key, product in products(one).items():
        np.testing.assert_allclose(product, expected[key], rtol=1e-6, atol=1e-9 * np.abs(expected[key]).max())


def cosines(projections, train) -> np.ndarray:
    a, b = (projections[name](rows) for name, rows in train.items())
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def covariance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row by row."""
    total = np.zeros((one.shape[1], other.shape[1]))
    for a, b in zip(one - one.mean(axis=0), other - other.mean(axis=0), strict=True):
        total += np.outer(a, b)
    return total / len(one)


def test_canonical_correlations_by_orthogonal_bases():
    train = related(200, {"audio": 4, "visual": 6})
    bases = [np.linalg.qr(rows - rows.mean(axis=0))[0] for rows in train.values()]
    expected = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    projections = cca(train, 4, ridge=0)
    a, b = (projections[name](rows).astype(float) for name, rows in train.items())
    np.testing.assert_allclose(a.T @ b / 200, np.diag(expected), atol=1e-5)
    np.testing.assert_allclose(a.T @ a / 200, np.eye(4), atol=1e-5)
    np.testing.assert_allclose(b.T @ b / 200, np.eye(4), atol=1e-5)
    assert expected[0] > 0.7 > expected[3]


@pytest.mark.parametrize("ridge", [0.0, 0.03, 10.0])
def test_two_modalities_by_inverse_roots(ridge):
    train = related(80, {"audio": 5, "visual": 3})
    roots = []
    for rows in train.values():
        own = covariance(rows, rows)
        own += ridge * np.linalg.eigvalsh(own).mean() * np.eye(len(own))
        roots.append(np.linalg.inv(scipy.linalg.sqrtm(own).real))
    u, _, vt = np.linalg.svd(roots[0] @ covariance(*train.values()) @ roots[1])
    projections = cca(train, 2, ridge=ridge)
    audio, visual = roots[0] @ u[:, :2], roots[1] @ vt[:2].T
    np.testing.assert_allclose(
        projections["audio"].matrix @ projections["visual"].matrix.T, audio @ visual.T, rtol=1e-6
    )
    np.testing.assert_allclose(np.abs(projections["audio"].matrix), np.abs(audio), rtol=1e-6)
    np.testing.assert_allclose(projections["visual"].mean, train["visual"].mean(axis=0))


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_three_modalities_by_a_generalised_eigenproblem(ridge):
    train = related(120, {"audio": 3, "visual": 4, "flow": 5})
    joined = np.concatenate(list(train.values()), axis=1)
    whole = covariance(joined, joined)
    own = np.zeros_like(whole)
    at = 0
    for rows in train.values():
        part = slice(at, at := at + rows.shape[1])
        whole[part, part] += ridge * np.trace(whole[part, part]) / rows.shape[1] * np.eye(rows.shape[1])
        own[part, part] = whole[part, part]
    vectors = scipy.linalg.eigh(whole, own)[1][:, :-4:-1] * np.sqrt(3)
    projections = cca(train, 3, ridge=ridge)
    stacked = np.concatenate([projections[name].matrix for name in train])
    np.testing.assert_allclose(stacked @ stacked.T, vectors @ vectors.T, rtol=1e-6, atol=1e-9)


def test_maxvar_is_what_all_modalities_share_best():
    """Without a ridge, the sum of the variates is an eigenvector of the sum of the projectors on each modality."""
    train = related(40, {"audio": 3, "visual": 4, "flow": 2})
    total = np.zeros((40, 40))
    for rows in train.values():
        basis = np.linalg.qr(rows - rows.mean(axis=0))[0]
        total += basis @ basis.T
    expected = np.linalg.eigh(total)[1][:, :-3:-1]
    projections = cca(train, 2, ridge=0)
    found = sum(projections[name](rows).astype(float) for name, rows in train.items())
    found /= np.linalg.norm(found, axis=0)
    np.testing.assert_allclose(np.abs(found.T @ expected), np.eye(2), atol=1e-5)


def test_a_modality_that_agrees_with_none_has_little_variance():
    train = related(400, {"audio": 3, "visual": 3})
    train["noise"] = np.random.default_rng(9).normal(size=(400, 3))
    projections = cca(train, 1)
    deviation = {name: projections[name](rows).std() for name, rows in train.items()}
    assert deviation["noise"] < 0.5 * min(deviation["audio"], deviation["visual"])


def test_invertible_maps_change_nothing_without_a_ridge():
    train = related(100, {"audio": 3, "visual": 4})
    rng = np.random.default_rng(1)
    mapped = {name: rows @ rng.normal(size=(rows.shape[1],) * 2) + 5 for name, rows in train.items()}
    before, after = cosines(cca(train, 3, ridge=0), train), cosines(cca(mapped, 3, ridge=0), mapped)
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_rotations_shifts_and_scales_change_nothing_with_a_ridge():
    train = related(100, {"audio": 3, "visual": 4})
    rng = np.random.default_rng(1)
    mapped = {
        name: scale * rows @ np.linalg.qr(rng.normal(size=(rows.shape[1],) * 2))[0] + rng.normal(size=rows.shape[1])
        for (name, rows), scale in zip(train.items(), (1e-3, 300.0), strict=True)
    }
    before, after = cosines(cca(train, 3, ridge=0.5), train), cosines(cca(mapped, 3, ridge=0.5), mapped)
    np.testing.assert_allclose(after, before, atol=1e-4)
    stretched = {name: rows * np.geomspace(1, 30, rows.shape[1]) for name, rows in train.items()}
    assert np.abs(cosines(cca(stretched, 3, ridge=0.5), stretched) - before).max() > 0.01


def test_order_of_rows_and_modalities_does_not_matter():
    train = related(50, {"audio": 3, "visual": 4, "flow": 5})
    order = np.random.default_rng(1).permutation(50)
    assert_same(cca({name: train[name][order] for name in ("flow", "audio", "visual")}, 2), cca(train, 2))


def test_more_rows_than_a_block():
    train = related(BLOCK_ROWS // 2 + 7, {"audio": 2, "visual": 3})
    twice = {name: np.concatenate([rows, rows]) for name, rows in train.items()}  # the same means and covariances
    assert_same(cca(twice, 2), cca(train, 2))


def test_cca_aligns_what_occurs_together_and_random_does_not():
    train = related(600, {"audio": 12, "visual": 8}, latent=6)
    hits = {}
    for name, fit in PROJECTIONS.items():
        projections = fit({key: rows[:400] for key, rows in train.items()}, 6, 0)
        # Every row is a label of its own: a query's only match is what happened at its time.
        one, other = (
            Segments(projections[key](rows[400:]), np.eye(200, dtype=bool), np.arange(200))
            for key, rows in train.items()
        )
        hits[name] = retrieve(one, other).recall_exact.mean()
    assert hits["cca"] > 0.1
    assert hits["random"] < 0.04


def test_random_matrices_have_variance_one_by_width_and_differ():
    train = {"audio": np.ones((2, 300)), "visual": np.ones((2, 300))}
    projections = random(train, 200, 3)
    audio, visual = projections["audio"].matrix, projections["visual"].matrix
    assert audio.shape == (300, 200)
    assert audio.std() * np.sqrt(200) == pytest.approx(1, abs=0.02)
    assert abs(audio.mean()) * np.sqrt(200) < 0.02
    assert abs(np.corrcoef(audio.ravel(), visual.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(random(train, 200, 3)["audio"].matrix, audio)
    np.testing.assert_array_equal(random({"audio": train["audio"]}, 200, 3)["audio"].matrix, audio)
    assert (random(train, 200, 4)["audio"].matrix != audio).all()
    np.testing.assert_array_equal(projections["audio"](train["audio"]), np.zeros((2, 200)))  # the mean is taken off


def test_random_keeps_cosines_within_a_modality():
    rows = np.random.default_rng(0).normal(size=(30, 400))
    found = random({"audio": rows}, 400)["audio"](rows)
    lengths = np.linalg.norm(found, axis=1) / np.linalg.norm(rows - rows.mean(axis=0), axis=1)
    assert lengths.mean() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(np.corrcoef(found), np.corrcoef(rows), atol=0.25)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_every_projection_gives_one_width(name):
    train = {key: rows.astype(np.float32) for key, rows in related(30, {"audio": 4, "visual": 7}).items()}
    projections = PROJECTIONS[name](train, 3, 0)
    for key, rows in train.items():
        found = projections[key](rows.reshape(3, 10, -1))
        assert (found.shape, found.dtype) == ((3, 10, 3), np.float32)
        np.testing.assert_allclose(
            found.reshape(30, 3), (rows - projections[key].mean) @ projections[key].matrix, rtol=1e-6, atol=1e-6
        )


GOOD = np.random.default_rng(0).normal(size=(9, 4))


@pytest.mark.parametrize("name", PROJECTIONS)
@pytest.mark.parametrize(
    ("train", "width", "message"),
    [
        ({"audio": GOOD, "visual": GOOD[:, :3]}, 4, "from 1 to 3, that of visual, not 4"),
        ({"audio": GOOD, "visual": GOOD}, 0, "from 1 to 4"),
        ({"audio": GOOD, "visual": GOOD[:8]}, 2, "not audio 9, visual 8 rows"),
        ({"audio": GOOD, "visual": GOOD[:0]}, 2, "not audio 9, visual 0 rows"),
        ({"audio": GOOD[:0], "visual": GOOD[:0]}, 2, "needs at least"),
        ({"audio": GOOD, "visual": np.where(GOOD > 1, np.nan, GOOD)}, 2, "visual: a feature is not finite"),
        ({"audio": GOOD, "visual": GOOD[0]}, 2, r"must be \(n, d\)"),
        ({}, 2, "modalities are needed, not 0"),
    ],
)
def test_bad_input_is_refused(name, train, width, message):
    with pytest.raises(SeehearError, match=message):
        PROJECTIONS[name](train, width, 0)


@pytest.mark.parametrize(
    ("train", "width", "ridge", "message"),
    [
        ({"audio": GOOD}, 2, 0.1, "at least 2 modalities"),
        ({"audio": GOOD[:3], "visual": GOOD[:3]}, 3, 0.1, "needs at least 4 rows, not 3"),
        ({"audio": GOOD, "visual": GOOD[:, [0, 1, 2, 2]]}, 3, 0.0, "visual: .* larger ridge"),
        ({"audio": GOOD[:4], "visual": GOOD[:4]}, 3, 0.0, "audio: .* larger ridge"),
        ({"audio": GOOD, "visual": np.ones((9, 4))}, 2, 0.1, "visual: .* the same in every row"),
        ({"audio": GOOD, "visual": GOOD}, 2, -0.1, "0 or more, not -0.1"),
        ({"audio": GOOD, "visual": GOOD}, 2, np.nan, "0 or more, not nan"),
    ],
)
def test_bad_input_of_cca_is_refused(train, width, ridge, message):
    with pytest.raises(SeehearError, match=message):
        cca(train, width, ridge=ridge)


def test_a_ridge_makes_dependent_features_usable():
    train = related(60, {"audio": 3, "visual": 4})
    doubled = {"audio": train["audio"], "visual": np.concatenate([train["visual"]] * 2, axis=1)}
    before, after = cca(train, 2, ridge=1e-7), cca(doubled, 2, ridge=1e-7)
    np.testing.assert_allclose(cosines(after, doubled), cosines(before, train), atol=1e-3)
