"""The reference predictions, against plain loops."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.scoring.references import references, usual_modalities

MODALITIES = ("audio", "visual")


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_the_class_prior_is_the_loop(data):
    n_clips, segments, classes = shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 3), st.just(3)))
    true = {name: data.draw(arrays(bool, shape)) for name in MODALITIES}
    weak = data.draw(arrays(bool, (n_clips, classes))).astype(np.float32)
    lengths = data.draw(arrays(np.int64, n_clips, elements=st.integers(0, segments)))
    found = references(true, weak, lengths)
    assert list(found) == ["nothing", "weak labels", "class prior", "truth"]
    assert not any(array.any() for array in found["nothing"].active.values())
    for c in range(classes):
        clips = [n for n in range(n_clips) if any(true[name][n, :, c].any() for name in MODALITIES)]
        for name in MODALITIES:
            usual = sum(true[name][n, :, c].any() for n in clips) >= len(clips) / 2
            assert usual_modalities(true)[name][c] == usual
            for n in range(n_clips):
                for t in range(segments):
                    painted = weak[n, c] > 0 and t < lengths[n]
                    assert found["weak labels"].active[name][n, t, c] == painted
                    assert found["class prior"].active[name][n, t, c] == (painted and usual)
                    assert found["truth"].active[name][n, t, c] == true[name][n, t, c]
    assert all(reference.meaning for reference in found.values())
