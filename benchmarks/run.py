"""How fast seehear is on this machine: beside what it set out to reach, and beside the fastest that is possible here.

    python benchmarks/run.py [SECTION ...] [--out FILE.json]

Run it with nothing else running. Floors are the time of the matrix products alone at the rate of a large product, or
of reading and writing the data alone at the rate of a large copy; both rates are measured in the same run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]  # the tests have the ways to compare with

from speed import alignment, comparing, extraction, floors, loading, parsing, scoring, training  # noqa: E402
from speed.row import HEADER, Row, Size  # noqa: E402


class Section(NamedTuple):
    rows: Callable[[Size], list[Row]]
    minutes: int = 0  # that it takes, about; 0 for less than one


# Add a section here: its name, and a function from sizes to rows.
SECTIONS: dict[str, Section] = {
    "floors": Section(floors.rows),
    "scoring": Section(scoring.rows),
    "comparing": Section(comparing.rows),
    "training": Section(training.rows),
    "alignment": Section(alignment.rows),
    "loading": Section(loading.rows),
    "extraction": Section(extraction.rows),
    "parsing": Section(parsing.rows, minutes=2),
}


def measure(names: list[str], size: Size) -> dict[str, list[Row]]:
    """Return the rows of some sections, by section."""
    found = {}
    for name in names:
        minutes = SECTIONS[name].minutes
        takes = f", which takes about {minutes} minute{'s' * (minutes > 1)}" if minutes else ""
        print(f"measuring {name}{takes} …", file=sys.stderr, flush=True)
        found[name] = SECTIONS[name].rows(size)
    return found


def main() -> None:
    from seehear.files import atomic_json
    from seehear.results import table

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("sections", nargs="*", metavar="SECTION", help=f"by default all: {', '.join(SECTIONS)}")
    asked.add_argument("--out", type=Path, help="write the rows as JSON too")
    given = asked.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        asked.error(f"no section {', '.join(sorted(unknown))}; available: {', '.join(SECTIONS)}")
    found = measure(given.sections or list(SECTIONS), Size())
    print(table([HEADER, *(row for rows in found.values() for row in rows)]))
    if given.out:
        atomic_json(given.out, {name: [row._asdict() for row in rows] for name, rows in found.items()})


if __name__ == "__main__":
    main()
