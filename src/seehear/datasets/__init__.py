"""Data sets: their label tables, the features that a field shares, and how their clips are named.

`prepare("llp", "LLP", "STORE")` checks the tables, imports or extracts features, and lists what is missing.
"""

from seehear.datasets.generated import Generated, generate
from seehear.datasets.prepared import Prepared
from seehear.datasets.preparing import prepare
from seehear.datasets.registry import REGISTRY, get
from seehear.datasets.spec import SPLITS, Annotations, DataSet, Truth, find_tables
from seehear.datasets.tables import Tables, read_tables

__all__ = [
    "REGISTRY",
    "SPLITS",
    "Annotations",
    "DataSet",
    "Generated",
    "Prepared",
    "Tables",
    "Truth",
    "find_tables",
    "generate",
    "get",
    "prepare",
    "read_tables",
]
