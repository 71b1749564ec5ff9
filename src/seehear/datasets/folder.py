"""Your own: a folder with the tables train.csv, val.csv, test.csv and one eval_<modality>.csv for each modality."""

from __future__ import annotations

from seehear.datasets.spec import SPLITS, DataSet

SPEC = DataSet(
    name="folder",
    source="docs/formats.md describes the tables",
    weak={split: f"{split}.csv" for split in SPLITS},
    more_dense="eval_*.csv",
)
