"""Our JSON writers against those of the standard library."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackc.json_text import compact, indented, quoted

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
@example({"b": [{}, [], ()], "a": {"é\u2028\ud800\x7f": -0.0}})
def test_the_same_text_as_json_dumps(value: Any) -> None:
    assert indented(value) == json.dumps(value, indent=2, sort_keys=True)
    assert compact(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@given(st.text())
def test_a_string_alone(text: str) -> None:
    assert quoted(text) == json.dumps(text, ensure_ascii=False)


def test_a_subclass_of_str_is_a_string() -> None:
    class Word(str):
        __slots__ = ()

    assert indented({"a": Word("x")}) == json.dumps({"a": "x"}, indent=2)


@pytest.mark.parametrize("write", [compact, indented])
def test_what_json_has_no_form_for_is_refused(write: Any) -> None:
    with pytest.raises(TypeError):
        write({"a": {1, 2}})
