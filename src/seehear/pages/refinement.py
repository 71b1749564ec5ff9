"""The page of refined labels: where each class's weak labels hold, why, and which clips to look at."""

from __future__ import annotations

from pathlib import Path

from seehear.modality import display_name
from seehear.pages import page
from seehear.plots import style
from seehear.refinement.result import Refinement

NAME = "refinement"  # of the page


def write(refinement: Refinement, folder: Path) -> Path:
    """Write the page and its plot into a folder. Returns the page."""
    style.save(refinement.plot(), folder / f"{NAME}.svg")
    modalities, shares, totals = refinement.modalities, refinement.shares, refinement.counts()
    return page.write(
        folder / f"{NAME}.html",
        "refinement.html",
        modalities=[display_name(name) for name in modalities],
        kinds=refinement.kinds,
        clips=len(refinement.clips),
        labels=sum(totals.values()),
        totals=totals,
        explained=any(any(row.sources.values()) for row in shares),
        rows=[
            {
                "label": row.label,
                "clips": row.clips,
                "shares": [f"{100 * count / row.clips:.0f}" for count in row.counts],
                "sources": [
                    ", ".join(f"{source} ({value:.2f})" for source, value in row.sources.get(name, ()))
                    for name in modalities
                ],
            }
            for row in shares
        ],
        unsure=[
            {
                "clip": each.clip,
                "label": each.label,
                "margins": [f"{each.margins[name]:+.2f}".replace("-", "−") for name in modalities],
                "holds": " and ".join(display_name(name) for name in modalities if each.weak[name]),
            }
            for each in refinement.unsure
        ],
        taught=refinement.teachers is not None,
        false_alarms=f"{100 * refinement.false_alarms:g}",
        source=refinement.pseudo.source,
        drawing=page.drawing(folder / f"{NAME}.svg", "Shares of each class's weak labels, as in the table"),
        notes=refinement.notes,
    )
