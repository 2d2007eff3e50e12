"""Messages on the socket: what is malformed is refused and harms nobody, what is streamed ends with its reader."""

from __future__ import annotations

import io
import os
import re
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_manager import Served

from reconciler.manager.api import server as server_module
from reconciler.manager.api.http import MAX_BODY, MessageError, Request, Response, read_request
from reconciler.manager.api.server import Server, SocketError

GOOD = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"


def talk(path: Path, data: bytes, *, half_close: bool = True) -> bytes:
    """Everything that is answered until the other side closes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        with suppress(BrokenPipeError):  # turned away before it was heard
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET  /_ping HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /_ping HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET http://x/_ping HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n", 400),
        (b"GET /_ping HTTP/1.1\r\nHost: x", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /_ping HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nabcde", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nabcde", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcde", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400),
    ],
)
def test_malformed_requests_get_an_answer_and_the_connection_ends(shared: Served, data: bytes, status: int) -> None:
    answer = talk(shared.path, data + GOOD if data.endswith(b"\r\n\r\n") else data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Traceback" not in answer
    assert shared.call("GET", "/_ping").status == 200


def test_several_requests_on_one_connection(shared: Served) -> None:
    chunked = (
        b"POST /configs/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'10;ext=1\r\n{"Name":"chunked\r\n10\r\n","Data":"aGk="}\r\n0\r\nTrailer: x\r\n\r\n'
    )
    answer = talk(shared.path, GOOD + chunked + GOOD)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"201", b"200"]


def test_http_1_0_and_close_end_the_connection(shared: Served) -> None:
    for data in (b"GET /_ping HTTP/1.0\r\n\r\n", b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
        answer = talk(shared.path, data + GOOD, half_close=False)
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"\r\nConnection: close\r\n" in answer


def test_a_stream_for_http_1_0_has_no_chunks(shared: Served) -> None:
    shared.create("oldclient")
    answer = talk(shared.path, b"GET /events?since=0&until=1 HTTP/1.0\r\n\r\n", half_close=False)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == b""


def test_expect_continue(shared: Served) -> None:
    data = b"POST /configs/create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 33\r\n\r\n"
    body = b'{"Name":"continued","Data":"aGk="}'
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(shared.path))
        connection.sendall(data.replace(b"33", str(len(body)).encode()))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 201")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_error(data: bytes) -> None:
    stream = io.BytesIO(data)
    try:
        while read_request(stream) is not None:
            pass
    except MessageError as error:
        assert 400 <= error.status <= 505  # noqa: PT017


@given(st.integers(min_value=0, max_value=2000), st.binary(max_size=40))
def test_a_request_cut_anywhere_is_never_taken_for_a_whole_one(cut: int, body: bytes) -> None:
    whole = b"POST /x?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    piece = whole[: cut % len(whole)]
    if not piece:
        assert read_request(io.BytesIO(piece)) is None
        return
    with pytest.raises(MessageError):
        read_request(io.BytesIO(piece))
    request = read_request(io.BytesIO(whole))
    assert request is not None
    assert (request.method, request.path, request.query, request.body) == ("POST", "/x", {"a": "1"}, body)


def test_the_largest_body(shared: Served) -> None:
    assert shared.call("POST", "/configs/create", raw=b" " * MAX_BODY).status == 400
    head = b"POST /configs/create HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    assert talk(shared.path, head).startswith(b"HTTP/1.1 413")


# --- the socket --------------------------------------------------------------------------------------------------


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "run" / "m.sock"


def test_only_the_owner_can_open_it(path: Path) -> None:
    server = Server.bind(path)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        server.close()
    assert not path.exists()


def test_the_socket_of_a_dead_manager_is_replaced(path: Path) -> None:
    path.parent.mkdir(parents=True)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    Server.bind(path).close()


def test_the_socket_of_a_living_manager_is_not(path: Path) -> None:
    server = Server.bind(path)
    try:
        with pytest.raises(SocketError, match="another manager is listening"):
            Server.bind(path)
    finally:
        server.close()


def test_a_file_in_the_way(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(SocketError, match="is no socket"):
        Server.bind(path)
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a file of another user")
def test_the_socket_of_another_user(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(path))
    os.chown(path, 12345, 12345)
    try:
        with pytest.raises(SocketError, match="belongs to another user"):
            Server.bind(path)
    finally:
        other.close()


def test_a_peer_of_another_user_is_turned_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_peer_uid", lambda connection: os.geteuid() + 1)
    server = Server.bind(path)
    try:
        server.start(lambda request: Response(200))
        assert talk(path, GOOD).startswith(b"HTTP/1.1 403 ")
    finally:
        server.close()


def test_the_peers_uid_is_read(path: Path) -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert server_module._peer_uid(left) == os.geteuid()
    assert struct.calcsize("3i") == 12


def test_too_many_connections(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 1)
    server = Server.bind(path)
    try:
        server.start(lambda request: Response(200))
        with socket.socket(socket.AF_UNIX) as first:
            first.settimeout(20)
            first.connect(str(path))
            first.sendall(GOOD)
            assert first.recv(100).startswith(b"HTTP/1.1 200")
            assert talk(path, b"").startswith(b"HTTP/1.1 503 ")
    finally:
        server.close()


def test_a_stream_ends_when_its_reader_goes(path: Path) -> None:
    ended = threading.Event()

    def handler(request: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            try:
                yield b"first"
                while True:
                    yield b""
            finally:
                ended.set()

        return Response(200, pieces())

    server = Server.bind(path)
    try:
        server.start(handler)
        with socket.socket(socket.AF_UNIX) as reader:
            reader.settimeout(20)
            reader.connect(str(path))
            reader.sendall(GOOD)
            received = b""
            while b"5\r\nfirst\r\n" not in received:
                received += reader.recv(1000)
        assert ended.wait(20)
    finally:
        server.close()


def test_close_ends_streams(path: Path) -> None:
    server = Server.bind(path)
    server.start(lambda request: Response(200, iter(lambda: b"", None)))
    with socket.socket(socket.AF_UNIX) as reader:
        reader.settimeout(20)
        reader.connect(str(path))
        reader.sendall(GOOD)
        assert reader.recv(1000)
        server.close()
        while reader.recv(1000):
            pass
