"""The scores that the papers of data sets report, by name: each with the paper's definition."""

from __future__ import annotations

from seehear.registry import Registry
from seehear.scoring.metrics import (
    average_precision,
    label_f1,
    ov_avel_f1,
    parsing_f1,
    psds,
    segment_accuracy,
    segment_map,
)
from seehear.scoring.metrics.interface import Metric

METRICS: Registry[Metric] = Registry(
    "metric",
    [
        segment_accuracy.METRIC,
        ov_avel_f1.METRIC,
        average_precision.METRIC,
        label_f1.METRIC,
        psds.METRIC,
        parsing_f1.METRIC,
        segment_map.METRIC,
    ],
)


def list_metrics() -> list[str]:
    """Return the names of the metrics, see `seehear.benchmark`."""
    return list(METRICS)
