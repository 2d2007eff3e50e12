"""One client connection and its connection to a task: bytes both ways, with back-pressure and half-close."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from reconciler.manager.balancer.exchange import Exchange

LINGER = 1.0  # seconds a client has to take the last response before its connection is closed
HIGH_WATER = 256 << 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Relay:
    """``ended`` is called once, when both connections are closed. ``attach`` starts it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Relay], None]) -> None:
        self._loop, self._ended = loop, ended
        self.client, self.server = _Side(self), _Side(self)
        self.client.other, self.server.other = self.server, self.client
        self.exchange = Exchange()
        self._last_bytes = loop.time()
        self._answered = False  # whether the last bytes came from the task
        self.finished = False  # the task is not needed any more: at most the client has still to take its last bytes
        self._open = 2

    async def attach(self, client: socket.socket, server: socket.socket) -> None:
        """Take over two connected sockets. Raises OSError."""
        await self._loop.connect_accepted_socket(lambda: self.server, server)
        await self._loop.connect_accepted_socket(lambda: self.client, client)
        if self._open < 2:  # the task hung up in between
            self.client.close()

    def drain(self, *, quiet: float) -> None:
        """The task is to stop. Close now if nothing is under way and nothing was for ``quiet`` seconds.

        An HTTP connection is closed after its next response, which says so; any other one after a pause that
        follows an answer.
        """
        self.exchange.closing = True
        at_rest = self._answered and (self.exchange.at_boundary or self.exchange.opaque)
        if at_rest and self._loop.time() - self._last_bytes >= quiet:
            self.finish()

    def passed(self, side: _Side, data: bytes) -> None:
        self._last_bytes = self._loop.time()
        self._answered = side is self.server
        if side is self.client:
            self.exchange.from_client(data)
            self.server.send(data)
            return
        self.client.send(self.exchange.from_server(data))
        if self.exchange.finished:
            self.finish()

    def finish(self) -> None:
        """Everything has been sent: end both connections, without cutting off what the client has yet to read."""
        self.finished = True
        self.server.close()
        self.client.end()
        self.client.deaf = True
        self._loop.call_later(LINGER, self.client.close)

    def abort(self) -> None:
        self.client.abort()
        self.server.abort()

    def lost(self, side: _Side, error: Exception | None) -> None:
        if error is not None:
            side.other.abort()  # a reset stays a reset: half an answer must not look like a whole one
        elif side is self.server:
            self.client.end()
            self._loop.call_later(LINGER, self.client.close)
        else:
            side.other.close()
        self._open -= 1
        if not self._open:
            self._ended(self)


class _Side(asyncio.Protocol):
    other: _Side

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self.deaf = False  # what still arrives is not passed on
        self._early: list[bytes] = []  # for a connection that is not attached yet
        self._early_end = False
        self._ended_by_peer = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data in self._early:
            transport.write(data)
        self._early.clear()
        if self._early_end:
            self.end()

    def data_received(self, data: bytes) -> None:
        if not self.deaf:
            self._relay.passed(self, data)

    def eof_received(self) -> bool:
        self._ended_by_peer = True
        self.other.end()
        if self.other._ended_by_peer:
            self.close()
            self.other.close()
        return True  # the other direction stays open

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.lost(self, error)

    def pause_writing(self) -> None:
        if self.other._transport and not self.other._transport.is_closing():
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other._transport and not self.other._transport.is_closing():
            self.other._transport.resume_reading()

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def end(self) -> None:
        """Send what is buffered, then half-close."""
        if self._transport is None:
            self._early_end = True
        elif not self._transport.is_closing():
            try:
                self._transport.write_eof()
            except OSError:
                self._transport.abort()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        if self._transport and not self._transport.is_closing():
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
