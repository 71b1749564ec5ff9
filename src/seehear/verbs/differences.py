"""The former place of what is in `seehear.evaluation.systems`."""

from seehear.evaluation.systems import check_distinct as check_apart

__all__ = ["check_apart"]
