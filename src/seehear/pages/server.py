"""Serving a folder of pages, and the clips that they play, to browsers on this computer alone.

It changes nothing. It serves the files in the folder, except hidden ones, and the clips that parse files there name.
Pages may come from anyone: by their policy they load nothing from elsewhere and send nothing.
"""

from __future__ import annotations

import html
import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from seehear.errors import SeehearError
from seehear.media.suffixes import is_media
from seehear.parsing.folder import from_json, is_parse
from seehear.progress import say
from seehear.serving.files import TYPES, file_answer
from seehear.serving.guard import Guard, refused
from seehear.serving.local import LocalServer
from seehear.texts import read_json

INDEX = "index.html"
REST = 1.0  # seconds from the end of one search of the folder to the next
MAX_FILES = 200_000  # files and folders that a search visits
MAX_PARSE = 1 << 27  # bytes of a parse file: an hour of video takes some millions

# What a page may do: run what is written in it, show images and play clips of this server, and nothing else. Pages that
# seehear wrote narrow it down to their own script.
PAGE_POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self' blob:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Other documents that a browser shows, such as drawings, run nothing.
DRAWING_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

POLICIES = {TYPES[".html"]: PAGE_POLICY, TYPES[".svg"]: DRAWING_POLICY, TYPES[".xml"]: DRAWING_POLICY}

_LISTING = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark }} body {{ font: 1rem/1.5 sans-serif; margin: 2rem }}</style>
<h1>{title}</h1>
<ul>
{items}
</ul>
</html>
"""


class Site:
    """The files that can be served: those in a folder that are not hidden, and clips elsewhere that parse files name.

    A page reaches its clip by a relative path. If that leads out of the folder, the browser stops at the root: it
    requests /clips/a.mp4 for a page that names ../clips/a.mp4.

    Attributes:
        root: The folder, links resolved.
        pages: Paths of its pages from the root, with slashes, as of the last search.
    """

    def __init__(self, folder: Path, rest: float = REST) -> None:
        """rest: seconds from the end of one search of the folder for pages and parse files to the next."""
        self.root = Path(os.path.realpath(folder))
        self.pages: list[str] = []
        self._rest, self._searched, self._lock = rest, -math.inf, threading.Lock()
        self._clips: dict[str, Path] = {}  # request path -> clip
        self._parses: dict[Path, tuple[tuple[int, int], tuple[str, Path] | None]] = {}  # file -> its state, its clip
        self._warnings: set[str] = set()

    def has_pages(self) -> bool:
        """Whether the folder, or one in it, holds a page."""
        return any(file.suffix == ".html" for file in self._files())

    def find(self, path: str) -> Path | None:
        """The file for a URL's path, percent-encoded and from its first slash on; None if there is none to serve."""
        parts = _parts(path)
        if parts is None:
            return None
        file = self._inside(parts) or self._clip(parts)
        if file is None:
            self.search()
            file = self._inside(parts) or self._clip(parts)
        return file

    def search(self) -> None:
        """Look for pages and parse files, at most every `rest` seconds. Unchanged parse files aren't read again."""
        with self._lock:
            if time.monotonic() - self._searched < self._rest:
                return
            pages, parses = [], {}
            for file in self._files():
                if file.suffix == ".html":
                    pages.append(file.relative_to(self.root).as_posix())
                    continue
                with suppress(OSError):  # gone meanwhile
                    stat = file.stat()
                    state, known = (stat.st_size, stat.st_mtime_ns), self._parses.get(file)
                    parses[file] = known if known and known[0] == state else (state, self._clip_of(file, stat.st_size))
            self.pages, self._parses = sorted(pages), parses
            self._clips = self._unambiguous(clip for _, clip in parses.values() if clip)
            self._searched = time.monotonic()

    def _files(self) -> Iterator[Path]:
        """The pages and JSON files in the folder and its subfolders, without hidden ones and links out of it."""
        visited = 0
        for folder, folders, files in os.walk(self.root):  # doesn't follow links to folders
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            visited += len(folders) + len(files)
            if visited > MAX_FILES:
                self._warn_once(
                    f"{self.root}: holds more than {MAX_FILES} files, where the search for pages stopped; view one of "
                    "its folders instead"
                )
                return
            for name in sorted(files):
                if name.endswith((".html", ".json")):
                    file = Path(folder, name)
                    if self._inside(file.relative_to(self.root).parts):
                        yield file

    def _inside(self, parts: tuple[str, ...]) -> Path | None:
        """The file in the folder, links resolved; None if it lies elsewhere, is hidden, or is no regular file."""
        if any(not part or part.startswith(".") or "\\" in part for part in parts):
            return None
        file = Path(os.path.realpath(self.root.joinpath(*parts)))
        if not file.is_relative_to(self.root):
            return None
        hidden = any(part.startswith(".") for part in file.relative_to(self.root).parts)
        return None if hidden or not os.path.isfile(file) else file

    def _clip(self, parts: tuple[str, ...]) -> Path | None:
        """The clip that a parse file names, links resolved; None if it is no regular media file."""
        clip = self._clips.get("/".join(parts))
        if clip is None:
            return None
        file = Path(os.path.realpath(clip))
        # A file in the folder that `_inside` refused isn't served in this way either.
        return file if is_media(file) and not file.is_relative_to(self.root) else None

    def _clip_of(self, file: Path, size: int) -> tuple[str, Path] | None:
        """The path at which a browser will request a parse file's clip, and the clip; None if it is no parse file."""
        try:
            content: Any = read_json(file) if size <= MAX_PARSE else None
        except (SeehearError, RecursionError):
            return None
        if not is_parse(content):
            return None
        try:
            clip = from_json(content, file).media_file
            steps = PurePath(os.path.relpath(clip, self.root)).parts
            return "/".join(step for step in steps if step != ".."), Path(os.path.realpath(clip))
        except (SeehearError, ValueError):
            self._warn_once(f"{file}: does not name its clip, which can't be played; parse the clip again")
            return None

    def _unambiguous(self, named: Iterator[tuple[str, Path]]) -> dict[str, Path]:
        """Request path -> clip, without paths that several clips share."""
        clips = defaultdict(set)
        for path, clip in named:
            clips[path].add(clip)
        for path, same in clips.items():
            if inside := self._inside(tuple(path.split("/"))):
                same.add(inside)
            if len(same) > 1:
                played = f"only {inside}" if inside else "none"
                self._warn_once(
                    f"{' and '.join(map(str, sorted(same)))} have one address, /{path}, and {played} is played: "
                    "view a folder that holds the pages and the clips"
                )
        return {path: next(iter(same)) for path, same in clips.items() if len(same) == 1}

    def _warn_once(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.add(text)
            say(text)


def _parts(path: str) -> tuple[str, ...] | None:
    """The names in a URL's path, decoded one by one. None if one is no file name: an encoded slash is no separator."""
    if not path.startswith("/"):
        return None
    # http.server reads bytes as Latin-1; a file's name may be any bytes.
    names = [os.fsdecode(unquote_to_bytes(name.encode("latin-1"))) for name in path[1:].split("/")]
    if names[-1] == "":
        names[-1] = INDEX
    return None if any("/" in name or "\0" in name for name in names) else tuple(names)


class Pages:
    """An application that answers with the files of a site."""

    def __init__(self, site: Site) -> None:
        """site: Knows the files."""
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = await run_in_threadpool(self._answer, Request(scope))  # looking for a file can take a while
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1").partition("#")[0]
        if file := self.site.find(path):
            return file_answer(file, request)
        if self.site.find(f"{path}/"):
            return Response(status_code=HTTPStatus.MOVED_PERMANENTLY, headers={"Location": f"{path}/"})
        if path in ("/", f"/{INDEX}"):
            return HTMLResponse(_listing(self.site).encode("utf-8", "replace"))
        return refused(HTTPStatus.NOT_FOUND)


class PageGuard(Guard):
    """Gives documents their policy, and prints the requests that fail."""

    def begin(self, scope: Scope, status: HTTPStatus, headers: MutableHeaders) -> None:
        """Complete the headers of an answer before they are sent."""
        super().begin(scope, status, headers)
        if policy := POLICIES.get(headers.get("Content-Type", "")):
            headers["Content-Security-Policy"] = policy
        if status // 100 == 4 and scope["path"] != "/favicon.ico":  # which browsers request by themselves
            target = b"?".join(filter(None, [scope["raw_path"], scope["query_string"]])).decode("latin-1")
            line = f"{scope['method']} {target} HTTP/{scope['http_version']}"
            say(f"{line!a}: {status.value} {status.phrase}")


class PageServer(LocalServer[PageGuard]):
    """Serves the files of a site.

    Attributes:
        site: Knows the files.
    """

    def __init__(self, site: Site, port: int = 0) -> None:
        """Listen on a port, as `LocalServer` does."""
        super().__init__(lambda port: PageGuard(Pages(site), port), port)
        self.site = site


def _listing(site: Site) -> str:
    """A page that links to each page; a folder's index or only page comes before the others."""
    folders = [str(PurePath(page).parent) for page in site.pages]
    firsts = {page for page in site.pages if PurePath(page).name == INDEX}
    firsts |= {page for page, folder in zip(site.pages, folders, strict=True) if folders.count(folder) == 1}
    order = sorted(site.pages, key=lambda page: (page not in firsts, page.count("/"), page))
    items = [f'<li><a href="{quote(os.fsencode(page))}">{html.escape(page)}</a></li>' for page in order]
    return _LISTING.format(title=html.escape(site.root.name), items="\n".join(items))


def open_server(folder: str | Path, port: int = 0) -> PageServer:
    """A server of a folder's pages that listens; it answers once `run` is called.

    Args:
        folder: Where pages lie, also in subfolders.
        port: 0 for the first free one from 8000 on.

    Returns:
        The server.

    Raises:
        SeehearError: The folder holds no page, or the port is taken.
    """
    site = Site(Path(folder))
    if site.root.is_file():
        raise SeehearError(f"{folder}: is a file; name its folder: {Path(folder).parent}")
    if not site.root.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    if not site.has_pages():
        raise SeehearError(f"{folder}: holds no page (*.html); parse, evaluate, select and compare write pages")
    return PageServer(site, port)
