"""Numbers in text as docker reads them: each row seen with docker 28.2.2 as memory, cpus or an interpolated ratio."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stackc.parse.numerals import parse_float, parse_rational
from stackc.parse.scalars import resolve


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("-1.5e+1", -15.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("010", 10.0),
        ("1_0", 10.0),
        ("0_1.1_5e1_0", 1.15e10),
        ("0x1p4", 16.0),
        ("0X1.8P+1", 3.0),
        ("0x_1p-1", 0.5),
        ("0x.8p1", 1.0),
        ("1e-400", 0.0),
        ("0e999999999999", 0.0),
    ],
)
def test_floats(text: str, number: float) -> None:
    assert parse_float(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "-", "1e", "1e+", "e1", "1 ", " 1", "1.2.3", "inf", "nan", "0x", "0x1", "0xp1", "0x1e2",
        "1p2", "0b1", "0o1", "_1", "1_", "1__0", "1_.5", "1._5", "1e_1", "1e1_", "0x1_p1", "１", "1e400",
        "+-1",
    ],
)  # fmt: skip
def test_what_is_no_float(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no number|is too large"):
        parse_float(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.5", "1/2"),
        ("-1.", "-1"),
        ("010", "10"),
        ("08.5", "17/2"),
        ("1e-3", "1/1000"),
        ("1e1_0", "10000000000"),
        ("0x1e2", "482"),
        ("0x1.8p1", "3"),
        ("0b1.1", "3/2"),
        ("0o7.4e1", "75"),
        ("1p-2", "1/4"),
        ("0x_f", "15"),
        ("1/4", "1/4"),
        ("-1/0x10", "-1/16"),
        ("010/8", "1"),
        ("0b1_1/0o17", "1/5"),
        ("0e99999", "0"),
    ],
)
def test_rationals(text: str, number: str) -> None:
    assert Fraction(*parse_rational(text)) == Fraction(number)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "1/", "/1", "1/0", "1/-2", "1/+2", "1.5/2", "1/2/3", "08/1", "1/08", "1 / 2", "0x", "0b2",
        "0xg", "1e", "1_", "_1", "1__0", "1e_1", "1e5000", "1e-5000", "١", "inf", "1/_2", "0_x1",
    ],
)  # fmt: skip
def test_what_is_no_rational(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no number|is too"):
        parse_rational(text)


def test_a_plain_scalar_that_starts_with_a_point_is_read_by_the_same_rule() -> None:
    assert [resolve(text) for text in (".5", ".5_0", ".5e1", "._5", ".5_", ".5e400", ".", "..")] == [
        0.5, 0.5, 5.0, "._5", ".5_", ".5e400", ".", "..",
    ]  # fmt: skip
