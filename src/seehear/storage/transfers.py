"""Requests to servers: repeated while they may succeed, and explained when they don't.

What is transient (a broken connection, no answer in time, 5xx, throttling) is repeated with growing pauses for about
a minute. After that minute, a server gets a single try per request until it answers again: a thousand clips on a
server that is down don't take a thousand minutes.
"""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from seehear.errors import SeehearError
from seehear.files import FULL
from seehear.progress import say
from seehear.storage.addresses import facts_of_scheme, inner_path, scheme_of, shown

T = TypeVar("T")

PATIENCE = 60.0  # seconds after which a request is not repeated any more
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between tries: doubled each time, times a draw from .5 to 1.5
TIMEOUT = 60.0  # seconds without a byte
# HTTP: time-out, conflict with another request, too early, too many; errors of the server but `not implemented`
TRANSIENT = frozenset((408, 409, 425, 429, *range(500, 600))) - {501}
BUSY = frozenset(("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "InternalError"))
# Errors of aiohttp and botocore by name, since neither may be installed
BROKEN = frozenset(
    (
        *("ClientConnectionError", "ClientPayloadError", "ContentLengthError", "TransferEncodingError"),
        *("HTTPClientError", "ConnectionError", "IncompleteReadError", "ResponseStreamingError", "ResponseParserError"),
    )
)
ANSWERED = "the server answered"

_down: set[str] = set()  # servers that did not answer for PATIENCE
_slow: set[str] = set()  # servers of which it was said that requests are repeated


class Doing(StrEnum):
    """What a request is for."""

    READ = "read"
    LIST = "list"
    WRITE = "write"


class BrokenTransferError(ConnectionError):
    """Fewer or more bytes came than were announced."""


class RefusedRedirectError(ValueError):
    """A server sends on to an address that is not asked."""


class Fault(StrEnum):
    """What a failed request means."""

    MISSING = "missing"
    NO_BUCKET = "no bucket"
    EXISTS = "exists"
    DENIED = "denied"
    PAST_END = "past the end"
    TRANSIENT = "transient"
    OTHER = "other"


def system(address: str) -> Any:
    """Return the file system of fsspec for an address. Raises SeehearError naming the extra that it lacks."""
    scheme = facts_of_scheme(address)
    if any(importlib.util.find_spec(name) is None for name in ("fsspec", scheme.package) if name):
        extra = f"'seehear[{scheme.extra}]'" if scheme.extra else "fsspec"
        raise SeehearError(
            f"{shown(address)}: {scheme_of(address)}:// needs a package that is not installed: pip install {extra}"
        )
    return _system(scheme_of(address), os.getpid())


@cache
def _system(scheme: str, process: int) -> Any:
    """process: a forked process must not use the connections of the other."""
    import fsspec

    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in ("http", "https"):
        options |= _options_of_http()
    if scheme == "s3":  # it would repeat on its own, and in silence, what is repeated here
        own = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        options["config_kwargs"] = {"retries": {"total_max_attempts": 1}, **own}
    made = fsspec.filesystem(scheme, **options)
    if scheme == "s3":
        made.retries = 1
    return made


def _options_of_http() -> dict[str, Any]:
    import aiohttp

    async def on_redirect(session: Any, context: Any, request: Any) -> None:
        here, there = str(request.url), urljoin(str(request.url), request.response.headers.get("Location") or "")
        if refused_redirect(here, there):
            raise RefusedRedirectError("the server sends on to http or to this computer, which is refused")

    watch = aiohttp.TraceConfig()
    watch.on_request_redirect.append(on_redirect)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=TIMEOUT)
    return {
        "client_kwargs": {"trust_env": True, "trace_configs": [watch], "timeout": timeout},
        "headers": {"Accept-Encoding": "identity"},  # else a size would be that of what was compressed
    }


def refused_redirect(here: str, there: str) -> bool:
    """Return whether a server may not send on from one address to another: from https to http, or to this computer."""
    downgraded = urlsplit(here).scheme == "https" and urlsplit(there).scheme != "https"
    return downgraded or (_is_local(there) and not _is_local(here))


def _is_local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def attempt(action: Callable[[], T], address: str, doing: Doing = Doing.READ) -> T:
    """Return what a request gives; it is repeated while its fault is transient.

    Args:
        action: The request.
        address: What it is about.
        doing: What it is for, for the message.

    Raises:
        FileNotFoundError: There is no such file.
        FileExistsError: There is one already.
        EOFError: The file is shorter.
        SeehearError: Anything else, with what to do.
    """
    server, began, tries = _server(address), time.monotonic(), 0
    while True:
        try:
            result = action()
            _down.discard(server)
            return result
        except SeehearError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise  # of this machine's disk
            fault, reason = fault_of(error), _reason(error)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries) * random.uniform(0.5, 1.5)
        waited = time.monotonic() - began
        if fault is not Fault.TRANSIENT or server in _down or waited + pause > PATIENCE:
            if fault is Fault.TRANSIENT:
                _down.add(server)
            raise _explained(fault, reason, address, doing, waited)
        if server not in _slow:
            _slow.add(server)
            say(f"{shown(address)}: {reason}; such requests are repeated for about {PATIENCE:.0f} s")
        time.sleep(pause)
        tries += 1


def _server(address: str) -> str:
    return shown("/".join(address.split("/")[:3]))


def _explained(fault: Fault, reason: str, address: str, doing: Doing, waited: float) -> Exception:
    place, scheme = shown(address), facts_of_scheme(address)
    match fault:
        case Fault.MISSING:
            return FileNotFoundError(errno.ENOENT, "no such file", place)
        case Fault.EXISTS:
            return FileExistsError(errno.EEXIST, "exists already", place)
        case Fault.PAST_END:
            return EOFError(place)
        case Fault.NO_BUCKET:
            return SeehearError(f"{place}: there is no such bucket")
        case Fault.DENIED:
            bucket, _, key = inner_path(address).partition("/")
            what = f" {key or 'its keys'} of the bucket {bucket}" if scheme.listed else " it"
            hint = (
                "; a key that doesn't exist is answered in the same way, unless you may list the bucket"
                if doing is Doing.READ and scheme.listed and reason.startswith(ANSWERED)
                else ""
            )
            return SeehearError(
                f"{place}: the right to {doing}{what} is missing ({reason}){hint}. Credentials are yours to give: "
                f"{scheme.credentials}"
            )
        case Fault.TRANSIENT:
            tried = f", tried for {waited:.0f} s" if waited >= 1 else ""
            return SeehearError(f"{place}: can't {doing} it ({reason}{tried}): run again later")
    return SeehearError(f"{place}: can't {doing} it: {reason}")


def _reason(error: BaseException) -> str:
    """Return in one line what went wrong, without credentials."""
    if status := status_of(error):
        return f"{ANSWERED} {status}" + (f" {code}" if (code := _code(error)) and not code.isdigit() else "")
    last = list(_chain(error))[-1]
    lines = shown(last).strip().splitlines()
    text = lines[0][:300] if lines else ""
    named = isinstance(last, BrokenTransferError | RefusedRedirectError)
    return text if named else f"{type(last).__name__}: {text}" if text else type(last).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that caused it: fsspec hides the server's answer behind its own."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _answer(error: BaseException) -> dict[str, Any]:
    """Return the answer that botocore keeps with an error."""
    answers = (getattr(each, "response", None) for each in _chain(error))
    return next((answer for answer in answers if isinstance(answer, dict)), {})


def _code(error: BaseException) -> str:
    return str(_answer(error).get("Error", {}).get("Code", ""))


def status_of(error: BaseException) -> int:
    """Return the status of HTTP that an error is about, 0 if it is about none."""
    if status := _answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode"):
        return int(status)
    for each in _chain(error):
        for name in ("status", "code"):  # of aiohttp, and of gcsfs
            value = getattr(each, name, None)
            if str(value).isdigit():
                return int(str(value))
    return 0


def fault_of(error: BaseException) -> Fault:
    """Return what the error of a request means."""
    chain, status, code = list(_chain(error)), status_of(error), _code(error)
    if code == "NoSuchBucket":
        return Fault.NO_BUCKET
    if isinstance(error, FileExistsError) or status == 412:
        return Fault.EXISTS
    if status in (401, 403) or any(isinstance(each, PermissionError) or _lacks_credentials(each) for each in chain):
        return Fault.DENIED
    if status == 416:
        return Fault.PAST_END
    if status in TRANSIENT or code in BUSY:
        return Fault.TRANSIENT
    # A web server's other faults are hidden behind FileNotFoundError, and memory:// has it caused by a KeyError.
    if status in (404, 410) or (isinstance(error, FileNotFoundError) and all(map(_is_absence, chain))):
        return Fault.MISSING
    return Fault.TRANSIENT if any(map(_is_broken, chain)) else Fault.OTHER


def _is_absence(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError | KeyError)


def _lacks_credentials(error: BaseException) -> bool:
    kind = type(error)
    return kind.__module__.startswith(("botocore", "google")) and any(
        word in kind.__name__ for word in ("Credential", "Token", "SSO", "Refresh")
    )


def _is_broken(error: BaseException) -> bool:
    """Return whether a connection broke off, or nobody answered in time."""
    import ssl  # here, because every command imports this module, and few speak to servers

    if isinstance(error, ssl.SSLCertVerificationError) or "Certificate" in type(error).__name__:
        return False
    cause = getattr(error, "os_error", error)  # of aiohttp
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in (errno.EBUSY, getattr(errno, "EREMOTEIO", -1)):
        return True
    return any(kind.__name__ in BROKEN for kind in type(error).__mro__)
