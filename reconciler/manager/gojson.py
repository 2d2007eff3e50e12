"""JSON bodies read as the engine reads them: into Go structs.

The engine decodes a body with Go's encoding/json and keeps what its structs know. So keys match in any case,
unknown keys are dropped, a wrong type is an error with a fixed text, and what was absent stays absent. The shapes
below say the same declaratively; ``read`` returns a fresh, canonically ordered value that shares nothing with
its input.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, NamedTuple

Json = dict[str, Any]


class BodyError(ValueError):
    """The body does not fit its shape; ``str()`` is the engine's text."""


class Keep:
    """When a field is written again by the engine: Go's omitempty and pointer fields, after the protobuf round trip."""

    NONZERO = "nonzero"  # omitempty: a zero value is as good as absent
    PRESENT = "present"  # a pointer: zero is a value, null is absence
    FILLED = "filled"  # a struct that is as good as absent while it is empty
    ALWAYS = "always"  # no omitempty: written even when it was absent


class Text(NamedTuple):
    """A string; ``check`` maps it to its stored form or raises BodyError (enums)."""

    check: Callable[[str], str] | None = None
    go: str = "string"


class Number(NamedTuple):
    """An integer of a Go type: ``uint64``, ``int64``, ``time.Duration`` …"""

    go: str
    low: int
    high: int


class Real(NamedTuple):
    go: str = "float32"


class Flag(NamedTuple):
    go: str = "bool"


class Data(NamedTuple):
    """Base64 text, as []byte is in JSON."""

    go: str = "[]uint8"


class ListOf(NamedTuple):
    item: Shape
    go: str = ""


class MapOf(NamedTuple):
    """map[string]string"""

    go: str = "map[string]string"


class Field(NamedTuple):
    name: str
    shape: Shape
    keep: str = Keep.NONZERO
    zero: Any = None  # what an ALWAYS field is when it was absent


class Struct(NamedTuple):
    name: str
    fields: tuple[Field, ...]


Shape = Text | Number | Real | Flag | Data | ListOf | MapOf | Struct

UINT64 = Number("uint64", 0, 2**64 - 1)
INT64 = Number("int64", -(2**63), 2**63 - 1)
UINT32 = Number("uint32", 0, 2**32 - 1)
DURATION = Number("time.Duration", -(2**63), 2**63 - 1)
INT = Number("int", -(2**63), 2**63 - 1)


def load(body: bytes) -> Any:
    """The JSON value of a request body. Raises BodyError with the engine's text for none and for broken JSON."""
    text = body.decode("utf-8", "replace")
    if not text.strip():
        raise BodyError("got EOF while reading request body")
    try:
        value, end = _DECODER.raw_decode(text.lstrip())
    except RecursionError:
        raise BodyError("exceeded max depth") from None
    except ValueError as error:
        raise BodyError(_syntax_error(str(error), text)) from None
    del end  # like the engine, read one value and leave the rest
    return value


def read(shape: Struct, value: Any) -> Json:
    """``value`` as the engine would store it. ``null`` is an empty struct, as in Go. Raises BodyError."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BodyError(f"json: cannot unmarshal {_go_kind(value)} into Go value of type swarm.{shape.name}")
    return _struct(shape, value, "")


def _struct(shape: Struct, value: Json, path: str) -> Json:
    given = {key.casefold(): key for key in value}  # in any case; of several, the last one counts
    result: Json = {}
    for field in shape.fields:
        key = given.get(field.name.casefold())
        raw = None if key is None else value[key]
        if raw is None:
            if field.keep == Keep.ALWAYS:
                result[field.name] = _absent(field)
            continue
        where = f"{path}.{field.name}" if path else field.name
        read_value = _value(field.shape, raw, shape.name, where)
        if field.keep == Keep.NONZERO and not isinstance(field.shape, Struct) and not read_value:
            continue
        if field.keep == Keep.FILLED and not read_value:
            continue
        result[field.name] = read_value
    return result


def _absent(field: Field) -> Any:
    if field.zero == {} and isinstance(field.shape, Struct):
        return _struct(field.shape, {}, "")
    return {} if field.zero == {} else field.zero


def _value(shape: Shape, raw: Any, owner: str, path: str) -> Any:
    match shape:
        case Struct():
            if not isinstance(raw, dict):
                raise _mismatch(raw, owner, path, f"swarm.{shape.name}")
            return _struct(shape, raw, path)
        case ListOf():
            if not isinstance(raw, list):
                raise _mismatch(raw, owner, path, shape.go or "[]" + _go_name(shape.item))
            return [_item(shape.item, item, owner, path) for item in raw]
        case MapOf():
            return _string_map(raw, owner, path)
        case _:
            return _scalar(shape, raw, owner, path)


def _item(shape: Shape, raw: Any, owner: str, path: str) -> Any:
    if raw is None:
        raw = {} if isinstance(shape, Struct) else ""
    return _value(shape, raw, owner, path)


def _string_map(raw: Any, owner: str, path: str) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise _mismatch(raw, owner, path, "map[string]string")
    result: dict[str, str] = {}
    for key, value in raw.items():
        if value is not None and not isinstance(value, str):
            raise _mismatch(value, owner, path, "string")
        result[_text(key)] = _text(value or "")
    return result


def _scalar(shape: Text | Number | Real | Flag | Data, raw: Any, owner: str, path: str) -> Any:
    match shape:
        case Text(check=check) if isinstance(raw, str):
            return check(_text(raw)) if check else _text(raw)
        case Number(low=low, high=high) if _is_number(raw):
            if isinstance(raw, float) or not low <= raw <= high:
                raise BodyError(
                    f"json: cannot unmarshal number {raw} into Go struct field {owner}.{path} of type {shape.go}"
                )
            return raw
        case Real() if _is_number(raw):
            return raw
        case Flag() if isinstance(raw, bool):
            return raw
        case Data() if isinstance(raw, str):
            return _base64(raw)
    raise _mismatch(raw, owner, path, shape.go)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
        position = next((i for i, letter in enumerate(text) if letter not in alphabet), len(text))
        raise BodyError(f"illegal base64 data at input byte {position}") from None


def _text(text: str) -> str:
    """A lone surrogate (``\\ud800``) becomes U+FFFD, as in Go; nothing else can be stored or sent again."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def _go_kind(raw: Any) -> str:
    if isinstance(raw, bool):
        return "bool"
    if isinstance(raw, str):
        return "string"
    if isinstance(raw, list):
        return "array"
    if isinstance(raw, dict):
        return "object"
    return "number"


def _go_name(shape: Shape) -> str:
    return f"swarm.{shape.name}" if isinstance(shape, Struct) else getattr(shape, "go", "string")


def _mismatch(raw: Any, owner: str, path: str, go: str) -> BodyError:
    return BodyError(f"json: cannot unmarshal {_go_kind(raw)} into Go struct field {owner}.{path} of type {go}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"invalid character '{name[:1]}' looking for beginning of value")


def _syntax_error(python_text: str, text: str) -> str:
    if python_text.startswith("invalid character"):
        return python_text
    stripped = text.strip()
    try:
        position = int(python_text.rsplit("char ", 1)[1].rstrip(")"))
    except (IndexError, ValueError):
        return "invalid JSON"
    if position >= len(stripped):
        return "unexpected EOF"
    letter = stripped[position]
    if "property name" in python_text:
        return f"invalid character {letter!r} looking for beginning of object key string"
    if "Unterminated" in python_text:
        return "unexpected EOF"
    return f"invalid character {letter!r} looking for beginning of value"


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
