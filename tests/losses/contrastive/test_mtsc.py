"""Eq. 6 in all its readings against its loop, its gradients, and what embeddings learn from it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import LAGS, WITHIN, batches, generic, gradients, numeric_gradient, uneven
from seehear.losses import mtsc
from seehear.losses.contrastive.residual import RESIDUALS

PAIRS = ("part", "entire")


def partial_of(**options):
    return lambda first, second, mask: mtsc(first, second, mask, **options)


@settings(max_examples=60, deadline=None)
@given(
    batches(),
    st.sampled_from(PAIRS),
    st.sampled_from(["squared", "absolute", "literal"]),
    st.sampled_from(WITHIN),
    st.sampled_from(LAGS),
    st.sampled_from([0.0, 1.5, 5.0]),
)
def test_loss_is_the_loop(batch, pairs, residual, within, lag, exponent):
    expected = batch.each(oracle.mtsc, pairs=pairs, kind=residual, within=within, reading=lag, exponent=exponent)
    found = mtsc(*batch, pairs=pairs, residual=residual, within=within, lag=lag, exponent=exponent)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_default_readings():
    batch = uneven()
    options = {"pairs": "entire", "kind": "squared", "within": "first", "reading": "clamped", "exponent": 5.0}
    assert mtsc(*batch).tolist() == pytest.approx(batch.each(oracle.mtsc, **options), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(batches(), st.sampled_from(LAGS), st.sampled_from([0.0, 5.0]))
def test_part_has_target_1_for_every_segment(batch, lag, exponent):
    found = mtsc(*batch, pairs="part", lag=lag, exponent=exponent).tolist()
    for value, first, second, mask in zip(found, *(x.tolist() for x in batch), strict=True):
        times = oracle.times_of(mask)
        residuals = [oracle.cosine(first[t], second[t]) - (1 if any(first[t]) else 0) for t in times]
        assert value == pytest.approx(sum(r * r for r in residuals) / len(times), abs=1e-9)


@pytest.mark.parametrize("pairs", PAIRS)
def test_within_second_is_within_first_with_the_modalities_swapped(pairs):
    first, second, mask = uneven()
    one = mtsc(first, second, mask, pairs=pairs, within="second")
    torch.testing.assert_close(one, mtsc(second, first, mask, pairs=pairs, within="first"))
    if pairs == "entire":
        assert not torch.allclose(one, mtsc(first, second, mask, within="first"))


@pytest.mark.parametrize(
    ("sign", "expected"), [(1, 2 / 9 * (1 - 1 / 32) ** 2), (-1, 7 / 9 * 4 + 2 / 9 * (33 / 32) ** 2)]
)
def test_equal_or_opposite_vectors(sign, expected):
    x = torch.ones(1, 3, 2)
    assert mtsc(x, sign * x).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("residual", list(RESIDUALS))
@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("within", WITHIN)
def test_no_gradient_flows_through_the_target(pairs, residual, within):
    batch = uneven()
    options = {"pairs": pairs, "within": within, "lag": "shifted", "exponent": 1.0}
    found = gradients(partial_of(residual=residual, **options), batch)
    own = {"kind": residual, "pairs": pairs, "within": within, "reading": "shifted", "exponent": 1.0}
    originals = [x.tolist() for x in batch[:2]]

    def value(first, second, frozen_target):
        clips = zip(first.tolist(), second.tolist(), batch.mask.tolist(), *originals, strict=True)
        return sum(
            oracle.mtsc(one, other, inside, **own, detached=(a, b) if frozen_target else None)
            for one, other, inside, a, b in clips
        )

    numeric = [
        numeric_gradient(lambda x: value(x, batch.second, True), batch.first),
        numeric_gradient(lambda x: value(batch.first, x, True), batch.second),
    ]
    torch.testing.assert_close(found, tuple(numeric), atol=1e-6, rtol=1e-5)
    if pairs == "entire" and within != "second":
        through = numeric_gradient(lambda x: value(x, batch.second, False), batch.first)
        assert not torch.allclose(found[0], through, atol=1e-3)


def test_gradient_of_the_modality_that_is_no_target():
    first, second, mask = uneven()
    assert torch.autograd.gradcheck(lambda x: mtsc(first, x, mask), second.requires_grad_())
    assert torch.autograd.gradcheck(lambda x: mtsc(x, second.detach(), mask, within="second"), first.requires_grad_())


def test_literal_does_not_depend_on_its_target():
    batch = uneven()
    expected = gradients(partial_of(residual="literal"), batch)
    for within in WITHIN:
        for lag in LAGS:
            for exponent in (0.0, 1.0, 5.0):
                options = {"within": within, "lag": lag, "exponent": exponent}
                torch.testing.assert_close(gradients(partial_of(residual="literal", **options), batch), expected)
                if options != {"within": "first", "lag": "clamped", "exponent": 5.0}:
                    other = gradients(partial_of(residual="squared", **options), batch)
                    assert not torch.allclose(other[0], gradients(partial_of(), batch)[0])


def learnt(residual, steps):
    """Return free embeddings after some steps of Adam."""
    embeddings = generic(clips=3, length=4, width=8).requires_grad_()
    optimiser = torch.optim.Adam([embeddings], lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        mtsc(*embeddings, residual=residual).mean().backward()
        optimiser.step()
    return [clips.tolist() for clips in embeddings.detach()]


def test_literal_collapses():
    for first, second in zip(*learnt("literal", 150), strict=True):
        assert max(oracle.cosine(x, y) for x in first for y in second) < -0.99


def distances(firsts, seconds):
    """Return the distances of similarities from their targets."""
    return [
        abs(oracle.cosine(first[i], second[j]) - oracle.target(first, second, i, j))
        for first, second in zip(firsts, seconds, strict=True)
        for i in range(4)
        for j in range(4)
    ]


@pytest.mark.parametrize("residual", ["squared", "absolute"])
def test_the_other_residuals_reach_their_targets(residual):
    assert sum(distances(*learnt(residual, 0))) / 48 > 0.4
    firsts, seconds = learnt(residual, 300)
    assert sum(distances(firsts, seconds)) / 48 < 0.03
    same_time = [oracle.cosine(*pair) for clip in zip(firsts, seconds, strict=True) for pair in zip(*clip, strict=True)]
    assert min(same_time) > 0.9
