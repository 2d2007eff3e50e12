"""The socket: only its owner may open it, a thread per connection, answers streamed while the peer listens."""

from __future__ import annotations

import logging
import os
import select
import socket
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reconciler.manager.api.http import MessageError, Request, Response, chunk, head, read_request

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 256
IDLE_SECONDS = 300.0
_BACKLOG = 128
_LINGER_SECONDS = 1.0
_LINGER_READS = 70  # of 64 KiB: the largest body
_PEERCRED = struct.Struct("3i")

Handler = Callable[[Request], Response]


class SocketError(Exception):
    """The socket cannot be had; ``str()`` says why and what to do."""


class Server:
    """``bind`` it, then ``start`` it with a handler. Handlers must not raise; they run on connection threads."""

    def __init__(self, listener: socket.socket, path: Path, peers: frozenset[int]) -> None:
        self._listener = listener
        self._path = path
        self._inode = path.stat().st_ino
        self._peers = peers
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    @classmethod
    def bind(cls, path: Path) -> Server:
        """Listen at ``path``, in place of the socket of a dead manager. Raises SocketError."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _clear(path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                before = os.umask(0o177)  # the socket is never open to others, not even for a moment
                try:
                    listener.bind(os.fspath(path))
                finally:
                    os.umask(before)
                listener.listen(_BACKLOG)
                return cls(listener, path, frozenset({os.geteuid(), 0}))
            except BaseException:
                listener.close()
                raise
        except OSError as error:
            raise SocketError(f"cannot listen at {path}: {error.strerror or error}") from error

    def start(self, handler: Handler) -> None:
        self._thread = threading.Thread(target=self._accept, args=(handler,), name="api", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections, end those there are, and remove the socket if it is still ours."""
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(5)
        self._listener.close()
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _accept(self, handler: Handler) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._closing:
                    return
                _log.warning("a connection could not be accepted: %s", error)
                threading.Event().wait(0.1)  # out of file descriptors: others have to end first
                continue
            self._admit(connection, handler)

    def _admit(self, connection: socket.socket, handler: Handler) -> None:
        if not self._slots.acquire(blocking=False):
            _refuse(connection, 503, f"too many connections (more than {MAX_CONNECTIONS})", linger=False)
            return
        with self._guard:
            self._open.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection, handler), name="connection", daemon=True).start()
        except RuntimeError:  # no more threads
            self._forget(connection)
            _refuse(connection, 503, "too many connections", linger=False)

    def _forget(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)
        self._slots.release()

    def _serve(self, connection: socket.socket, handler: Handler) -> None:
        try:
            with connection:
                connection.settimeout(IDLE_SECONDS)
                if _peer_uid(connection) not in self._peers:
                    _refuse(connection, 403, "this manager belongs to another user")
                    return
                self._converse(connection, handler)
        except OSError:
            pass  # the peer went away, or said nothing for too long
        except Exception:
            _log.exception("a connection ended with an error")
        finally:
            self._forget(connection)

    def _converse(self, connection: socket.socket, handler: Handler) -> None:
        with connection.makefile("rb", buffering=64 * 1024) as stream:
            while not self._closing:
                try:
                    request = read_request(stream, lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
                except MessageError as error:
                    _answer_error(connection, error.status, str(error))
                    return
                if request is None:
                    return
                if not self._answer(connection, request, handler(request)):
                    return

    def _answer(self, connection: socket.socket, request: Request, response: Response) -> bool:
        """False when the connection is used up."""
        if isinstance(response.body, bytes):
            body = b"" if request.method == "HEAD" else response.body
            connection.sendall(head(response, request, keep_alive=request.keep_alive) + body)
            return request.keep_alive
        keep_alive = request.keep_alive and request.chunks_allowed
        pieces = response.body
        try:
            connection.sendall(head(response, request, keep_alive=keep_alive))
            for piece in pieces:
                if self._closing or (not piece and _hung_up(connection)):
                    return False
                if piece:
                    connection.sendall(chunk(piece) if request.chunks_allowed else piece)
            if request.chunks_allowed:
                connection.sendall(chunk(b""))
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return keep_alive


def _clear(path: Path) -> None:
    """Remove the socket file of a manager that is no more. Raises SocketError if there is anything else."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise SocketError(f"{path} exists and is no socket; move it away, or choose another path with --socket")
    if status.st_uid != os.geteuid():
        raise SocketError(f"{path} belongs to another user (uid {status.st_uid}); choose another path with --socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise SocketError(f"{path} is a socket that does not answer ({error}); stop who holds it") from error
    raise SocketError(f"another manager is listening at {path}; stop it, or choose another path with --socket")


def _peer_uid(connection: socket.socket) -> int:
    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()  # no way to ask: the modes of socket and folder decide
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEERCRED.size)
    return int(_PEERCRED.unpack(raw)[1])


def _hung_up(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    if not poll.poll(0):  # recv() itself would wait, as the socket has a timeout
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _refuse(connection: socket.socket, status: int, message: str, *, linger: bool = True) -> None:
    with suppress(OSError), connection:
        _answer_error(connection, status, message, linger=linger)


def _answer_error(connection: socket.socket, status: int, message: str, *, linger: bool = True) -> None:
    """``linger``: wait a little for what the peer still sends."""
    import json

    body = json.dumps({"message": message}).encode() + b"\n"
    response = Response(status, body, (("Content-Type", "application/json"),))
    with suppress(OSError):
        connection.settimeout(_LINGER_SECONDS)
        connection.sendall(head(response, None, keep_alive=False) + body)
        connection.shutdown(socket.SHUT_WR)
        for _ in range(
            _LINGER_READS if linger else 0
        ):  # closed with something unread, the peer would see a reset, not the answer
            if not connection.recv(64 * 1024):
                break
