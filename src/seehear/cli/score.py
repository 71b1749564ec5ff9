"""seehear score: the eleven scores of any system's predictions, given as dense tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.cli import options
from seehear.cli.options import NO_TRUTH, TruthOptions
from seehear.results import Result


def score(
    *,
    labels: str | Path,
    audio: str | Path | None = None,
    visual: str | Path | None = None,
    predictions: Sequence[str] = (),
    truth: TruthOptions = NO_TRUTH,
    iou: float = 0.5,
    segment: float = 1.0,
    decoding: str = "given",
) -> Result:
    """Score predictions of any system against ground truth, both given as dense tables.

    Args:
        labels: Weak table: which clips are scored. For a clip without rows in the other tables, nothing is predicted.
        audio: Dense table of what the system predicts to be heard.
        visual: Dense table of what it predicts to be seen.
        predictions: MODALITY=TABLE for other modalities.
        truth: Per-second ground truth.
        iou: Least intersection over union of a true positive event.
        segment: Length of a segment in seconds.
        decoding: How the system made events of probabilities, for the signature.

    Returns:
        The eleven scores, per-class tables and the signature.
    """
    from seehear.evaluation import score_tables

    predicted = options.by_modality(audio, visual, predictions)
    return score_tables(predicted, truth.tables(), labels, iou=iou, segment=segment, decoding=decoding)
