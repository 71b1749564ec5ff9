"""seehear estimators: the estimators that can rank networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seehear.results import Result, table

if TYPE_CHECKING:
    from seehear.selection.estimators.interface import Estimator


@dataclass
class Estimators(Result):
    """The registered estimators."""

    estimators: Sequence[Estimator]

    def text(self) -> str:
        """Return a table with one line per estimator."""
        header = ["name", "trains", "labels", "what it does", "source"]
        rows = [
            [str(row[name]) for name in ("name", "trains", "labels", "summary", "source")] for row in self.as_json()
        ]
        return table([header, *rows], right_from=len(header))

    def as_json(self) -> Any:
        """Return one object per estimator: name, whether it trains, its labels, what it does, and its source."""
        from seehear.selection.estimators.interface import ClosedForm, Separate

        return [
            {
                "name": each.name,
                "trains": "no" if isinstance(each, ClosedForm | Separate) else "yes",
                "labels": each.labels,
                "summary": each.summary,
                "source": each.source,
            }
            for each in self.estimators
        ]


def estimators() -> Estimators:
    """List what `seehear select --estimators` can name.

    Returns:
        Every estimator, whether it trains models, and which labels it looks at.
    """
    from seehear.selection.estimators import REGISTRY

    return Estimators(list(REGISTRY.values()))
