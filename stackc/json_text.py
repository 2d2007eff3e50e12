"""JSON as the ``json`` package writes it, by its C parts alone: the package compiles regular expressions and imports as
much as a compile of a small file needs in all. Keys are sorted. Pure.
"""

from __future__ import annotations

from stackc.hints import Any, Callable
from stackc.memo import Memo

_c: Any = None
try:
    _c = __import__("_json")
    quoted: Callable[[str], str] = _c.encode_basestring
    """A string between quotes; only quotes, backslashes and control characters are escaped."""
    _ascii: Callable[[str], str] = _c.encode_basestring_ascii
except (ImportError, AttributeError):  # another Python
    from json.encoder import py_encode_basestring as quoted
    from json.encoder import py_encode_basestring_ascii as _ascii


def compact(value: Any) -> str:
    """``dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)``. Raises TypeError."""
    try:
        encode = _c.make_encoder(None, _unknown, quoted, None, ":", ",", True, False, True)
        return "".join(encode(value, 0))
    except AttributeError:
        from json import dumps

        return dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def indented(value: Any) -> str:
    """``dumps(value, sort_keys=True, indent=2)``: ASCII only. Raises TypeError."""
    out: list[str] = []
    _Writer(out).write(value, "\n", "")
    return "".join(out)


class _Writer:
    def __init__(self, out: list[str]) -> None:
        self.out = out
        self.strings = Memo(_ascii)

    def write(self, value: Any, newline: str, lead: str) -> None:
        """``lead``: what stands before the value on its line; ``newline``: a line break and the indentation."""
        if not isinstance(value, (dict, list, tuple)):
            self.out.append(lead + (self.strings[value] if type(value) is str else _scalar(value)))
        elif isinstance(value, dict):
            self._mapping(value, newline, lead)
        else:
            self._list(value, newline, lead)

    def _mapping(self, value: dict[str, Any], newline: str, lead: str) -> None:
        if not value:
            self.out.append(lead + "{}")
            return
        add, strings, inner = self.out.append, self.strings, newline + "  "
        before = lead + "{" + inner
        for key in sorted(value):
            child = value[key]
            if type(child) is str:
                add(f"{before}{strings[key]}: {strings[child]}")
            else:
                self.write(child, inner, f"{before}{strings[key]}: ")
            before = "," + inner
        add(newline + "}")

    def _list(self, value: list[Any] | tuple[Any, ...], newline: str, lead: str) -> None:
        if not value:
            self.out.append(lead + "[]")
            return
        add, strings, inner = self.out.append, self.strings, newline + "  "
        before = lead + "[" + inner
        for child in value:
            if type(child) is str:
                add(before + strings[child])
            else:
                self.write(child, inner, before)
            before = "," + inner
        add(newline + "]")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _ascii(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        text = float.__repr__(value)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)
    return _unknown(value)


def _unknown(value: object) -> str:
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")
