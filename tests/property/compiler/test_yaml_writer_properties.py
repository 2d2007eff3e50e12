"""The short ways of the YAML writer against the long ones that they stand for."""

from __future__ import annotations

from functools import cmp_to_key

from hypothesis import example, given
from hypothesis import strategies as st

from stackc.report.yaml import _analyse, _compare, _is_plain_ascii, natural

ALPHABETS = ["aBz_-.", "aB019_-.", "a01", "a1_é"]
NAMES = st.sampled_from(ALPHABETS).flatmap(lambda letters: st.lists(st.text(letters, max_size=8), unique=True))
PRINTABLE = st.text(alphabet=[chr(code) for code in range(0x20, 0x7F)], min_size=1, max_size=12)
TRICKY = st.text(alphabet=":#- ?.'\"ax0", min_size=1, max_size=6)


@given(NAMES)
def test_the_order_of_keys_is_that_of_the_comparison(names: list[str]) -> None:
    assert natural(names) == sorted(names, key=cmp_to_key(_compare))


def test_the_order_of_keys_by_example() -> None:
    names = ["a10", "a2", "a02", "a1b", "a1_", "a1", "a", "a_", "aB", "ab", "b", "_", "0"]
    assert natural(names) == ["_", "0", "a", "a_", "a1", "a1b", "a1_", "a2", "a02", "a10", "aB", "ab", "b"]


def test_a_number_of_many_digits_in_a_name_is_no_trouble() -> None:
    names = ["a" + "9" * 5000, "a" + "1" * 5001, "a1"]
    assert natural(names) == ["a1", "a" + "9" * 5000, "a" + "1" * 5001]
    assert natural([*names, "é"]) == ["a1", "a" + "9" * 5000, "a" + "1" * 5001, "é"]


@given(PRINTABLE | TRICKY)
@example(".")
@example("-")
@example("- x")
@example("?x")
@example("...x")
def test_printable_ascii_is_analysed_without_looking_at_each_character(text: str) -> None:
    look = _analyse(text)
    assert _is_plain_ascii(text) == look.plain
    assert look.single
    assert not look.breaks
