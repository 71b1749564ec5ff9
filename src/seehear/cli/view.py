"""seehear view: report pages, with the clips that they play, in a browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.results import Result

SCREENS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")  # one of them is set if a browser can be opened


@dataclass
class Viewed(Result):
    """A folder that was served, and the address that it had."""

    folder: Path
    address: str

    def text(self) -> str:
        """Return one line that names the folder and its address."""
        return f"stopped serving {self.folder} at {self.address}"

    def as_json(self) -> Any:
        """Return the folder and its address."""
        return {"folder": str(self.folder), "address": self.address}


def view(folder: str | Path, *, port: int = 0, no_browser: bool = False) -> Viewed:
    """Show report pages in a browser, with the clips that they play, until Ctrl-C is pressed.

    Only this computer can reach the pages; another one can through `ssh -L PORT:localhost:PORT`, with the same number
    twice. The server offers the files in the folder, except hidden ones, and the clips that parse files in it name,
    wherever they lie.

    Args:
        folder: Where `seehear parse` or another command wrote pages; subfolders are included.
        port: Port of the address; 0 for the first free one from 8000 on.
        no_browser: Only print the address.

    Returns:
        The folder and its address, once the server has stopped.
    """
    from seehear.pages.server import open_server
    from seehear.progress import say

    server = open_server(folder, port)
    with suppress(KeyboardInterrupt):
        say(f"serving {folder} at {server.address} until Ctrl-C is pressed")
        threading.Thread(target=server.site.search, daemon=True, name="search").start()
        if not no_browser and _has_screen():
            # Some browsers return only when they are closed.
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True, name="browser").start()
        server.run()
    return Viewed(Path(folder), server.address)


def _has_screen() -> bool:
    """Whether a browser would get a window: one in the terminal would only get in the way."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in SCREENS)
