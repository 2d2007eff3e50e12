"""The schema document, read once. The only file that the compiler itself brings along."""

from __future__ import annotations

from stackc.hints import Any

_document: dict[str, Any] | None = None


def schema_document() -> dict[str, Any]:
    """``schemas/stack.schema.json``: from the installed package, else from the source tree beside it."""
    global _document
    if _document is None:
        _document = _loads(_text("stack.schema.json"))
    return _document


def _loads(text: str) -> Any:
    """``json.loads`` by its C scanner alone: the package compiles regular expressions for 3 ms that this needs not."""
    try:
        make_scanner: Any = __import__("_json").make_scanner
        return make_scanner(_Settings)(text, 0)[0]
    except (ImportError, AttributeError, TypeError):  # another Python
        from json import loads

        return loads(text)


class _Settings:
    strict, object_hook, object_pairs_hook, memo = True, None, None, dict[str, str]()
    parse_float = parse_constant = float
    parse_int = int


def _text(name: str) -> str:
    from stackc.disk import package_text

    return package_text(name)
