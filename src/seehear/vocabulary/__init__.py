"""Words for classes: from names that people type to classes of pretrained classifiers, heard and seen.

`map_classes` maps a user's own words, `builtin` gives a large vocabulary, and `write_map` and `read_map` keep a map in a
table that a user can check and correct.
"""

from seehear.vocabulary.classes import ClassMap, Match, Rule
from seehear.vocabulary.find import map_classes

__all__ = ["ClassMap", "Match", "Rule", "map_classes"]
