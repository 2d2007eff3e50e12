"""An operator's order to a running reconciler: one small file per stack in the state folder.

It waits there while the reconciler is down, and stays until it is answered, so that a ``kill -9`` loses no order.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = "orders"
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """``accept``: the id of a commit (or the beginning of one) that is wanted in spite of a force-push, or empty."""

    id: str
    accept: str = ""


def is_commit(text: str) -> bool:
    """At least 7 hex digits of a commit id."""
    return bool(_COMMIT.fullmatch(text))


def path(state: Path, stack: str) -> Path:
    return state / FOLDER / f"{stack}.json"


def give(state: Path, stack: str, accept: str = "") -> Order:
    """Leave an order for the reconciler of ``state``; one that was not taken yet is replaced. Raises OSError."""
    order = Order(os.urandom(8).hex(), accept)
    place = path(state, stack)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    new = place.with_suffix(".new")
    new.write_text(json.dumps({"id": order.id, "accept": order.accept}), encoding="ascii")
    new.replace(place)
    return order


def waiting(state: Path, stack: str) -> Order | None:
    """The order that waits, or None; what is not an order of ours is none."""
    try:
        record = json.loads(path(state, stack).read_text(encoding="ascii"))
        order = Order(record["id"], record["accept"])
        good = _ID.fullmatch(order.id) and (order.accept == "" or is_commit(order.accept))
        return order if good else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def done(state: Path, stack: str, order: Order) -> None:
    """Take the order away, unless another one came in the meantime."""
    if waiting(state, stack) == order:
        path(state, stack).unlink(missing_ok=True)
