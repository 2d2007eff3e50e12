"""Single cases of HTTP passing the balancer."""

from __future__ import annotations

import pytest

from reconciler.manager.balancer.exchange import LONGEST_HEAD, Exchange

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def answered(response: bytes, request: bytes = GET, *, closing: bool = False) -> tuple[Exchange, bytes]:
    exchange = Exchange()
    exchange.closing = closing
    exchange.from_client(request)
    return exchange, exchange.from_server(response)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\n\r\nup to the end",  # its end is the connection's
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",  # bare line ends
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * LONGEST_HEAD,
    ],
)
@pytest.mark.parametrize("closing", [False, True])
def test_what_cannot_be_followed_is_opaque_and_loses_no_byte(response: bytes, closing: bool) -> None:
    exchange, sent = answered(response, closing=closing)
    assert exchange.opaque
    assert not exchange.at_boundary
    assert sent.replace(b"\r\nConnection: close", b"") == response


@pytest.mark.parametrize(
    "request_",
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02", b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"PING\r\n\r\n"],
)
def test_clients_that_speak_something_else(request_: bytes) -> None:
    exchange = Exchange()
    exchange.from_client(request_)
    assert exchange.opaque
    assert exchange.from_server(b"+PONG\r\n") == b"+PONG\r\n"


def test_a_server_that_speaks_first_is_opaque() -> None:
    exchange = Exchange()
    assert exchange.from_server(b"220 smtp ready\r\n") == b"220 smtp ready\r\n"
    assert exchange.opaque


def test_a_pause_inside_a_response_is_no_boundary() -> None:
    exchange, _ = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
    assert not exchange.at_boundary
    exchange.from_server(b"de")
    assert exchange.at_boundary


def test_a_response_that_began_before_the_drain_ends_as_it_began() -> None:
    exchange, sent = answered(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.closing = True
    sent += exchange.from_server(b"ngth: 1\r\n\r\nx")
    assert sent == b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    assert not exchange.finished
    assert exchange.at_boundary
