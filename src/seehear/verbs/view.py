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

from seehear.verbs.result import Result

SCREENS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")  # one is set where a browser can be opened


@dataclass
class Viewed(Result):
    """folder: what was shown. address: where it was."""

    folder: Path
    address: str

    def text(self) -> str:
        return f"{self.folder} is no longer at {self.address}"

    def as_json(self) -> Any:
        return {"folder": str(self.folder), "address": self.address}


def view(folder: str | Path, *, port: int = 0, no_browser: bool = False) -> Viewed:
    """Show report pages in a browser, with the clips that they play, until Ctrl-C is pressed.

    Only this computer can reach them; another one through `ssh -L PORT:localhost:PORT`, both of one number. What can
    be had is what the folder holds, hidden files apart, and the clips that parses in it name, wherever these lie.

    Args:
        folder: Where `seehear parse` or another command wrote pages; folders in it count too.
        port: Of the address; 0 for the first that is free from 8000 on.
        no_browser: Only print the address.

    Returns:
        Where it was, once it has ended.
    """
    from seehear.progress import say
    from seehear.serving import open_server

    with open_server(folder, port) as server, suppress(KeyboardInterrupt):
        say(f"{server.address} shows {folder} until Ctrl-C is pressed")
        threading.Thread(target=server.site.search, daemon=True, name="search").start()
        if not no_browser and _has_screen():
            # Some browsers return only when they are closed.
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True, name="browser").start()
        server.serve_forever()
    return Viewed(Path(folder), server.address)


def _has_screen() -> bool:
    """Whether a browser would get a window: one in the terminal would only be in the way."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in SCREENS)
