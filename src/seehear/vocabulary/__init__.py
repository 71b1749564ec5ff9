"""Words for classes: from names that people type to classes of pretrained classifiers, heard and seen.

`map_classes` maps a user's own words, and `builtin` gives a large vocabulary. `write_map` and `read_map` keep a map in
a table that a user can check and correct. `as_map` takes words or such a table.
"""

from seehear.vocabulary.classes import ClassMap, Match, Rule
from seehear.vocabulary.everything import builtin
from seehear.vocabulary.find import map_classes
from seehear.vocabulary.table import as_map, read_map, write_map

__all__ = ["ClassMap", "Match", "Rule", "as_map", "builtin", "map_classes", "read_map", "write_map"]
