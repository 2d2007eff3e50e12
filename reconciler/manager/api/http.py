"""HTTP/1.1 messages on a stream: strict in what is read, bounded in size, chunked where the length is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

MAX_LINE = 64 * 1024
MAX_HEADERS = 100
MAX_BODY = 4 * 1024 * 1024
"""Bytes. A config of 1 MB is 1.4 MB in base64; the engine's own limit for messages is 4 MiB."""

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Stream(Protocol):
    """A buffered binary stream."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...


class MessageError(Exception):
    """A request that cannot be read. The connection is of no use after it. ``status``: what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """``path`` is decoded; ``query`` has the first value of every name; header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    keep_alive: bool = True
    chunks_allowed: bool = True  # HTTP/1.0 knows no chunked answers

    def flag(self, name: str) -> bool:
        """A boolean of the query, as the engine reads it."""
        return self.query.get(name, "").strip().lower() not in ("", "0", "no", "false", "none")


class Response(NamedTuple):
    """``body`` as an iterator is streamed; an empty item says «nothing yet» and lets the server look for the peer."""

    status: int
    body: bytes | Iterator[bytes] = b""
    headers: tuple[tuple[str, str], ...] = ()


def read_request(stream: Stream, proceed: Callable[[], None] = lambda: None) -> Request | None:
    """The next request; None when the peer has nothing more to say. ``proceed`` is called when the peer waits for
    «100 Continue» before it sends its body. Raises MessageError; OSError as the stream does."""
    line = _line(stream)
    if line is None:
        return None
    if line == "":  # a stray line break after a body
        line = _line(stream) or ""
    method, target, version = _request_line(line)
    headers = _headers(stream)
    if version == "HTTP/1.1" and "host" not in headers:
        raise MessageError(400, "missing required Host header")
    if headers.get("expect", "").lower() == "100-continue":
        proceed()
    body = _body(stream, headers)
    split = urlsplit(target)
    try:
        query = parse_qs(split.query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise MessageError(400, "too many query parameters") from None
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=unquote(split.path, errors="replace"),
        query={name: values[0] for name, values in query.items()},
        headers=headers,
        body=body,
        keep_alive=version == "HTTP/1.1" and "close" not in connection,
        chunks_allowed=version == "HTTP/1.1",
    )


def _line(stream: Stream) -> str | None:
    raw = stream.readline(MAX_LINE + 1)
    if not raw:
        return None
    if len(raw) > MAX_LINE:
        raise MessageError(431, "request line or header too long")
    if not raw.endswith(b"\n"):
        raise MessageError(400, "malformed HTTP request: it ends in the middle of a line")
    return raw.rstrip(b"\r\n").decode("latin-1")


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[0] or not _TOKEN.issuperset(parts[0]):
        raise MessageError(400, "malformed HTTP request line")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise MessageError(505, "unsupported protocol version")
    if not target.startswith("/") or target.startswith("//") or not target.isprintable():
        raise MessageError(400, "malformed HTTP request target")
    return method, target, version


def _headers(stream: Stream) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS + 1):
        line = _line(stream)
        if line is None:
            raise MessageError(400, "malformed HTTP request: it ends within the headers")
        if line == "":
            return headers
        name, colon, value = line.partition(":")
        lowered = name.lower()
        if not colon or not name or not _TOKEN.issuperset(name):
            raise MessageError(400, "malformed HTTP header")
        if lowered in headers and lowered in ("content-length", "transfer-encoding", "host"):
            raise MessageError(400, f"duplicate HTTP header {lowered}")
        headers[lowered] = value.strip(" \t")
    raise MessageError(431, f"more than {MAX_HEADERS} HTTP headers")


def _body(stream: Stream, headers: dict[str, str]) -> bytes:
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if encoding is not None:
        if length is not None or encoding.lower() != "chunked":
            raise MessageError(400, "unsupported transfer encoding")
        return b"".join(_chunks(stream))
    if length is None:
        return b""
    return _exactly(stream, _number(length, 10))


def _chunks(stream: Stream) -> Iterator[bytes]:
    total = 0
    while True:
        size = _number((_line(stream) or "").split(";")[0].strip(), 16)
        total += size
        if total > MAX_BODY:
            raise _too_large()
        if size == 0:
            break
        yield _exactly(stream, size)
        if _line(stream) != "":
            raise MessageError(400, "malformed chunk")
    _headers(stream)  # trailers are read and dropped


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not text or len(text) > 16 or not frozenset(digits).issuperset(text.lower()):
        raise MessageError(400, "malformed length of the body")
    return int(text, base)


def _exactly(stream: Stream, length: int) -> bytes:
    if length > MAX_BODY:
        raise _too_large()
    data = stream.read(length)
    if len(data) < length:
        raise MessageError(400, "unexpected EOF")
    return data


def _too_large() -> MessageError:
    return MessageError(413, f"request body too large: more than {MAX_BODY} bytes")


def head(response: Response, request: Request | None, *, keep_alive: bool) -> bytes:
    """Status line and headers of an answer."""
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if isinstance(response.body, bytes):
        if response.status not in _NO_BODY:
            lines.append(f"Content-Length: {len(response.body)}")
    elif request is not None and request.chunks_allowed:
        lines.append("Transfer-Encoding: chunked")
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body; of nothing, its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)
