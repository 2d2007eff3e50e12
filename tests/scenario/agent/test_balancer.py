"""The balancer between real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_rig import until
from agent_traffic import free_port

from reconciler.manager.balancer.core import HOLD, Balancer
from reconciler.manager.balancer.ports import Backend


class Server:
    """Accepts on an address of its own and runs ``talk(connection)`` in a thread per connection."""

    def __init__(self, number: int, talk: Callable[[socket.socket], None], port: int = 0) -> None:
        self.listener = socket.create_server((f"127.96.0.{number}", port), backlog=128)
        self.backend = Backend(f"t{number}", f"127.96.0.{number}", self.listener.getsockname()[1])
        self.accepted = 0
        self.peers: list[socket.socket] = []
        self._talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.peers.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._talk(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.peers:
            peer.close()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(1 << 16):
        connection.sendall(data)


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    made = Balancer("127.0.0.1")
    yield made
    made.close()


@pytest.fixture
def servers() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(talk: Callable[[socket.socket], None] = echo, port: int = 0) -> Server:
        made.append(Server(len(made) + 1, talk, port))
        return made[-1]

    yield make
    for server in made:
        server.close()


def connect(port: int) -> socket.socket:
    """A client; the listener may need a moment to be there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    got = b""
    while len(got) < len(text):
        data = client.recv(1 << 16)
        assert data, f"the connection ended after {got!r}"
        got += data
    return got


def test_connections_go_to_the_task_with_the_fewest_and_then_in_turn(
    balancer: Balancer, servers: Callable[..., Server]
) -> None:
    one, two = servers(), servers()
    port = free_port()
    balancer.route({port: (one.backend, two.backend)})
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            ask(stack.enter_context(connect(port)), b"x")
        assert (one.accepted, two.accepted) == (3, 3)
        late = servers()
        balancer.route({port: (one.backend, two.backend, late.backend)})
        for _ in range(3):
            ask(stack.enter_context(connect(port)), b"x")
        assert (one.accepted, two.accepted, late.accepted) == (3, 3, 3)


def test_a_task_that_refuses_is_passed_over_and_no_byte_is_lost(
    balancer: Balancer, servers: Callable[..., Server]
) -> None:
    good = servers()
    port = free_port()
    balancer.route({port: (Backend("dead", "127.96.9.9", good.backend.port), good.backend)})
    for _ in range(8):
        with connect(port) as client:
            assert ask(client, b"hello") == b"hello"


def test_a_connection_waits_for_a_task_to_come(balancer: Balancer, servers: Callable[..., Server]) -> None:
    port = free_port()
    balancer.route({port: ()})
    with connect(port) as client:
        client.sendall(b"early")
        balancer.route({port: (servers().backend,)})
        assert client.recv(100) == b"early"


def test_a_connection_that_nobody_takes_is_closed_after_a_while(
    balancer: Balancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HOLD == 5.0
    monkeypatch.setattr("reconciler.manager.balancer.core.HOLD", 0.2)
    port = free_port()
    balancer.route({port: ()})
    with connect(port) as client:
        assert client.recv(100) == b""


def test_half_close_both_ways(balancer: Balancer, servers: Callable[..., Server]) -> None:
    def count(connection: socket.socket) -> None:
        total = 0
        while data := connection.recv(1 << 16):
            total += len(data)
        connection.sendall(str(total).encode())

    port = free_port()
    balancer.route({port: (servers(count).backend,)})
    with connect(port) as client:
        client.sendall(b"x" * 300_000)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b"300000"
        assert client.recv(100) == b""


def test_a_server_that_speaks_first_is_heard(balancer: Balancer, servers: Callable[..., Server]) -> None:
    port = free_port()
    balancer.route({port: (servers(lambda connection: connection.sendall(b"220 ready\r\n")).backend,)})
    for _ in range(20):
        with connect(port) as client:
            assert client.recv(100) == b"220 ready\r\n"


def test_a_reset_stays_a_reset(balancer: Balancer, servers: Callable[..., Server]) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"half")
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    port = free_port()
    balancer.route({port: (servers(reset).backend,)})
    with connect(port) as client:
        client.sendall(b"x")
        assert client.recv(4) == b"half"
        with pytest.raises(ConnectionResetError):
            client.recv(10)


def rss_kib() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def test_a_slow_reader_holds_the_sender_back_instead_of_filling_memory(
    balancer: Balancer, servers: Callable[..., Server]
) -> None:
    sent = [0]

    def flood(connection: socket.socket) -> None:
        block = b"x" * (1 << 20)
        for _ in range(64):
            connection.sendall(block)
            sent[0] += len(block)

    port = free_port()
    balancer.route({port: (servers(flood).backend,)})
    with connect(port) as client:
        before = rss_kib()
        assert client.recv(1) == b"x"
        last = -1
        while sent[0] != last:  # until the sender stands still
            last = sent[0]
            time.sleep(0.3)
        assert sent[0] < 32 << 20
        assert rss_kib() - before < 16 << 10
        got = 1
        while data := client.recv(1 << 20):
            got += len(data)
        assert got == 64 << 20


def test_many_connections_at_once(balancer: Balancer, servers: Callable[..., Server]) -> None:
    port = free_port()
    balancer.route({port: (servers().backend, servers().backend)})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(300)]
        for number, client in enumerate(clients):
            assert ask(client, str(number).encode()) == str(number).encode()


def test_a_port_in_use_is_named_and_taken_when_it_becomes_free(
    balancer: Balancer, servers: Callable[..., Server]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        balancer.route({port: (servers().backend,)})
        until(lambda: balancer.problems, "the problem is named")
        assert balancer.problems == {port: f"cannot listen on 127.0.0.1:{port}: Address already in use"}
    until(lambda: not balancer.problems, "the port is taken")
    with connect(port) as client:
        assert ask(client, b"x") == b"x"


def test_a_port_that_is_no_longer_published_refuses(balancer: Balancer, servers: Callable[..., Server]) -> None:
    port = free_port()
    balancer.route({port: (servers().backend,)})
    with connect(port) as client:
        ask(client, b"x")
        balancer.route({})

        def refused() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) != 0

        until(refused, "the listener is closed")
        assert ask(client, b"y") == b"y"  # what is open stays open


class Drained:
    def __init__(self, balancer: Balancer, task_id: str, limit: float) -> None:
        self.event = threading.Event()
        balancer.drain(task_id, limit, self.event.set)

    def wait(self) -> None:
        assert self.event.wait(15)


def test_a_drain_without_connections_is_done_at_once(balancer: Balancer) -> None:
    Drained(balancer, "nobody", 60).wait()


def test_a_drain_waits_for_a_call_under_way_and_new_connections_go_elsewhere(
    balancer: Balancer, servers: Callable[..., Server]
) -> None:
    go = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        go.wait(10)
        connection.sendall(b"cd")
        connection.recv(1000)

    old, new = servers(slow), servers()
    port = free_port()
    balancer.route({port: (old.backend,)})
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        until(lambda: old.accepted, "the call is under way")
        balancer.route({port: (new.backend,)})
        drained = Drained(balancer, old.backend.task_id, 60)
        with connect(port) as other:
            assert ask(other, b"elsewhere") == b"elsewhere"
        time.sleep(0.7)  # longer than an idle connection may stay
        assert not drained.event.is_set()
        go.set()
        got = b""
        while data := client.recv(1000):
            got += data
        assert got.endswith(b"\r\n\r\nabcd")
        drained.wait()
    assert (old.accepted, new.accepted) == (1, 1)


@pytest.mark.parametrize("speech", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PING\r\n"])
def test_a_drain_closes_what_is_idle_after_an_exchange(
    balancer: Balancer, servers: Callable[..., Server], speech: bytes
) -> None:
    def answer(connection: socket.socket) -> None:
        while connection.recv(1000):
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" if speech[:1] == b"G" else b"+PONG\r\n"
            )

    port = free_port()
    server = servers(answer)
    balancer.route({port: (server.backend,)})
    with connect(port) as client:
        client.sendall(speech)
        assert client.recv(1000)
        balancer.route({port: ()})
        drained = Drained(balancer, server.backend.task_id, 60)
        assert client.recv(1000) == b""
        drained.wait()


def test_a_drain_ends_at_its_limit_and_leaves_the_rest_open(balancer: Balancer, servers: Callable[..., Server]) -> None:
    port = free_port()
    server = servers()
    balancer.route({port: (server.backend,)})
    with connect(port) as client:
        ask(client, b"x")
        client.sendall(b"")
        balancer.route({port: ()})
        stop = threading.Event()

        def chat() -> None:
            while not stop.is_set():
                ask(client, b"y")
                time.sleep(0.01)

        thread = threading.Thread(target=chat)
        thread.start()
        Drained(balancer, server.backend.task_id, 0.8).wait()
        stop.set()
        thread.join()
        assert ask(client, b"still") == b"still"
