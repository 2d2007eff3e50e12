"""The schema document, read once. The only file that the compiler itself brings along."""

from __future__ import annotations

from typing import Any

_document: dict[str, Any] | None = None


def schema_document() -> dict[str, Any]:
    """``schemas/stack.schema.json``: from the installed package, else from the source tree beside it."""
    global _document
    if _document is None:
        from json import loads

        _document = loads(_text("stack.schema.json"))
    return _document


def _text(name: str) -> str:
    from stackc.disk import package_text

    return package_text(name)
