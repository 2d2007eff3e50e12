"""The schema document, read once. The only file that the compiler itself brings along."""

from __future__ import annotations

from typing import Any

_document: dict[str, Any] | None = None


def schema_document() -> dict[str, Any]:
    """``schemas/stack.schema.json``: from the installed package, else from the source tree beside it."""
    global _document
    if _document is None:
        _document = _loads(_text("stack.schema.json"))
    return _document


def _loads(text: str) -> Any:
    """``json.loads`` by its C scanner alone: the package compiles regular expressions for 3 ms that this needs not."""
    from importlib import import_module
    from types import SimpleNamespace

    settings = {"strict": True, "object_hook": None, "object_pairs_hook": None, "parse_constant": float}
    try:
        make_scanner: Any = import_module("_json").make_scanner
        scan = make_scanner(SimpleNamespace(**settings, parse_float=float, parse_int=int, memo={}))
        return scan(text, 0)[0]
    except (ImportError, AttributeError, TypeError):  # another Python
        from json import loads

        return loads(text)


def _text(name: str) -> str:
    from stackc.disk import package_text

    return package_text(name)
