"""YAML text → parser events. The C parser of PyYAML where it is there, else the slow pure one: same events.

``import yaml`` brings the whole package: constructors, representers, regular expressions, about 25 ms, which
is as long as ``docker stack config`` takes in all. The events need the extension and a few small modules only,
so the extension is imported under a bare package first. If that fails in any way the ordinary import is used.
"""

from __future__ import annotations

import sys
from typing import Any

_HEAVY = ("reader", "scanner", "parser", "composer", "constructor", "emitter", "serializer", "representer")
_LIGHT = ("error", "tokens", "events", "nodes")
_parser: Any = None


def parser_for(text: str) -> Any:
    """An object with ``get_event()`` and ``dispose()``."""
    global _parser
    if _parser is None:
        _parser = _c_parser() or _pure_parser()
    return _parser(text)


def _c_parser() -> Any:
    if "yaml" not in sys.modules:
        try:
            return _bare_c_parser()
        except Exception:  # noqa: S110  (any surprise: the ordinary import below decides)
            pass
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    except ImportError:
        return None
    return CParser


def _bare_c_parser() -> Any:
    """Import ``yaml._yaml`` without running ``yaml/__init__``.

    The light modules stay in ``sys.modules``, so that a later ``import yaml`` finds the very same event and
    error classes: its C loaders then raise subclasses of ``yaml.YAMLError``, though not ``yaml.scanner.ScannerError``.
    """
    from importlib import import_module
    from importlib.machinery import PathFinder
    from types import ModuleType

    spec = PathFinder.find_spec("yaml")
    if spec is None or spec.submodule_search_locations is None:
        return None
    package = ModuleType("yaml")
    package.__path__ = spec.submodule_search_locations
    package.__spec__ = spec
    sys.modules["yaml"] = package
    try:
        for name in _LIGHT:
            setattr(package, name, import_module(f"yaml.{name}"))
        error = sys.modules["yaml.error"].MarkedYAMLError
        for name in _HEAVY:
            stand_in = ModuleType(f"yaml.{name}")
            setattr(stand_in, f"{name.capitalize()}Error", type(f"{name.capitalize()}Error", (error,), {}))
            sys.modules[f"yaml.{name}"] = stand_in
            setattr(package, name, stand_in)
        reader_error = type("ReaderError", (sys.modules["yaml.error"].YAMLError,), {"__init__": _reader_error_init})
        sys.modules["yaml.reader"].ReaderError = reader_error  # type: ignore[attr-defined]
        return import_module("yaml._yaml").CParser
    finally:
        for name in ("yaml", *(f"yaml.{name}" for name in _HEAVY)):
            sys.modules.pop(name, None)


def _reader_error_init(self: Any, name: str, position: int, character: Any, encoding: str, reason: str) -> None:
    self.position, self.character, self.reason = position, character, reason


def _pure_parser() -> Any:
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PureParser
