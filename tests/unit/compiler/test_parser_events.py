"""How the parser's events reach the composer: straight from the extension, or taken apart; nothing is left behind."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stackc.parse import events, parse, parse_all
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain

TEXT = b"""\
a: &x {b: [1, "2", three], <<: {c: 3}}
d: *x
e: !odd 'quoted'
f: ! "5"
g: |
  block
? [h]
: !!int 7
---
second: ~
"""


def shape(node: Node) -> object:
    if isinstance(node, Mapping):
        return node.span, [(key, node.keys[key].span, shape(child)) for key, child in node.items()]
    if isinstance(node, Sequence):
        return node.span, [shape(child) for child in node.items]
    assert isinstance(node, Scalar)
    return node.span, node.text, repr(node.value)


def everything(data: bytes) -> object:
    first, findings = parse("f", data)
    all_, more = parse_all("f", data)
    assert first is not None
    assert all_ is not None
    return shape(first.root), first.tags, first.more, findings, [shape(one.root) for one in all_], more


@pytest.fixture
def extension() -> Any:
    events.parser_for("a")
    if events._parser.__module__ != "yaml._yaml":
        pytest.skip("PyYAML has no C extension here")
    return sys.modules["yaml._yaml"]


def test_a_parser_that_makes_events_gives_the_same_tree(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    called = everything(TEXT)
    assert events._names[events._parser] is not None, "this PyYAML is read the slow way"
    monkeypatch.setitem(events._names, events._parser, None)
    assert everything(TEXT) == called


@pytest.mark.parametrize("text", [TEXT, b"a: [", b"a: *b", b"", b"[" * 100, b"\x01"])
def test_the_event_classes_are_back_whatever_the_text(extension: Any, text: bytes) -> None:
    before = {name: getattr(extension, name) for name in events._METHODS}
    parse("f", text)
    assert {name: getattr(extension, name) for name in events._METHODS} == before
    assert all(isinstance(one, type) for one in before.values())


def test_texts_read_at_the_same_time_do_not_mix() -> None:
    texts = [b"".join(b"k%d: [v%d, w%d]\n" % (at, number, at) for at in range(400)) for number in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda text: parse("f", text)[0], texts * 4))
    finally:
        sys.setswitchinterval(before)
    for number, document in enumerate(found):
        assert document is not None
        wanted = {f"k{at}": [f"v{number % 8}", f"w{at}"] for at in range(400)}
        assert plain(document.root) == wanted
