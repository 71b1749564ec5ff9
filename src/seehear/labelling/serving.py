"""Serving pages that take changes, to this computer alone: who may ask, and how much.

Every request is checked here, before any route sees it: the token, where a change comes from, and the size of its body.
The answers carry one policy. Routes come from a Starlette application.
"""

from __future__ import annotations

import hmac
import secrets
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from seehear.errors import SeehearError
from seehear.serving.guard import CHANGING, MAX_BODY, READING, Guard, refused

TOKEN_BYTES = 24
JSON = "application/json"
OURS = "Seehear-Page"  # header of every answer: a page sees by it that another program has taken the port
# A page runs its own script, shows and plays what this server has, sends to this server alone, and is in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class TokenGuard(Guard):
    """Passes on requests of the person who has the token, and refuses all others.

    The address with `?token=…` sets a cookie that no script can read and no other site makes the browser send.

    Attributes:
        token: The secret.
        cookie: The name of the cookie.
    """

    methods = (*READING, *CHANGING)

    def __init__(self, app: ASGIApp, port: int, token: str = "") -> None:
        """Guard an application.

        Args:
            app: What answers requests that pass.
            port: Of the address.
            token: A secret; a new one if it is empty.
        """
        super().__init__(app, port)
        self.token = token or secrets.token_urlsafe(TOKEN_BYTES)
        self.cookie = f"seehear-{port}"  # cookies don't tell ports apart
        self.address += f"?token={self.token}"

    def begin(self, scope: Scope, status: HTTPStatus, headers: MutableHeaders) -> None:
        """Complete the headers of an answer before they are sent."""
        super().begin(scope, status, headers)
        headers[OURS] = "label"
        headers.update({"Content-Security-Policy": POLICY, "Cross-Origin-Opener-Policy": "same-origin"})

    def refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that doesn't reach a route: a refusal, or the entrance."""
        return super().refusal(scope, headers) or self._refusal(scope, headers) or self._entrance(scope)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        method = scope["method"]
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


def failure(error: SeehearError, status: HTTPStatus = HTTPStatus.BAD_REQUEST, **facts: object) -> JSONResponse:
    """Return an answer for the page's script, which shows the message."""
    return JSONResponse({"error": str(error), **facts}, status_code=status)
