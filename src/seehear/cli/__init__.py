"""The command line: one file per command, which turns arguments into objects and calls one method."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit, see `seehear.cli.app.main`."""
    try:
        from seehear.cli import app
    except KeyboardInterrupt:
        print("seehear: interrupted before it began", file=sys.stderr)
        sys.exit(130)
    app.main(arguments)


__all__ = ["main"]
