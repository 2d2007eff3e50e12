"""HTTP/1.x as it passes by: where a request and its response end, so that a drained connection loses neither.

Pure: bytes in, bytes out. Nothing is changed but, once ``closing`` is set, the next response heads: they announce
``Connection: close``. What is not plainly HTTP/1.x is opaque and passes untouched.
"""

from __future__ import annotations

from collections import deque

LONGEST_HEAD = 64 << 10
_END = b"\r\n\r\n"


class _NotHttpError(Exception):
    pass


class _Body:
    """A message body of ``length`` bytes, or chunked (None)."""

    def __init__(self, length: int | None) -> None:
        self._left = length or 0
        self._chunked = length is None
        self._line = b""
        self._last = False  # the last chunk was seen: trailers until an empty line
        self.done = length == 0

    def take(self, data: bytes) -> int:
        """How many bytes of ``data`` belong to this body."""
        at = 0
        while at < len(data) and not self.done:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                self.done = not self._chunked and not self._left
                continue
            newline = data.find(b"\n", at)
            end = len(data) if newline < 0 else newline + 1
            self._line += data[at:end]
            at = end
            if len(self._line) > LONGEST_HEAD:
                raise _NotHttpError
            if newline >= 0:
                self._end_line(self._line.strip())
                self._line = b""
        return at

    def _end_line(self, line: bytes) -> None:
        if self._last:
            self.done = not line
            return
        size = line.partition(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise _NotHttpError from None
        if length < 0 or not size.isalnum():
            raise _NotHttpError
        self._last = length == 0
        self._left = length + 2 if length else 0  # the chunk and its line end


class Exchange:
    """One connection's requests and responses. Feed it everything that passes, in order."""

    def __init__(self) -> None:
        self.closing = False  # set it: the next response is to be the connection's last
        self.opaque = False
        self.finished = False  # a response that announced the close has passed completely
        self._methods: deque[bytes] = deque()  # of the requests whose response has not passed
        self._client_head, self._server_head = b"", b""
        self._client_body: _Body | None = None
        self._server_body: _Body | None = None
        self._held = False  # whether the head that is arriving is kept back until it is complete
        self._announced = False

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is under way: every request has had its response."""
        quiet = not self._client_head and not self._server_head and not self._methods
        return quiet and self._client_body is None and self._server_body is None and not self.opaque

    def from_client(self, data: bytes) -> None:
        while data and not self.opaque:
            try:
                data = self._client_step(data)
            except _NotHttpError:
                self.opaque = True

    def from_server(self, data: bytes) -> bytes:
        """What to send to the client for ``data``."""
        out: list[bytes] = []
        while data and not self.opaque and not self.finished:
            try:
                data = self._server_step(data, out)
            except _NotHttpError:
                self.opaque = True
                if self._held:
                    data, self._held = self._server_head, False
        if not self.finished:
            out.append(data)
        return b"".join(out)

    def _client_step(self, data: bytes) -> bytes:
        if self._client_body is not None:
            taken = self._client_body.take(data)
            if self._client_body.done:
                self._client_body = None
            return data[taken:]
        had = len(self._client_head)
        self._client_head += data
        end = _head_end(self._client_head)
        if end is None:
            if not self._client_head[:1].isalpha():
                raise _NotHttpError
            return b""
        words = self._client_head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0") or words[0] == b"CONNECT":
            raise _NotHttpError
        body = _body_of(_fields(self._client_head[:end]), otherwise=0)
        assert body is not None
        self._methods.append(words[0])
        self._client_body = None if body.done else body
        self._client_head = b""
        return data[end - had :]

    def _server_step(self, data: bytes, out: list[bytes]) -> bytes:
        if self._server_body is not None:
            taken = self._server_body.take(data)
            out.append(data[:taken])
            if self._server_body.done:
                self._end_response()
            return data[taken:]
        had = len(self._server_head)
        if not had:
            self._held = self.closing
        self._server_head += data
        end = _head_end(self._server_head)
        if end is None:
            if not b"HTTP/1.".startswith(self._server_head[:7]) or not self._methods:
                raise _NotHttpError
            if not self._held:
                out.append(data)
            return b""
        head, rest = self._server_head[:end], data[end - had :]
        status = self._status(head)
        passing = status < 200  # an interim response: the real one is still to come
        body = None if passing else self._response_body(status, head)
        out.append((head if passing else _announcing_close(head)) if self._held else data[: end - had])
        self._announced = self._held and not passing
        self._server_head, self._held = b"", False
        if passing:
            return rest
        if body is None:
            self.opaque = True  # it ends with the connection
        elif body.done:
            self._end_response()
        else:
            self._server_body = body
        return rest

    def _status(self, head: bytes) -> int:
        words = head.partition(b"\r\n")[0].split(b" ", 2)
        known = len(words) > 1 and words[0] in (b"HTTP/1.1", b"HTTP/1.0") and len(words[1]) == 3 and words[1].isdigit()
        if not known or not self._methods or words[1] == b"101":
            raise _NotHttpError
        return int(words[1])

    def _response_body(self, status: int, head: bytes) -> _Body | None:
        if self._methods[0] == b"HEAD" or status in (204, 304):
            return _Body(0)
        return _body_of(_fields(head), otherwise=None)

    def _end_response(self) -> None:
        self._server_body = None
        self._methods.popleft()
        self.finished = self._announced


def _head_end(head: bytes) -> int | None:
    """Where a complete head ends; None while it is incomplete."""
    end = head.find(_END)
    checked = head if end < 0 else head[: end + len(_END)]
    if len(checked) > LONGEST_HEAD or checked.count(b"\n") != checked.count(b"\r\n"):
        raise _NotHttpError
    return None if end < 0 else end + len(_END)


def _fields(head: bytes) -> dict[bytes, bytes]:
    """The header fields by lower-case name; a repeated one joined with commas."""
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            name = name.lower()
            fields[name] = fields[name] + b"," + value.strip() if name in fields else value.strip()
    return fields


def _body_of(fields: dict[bytes, bytes], otherwise: int | None) -> _Body | None:
    """The body that a head announces; without an announcement ``otherwise`` bytes, None: up to the connection's end."""
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower().rpartition(b",")[2].strip() != b"chunked":
            raise _NotHttpError
        return _Body(None)
    length = fields.get(b"content-length")
    if length is None:
        return None if otherwise is None else _Body(otherwise)
    if not length.isdigit() or len(length) > 18:
        raise _NotHttpError
    return _Body(int(length))


def _announcing_close(head: bytes) -> bytes:
    first, *lines = head[: -len(_END)].split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].lower() not in (b"connection", b"keep-alive")]
    return b"\r\n".join((first, *kept, b"Connection: close")) + _END
