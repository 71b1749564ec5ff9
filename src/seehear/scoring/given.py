"""How much of a system's error is modality, and how much is time: its scores with the truth about either given.

Below, p_m(t) says whether a class is predicted in modality m at segment t of a clip, y_m(t) whether it is true there.
p(t) and y(t) say so of any modality. Both corrections take the classes that a system predicts in a clip as they are,
but for those that occur nowhere in it: these have neither a true modality nor a true time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seehear.scoring.scores import Scores, score
from seehear.scoring.signature import Signature

Active = Mapping[str, NDArray[np.bool_]]  # modality -> (N, T, C)


def modality_given(predicted: Active, true: Active) -> dict[str, NDArray[np.bool_]]:
    """Return the prediction with the true modalities of each class in each clip.

    If the class does not occur in m in the clip, it is not predicted in m. If it does, the prediction is p_m(t), or
    p(t) if the class is predicted nowhere in m. So the times stay the system's own.

    Args:
        predicted: modality -> (N, T, C).
        true: modality -> (N, T, C).
    """
    anywhere = np.any([*predicted.values()], axis=0)  # (N, T, C)
    given = {}
    for name, active in predicted.items():
        found = active.any(axis=1, keepdims=True)  # (N, 1, C)
        given[name] = np.where(found, active, anywhere) & true[name].any(axis=1, keepdims=True)
    return given


def time_given(predicted: Active, true: Active) -> dict[str, NDArray[np.bool_]]:
    """Return the prediction with the true times of each class in each clip.

    If the class is predicted somewhere in modality m of the clip, the prediction in m is y(t): when it occurs, in
    whatever modality. So the modalities stay the system's own. A class that is both heard and seen, but not at the same
    times, is still predicted at some wrong times in each: telling them apart is a question of modality.

    Args:
        predicted: modality -> (N, T, C).
        true: modality -> (N, T, C).
    """
    anywhere = np.any([*true.values()], axis=0)  # (N, T, C)
    return {name: active.any(axis=1, keepdims=True) & anywhere for name, active in predicted.items()}


MODALITY, TIME = "modality", "time"
GIVEN: Mapping[str, Callable[[Active, Active], dict[str, NDArray[np.bool_]]]] = {
    MODALITY: modality_given,
    TIME: time_given,
}
MEANINGS = {
    MODALITY: "each class that is predicted in a clip is moved to the modalities in which it occurs there",
    TIME: "each class that is predicted in a modality is moved to the times at which it occurs in any modality",
}
DROPPED = "both drop classes that occur nowhere in the clip"
IN_ONE_MODALITY = {TIME: "each class that is predicted in a clip is moved to the times at which it occurs there"}
DROPPED_BY_TIME = "it drops classes that occur nowhere in the clip"


def explained(names: Container[str]) -> tuple[dict[str, str], str]:
    """Return what corrections do, by their names, and what becomes of classes that occur nowhere. names: Of them."""
    meanings = {name: MEANINGS[name] for name in MEANINGS if name in names}
    return (meanings, DROPPED) if MODALITY in meanings else (IN_ONE_MODALITY, DROPPED_BY_TIME)


def score_given(predicted: Active, true: Active, classes: Sequence[str], signature: Signature) -> dict[str, Scores]:
    """Return the scores of a prediction with the true modality given, and with the true time given.

    In one modality alone there is no other to move a class to, so only the time is given.

    Args:
        predicted: modality -> (N, T, C).
        true: modality -> (N, T, C).
        classes: Names of the C classes.
        signature: Of the scores of the prediction itself.
    """
    scores = {}
    for name, correct in GIVEN.items():
        if name == MODALITY and len(predicted) == 1:
            continue
        own = replace(signature, decoding=f"{signature.decoding}+true-{name}")
        scores[name] = score(predicted, true, classes, own, correct)
    return scores
