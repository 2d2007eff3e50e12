"""YAML text → calls of a handler, one for each event of PyYAML's parser: the C parser where it is there, else the slow
pure one.

``import yaml`` brings the whole package: constructors, representers, regular expressions, about 25 ms, which
is as long as ``docker stack config`` takes in all. The events need the extension and a few small modules only,
so the extension is imported under a bare package first. If that fails in any way the ordinary import is used.

The extension looks its event classes up by name, for each event. While a text is read these names are the handler's
methods: no event object is made only to be taken apart again, which would double the time of a parse.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from stackc.parse.nodes import Mark

    class Handler(Protocol):
        """Called with what PyYAML's event classes are called with. What a method raises goes through the parser."""

        def document_start(self, start: Mark, end: Mark, explicit: bool, version: object, tags: object) -> None: ...
        def stream_end(self, start: Mark, end: Mark) -> None: ...
        def alias(self, anchor: str, start: Mark, end: Mark) -> None: ...
        def scalar(
            self,
            anchor: str | None,
            tag: str | None,
            implicit: object,
            text: str,
            start: Mark,
            end: Mark,
            style: str | None,
        ) -> None: ...
        def sequence_start(
            self, anchor: str | None, tag: str | None, implicit: object, start: Mark, end: Mark, flow: object
        ) -> None: ...
        def mapping_start(
            self, anchor: str | None, tag: str | None, implicit: object, start: Mark, end: Mark, flow: object
        ) -> None: ...
        def collection_end(self, start: Mark, end: Mark) -> None: ...


_HEAVY = ("reader", "scanner", "parser", "composer", "constructor", "emitter", "serializer", "representer")
_LIGHT = ("error", "tokens", "events", "nodes")
_METHODS = {
    "DocumentStartEvent": "document_start",
    "StreamEndEvent": "stream_end",
    "AliasEvent": "alias",
    "ScalarEvent": "scalar",
    "SequenceStartEvent": "sequence_start",
    "MappingStartEvent": "mapping_start",
    "SequenceEndEvent": "collection_end",
    "MappingEndEvent": "collection_end",
}
_MARKS = ("start_mark", "end_mark")
_NODE = ("anchor", "tag", "implicit")
_ATTRIBUTES = {
    "DocumentStartEvent": (*_MARKS, "explicit", "version", "tags"),
    "StreamEndEvent": _MARKS,
    "AliasEvent": ("anchor", *_MARKS),
    "ScalarEvent": (*_NODE, "value", *_MARKS, "style"),
    "SequenceStartEvent": (*_NODE, *_MARKS, "flow_style"),
    "MappingStartEvent": (*_NODE, *_MARKS, "flow_style"),
    "SequenceEndEvent": _MARKS,
    "MappingEndEvent": _MARKS,
}
_parser: Any = None
_names: dict[type, dict[str, Any] | None] = {}
_lock = allocate_lock()
_preparing = allocate_lock()


def parser_for(text: str) -> Any:
    """An object with ``get_event()`` and ``dispose()``."""
    global _parser
    if _parser is None:
        with _preparing:
            _parser = _parser or _c_parser() or _pure_parser()
    return _parser(text)


def reading(text: str, handler: Handler) -> _Called | _Translated:
    """``with reading(text, handler) as step``: each call of ``step`` reads the next event. It raises what PyYAML raises
    on bad text, and what the handler raises."""
    parser = parser_for(text)
    kind = type(parser)
    if kind not in _names:
        with _preparing:  # several threads may read their first text at once
            if kind not in _names:
                _names[kind] = _names_of(kind)
    names = _names[kind]
    return _Translated(parser, handler) if names is None else _Called(parser, names, handler)


def _names_of(kind: Any) -> dict[str, Any] | None:
    """Where a parser looks its event classes up as it goes; None if it does not."""
    names = vars(sys.modules[kind.__module__])
    if not names.keys() >= _METHODS.keys():
        return None
    probe = _Probe()
    try:
        with _Called(kind("{a: [b], c: *d}"), names, probe) as step:
            for _ in range(12):
                step()
    except Exception:
        return None
    return names if probe.called == 10 else None


class _Probe:
    def __init__(self) -> None:
        self.called = 0

    def _call(self, *arguments: object) -> None:
        self.called += 1

    document_start = stream_end = alias = scalar = sequence_start = mapping_start = collection_end = _call


class _Called:
    """The handler's methods in the place of the event classes, for one text at a time."""

    def __init__(self, parser: Any, names: dict[str, Any], handler: Handler) -> None:
        self.parser = parser
        self.names = names
        self.methods = {name: getattr(handler, method) for name, method in _METHODS.items()}

    def __enter__(self) -> Callable[[], object]:
        _lock.acquire()
        self.classes = {name: self.names[name] for name in _METHODS}
        self.names.update(self.methods)
        step: Callable[[], object] = self.parser.get_event
        return step

    def __exit__(self, *error: object) -> None:
        self.names.update(self.classes)
        _lock.release()
        self.parser.dispose()


class _Translated:
    """Ordinary events, each taken apart for the handler."""

    def __init__(self, parser: Any, handler: Handler) -> None:
        self.parser = parser
        self.methods = {name: getattr(handler, method) for name, method in _METHODS.items()}

    def __enter__(self) -> Callable[[], object]:
        return self.step

    def step(self) -> None:
        event = self.parser.get_event()
        name = type(event).__name__
        if name in _METHODS:
            self.methods[name](*(getattr(event, one, None) for one in _ATTRIBUTES[name]))

    def __exit__(self, *error: object) -> None:
        self.parser.dispose()


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
    from _frozen_importlib_external import PathFinder

    module = type(sys)
    spec = PathFinder.find_spec("yaml")
    if spec is None or spec.submodule_search_locations is None:
        return None
    package = module("yaml")
    package.__path__ = spec.submodule_search_locations
    package.__spec__ = spec
    sys.modules["yaml"] = package
    try:
        for name in _LIGHT:
            setattr(package, name, __import__(f"yaml.{name}", fromlist=["_"]))
        error = sys.modules["yaml.error"].MarkedYAMLError
        for name in _HEAVY:
            stand_in = module(f"yaml.{name}")
            setattr(stand_in, f"{name.capitalize()}Error", type(f"{name.capitalize()}Error", (error,), {}))
            sys.modules[f"yaml.{name}"] = stand_in
            setattr(package, name, stand_in)
        reader_error = type("ReaderError", (sys.modules["yaml.error"].YAMLError,), {"__init__": _reader_error_init})
        sys.modules["yaml.reader"].ReaderError = reader_error  # type: ignore[attr-defined]
        return __import__("yaml._yaml", fromlist=["_"]).CParser
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
