"""The client's end of the socket: what it says when there is no engine, a wrong one, or one that talks nonsense."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.engine import EngineError, connect, current_context
from reconciler.engine.errors import of_answer
from reconciler.engine.transport import UnixTransport, target


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="st-", dir="/tmp") as name:
        yield Path(name)


@contextmanager
def serve(path: Path, answers: list[bytes]) -> Iterator[None]:
    """A peer that answers each request with the next bytes (the last ones again and again) and closes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    over = threading.Event()

    def run() -> None:
        left = list(answers)
        while True:
            peer, _ = listener.accept()
            with peer:
                request = b""
                while not over.is_set() and not whole(request):
                    request += peer.recv(65536)
                if over.is_set():
                    return
                peer.sendall(left.pop(0) if len(left) > 1 else left[0])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(path))
        thread.join()
        listener.close()


def whole(request: bytes) -> bool:
    head, found, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    return bool(found) and len(body) >= (int(length[1]) if length else 0)


def http(status: int, body: bytes, kind: str = "application/json", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body


def ask(path: Path) -> EngineError:
    transport = UnixTransport(str(path))
    with pytest.raises(EngineError) as caught:
        transport.request("GET", "/info")
    transport.close()
    return caught.value


def test_a_missing_socket(folder: Path) -> None:
    error = ask(folder / "none")
    assert error.kind == "unreachable"
    assert str(error) == f"cannot talk to the engine at unix://{folder}/none: there is no such socket"


def test_a_stale_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(folder / "s"))
    assert "nobody listens on it; the engine has ended and left it behind" in str(ask(folder / "s"))


def test_not_a_socket(folder: Path) -> None:
    (folder / "s").write_text("")
    assert "is not a socket" in str(ask(folder / "s"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to somebody else")
def test_somebody_elses_socket_gets_nothing_sent(folder: Path) -> None:
    with serve(folder / "s", [http(200, b"{}")]):
        os.chown(folder / "s", 12345, 12345)
        assert "belongs to user 12345, not to you or root; nothing was sent to it" in str(ask(folder / "s"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(200, b'{"a": '), "is not JSON"),
        (http(200, b"[" * 100_000), "is not JSON"),
        (http(200, b"{}", length=10), "IncompleteRead"),
        (b"", "closed connection"),
        (b"garbage\r\n\r\n", "garbage"),
    ],
)
def test_an_engine_that_talks_nonsense(folder: Path, answer: bytes, said: str) -> None:
    with serve(folder / "s", [answer]):
        assert said in str(ask(folder / "s"))


def test_an_idle_connection_that_the_engine_closed_is_opened_again_also_for_a_write(folder: Path) -> None:
    with serve(folder / "s", [http(200, b"{}"), http(201, b'{"ID": "x"}')]):
        transport = UnixTransport(str(folder / "s"))
        assert transport.request("GET", "/info").status == 200
        idle = transport._local.connection.sock
        assert select.select([idle], [], [], 10)[0], "the peer should have closed by now"
        answer = transport.request("POST", "/configs/create", None, {"Name": "c"})
        assert (answer.status, answer.body) == (201, {"ID": "x"})
        transport.close()


def test_filters_are_sent_as_json_in_a_fixed_order() -> None:
    line = target("/tasks", {"filters": {"b": ["2"], "a": ["1"]}, "x": 1})
    assert line == "/v1.41/tasks?filters=%7B%22a%22%3A+%5B%221%22%5D%2C+%22b%22%3A+%5B%222%22%5D%7D&x=1"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "rpc error: code = Unknown desc = update out of sequence", "conflict"),
        (404, "service x not found", "not-found"),
        (500, "network demo not found", "not-found"),
        (409, "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service x", "exists"),
        (400, "rpc error: code = InvalidArgument desc = config 'c' is in use by the following service: x", "in-use"),
        (503, 'This node is not a swarm manager. Use "docker swarm init"', "not-manager"),
        (400, "rpc error: code = InvalidArgument desc = bad", "invalid"),
        (500, "boom", "failed"),
    ],
)
def test_engines_answers_are_told_apart_by_text_as_well_as_status(status: int, message: str, kind: str) -> None:
    assert of_answer(status, message).kind == kind


def test_the_current_docker_context(folder: Path) -> None:
    env = {"DOCKER_CONFIG": str(folder)}
    assert current_context(env) == "default"
    (folder / "config.json").write_text("not json")
    assert current_context(env) == "default"
    (folder / "config.json").write_text(json.dumps({"currentContext": "prod"}))
    assert current_context(env) == "prod"
    assert current_context({**env, "DOCKER_CONTEXT": "other"}) == "other"


def test_a_named_engine_is_used_or_is_an_error_never_replaced(folder: Path) -> None:
    engine = connect(None, {"DOCKER_HOST": f"unix://{folder}/none"})
    with pytest.raises(EngineError, match="there is no such socket"):
        engine.manager()
    with pytest.raises(EngineError, match="'gone'"):
        connect(None, {"DOCKER_CONTEXT": "gone", "DOCKER_CONFIG": str(folder)})
