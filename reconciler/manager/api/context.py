"""What a handler is given, and the answers most of them give."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from reconciler.manager import gojson
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control.refusal import Refused
from reconciler.manager.daemon import Manager

API_VERSION = "1.41"
MIN_API_VERSION = "1.12"
JSON_TYPE = (("Content-Type", "application/json"),)


class Context(NamedTuple):
    """``version``: of stackc; ``root``: the manager's state folder, for ``info``."""

    manager: Manager
    version: str
    root: str


def answer(value: Any, status: int = 200) -> Response:
    return Response(status, encode(value), JSON_TYPE)


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def body(request: Request, shape: gojson.Struct) -> gojson.Json:
    """The request's body, read by its shape. Raises BodyError."""
    return gojson.read(shape, gojson.load(request.body))


def version_of(request: Request, kind: str) -> int:
    """The ``version`` of an update call. Raises Refused."""
    text = request.query.get("version", "")
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    raise Refused(400, f"invalid {kind} version")
