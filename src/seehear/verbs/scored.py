"""The former place of `seehear.evaluation.Evaluation` and of notes on labels, which are in `seehear.data`."""

from seehear.dataset_notes import missing_truth as covered
from seehear.dataset_notes import unknown_classes as strangers
from seehear.evaluation.result import Evaluation as Scored

__all__ = ["Scored", "covered", "strangers"]
