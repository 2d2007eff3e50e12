"""Budgets, typing and positions of the parser."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stackc.parse import Limits, parse
from stackc.parse.nodes import Mapping, MergeKey, Scalar, plain
from stackc.parse.scalars import Timestamp, go_float, resolve, rfc3339


def codes(text: str | bytes, limits: Limits | None = None) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    document, findings = parse("f.yml", data, limits) if limits else parse("f.yml", data)
    assert (document is None) == bool(findings)
    return [one.code for one in findings]


def bomb(levels: int, pattern: str, first: str) -> str:
    """Each line has nine times the line before."""
    lines = [f"l0: &l0 {first}"]
    for level in range(1, levels):
        lines.append(f"l{level}: &l{level} " + pattern.format(", ".join([f"*l{level - 1}"] * 9)))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "SC1010"),
        ("[" * 25_000 + "]" * 25_000, "SC1010"),
        ("- " * 50_000 + "x", "SC1010"),
        ("{a: " * 20_000, "SC1010"),
        ("".join(" " * depth + "a:\n" for depth in range(5_000)), "SC1010"),
        ("services: " + "[" * 80_000, "SC1010"),
        (bomb(8, "[{}]", "[x, x, x, x, x, x, x, x, x]"), "SC1012"),
        (bomb(9, "{{<<: [{}]}}", "{k: v}"), "SC1012"),
        ("".join(f"a{n}: &a{n} x\n" for n in range(20_000)), "SC1011"),
        ("a: &a [*a]", "SC1013"),
        ("a: " + "[x, " * 10 + "]" * 10, "SC1010"),
    ],
)
def test_hostile_files_are_refused_at_their_first_excess(text: str, code: str) -> None:
    assert codes(text, Limits(depth=8) if len(text) < 100 else None) == [code]


def test_a_file_of_megabytes_is_not_looked_at() -> None:
    assert codes(b"a" * 2000, Limits(bytes=1000)) == ["SC1003"]
    assert codes("a: " + "x, " * 300, Limits(nodes=100)) == []
    assert codes("a: [" + "x, " * 300 + "]", Limits(nodes=100)) == ["SC1011"]
    assert codes("a: [" + "{}, " * 300 + "]", Limits(nodes=100)) == ["SC1011"]
    assert codes("a: &a x\nb: [" + "*a, " * 300 + "]", Limits(nodes=100)) == ["SC1011"]


def test_many_uses_of_one_anchor_in_a_large_file_are_fine() -> None:
    services = "".join(f"s{n}: {{<<: *base, n: {n}}}\n" for n in range(3000))
    assert codes("base: &base {a: 1, b: [1, 2, 3], c: {d: e}}\n" + services) == []


def test_long_scalars_cost_nothing() -> None:
    assert codes("a: " + "9" * 300_000 + "\nb: 0x" + "f" * 100_000 + "\nc: " + "1:" * 50_000 + "1") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("1:30", "1:30"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("~", None),
        ("", None),
        ("null", None),
        ("0777", 511),
        ("0o17", 15),
        ("0O17", 15),
        ("0X1f", 31),
        ("0x_1", 1),
        ("0b11", 3),
        ("1_000", 1000),
        ("1__0", 10),
        ("_1", "_1"),
        ("08", 8.0),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        (".", "."),
        ("+", "+"),
        ("-", "-"),
        ("-0x1f", -31),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 1.8446744073709552e19),
        ("-9223372036854775809", -9.223372036854776e18),
        ("1e400", "1e400"),
        ("=", "="),
        ("2024-13-45", "2024-13-45"),
        ("2020-01-01", Timestamp("2020-01-01 00:00:00 +0000 UTC")),
        ("2001-1-2 3:4:5", Timestamp("2001-01-02 03:04:05 +0000 UTC")),
        ("2001-12-14t21:59:43.10-05:00", Timestamp("2001-12-14 21:59:43.1 -0500 -0500")),
        ("2001-12-14T21:59:43+99:99", "2001-12-14T21:59:43+99:99"),
        ("2001-12-14T21:59:43+24:60", Timestamp("2001-12-14 21:59:43 +2500 +2500")),
        ("2001-12-14T21:59:43+24:61", "2001-12-14T21:59:43+24:61"),
        ("2001-12-14T1:2:3,50Z", Timestamp("2001-12-14 01:02:03.5 +0000 UTC")),
        ("2001-12-14   1:2:3.1234567899", Timestamp("2001-12-14 01:02:03.123456789 +0000 UTC")),
        ("2001-12-14 1:2:3 Z", "2001-12-14 1:2:3 Z"),
        ("2001-12-14T24:00:00Z", "2001-12-14T24:00:00Z"),
        ("2001-12-14T1:2Z", "2001-12-14T1:2Z"),
        ("2001-12-14T1:2:3.Z", "2001-12-14T1:2:3.Z"),
        ("0000-02-29", Timestamp("0000-02-29 00:00:00 +0000 UTC")),
        ("1900-02-29", "1900-02-29"),
        ("2020-04-31", "2020-04-31"),
        ("2020-1-123", "2020-1-123"),
        ("0b-11", -3),
        ("0o+7", 7),
        ("0O+7", "0O+7"),
        ("-0o-7", "-0o-7"),
        ("0" * 100 + "17", 15),
        ("1" + "0" * 100, 1e100),
        ("<<", MergeKey("<<")),
    ],
)
def test_scalars_are_typed_as_docker_types_them(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e6, "1e+06"),
        (123456789.5, "1.234567895e+08"),
        (1.10, "1.1"),
        (100000.5, "100000.5"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (-0.5, "-0.5"),
        (8.0, "8"),
        (1e21, "1e+21"),
        (0.0, "0"),
        (1.8446744073709552e19, "1.8446744073709552e+19"),
    ],
)
def test_floats_print_as_in_go(number: float, text: str) -> None:
    assert go_float(number) == text


def test_every_key_and_value_knows_its_place() -> None:
    document, _ = parse("f.yml", "é: 1\nlist:\n  - one\n  - {k: 'two'}\nlast: |\n  text\n".encode())
    assert document is not None
    root = document.root
    assert str(root.key_span("list")) == "f.yml:2:1"
    entry = root.entries["list"]
    assert (entry.span.line, entry.span.column, entry.span.end_line) == (3, 3, 4)
    item = entry.items[1]  # type: ignore[attr-defined]
    assert isinstance(item, Mapping)
    assert item.span[1:] == (4, 5, 4, 15)
    two = item.entries["k"]
    assert isinstance(two, Scalar)
    assert two.span[1:] == (4, 9, 4, 14)


def test_explicit_keys_beat_merged_ones_and_earlier_merges_later_ones() -> None:
    text = 'a: &a {k: a, l: a}\nb: &b {k: b, m: b}\nx: {k: x, <<: [*a, *b]}\ny: {<<: *b, k: y}\nz: {"<<": 1}\n'
    document, _ = parse("f.yml", text.encode())
    assert document is not None
    assert plain(document.root) == {
        "a": {"k": "a", "l": "a"},
        "b": {"k": "b", "m": "b"},
        "x": {"k": "x", "l": "a", "m": "b"},
        "y": {"k": "y", "m": "b"},
        "z": {"<<": 1},
    }


def test_all_duplicate_keys_of_a_file_are_reported() -> None:
    document, findings = parse("f.yml", b"a: 1\nb: {c: 1, c: 2}\na: 3\n1: x\n")
    assert document is not None  # the first one counts, so that the rest of the file can be checked too
    assert list(document.root.entries) == ["a", "b"]
    assert [(one.code, one.span and one.span.line) for one in findings] == [("SC1008", 2), ("SC1008", 3), ("SC1009", 4)]
    assert findings[1].related[0].span.line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!foo 5", "5"),
        ("!foo ~", "~"),
        ("!reset x", "x"),
        ("! 5", 5),
        ("! '5'", "5"),
        ("!!str 5", "5"),
        ("!!str", ""),
        ("!!int '0x10'", 16),
        ("!!float 5", 5.0),
        ("!!null ''", None),
        ("!!binary aGk=", "hi"),
        ('!!binary "aG\\\n  k="', "hi"),
        ("!!foo 5", "5"),
        ("!!merge x", "x"),
    ],
)
def test_tags_of_scalars(text: str, value: object) -> None:
    document, findings = parse("f.yml", f"a: {text}\n".encode())
    assert document is not None
    assert findings == []
    assert plain(document.root) == {"a": value}


@pytest.mark.parametrize("text", ["!!int 5.0", "!!bool yes", "!!float x", "!!null x", "!!binary a", "!!binary gIGC"])
def test_values_that_do_not_fit_their_tag(text: str) -> None:
    assert [one.code for one in parse("f.yml", f"a: {text}\n".encode())[1]] == ["SC1015"]


def test_merge_keys_may_have_their_tag_and_no_other_key_may_have_one() -> None:
    document, _ = parse("f.yml", b"a: {!!merge <<: {b: 1}, !!merge '<<': {c: 1}}\n")
    assert document is not None
    assert plain(document.root) == {"a": {"b": 1}}
    assert codes("!!merge <<: {b: 1}\n!!str a: 1\n") == []
    for text in ("!foo a: 1", "!!binary aGk=: 1", "a: &a !foo x\nb: {*a : 1}"):
        assert [one.code for one in parse("f.yml", text.encode())[1]] == ["SC1009"]


def test_what_stands_after_the_first_document_is_not_read() -> None:
    for rest in ("---\nb: [", "...\nb: 1\n- c", "---\n" + "[" * 1000):
        document, findings = parse("f.yml", f"a: 1\n{rest}\n".encode())
        assert document is not None
        assert findings == []
        assert document.more is not None
        assert document.more.line in (2, 3)


def test_times_as_a_yaml_writer_of_go_writes_them() -> None:
    for text, written in (
        ("2020-1-2", "2020-01-02T00:00:00Z"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
    ):
        time = resolve(text)
        assert isinstance(time, Timestamp)
        assert rfc3339(time) == written


SCRIPT = """
import stackc.parse
document, findings = stackc.parse.parse("f", b"a: [1, x]")
assert not findings
import yaml
assert yaml.load("a: 1", yaml.CSafeLoader) == {"a": 1} == yaml.safe_load("a: 1")
for loader in (yaml.CSafeLoader, yaml.SafeLoader):
    try:
        yaml.load("a: [1", loader)
    except yaml.YAMLError as error:
        assert error.problem_mark.line <= 1, error
    else:
        raise SystemExit("accepted")
print("fine")
"""


def test_the_bare_import_leaves_the_yaml_package_usable() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "fine\n", done.stderr


def test_the_extension_is_what_parses_here_and_the_package_was_not_run() -> None:
    script = (
        "import sys, stackc.parse.events as e; e.parser_for('a'); print(e._parser, 'yaml.constructor' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "<class 'yaml._yaml.CParser'> False\n"
