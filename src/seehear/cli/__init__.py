"""The command line: one file per command, which turns arguments into objects and calls one method."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit, see `seehear.cli.app.main`."""
    try:
        from seehear.engines.interrupts import held_in_command

        with held_in_command():
            from seehear.cli import app

            app.main(arguments)
    except KeyboardInterrupt:
        print("seehear: interrupted before it began", file=sys.stderr)
        sys.exit(130)


__all__ = ["main"]
