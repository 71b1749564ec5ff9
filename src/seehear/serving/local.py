"""A server for browsers on this computer alone, with connections that are bounded in number and time.

uvicorn speaks HTTP. It bounds neither the time until a request has come nor that until an answer is taken, and it would
turn requests down where there are too many connections. So connections are accepted and ended here.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seehear.errors import SeehearError
from seehear.progress import say
from seehear.serving.guard import HOST, Guard

PORTS = range(8000, 8020)  # tried in turn unless a port is given
MAX_CONNECTIONS = 64  # at once; a browser opens six
DESCRIPTORS = 32  # of the process's file descriptors, those that are left for everything but connections
QUEUE = 256  # connections that wait to be accepted: a page with many players requests all clips at once
# Seconds until the head of a request must have come, whole. Browsers keep unused connections for up to 300 s; one that
# the server closed first could be used at that moment, and the request would fail. Others don't wait: see `make_room`.
IDLE = 330
STALLED = 60.0  # seconds in which a browser takes nothing of an answer; a player that pauses asks again later
SETTLED = 0.25  # seconds for which a connection isn't closed to make room for another
PAUSE = 0.02  # seconds until the next try if no connection can be accepted
MAX_HEAD = 1 << 16  # bytes of a request's line and headers
ASCII = bytes(range(128))

AnyGuard = TypeVar("AnyGuard", bound=Guard)


class _Protocol(H11Protocol):
    """A connection that knows whether it waits for a request, and for how long it has waited or been answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self._moved = self.loop.time()
        self._unsent = 0

    @property
    def waits(self) -> bool:
        """Whether no whole request has come since the last answer was taken."""
        if self.cycle is None or self.cycle.more_body:
            return True
        return self.cycle.response_complete and not self.transport.get_write_buffer_size()

    def data_received(self, data: bytes) -> None:
        """Read what came. Some programs send addresses in UTF-8, which h11 refuses; they are escaped before."""
        waited = self.waits
        between = self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body)
        if between and not self.conn.trailing_data[0]:
            line, end, rest = data.partition(b"\n")
            data = quote(line, safe=ASCII).encode() + end + rest
        super().data_received(data)
        if waited and not self.waits:
            self.since = self._moved = self.loop.time()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether the connection stays open for an answer, after a program that sends nothing more."""
        if not self.waits:
            self.cycle.keep_alive = False
        return not self.waits

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._moved = self.loop.time()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        say("what came is no request: 400 Bad Request")
        super().send_400_response(msg)

    def cut_if_overdue(self) -> None:
        """End the connection if no request comes, or nothing of the answer is taken. Called every now and then."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._moved = unsent, now
        if (self.waits and now - self.since > IDLE) or (unsent and now - self._moved > STALLED):
            self.transport.abort()


class _Server(uvicorn.Server):
    """Accepts a connection once there is room for it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        asyncio.get_running_loop().set_exception_handler(_say_failure)
        self.servers = []
        self._accepting = [asyncio.create_task(self._accept(each)) for each in sockets or []]
        self.started = True

    async def _accept(self, listening: socket.socket) -> None:
        loop, limit = asyncio.get_running_loop(), _max_connections()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError:  # such as no file descriptors
                await self._make_room()
                continue
            try:
                while len(self.server_state.connections) >= limit:
                    await self._make_room()
                await loop.connect_accepted_socket(self._protocol, accepted)
            except BaseException:
                accepted.close()
                raise

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(self.config, self.server_state, {})

    async def _make_room(self) -> None:
        """End the connection that waits the longest, or else the one that is answered the longest, if it may be."""
        settled = asyncio.get_running_loop().time() - SETTLED
        old = [connection for connection in self._connections() if connection.since < settled]
        if old:
            min(old, key=lambda connection: (not connection.waits, connection.since)).transport.abort()
        await asyncio.sleep(0 if old else PAUSE)

    def _connections(self) -> list[_Protocol]:
        return [one for one in self.server_state.connections if isinstance(one, _Protocol)]

    async def on_tick(self, counter: int) -> bool:
        """End overdue connections; called some times per second."""
        for connection in self._connections():
            connection.cut_if_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and let requests end that are under way."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)


def _say_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    say(f"a request could not be answered: {context.get('exception') or context['message']!r}")


def _max_connections() -> int:
    """How many connections the file descriptors of this process allow: each takes one, and one for its file."""
    try:
        import resource
    except ImportError:  # on Windows
        return MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else (soft - DESCRIPTORS) // 2
    return max(2, min(MAX_CONNECTIONS, free))


class LocalServer(Generic[AnyGuard]):
    """Answers requests to this computer until Ctrl-C is pressed, or `stop` is called.

    If there are too many connections, one that waits the longest makes room, or else the one that is answered the
    longest; players ask again for what they miss.

    Attributes:
        guard: Knows who may ask, and the address.
        port: Of the address.
    """

    def __init__(self, guard: Callable[[int], AnyGuard], port: int = 0) -> None:
        """Listen on a port; requests are answered once `run` is called.

        Args:
            guard: Makes the guard of a port.
            port: 0 for the first free one from 8000 on.

        Raises:
            SeehearError: If the port is taken.
        """
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self.guard = guard(self.port)
        self._server = _Server(
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
                h11_max_incomplete_event_size=MAX_HEAD,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def address(self) -> str:
        """Return the address to open."""
        return self.guard.address

    def run(self) -> None:
        """Answer requests. Returns when it is stopped, also by Ctrl-C."""
        with suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Stop listening, where `run` wasn't called."""
        self._socket.close()


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise SeehearError(f"port {port}: must be from 1 to 65535, or 0 for any free port")
    problem: str | None = ""
    for number in (port,) if port else (*PORTS, 0):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere it would let two servers share a port
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((HOST, number))
            opened.listen(QUEUE)
            opened.setblocking(False)
        except OSError as error:
            opened.close()
            problem = error.strerror
            continue
        return opened
    raise SeehearError(
        f"port {port}: is not available ({problem}); choose another --port, or leave it out to use any free one"
    )
