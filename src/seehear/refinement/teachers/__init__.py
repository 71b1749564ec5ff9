"""Teachers by name. A new one is a file in this folder with `TEACHERS`, and a line here."""

from __future__ import annotations

from seehear.refinement.teachers import logistic, mil, ridge
from seehear.refinement.teachers.interface import Bags, Linear, Link, Space, Teacher
from seehear.registry import Registry

__all__ = ["REGISTRY", "Bags", "Linear", "Link", "Space", "Teacher", "list_teachers"]

REGISTRY = Registry("teacher", (*ridge.TEACHERS, *logistic.TEACHERS, *mil.TEACHERS))


def list_teachers() -> list[str]:
    """Return the names of all teachers, as `refine(teacher=...)` takes them."""
    return [*REGISTRY]
