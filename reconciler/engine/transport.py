"""HTTP to an engine: our own thin client on unix sockets, docker-py for tcp, TLS and ssh.

A local engine is the common case and a short command feels every import, so unix sockets get fifty lines on
``http.client``; the channels where certificates and ssh matter belong to the library that knows them.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode

from reconciler.engine.errors import EngineError, of_answer

API_VERSION = "1.41"  # the oldest engine we support (20.10); newer ones answer in its terms
TIMEOUT = 60.0  # seconds; swarm managers give up on a request after 20
MAX_ANSWER = 256 * 1024 * 1024  # bytes


class Answer(NamedTuple):
    """``body`` is parsed JSON, or bytes where the engine sends none. ``retry_after``: seconds, 0 if not told."""

    status: int
    body: Any
    retry_after: float = 0.0


Query = Mapping[str, str | int | Mapping[str, Any]]
Headers = Mapping[str, str]


class Transport(Protocol):
    """``request`` answers whatever the status is; both raise EngineError when no answer comes."""

    def request(
        self, method: str, path: str, query: Query | None = None, body: Any = None, headers: Headers | None = None
    ) -> Answer: ...

    def stream(self, path: str, query: Query | None = None) -> Iterator[bytes]:
        """Chunks of a long answer (events, logs) until it ends or the iterator is closed. Raises EngineError."""
        ...

    def close(self) -> None: ...


def connect(host: str) -> Transport:
    """``unix:///path``, ``tcp://host:port``, ``ssh://user@host``, ``http(s)://…``. Nothing is sent yet."""
    if host.startswith("unix://"):
        return UnixTransport(host.removeprefix("unix://"))
    return DockerTransport(host)


def target(path: str, query: Query | None) -> str:
    """The request target; mapping values (filters) are sent as JSON. A path may say the API version itself."""
    url = quote(path) if path.startswith("/v1.") else f"/v{API_VERSION}{quote(path)}"
    if query:
        pairs = {k: json.dumps(v, sort_keys=True) if isinstance(v, Mapping) else v for k, v in query.items()}
        url += "?" + urlencode(pairs)
    return url


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("engine", timeout=TIMEOUT if timeout is None else timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except BaseException:
            self.sock.close()
            raise


class UnixTransport:
    """One keep-alive connection per thread. The socket must belong to this user or to root."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._local = threading.local()
        self._all: list[_UnixConnection] = []

    def request(
        self, method: str, path: str, query: Query | None = None, body: Any = None, headers: Headers | None = None
    ) -> Answer:
        self._check()
        data = None if body is None else json.dumps(body).encode()
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if data is not None else {})}
        fresh = getattr(self._local, "connection", None) is None
        try:
            return self._exchange(method, target(path, query), data, sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            # An idle keep-alive connection may have been closed under us. A read may be asked again; a write
            # may have taken effect, so only the caller, after reading the state again, may repeat it.
            if fresh or method != "GET":
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        try:
            return self._exchange(method, target(path, query), data, sent)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _exchange(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        connection: _UnixConnection | None = getattr(self._local, "connection", None)
        if connection is not None and _ended(connection):
            connection.close()
            connection = None
        if connection is None:
            connection = self._local.connection = _UnixConnection(self.path, None)
            self._all.append(connection)
        try:
            connection.request(method, url, data, headers)
            response = connection.getresponse()
            raw = response.read(MAX_ANSWER + 1)
            if response.length:  # a sized read does not notice that the peer stopped early
                raise http.client.IncompleteRead(raw, response.length)
            if not _delimited(response):  # nor does the parser in the head; that would read as an empty answer
                raise http.client.IncompleteRead(raw)
        except BaseException:
            connection.close()
            self._local.connection = None
            raise
        return _answer(response.status, raw, response.headers.get("Content-Type"), response.headers.get("Retry-After"))

    def stream(self, path: str, query: Query | None = None) -> Iterator[bytes]:
        self._check()
        connection = _UnixConnection(self.path, None)
        try:
            connection.request("GET", target(path, query))
            response = connection.getresponse()
            if response.status >= 400:
                raise of_answer(response.status, message_of(parse(response.read(MAX_ANSWER), "application/json")))
            if connection.sock is not None:
                connection.sock.settimeout(None)
            while chunk := response.read1(65536):
                yield chunk
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def close(self) -> None:
        for connection in self._all:
            connection.close()
        self._all.clear()

    def _check(self) -> None:
        """A socket that another user put there could collect our secrets."""
        try:
            found = os.stat(self.path)  # noqa: PTH116
        except OSError as error:
            raise self._unreachable(error) from error
        if not stat.S_ISSOCK(found.st_mode):
            raise EngineError("unreachable", f"{self.path} is not a socket; give the engine's address with --host")
        if found.st_uid not in (0, os.getuid()):
            raise EngineError(
                "unreachable",
                f"the socket {self.path} belongs to user {found.st_uid}, not to you or root; nothing was sent to it",
            )

    def _unreachable(self, error: Exception) -> EngineError:
        if isinstance(error, FileNotFoundError):
            why = "there is no such socket"
        elif isinstance(error, ConnectionRefusedError):
            why = "nobody listens on it; the engine has ended and left it behind"
        elif isinstance(error, PermissionError):
            why = "this user may not open it"
        elif isinstance(error, TimeoutError):
            why = f"no answer within {TIMEOUT:.0f} s"
        else:
            why = str(error) or type(error).__name__
        absent = isinstance(error, (FileNotFoundError, ConnectionRefusedError, PermissionError))
        return EngineError("unreachable", f"cannot talk to the engine at unix://{self.path}: {why}", absent=absent)


def _ended(connection: _UnixConnection) -> bool:
    """Whether the peer has closed an idle connection: then even a write may safely use a new one."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


class DockerTransport:
    """docker-py as the channel, below its object model (which adds defaults that restart tasks)."""

    def __init__(self, host: str, tls: Any = None) -> None:
        import docker
        from docker.errors import DockerException

        self.host = host
        try:
            self._client = docker.APIClient(base_url=host, version=API_VERSION, tls=tls or False, timeout=int(TIMEOUT))
        except DockerException as error:
            raise EngineError("unreachable", f"cannot talk to the engine at {host}: {error}") from error

    def request(
        self, method: str, path: str, query: Query | None = None, body: Any = None, headers: Headers | None = None
    ) -> Answer:
        from requests.exceptions import RequestException

        try:
            response = self._client.request(
                method,
                self._client.base_url + target(path, query),
                data=None if body is None else json.dumps(body),
                headers={**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})},
                timeout=TIMEOUT,
            )
        except (RequestException, OSError) as error:
            raise self._unreachable(error) from error
        return _answer(
            response.status_code,
            response.content,
            response.headers.get("Content-Type"),
            response.headers.get("Retry-After"),
        )

    def stream(self, path: str, query: Query | None = None) -> Iterator[bytes]:
        from requests.exceptions import RequestException

        try:
            with self._client.get(
                self._client.base_url + target(path, query), stream=True, timeout=(TIMEOUT, None)
            ) as response:
                if response.status_code >= 400:
                    raise of_answer(response.status_code, message_of(parse(response.content, "application/json")))
                yield from response.iter_content(None)
        except (RequestException, OSError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> EngineError:
        absent = "NewConnectionError" in repr(error) or "SSLError" in repr(error)  # wrapped in one another
        return EngineError("unreachable", f"cannot talk to the engine at {self.host}: {error}", absent=absent)

    def close(self) -> None:
        self._client.close()


def _delimited(response: http.client.HTTPResponse) -> bool:
    """Whether the head says where the answer ends, as every answer of an engine does that is no stream."""
    return response.status in (204, 304) or response.chunked or "Content-Length" in response.headers


def _answer(status: int, raw: bytes, content_type: str | None, wait: str | None) -> Answer:
    seconds = float(wait) if wait and wait.isascii() and wait.isdigit() and len(wait) < 6 else 0.0
    try:
        return Answer(status, parse(raw, content_type or ""), seconds)
    except EngineError:
        if status < 400:
            raise
        return Answer(status, raw, seconds)  # what stands before an engine answers with a page, whatever it claims


def parse(raw: bytes, content_type: str) -> Any:
    if len(raw) > MAX_ANSWER:
        raise EngineError("failed", f"the engine's answer is larger than {MAX_ANSWER >> 20} MiB")
    if "json" in content_type and raw:
        with suppress(ValueError, RecursionError):
            return json.loads(raw)
        raise EngineError("failed", f"the engine's answer is not JSON: {raw[:80]!r}")
    return raw


def message_of(body: Any) -> str:
    """The engine's error text; some proxies answer with plain text."""
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"]).strip()
    return body.decode("utf-8", "replace").strip()[:500] if isinstance(body, bytes) else str(body)[:500]
