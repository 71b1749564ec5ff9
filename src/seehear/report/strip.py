"""The former place of `seehear.overview`."""

from seehear.overview import BANDS, COLUMNS, FLOOR, HIGHEST, LOWEST, Overview

Strip = Overview

__all__ = ["BANDS", "COLUMNS", "FLOOR", "HIGHEST", "LOWEST", "Strip"]
