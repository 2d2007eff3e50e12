"""Objects to JSON and back. A field that an older file lacks gets its default; one it has too many is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

from reconciler.manager.model import Node, Service, Task, TaskState, TaskStatus, UpdateStatus
from reconciler.manager.objects import Config, Network, Secret

_Object = TypeVar("_Object")

BLOBS: dict[type, str] = {Config: "data", Secret: "sealed"}
"""The field that is kept beside the JSON, as bytes."""


def to_json(one: Any) -> str:
    """The row's JSON of an object, without its blob."""
    skipped = BLOBS.get(type(one))
    return json.dumps(_plain(one, skipped), ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[_Object], text: str, blob: bytes | None = None) -> _Object:
    """The object of a row. Raises ValueError, TypeError or KeyError if the row is not one of ours."""
    values = json.loads(text)
    if blob is not None:
        values[BLOBS[kind]] = blob
    return _build(kind, values)


def _plain(one: Any, skipped: str | None = None) -> dict[str, Any]:
    return {name: _plain_value(getattr(one, name)) for name in type(one).__dataclass_fields__ if name != skipped}


def _plain_value(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, TaskStatus | UpdateStatus):
        return _plain(value)
    if isinstance(value, tuple):
        return list(value)
    return value


_READ: dict[tuple[type, str], Callable[[Any], Any]] = {
    (TaskStatus, "state"): TaskState,
    (Task, "desired"): TaskState,
    (Task, "status"): lambda value: _build(TaskStatus, value),
    (Service, "update_status"): lambda value: None if value is None else _build(UpdateStatus, value),
    (Service, "ports"): tuple,
}


def _build(kind: type[_Object], values: dict[str, Any]) -> _Object:
    return kind(
        **{name: _READ[kind, name](value) if (kind, name) in _READ else value for name, value in values.items()}
    )


KINDS: dict[str, type] = {
    "services": Service,
    "tasks": Task,
    "nodes": Node,
    "networks": Network,
    "configs": Config,
    "secrets": Secret,
}
"""Table (and field of State) → the objects in it."""
