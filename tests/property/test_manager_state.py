"""Whatever is written, and whatever fails: what is on disk is what the manager holds, and bodies have one form."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manager import bodies, gojson
from reconciler.manager.control import services as control
from reconciler.manager.control.refusal import Refused
from reconciler.manager.gojson import BodyError
from reconciler.manager.objects import Changes, Identity, State, apply
from reconciler.manager.store import Store, StoreError

TEXT = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


def keys(shape: Any) -> list[str]:
    """All field names of a shape, at any depth."""
    if isinstance(shape, gojson.ListOf):
        return keys(shape.item)
    if not isinstance(shape, gojson.Struct):
        return []
    return [name for field in shape.fields for name in (field.name, *keys(field.shape))]


KEYS = st.sampled_from(sorted(set(keys(bodies.SERVICE)))) | TEXT
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


def of_shape(shape: Any) -> st.SearchStrategy[Any]:
    """Values that mostly fit."""
    match shape:
        case gojson.Struct(fields=fields):
            return st.fixed_dictionaries({}, optional={field.name: of_shape(field.shape) for field in fields})
        case gojson.ListOf(item=item):
            return st.lists(of_shape(item), max_size=2)
        case gojson.MapOf():
            return st.dictionaries(TEXT, TEXT, max_size=2)
        case gojson.Number(low=low, high=high):
            return st.integers(max(low, -5), min(high, 5))
        case gojson.Flag():
            return st.booleans()
        case gojson.Real():
            return st.floats(0, 1)
        case _:
            return st.sampled_from(["", "any", "pause", "vip", "volume", "tcp"]) | st.none()


def read(value: Any) -> Any:
    return gojson.read(bodies.SERVICE, gojson.load(json.dumps(value).encode()))


@given(ANYTHING)
def test_any_json_is_a_spec_or_a_refusal(value: Any) -> None:
    try:
        found = read(value)
    except BodyError:
        return
    assert set(found) >= {"Name", "Labels", "TaskTemplate", "Mode"}


@given(of_shape(bodies.SERVICE))
def test_what_was_stored_is_stored_the_same_again(value: Any) -> None:
    """A client that sends back what it has read changes nothing."""
    try:
        found = read(value)
    except BodyError:
        return
    assert read(found) == found
    assert json.loads(json.dumps(found)) == found


@given(of_shape(bodies.SERVICE))
@settings(max_examples=50)
def test_any_spec_is_created_or_refused(value: Any) -> None:
    state = State(identity=Identity(cluster_id="c", node_id="n", created_at=0.0), index=1)
    try:
        spec = read(value)
        service = control.create_service(state, {**spec, "Name": "a"}, service_id="s", now=1.0)
        after, _ = apply(state, Changes(services=(service,)))
        control.update_service(after, after.services["s"], service.spec, version=2, now=2.0)
    except (BodyError, Refused):
        return


class Flaky(sqlite3.Connection):
    left = -1

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if Flaky.left == 0 and args[0] != "ROLLBACK":
            raise sqlite3.OperationalError("disk I/O error")
        Flaky.left -= Flaky.left > 0
        return super().execute(*args)


def flaky(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Flaky)


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["create", "update", "remove"]), st.integers(0, 3), st.integers(-1, 4)), max_size=12
)


@given(OPERATIONS)
@settings(max_examples=40)
def test_the_file_holds_what_was_acknowledged(operations: list[tuple[str, int, int]]) -> None:
    """``operations``: what, to which service, and after how many statements the disk fails (-1: not at all)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "state"
        store = Store.open(folder, connect=flaky)
        state = State(identity=Identity(cluster_id="c", node_id="n", created_at=0.0), index=1)
        store.create(state)
        try:
            for what, number, failing in operations:
                changes = _changes(state, what, f"s{number}")
                if not changes:
                    continue
                after, stamped = apply(state, changes)
                Flaky.left = failing
                try:
                    store.commit(stamped, after.index)
                    state = after
                except StoreError:
                    pass
                finally:
                    Flaky.left = -1
            assert store.load() == state
        finally:
            store.close()
        again = Store.open(folder)
        try:
            assert again.load() == state
        finally:
            again.close()


def _changes(state: State, what: str, name: str) -> Changes:
    spec = read({"Name": name, "TaskTemplate": {"ContainerSpec": {"Image": "i", "Env": [str(state.index)]}}})
    known = state.services.get(name)
    if what == "create" and known is None:
        return Changes(services=(control.create_service(state, spec, service_id=name, now=1.5),))
    if what == "update" and known is not None:
        return Changes(services=(control.update_service(state, known, spec, version=known.version, now=2.5),))
    return Changes(removed_services=(name,)) if what == "remove" and known is not None else Changes()
