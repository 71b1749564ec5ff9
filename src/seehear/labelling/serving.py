"""Serving pages that take changes, to this computer alone: who may ask, and how much.

Every request is checked here, before any route sees it: the name of the host, the token, where a change comes from, and
the size of its body. The answers carry one policy. Routes come from a Starlette application.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qs

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from seehear.errors import SeehearError
from seehear.pages.server import HOST, IDLE, MAX_CONNECTIONS, MAX_HEAD, PORTS
from seehear.progress import say

TOKEN_BYTES = 24
MAX_WAITING = MAX_CONNECTIONS // 2  # connections, from which on those without a request make room for new ones
MAX_BODY = 1 << 20  # bytes of a request's body
READING, CHANGING = ("GET", "HEAD"), ("POST",)
JSON = "application/json"
# A page runs its own script, shows and plays what this server has, sends to this server alone, and is in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """Passes on requests of the person who has the token, and refuses all others.

    The address with `?token=…` sets a cookie that no script can read and no other site makes the browser send. Another
    site can map its own name to this computer (DNS rebinding): browsers then send that name as Host, which is refused.
    """

    def __init__(self, app: ASGIApp, port: int, token: str = "") -> None:
        """Guard an application.

        Args:
            app: What answers requests that pass.
            port: Of the address.
            token: A secret; a new one if it is empty.
        """
        self.app, self.token = app, token or secrets.token_urlsafe(TOKEN_BYTES)
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        if port == 80:
            self.hosts |= {HOST, "localhost"}
        self.cookie = f"seehear-{port}"  # cookies don't tell ports apart
        self.address = f"http://{HOST}:{port}/?token={self.token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            refusal = self._refusal(scope, headers) or self._entrance(scope)
            await (refusal or self.app)(scope, _bounded(receive), answer)
        except Exception as error:
            say(f"a request could not be answered: {error!r}")
            if not begun:
                await refused(HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, answer)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is refused; None if it passes."""
        host = headers.getlist("host")
        if len(host) != 1 or host[0].strip().lower() not in self.hosts:
            return refused(HTTPStatus.FORBIDDEN, "this server has another name")
        method = scope["method"]
        if method not in (*READING, *CHANGING):
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, allow=", ".join((*READING, *CHANGING)))
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and method not in READING:
            return refused(HTTPStatus.FORBIDDEN, "another site sent this")
        if not self._has_token(scope, headers):
            return refused(HTTPStatus.FORBIDDEN, "open the address that `seehear label` printed, with its token")
        if method in CHANGING:
            if headers.get("origin", "") not in {f"http://{name}" for name in self.hosts}:
                return refused(HTTPStatus.FORBIDDEN, "another site sent this")
            if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
                return refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {JSON}")
            length = headers.get("content-length", "0")
            if not length.isdecimal() or len(length) > 12 or int(length) > MAX_BODY:
                return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return None

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        if scope["path"] == "/" and scope["method"] in READING:
            given = _query_token(scope) or given
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _entrance(self, scope: Scope) -> Response | None:
        """Return the answer to the address with the token: the token becomes a cookie and leaves the address."""
        if scope["path"] != "/" or not _query_token(scope):
            return None
        answer = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return answer


def _query_token(scope: Scope) -> str:
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]


def _bounded(receive: Receive) -> Receive:
    """Return how to receive a body of MAX_BODY bytes at most, whatever its length is said to be."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    return bounded


def refused(status: HTTPStatus, why: str = "", allow: str = "") -> Response:
    """Return an answer that says what is wrong."""
    text = f"{status.value} {status.phrase}{f': {why}' if why else ''}\n"
    return PlainTextResponse(text, status_code=status, headers={"Allow": allow} if allow else None)


def failure(error: SeehearError, status: HTTPStatus = HTTPStatus.BAD_REQUEST, **facts: object) -> JSONResponse:
    """Return an answer for the page's script, which shows the message."""
    return JSONResponse({"error": str(error), **facts}, status_code=status)


class _Protocol(H11Protocol):
    """A connection that is closed if no whole request comes in time, or if it waits while others need its place."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= MAX_WAITING:
            waiting = (other for other in self.connections if isinstance(other, _Protocol) and other.cycle is None)
            if (other := next(waiting, None)) is not None:
                self.connections.discard(other)  # not only once it is closed: the next one must find another
                other.transport.abort()
        super().connection_made(transport)
        self._waits_for(None)

    def _waits_for(self, last: object) -> None:
        """Close the connection if the request after `last` has not come when the time is over."""
        self.loop.call_later(IDLE, self._check, last)

    def _check(self, last: object) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is last and (last is None or self.cycle.response_complete):
            self.transport.close()
        else:
            self._waits_for(self.cycle)


class LocalServer:
    """Answers requests to this computer until Ctrl-C is pressed, or `stop` is called.

    Attributes:
        guard: Knows the address and the token.
        port: Of the address.
    """

    def __init__(self, app: ASGIApp, port: int = 0, token: str = "") -> None:
        """Listen on a port; requests are answered once `run` is called.

        Args:
            app: A Starlette application.
            port: 0 for the first free one from 8000 on.
            token: As for `Guard`.

        Raises:
            SeehearError: If the port is taken.
        """
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self.guard = Guard(app, self.port, token)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.guard,
                http=_Protocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MAX_CONNECTIONS,
                h11_max_incomplete_event_size=MAX_HEAD,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def address(self) -> str:
        """Return the address, with the token."""
        return self.guard.address

    def run(self) -> None:
        """Answer requests. Returns when it is stopped, also by Ctrl-C."""
        with suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise SeehearError(f"port {port}: must be from 1 to 65535, or 0 for any free port")
    problem: str | None = ""
    for number in (port,) if port else (*PORTS, 0):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((HOST, number))
            opened.listen(MAX_CONNECTIONS)
        except OSError as error:
            opened.close()
            problem = error.strerror
            continue
        return opened
    raise SeehearError(
        f"port {port}: is not available ({problem}); choose another --port, or leave it out to use any free one"
    )
