"""One data set: clips, features, weak labels, and the ground truth where it is known."""

from seehear.data.dataset import Dataset, check_dataset, store_markers

__all__ = ["Dataset", "check_dataset", "store_markers"]
