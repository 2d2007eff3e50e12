"""The parser: whatever comes in, a tree or located findings come out."""

from __future__ import annotations

import math
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackc.parse import Limits, events, parse
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain
from stackc.parse.scalars import resolve
from stackc.report.yaml import dump

SMALL = Limits(bytes=4096, depth=8, nodes=200, expanded=400, anchors=10, alias_growth=50)
_MARKS = "[]{}:,-?&*!|>'\"%@`# \n\ta1\x00\x07\ufeff\x85\u2028"
_WORDS = [
    "a:",
    "-",
    "<<:",
    "&x",
    "*x",
    "!!str",
    "!!int",
    "!foo",
    "0o17",
    "08",
    "22:22",
    "2020-01-01",
    "1e400",
    "~",
    "\\ud800",
    "é",
]
PIECES = st.lists(st.sampled_from([*_MARKS, *(f"{word} " for word in _WORDS), "---\n", "...\n"]), max_size=60).map(
    "".join
)


@given(
    st.one_of(PIECES.map(lambda text: text.encode()), st.binary(max_size=200), st.text(max_size=200).map(str.encode))
)
def test_any_bytes_give_a_tree_or_located_errors(data: bytes) -> None:
    document, findings = parse("f", data, SMALL)
    assert document is not None or findings
    for one in findings:
        assert one.span is not None
        assert one.span.line >= 1
        assert one.span.column >= 1


def nodes(node: Node) -> list[Node]:
    found = [node]
    if isinstance(node, Mapping):
        for key, child in node.items():
            found += [node.keys[key], *nodes(child)]
    elif isinstance(node, Sequence):
        for child in node.items:
            found += nodes(child)
    return found


@given(PIECES)
def test_every_node_stands_inside_the_text(text: str) -> None:
    document, _ = parse("f", text.encode(), SMALL)
    if document is None:
        return
    lines = text.count("\n") + text.count("\x85") + text.count("\u2028") + 1
    for node in nodes(document.root):
        span = node.span
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert span.end_line <= lines + 1


# go-yaml loses a line break at the start of a string, and indents after a separator of lines or paragraphs: so do we
LOST = "\u2028\u2029"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=LOST), max_size=20).map(
    lambda text: text.lstrip("\n")
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=LOST), min_size=1, max_size=8).filter(
    lambda text: text[0] != "\n"
)

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
        st.sampled_from(["yes", "y", "0777", "22:22", "1e3", "a: b", "- x", "#", " lead", "trail ", "a\nb\n", "|"]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.just(""), inner, max_size=4),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(other, (int, float)) and math.isclose(float(one), float(other), rel_tol=1e-15)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_what_we_write_reads_back_as_the_same(value: dict[str, Any]) -> None:
    document, findings = parse("f", dump(value).encode())
    assert findings == []
    assert document is not None
    assert same(value, plain(document.root))


@given(PIECES)
def test_the_pure_parser_gives_the_same_tree(text: str) -> None:
    """Where the C extension is missing only the wording of syntax errors may differ."""
    fast, _ = parse("f", text.encode(), SMALL)
    events.parser_for("a")
    kept, events._parser = events._parser, events._pure_parser()
    try:
        slow, _ = parse("f", text.encode(), SMALL)
    finally:
        events._parser = kept
    if fast is not None and slow is not None:
        assert shape(fast.root) == shape(slow.root)


def shape(node: Node) -> object:
    if isinstance(node, Mapping):
        return [(key, node.keys[key].span[:3], shape(child)) for key, child in node.items()]
    if isinstance(node, Sequence):
        return [shape(child) for child in node.items]
    assert isinstance(node, Scalar)
    return node.text, repr(node.value), node.span[:3]


@given(st.text(st.sampled_from("0123456789_+-.eExobXOB:abcdef"), min_size=1, max_size=12))
def test_typing_a_scalar_never_fails_and_agrees_with_yaml_on_plain_decimals(text: str) -> None:
    value = resolve(text)
    if text.isdigit() and (text[0] != "0" or text == "0"):
        assert value == int(text) == yaml.safe_load(text)
    if isinstance(value, int):
        assert -(2**63) <= value < 2**64
