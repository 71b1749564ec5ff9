"""The page on which clips are labelled: its routes, from a session to JSON and back."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from seehear.errors import SeehearError
from seehear.labelling.listing import Listing
from seehear.labelling.records import Choice, ClipRecord, state_of
from seehear.labelling.serving import TokenGuard, failure
from seehear.labelling.session import ConflictError, Session
from seehear.labelling.suggestions import Suggester
from seehear.media.child import open_clip
from seehear.media.overview import FLOOR, Overview, thumbnails_for
from seehear.media.suffixes import is_media
from seehear.pages import page as pages
from seehear.pages.parse import HEIGHT
from seehear.progress import say
from seehear.serving.files import file_answer
from seehear.serving.guard import refused
from seehear.serving.local import LocalServer
from seehear.storage.files import Local, facts, file_of
from seehear.storage.parts import Part
from seehear.texts import parse_json

ASSETS = Path(__file__).parent / "assets"
STYLES = (Path(pages.__file__).parent / "assets" / "page.css", ASSETS / "label.css")
MAX_LISTED = 50  # problems that the page shows
MAX_OVERVIEWS = 64  # kept in memory
THUMBNAIL_SIZE = 160  # pixels of a decoded frame

Endpoint = Callable[[Request], Awaitable[Response]]


class LabelApp:
    """The routes of one session.

    Attributes:
        session: What is labelled.
        app: The Starlette application, to be served behind a Guard.
    """

    def __init__(self, session: Session, suggester: Suggester | None = None) -> None:
        """Make the routes.

        Args:
            session: What is labelled.
            suggester: The run that is scored on clips drawn by chance, as a new round.
        """
        self.session, self._suggester = session, suggester
        self._overview = lru_cache(MAX_OVERVIEWS)(_overview)
        self._scoring = threading.Lock()
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/label.css", self._style),
                Route("/label.js", self._script),
                Route("/media/{clip}", self._media),
                Route("/api/state", _answers(self._state)),
                Route("/api/clips", _answers(self._clips)),
                Route("/api/clip/{clip}", _answers(self._clip)),
                Route("/api/overview/{clip}", _answers(self._tracks)),
                Route("/api/next", _answers(self._next)),
                Route("/api/round", _answers(self._round)),
                Route("/api/clip/{clip}", _answers(self._change), methods=["POST"]),
                Route("/api/undo", _answers(self._undo), methods=["POST"]),
                Route("/api/classes", _answers(self._add_class), methods=["POST"]),
            ]
        )

    def add_round(self) -> None:
        """Score the suggester as a round, unless that was done on the same clips. Says what went wrong."""
        if self._suggester is None:
            return
        with self._scoring:
            try:
                rounds = self.session.rounds
                known = {one.run: one.found for one in rounds}.get(self._suggester.name, {})
                if set(rounds.validation()) - set(known):
                    rounds.add(self._suggester, progress=False, stopped=lambda: self.session.suggestions.stopped)
            except SeehearError as error:
                say(f"the run could not be scored: {error}")

    # Files

    async def _page(self, request: Request) -> Response:
        return HTMLResponse((ASSETS / "label.html").read_text("utf-8"))

    async def _style(self, request: Request) -> Response:
        return Response("\n".join(file.read_text("utf-8") for file in STYLES), media_type="text/css")

    async def _script(self, request: Request) -> Response:
        return Response((ASSETS / "label.js").read_text("utf-8"), media_type="text/javascript")

    async def _media(self, request: Request) -> Response:
        clip = self.session.files.get(request.path_params["clip"])
        file = None if clip is None else file_of(clip)
        if not isinstance(file, Path) or not is_media(file):
            return refused(HTTPStatus.NOT_FOUND)
        return await run_in_threadpool(file_answer, file, request)

    # What is known

    def _state(self, request: Request) -> Any:
        session = self.session
        session.refresh()
        failed = [*session.unusable.values(), *session.suggestions.failed.values()]
        return {
            **asdict(session.summary()),
            "left": session.summary().left,
            "names": session.classes,
            "by": session.by,
            "every": session.chooser.every,
            "problem": session.problem or session.suggestions.problem,
            "failed": failed[:MAX_LISTED],
            "failures": len(failed),
            "suggests": session.suggestions.suggester is not None,
            "untrained": getattr(session.suggestions.suggester, "is_untrained", False),
        }

    def _clips(self, request: Request) -> Any:
        return Listing.of(request.query_params).page(self.session)

    def _clip(self, request: Request) -> Any:
        clip = request.path_params["clip"]
        found = self.session.suggestions.known(clip)
        return {
            **self._record(clip, self.session[clip]),
            "suggestions": [asdict(one) for one in found.suggestions] if found else [],
            "known": found is not None,
            "failure": self.session.suggestions.failed.get(clip, ""),
            "is_random": self.session.chooser.is_random(clip),
            **_played(self.session.files.get(clip)),
        }

    def _tracks(self, request: Request) -> Any:
        clip = request.path_params["clip"]
        if clip not in self.session.files:
            self.session[clip]  # names the clips that there are
            raise SeehearError(f"{clip}: its file is not among the clips")
        file = self.session.files[clip]
        with suppress(OSError):  # `open_clip` says what is wrong
            return self._overview(file, facts(file).modified)
        return self._overview(file, 0)

    def _next(self, request: Request) -> Any:
        chosen = self.session.next(request.query_params.getlist("leave_out"))
        return {"clip": chosen[0], "choice": chosen[1]} if chosen else {"clip": None}

    def _round(self, request: Request) -> Any:
        gain = self.session.rounds.last()
        return {"round": gain.as_json() if gain else None, "scoring": self._scoring.locked()}

    # Changes

    def _change(self, request: Request, body: Mapping[str, Any]) -> Any:
        clip, version = request.path_params["clip"], body.get("version")
        if not isinstance(version, int) or isinstance(version, bool):
            raise SeehearError("version: must be a whole number; nothing was saved")
        if body.get("choice") not in [*Choice]:
            raise SeehearError(f"choice: must be one of {', '.join(Choice)}; nothing was saved")
        state = state_of(body.get("state"), clip)
        return self._saved(clip, self.session.change(clip, state, version=version, choice=Choice(body["choice"])))

    def _undo(self, request: Request, body: Mapping[str, Any]) -> Any:
        undone = self.session.undo()
        return self._saved(*undone) if undone else {"clip": None}

    def _add_class(self, request: Request, body: Mapping[str, Any]) -> Any:
        if not isinstance(body.get("label"), str):
            raise SeehearError("label: must be a text")
        return {"label": self.session.add_class(body["label"]), "names": self.session.classes}

    def _saved(self, clip: str, record: ClipRecord) -> Any:
        return {**self._record(clip, record), "problem": self.session.problem}

    def _record(self, clip: str, record: ClipRecord) -> dict[str, Any]:
        return {"clip": clip, "status": self.session.status(clip), **record.as_json()}


def _answers(route: Callable[..., Any]) -> Endpoint:
    """Return an endpoint that answers with the JSON of what a route returns, or with its error."""

    async def endpoint(request: Request) -> Response:
        try:
            arguments = [request, await _body(request)] if request.method == "POST" else [request]
            return JSONResponse(await run_in_threadpool(route, *arguments))
        except ConflictError as conflict:
            current = {"clip": conflict.clip, **conflict.record.as_json()}
            return failure(conflict, HTTPStatus.CONFLICT, current=current)
        except SeehearError as error:
            return failure(error)

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    data = await request.body()
    try:
        value = parse_json(data.decode("utf-8"), "the request")
    except UnicodeDecodeError:
        raise SeehearError("the request is not in UTF-8") from None
    if not isinstance(value, dict):
        raise SeehearError("the request must be an object")
    return value


def _played(file: Local | None) -> dict[str, Any]:
    """Return what of its file a clip is: the fragment of the file's address, and the second at which it begins."""
    part = file if isinstance(file, Part) else None
    return {"fragment": part.fragment if part else "", "begins": part.start if part else 0.0}


def _overview(file: Local, modified: int) -> dict[str, Any]:
    """Return a clip's duration, thumbnails and spectrogram. modified: of the file, so that a new one is decoded."""
    media = open_clip(file)
    overview = Overview.of(media, thumbnails_for(media.aspect), THUMBNAIL_SIZE)
    width = max(1, round(HEIGHT * overview.aspect))
    return {
        "duration": media.duration,
        "video": media.has_video,
        "thumbnails": [pages.inline(pages.jpeg(each, width, HEIGHT), "image/jpeg") for each in overview.thumbnails],
        "spectrogram": pages.inline(pages.png(overview.spectrogram, -FLOOR, 0.0), "image/png")
        if overview.has_audio
        else None,
    }


def open_server(session: Session, suggester: Suggester | None = None, *, port: int = 0) -> LocalServer[TokenGuard]:
    """Return a server of a session's page that listens; it answers once `run` is called.

    Suggestions and the round of the suggester are computed in the background.

    Args:
        session: What is labelled.
        suggester: The run that is scored as a new round.
        port: 0 for the first free one from 8000 on.

    Raises:
        SeehearError: If the port is taken.
    """
    app = LabelApp(session, suggester)
    server = LocalServer(lambda port: TokenGuard(app.app, port), port)
    session.suggestions.start()
    session.in_background(app.add_round, "round")
    return server
