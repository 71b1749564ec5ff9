"""Who may ask: every request is checked here, before anything else sees it, and every answer gets its headers."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seehear.progress import say

HOST = "127.0.0.1"
MAX_BODY = 1 << 20  # bytes of a request's body
READING, CHANGING = ("GET", "HEAD"), ("POST",)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",  # no other site may embed it
    "Cache-Control": "no-cache",
}


class Guard:
    """Passes on requests under this computer's own name that only read, and refuses all others.

    Another site can map its own name to this computer (DNS rebinding): browsers then send that name as Host, which is
    refused.

    Attributes:
        methods: The methods that pass.
        hosts: The names that pass, with the port.
        address: Of the server.
    """

    methods: tuple[str, ...] = READING

    def __init__(self, app: ASGIApp, port: int) -> None:
        """Guard an application that has that port."""
        self.app = app
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        if port == 80:
            self.hosts |= {HOST, "localhost"}
        self.address = f"http://{HOST}:{port}/"

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
                self.begin(scope, HTTPStatus(message["status"]), MutableHeaders(scope=message))
            await send(message)

        try:
            await (self.refusal(scope, headers) or self.app)(scope, _bounded(receive), answer)
        except Exception as error:
            say(f"a request could not be answered: {error!r}")
            if begun:
                raise  # so that the connection is closed: the browser must not wait for the rest
            await refused(HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, answer)

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is refused; None if it passes."""
        host = headers.getlist("host")
        if len(host) != 1 or host[0].strip().lower() not in self.hosts:
            return refused(HTTPStatus.FORBIDDEN, "this server has another name")
        if scope["method"] not in self.methods:
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, allow=", ".join(self.methods))
        return None

    def begin(self, scope: Scope, status: HTTPStatus, headers: MutableHeaders) -> None:
        """Complete the headers of an answer before they are sent."""
        headers.update(HEADERS)
        sent = Headers(scope=scope)
        takes = scope["method"] in self.methods and scope["method"] in CHANGING
        if not takes and ("content-length" in sent or "transfer-encoding" in sent):
            headers["Connection"] = "close"  # nobody waits for the end of a body that is of no use


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
