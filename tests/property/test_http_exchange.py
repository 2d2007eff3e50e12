"""HTTP as it passes by the balancer: however the bytes are cut, they pass unchanged and the boundaries are seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manager.balancer.exchange import Exchange


@dataclass(frozen=True)
class Call:
    request: bytes
    response: bytes


def requests() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """(method, request)"""
    body = st.binary(max_size=60)
    plain = st.sampled_from([b"GET", b"HEAD", b"DELETE"]).map(
        lambda method: (method, method + b" /x HTTP/1.1\r\nHost: a\r\n\r\n")
    )
    sized = body.map(lambda b: (b"POST", b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(b) + b))
    chunked = body.map(lambda b: (b"PUT", b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + chunks(b)))
    return plain | sized | chunked


def chunks(body: bytes) -> bytes:
    parts = [body[at : at + 7] for at in range(0, len(body), 7)]
    return b"".join(b"%x;e=1\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\nTrailer: x\r\n\r\n"


@st.composite
def calls(draw: st.DrawFn) -> Call:
    method, request = draw(requests())
    body = draw(st.binary(max_size=60))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    kind = draw(st.sampled_from(["sized", "chunked", "none"]))
    keep = draw(st.sampled_from([b"", b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"]))
    if kind == "none":
        return Call(request, interim + b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n" + keep + b"\r\n")
    if kind == "sized":
        head, sent = b"Content-Length: %d\r\n" % len(body), body
    else:
        head, sent = b"Transfer-Encoding: chunked\r\n", chunks(body)
    return Call(
        request, interim + b"HTTP/1.1 200 OK\r\n" + head + keep + b"\r\n" + (b"" if method == b"HEAD" else sent)
    )


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


CUTS = st.lists(st.integers(0, 10**6), max_size=12)


@given(st.lists(calls(), min_size=1, max_size=4), CUTS, CUTS)
def test_calls_in_turn_pass_unchanged_and_every_end_is_a_boundary(
    made: list[Call], asked: list[int], answered: list[int]
) -> None:
    exchange = Exchange()
    assert exchange.at_boundary
    for call in made:
        for piece in pieces(call.request, asked):
            exchange.from_client(piece)
        assert not exchange.at_boundary
        for piece in pieces(call.response, answered):
            assert not exchange.at_boundary
            assert exchange.from_server(piece) == piece
        assert exchange.at_boundary
        assert not exchange.finished
        assert not exchange.opaque


@given(st.lists(calls(), min_size=1, max_size=4), CUTS)
def test_pipelined_calls_pass_unchanged(made: list[Call], cuts: list[int]) -> None:
    exchange = Exchange()
    for piece in pieces(b"".join(call.request for call in made), cuts):
        exchange.from_client(piece)
    sent = b"".join(call.response for call in made)
    assert b"".join(exchange.from_server(piece) for piece in pieces(sent, cuts)) == sent
    assert exchange.at_boundary


@given(calls(), calls(), CUTS)
def test_once_closing_the_next_response_says_so_and_is_the_last(first: Call, second: Call, cuts: list[int]) -> None:
    exchange = Exchange()
    exchange.from_client(first.request)
    exchange.from_server(first.response)
    exchange.closing = True
    exchange.from_client(second.request)
    sent = b"".join(exchange.from_server(piece) for piece in pieces(second.response + b"HTTP/1.1 500 late", cuts))
    assert exchange.finished
    keep = b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
    expected = second.response.replace(keep, b"")
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    prefix = interim if expected.startswith(interim) else b""
    head, end, body = expected[len(prefix) :].partition(b"\r\n\r\n")
    assert sent == prefix + head + b"\r\nConnection: close" + end + body


@given(st.binary(max_size=200), st.binary(max_size=200), CUTS, st.booleans())
def test_anything_else_passes_unchanged(asked: bytes, answered: bytes, cuts: list[int], closing: bool) -> None:
    exchange = Exchange()
    exchange.closing = closing
    for piece in pieces(asked, cuts):
        exchange.from_client(piece)
    sent = b"".join(exchange.from_server(piece) for piece in pieces(answered, cuts))
    if not answered.startswith(b"H"):  # what looks like HTTP may be held back for as long as it is incomplete
        assert sent == answered
