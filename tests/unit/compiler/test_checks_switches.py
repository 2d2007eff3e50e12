"""Comments that switch findings off: where they are seen, what they concern, and that text in values is none."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from stackc.checks import CHECKS
from stackc.codes import CODES
from stackc.compile import Compiled, compile_stack
from stackc.diagnostics import Severity
from stackc.disk import MemoryReader
from stackc.parse.lines import lines_of
from stackc.switches import comments

SWITCH = "# stackc: ignore SC4023 -- reason"


def compiled(text: str, **files: str) -> Compiled:
    reader = MemoryReader({"f.yml": text.encode(), **{f"{k}.yml": v.encode() for k, v in files.items()}})
    return compile_stack(["f.yml", *(f"{k}.yml" for k in files)], reader, stack="s", environment={})


def found(text: str, **files: str) -> tuple[list[str], list[str]]:
    """What is left and what is switched off: ``FILE:LINE CODE`` each."""
    result = compiled(text, **files)
    left = [f"{d.span.file[0]}:{d.span.line} {d.code}" if d.span else d.code for d in result.diagnostics]
    gone = [f"{s.diagnostic.span.line} {s.diagnostic.code}: {s.reason}" for s in result.suppressed if s.diagnostic.span]
    return left, gone


def test_a_switch_at_the_end_of_the_line_and_one_above_it() -> None:
    text = f"services:\n  a:\n    image: x  {SWITCH}\n  b:\n    {SWITCH}, twice\n    image: x\n"
    assert found(text) == ([], ["3 SC4023: reason", "6 SC4023: reason, twice"])


def test_a_switch_concerns_its_own_line_only() -> None:
    text = f"services:\n  a:\n    image: x\n    {SWITCH}\n  b: {{image: x:1}}\n"
    assert found(text) == (["f:3 SC4023", "f:4 SC4104"], [])
    distant = f"services:\n  {SWITCH}\n\n  b: {{image: x}}\n"
    assert found(distant) == (["f:2 SC4104", "f:4 SC4023"], [])


def test_every_finding_of_the_code_on_the_line_goes_and_no_other() -> None:
    text = f"services: {{a: {{image: x}}, b: {{image: y, labels: {{com.docker.stack.x: y}}}}}} {SWITCH}\n"
    assert found(text) == (["f:1 SC4052"], ["1 SC4023: reason", "1 SC4023: reason"])


def test_a_second_switch_for_the_same_is_of_no_use() -> None:
    text = f"services:\n  {SWITCH}\n  a: {{image: x}}  {SWITCH}\n"
    assert found(text) == (["f:3 SC4104"], ["3 SC4023: reason"])


def test_a_switch_stands_in_the_file_of_the_finding() -> None:
    base = "services: {a: {image: x}}\n"
    assert found(base, other=f"services: {{a: {{tty: true}}}}  {SWITCH}\n")[0] == ["f:1 SC4023", "o:1 SC4104"]
    assert found("services: {a: {tty: true}}\n", other=f"services: {{a: {{image: x}}}}  {SWITCH}\n")[0] == []


def test_errors_stay_and_hide_that_a_switch_is_unused() -> None:
    """What was reported as an error was left out of the checks: a switch in it may well find nothing."""
    text = "services:\n  a: {imag: x}  # stackc: ignore SC2001, SC4023 -- no\n  b: {image: y:1}  " + SWITCH + "\n"
    assert found(text)[0] == ["f:2 SC2001", "f:2 SC4103"]
    broken = f"services: {{a: {{image: x}}}} {SWITCH}\n]\n"
    assert found(broken)[0] == ["f:2 SC1005"]


def test_switches_in_what_a_profile_turns_off_are_not_called_unused() -> None:
    text = f"services:\n  a: {{image: x:1}}\n  b:\n    profiles: [p]\n    image: x  {SWITCH}\n    # end\n"
    assert found(text) == ([], [])
    flow = f"services:\n  {SWITCH}\n  b: {{image: x, profiles: [p]}}\n  a: {{image: x:1}}  {SWITCH}\n"
    assert found(flow) == (["f:4 SC4104"], [])


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("plain # stackc: x", True),
        ("plain# stackc: x", False),
        ("'a # stackc: x'", False),
        ("'a '' # stackc: x' # stackc: y", True),
        ('"a \\" # stackc: x"', False),
        ('"a # stackc: x" # stackc: y', True),
        ("[a, # stackc: x\n  b]", True),
        ("{a: '# stackc: x', b: c} # stackc: y", True),
        ("|\n  # stackc: x\n  b # stackc: x", False),
        ("| # stackc: x\n  text", True),
        (">-\n  # stackc: x\n\n# stackc: y", True),
        ("|\n  text\n # stackc: after a block", True),
        ("'one\n  # stackc: two\n  three'", False),
        ("plain\n  more # stackc: x", True),
        ("&a b # stackc: x", True),
        ("!!str # stackc: x\n  b", False),  # between a tag and its value: nobody writes that
        ("# stackc: x\n  b", True),
        ("a #not stackc: x", False),
        ("[a]# stackc: x", False),  # a comment has a blank before it
        ("a # see stackc: x", False),
        ("a #stackc: x", True),
        ("a\t#\tstackc: x", True),
        ("'äöü𝄞' # stackc: x", True),
        ("'äöü𝄞 # stackc: x'", False),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_where_a_comment_is_one(value: str, seen: bool, newline: str) -> None:
    text = f"a: {value}\nb: c\n".replace("\n", newline)
    assert [lines_of(text)[one.line - 1][one.column - 1] for one in comments(text)] == ["#"] * seen


STYLES: list[dict[str, Any]] = [{}, {"default_style": "'"}, {"default_style": '"'}, {"default_style": "|"}]
STYLES += [{"default_style": ">"}, {"default_flow_style": True}, {"width": 12}]
TEXTS = st.lists(st.sampled_from(["#", " ", "\n", "stackc:", "# stackc: ignore SC4023 -- x", "'", '"', "a", ":", "é"]))


@given(st.lists(TEXTS.map("".join), min_size=1, max_size=6), st.sampled_from(STYLES))
@example(["a\n# stackc: x", "# stackc: y"], {"default_style": "|"})
def test_no_value_is_taken_for_a_comment(values: list[str], style: dict[str, Any]) -> None:
    text = yaml.safe_dump({f"k{n} {value}"[:80]: value for n, value in enumerate(values)}, **style)
    assert comments(text) == []


@given(st.lists(TEXTS.map("".join), min_size=1, max_size=6), st.data())
def test_a_comment_behind_any_value_is_seen(values: list[str], data: st.DataObject) -> None:
    lines = yaml.safe_dump(values, default_style='"', width=1 << 20, allow_unicode=True).splitlines()
    assert len(lines) == len(values)
    chosen = data.draw(st.integers(0, len(values) - 1))
    lines[chosen] += f"  {SWITCH}"
    assert [(one.line, one.text) for one in comments("\n".join(lines) + "\n")] == [(chosen + 1, SWITCH)]


PIECES = st.lists(
    st.sampled_from([*"#|>'\"[]{}:,-?!&*%@ \n\t\r", "stackc:", "# stackc: ignore SC4023 -- x", "\x85", "é"])
)


@given(PIECES.map("".join))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    for one in comments(text):
        assert one.text.startswith("#")
        assert lines_of(text)[one.line - 1][one.column - 1 :] == one.text
    compile_stack(["f.yml"], MemoryReader({"f.yml": text.encode()}), stack="s", environment={})


def test_a_pile_of_switches_above_one_line_means_that_line() -> None:
    pile = "".join(f"  # stackc: ignore {code} -- reason\n" for code in ("SC4023", "SC4052", "SC4026"))
    text = f"services:\n{pile}  a: {{image: x, labels: {{com.docker.stack.x: y}}, stop_grace_period: 1ms}}\n"
    assert found(text) == ([], ["5 SC4023: reason", "5 SC4052: reason", "5 SC4026: reason"])
    thousands = "services:\n" + f"  {SWITCH}\n" * 20_000 + "  a: {image: x}\n"
    assert len(compiled(thousands).diagnostics) == 19_999


def test_only_warnings_have_a_switch_and_none_of_what_cannot_work() -> None:
    for code, meaning in CODES.items():
        assert not meaning.switchable or meaning.severity is Severity.WARNING, code
        assert not meaning.switchable or not code.startswith(("SC10", "SC11", "SC20", "SC41")), code
    assert not CODES["SC4033"].switchable
    assert sum(CODES[code].switchable for check in CHECKS for code in check.codes) > 15


def test_lines_are_counted_as_yaml_counts_them() -> None:
    text = "x-a: 1\r\r\n\x85\u2028\u2029services: {a: {image: [x]}}\n"
    (one,) = compiled(text).diagnostics
    assert one.span is not None
    assert "services" in lines_of(text)[one.span.line - 1]
    assert lines_of("") == [""]
