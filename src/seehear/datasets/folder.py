"""Your own data: a folder with the tables train.csv, val.csv, test.csv and one eval_<modality>.csv per modality."""

from __future__ import annotations

from seehear.datasets.spec import SPLITS, DataSet

SPEC = DataSet(
    name="folder",
    source="docs/formats.md describes the tables",
    weak={split: f"{split}.csv" for split in SPLITS},
    dense_pattern="eval_*.csv",
)
