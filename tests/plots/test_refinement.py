"""The plot of refined labels: every class and every number that has room is there, nothing overlaps."""

import pytest

from plots.looks import apart, shown
from seehear.plots.refinement import LEAST, plot_shares
from seehear.refinement.result import ClassShares

TRAPS = ["$x_1$ × $y^2$", "<b>&amp; × a_b", "_hidden × $", "\\frac{1}{2} × 山"]
KINDS = {
    1: ["heard"],
    2: ["only heard", "only seen", "both"],
    3: ["only heard", "only seen", "only smell", "several"],
    6: [*(f"only {name}" for name in "abcdef"), "several"],
}


def rows(names, modalities):
    """Classes of which each holds in another mix of modalities."""
    made = []
    for n, name in enumerate(names):
        only = {f"m{m}": (7 * n + 3 * m) % 11 for m in range(modalities)}
        both = n % 5 if modalities > 1 else 0
        made.append(ClassShares(name, sum(only.values()) + both, only, both, {}))
    return made


@pytest.mark.parametrize("modalities", KINDS)
@pytest.mark.parametrize("count", [1, 5, 40])
def test_every_class_and_number_is_there_and_nothing_overlaps(modalities, count):
    made = rows([f"Class_{n}" for n in range(count)], modalities)
    figure = plot_shares(made, KINDS[modalities], "ridge,α0.05,5folds")
    apart(figure)
    texts = [text for text, _ in shown(figure)[0]]
    for row in made:
        assert f"{row.label} ({row.clips})" in texts
        assert len(row.counts) == len(KINDS[modalities])
        total = max(1, sum(row.counts))
        for part in row.counts:
            if 100 * part / total >= LEAST:
                assert f"{100 * part / total:.0f}" in texts
    assert set(KINDS[modalities]) <= set(texts)
    assert "where the weak labels hold, by ridge,α0.05,5folds" in texts


def test_names_are_text_whatever_is_in_them():
    figure = plot_shares(rows([*TRAPS, 30 * "long name "], 2), KINDS[2])
    apart(figure)
    texts = [text for text, _ in shown(figure)[0]]
    assert all(any(text.startswith(trap) for text in texts) for trap in TRAPS)


def test_no_class():
    apart(plot_shares([], KINDS[2]))
