"""The former place of the plots of a selection, each of which has a module of its own."""

from seehear.report.curves import Curve, figure5
from seehear.report.effects import heat_map
from seehear.report.estimators import Point, cost_against_agreement
from seehear.report.ranking import ranking

__all__ = ["Curve", "Point", "cost_against_agreement", "figure5", "heat_map", "ranking"]
