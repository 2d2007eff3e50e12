"""What is acknowledged is on disk, what is not was not changed, and nothing unreadable is started with."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from served_manager import Served, service_spec

from reconciler.manager.foreground import load_state
from reconciler.manager.ids import SystemChoices
from reconciler.manager.model import Service, Task, TaskState, TaskStatus, UpdateStatus
from reconciler.manager.objects import Changes, Config, Secret, apply
from reconciler.manager.store import Store, StoreError
from reconciler.manager.store.database import connect

SPEC = service_spec("web")


def fresh(folder: Path) -> tuple[Store, Any]:
    store = Store.open(folder)
    return store, load_state(store, SystemChoices(), address="127.0.0.1", now=1.0)


def some_changes(store: Store) -> Changes:
    task = Task(
        id="t1", service_id="s1", service_name="web", service_labels={"a": "ü"}, slot=1, node_id="n",
        spec=SPEC["TaskTemplate"],
        endpoint={}, spec_version=3, desired=TaskState.RUNNING, created_at=1.5, updated_at=2.25,
        status=TaskStatus(state=TaskState.STARTING, timestamp=2.25, message="m", err="e", exit_code=3, pid=7),
    )  # fmt: skip
    service = Service(
        id="s1", spec=SPEC, spec_version=3, version=0, created_at=1.0, updated_at=2.0, previous_spec=SPEC,
        previous_spec_version=2, update_status=UpdateStatus(state="updating", started_at=1.0, message="x"),
        ports=({"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 30000, "PublishMode": "ingress"},),
    )  # fmt: skip
    config = Config(id="c1", spec={"Name": "c", "Labels": {}}, data=b"\0plain", created_at=1.0, updated_at=1.0)
    sealed = store.sealer.seal("x1", b"the-secret-canary")
    secret = Secret(id="x1", spec={"Name": "x", "Labels": {}}, sealed=sealed, created_at=1.0, updated_at=1.0)
    return Changes(services=(service,), tasks=(task,), configs=(config,), secrets=(secret,))


def open_and_load(folder: Path) -> None:
    store = Store.open(folder)
    try:
        store.load()
    finally:
        store.close()


def test_everything_comes_back(folder: Path) -> None:
    store, state = fresh(folder)
    after, stamped = apply(state, some_changes(store))
    store.commit(stamped, after.index)
    store.close()
    again = Store.open(folder)
    try:
        assert again.load() == after
        assert after.tasks["t1"].version == after.services["s1"].version == after.index == state.index + 1
        assert again.sealer.open("x1", after.secrets["x1"].sealed) == b"the-secret-canary"
    finally:
        again.close()


def test_removed_objects_stay_away_and_the_index_goes_on(folder: Path) -> None:
    store, state = fresh(folder)
    state, stamped = apply(state, some_changes(store))
    store.commit(stamped, state.index)
    state, stamped = apply(state, Changes(removed_services=("s1",), removed_tasks=("t1",), removed_secrets=("x1",)))
    store.commit(stamped, state.index)
    store.close()
    again = Store.open(folder)
    try:
        assert again.load() == state
        assert [len(state.services), len(state.tasks), len(state.secrets)] == [0, 0, 0]
        assert state.configs
    finally:
        again.close()


def test_secrets_are_sealed_and_files_are_private(folder: Path) -> None:
    store, state = fresh(folder)
    after, stamped = apply(state, some_changes(store))
    store.commit(stamped, after.index)
    files = [path for path in folder.iterdir() if path.is_file()]
    assert any(b"plain" in path.read_bytes() for path in files)
    assert not any(b"canary" in path.read_bytes() for path in files)
    store.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_sealed_secret_belongs_to_its_id(folder: Path) -> None:
    store, _ = fresh(folder)
    try:
        with pytest.raises(ValueError, match="cannot be decrypted"):
            store.sealer.open("other", store.sealer.seal("x1", b"data"))
    finally:
        store.close()


def test_a_second_manager_is_refused_with_the_pid_of_the_first(folder: Path) -> None:
    store, _ = fresh(folder)
    try:
        with pytest.raises(StoreError, match=rf"in use by another manager \(pid {os.getpid()}\)"):
            Store.open(folder)
    finally:
        store.close()
    Store.open(folder).close()


@pytest.mark.parametrize("damage", ["garbage", "middle", "row", "schema"])
def test_a_damaged_file_is_refused_by_name(folder: Path, damage: str) -> None:
    store, state = fresh(folder)
    after, stamped = apply(state, some_changes(store))
    store.commit(stamped, after.index)
    store.close()
    path = folder / "state.db"
    if damage == "garbage":
        path.write_bytes(b"no database" * 1000)
    elif damage == "middle":
        data = bytearray(path.read_bytes())
        data[4096:12288] = b"\xff" * 8192
        path.write_bytes(data)
    else:
        with sqlite3.connect(path) as database:
            database.execute("UPDATE services SET object = '{}'" if damage == "row" else "DROP TABLE tasks")
        database.close()
    with pytest.raises(StoreError) as caught:
        open_and_load(folder)
    assert str(path) in str(caught.value)
    assert "Restore the folder" in str(caught.value)
    is_free(folder)


def is_free(folder: Path) -> None:
    """A refusal lets go of the folder."""
    (folder / "state.db").unlink()
    for name in ("state.db-wal", "state.db-shm"):
        (folder / name).unlink(missing_ok=True)
    Store.open(folder).close()


def test_a_newer_file_is_left_alone(folder: Path) -> None:
    store, _ = fresh(folder)
    store.close()
    with sqlite3.connect(folder / "state.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="written by a newer stackc"):
        Store.open(folder)


@pytest.mark.parametrize("what", ["missing", "wrong", "short"])
def test_the_key_of_the_secrets_must_fit(folder: Path, what: str) -> None:
    store, state = fresh(folder)
    after, stamped = apply(state, some_changes(store))
    store.commit(stamped, after.index)
    store.close()
    key = folder / "secrets.key"
    key.unlink()
    if what != "missing":
        key.write_bytes(b"k" * (32 if what == "wrong" else 5))
    with pytest.raises(StoreError, match=r"secrets\.key"):
        open_and_load(folder)


class FailingConnection(sqlite3.Connection):
    """Fails the nth statement from when ``countdown`` is set."""

    countdown = -1

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if FailingConnection.countdown == 0 and not str(args[0]).startswith("ROLLBACK"):
            raise sqlite3.OperationalError("database or disk is full")
        if FailingConnection.countdown > 0:
            FailingConnection.countdown -= 1
        return super().execute(*args)


def failing(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=FailingConnection)


@pytest.mark.parametrize("at", range(4))
def test_a_failed_write_changes_nothing_and_the_manager_goes_on(folder: Path, at: int) -> None:
    served = Served(folder, connect=failing)
    try:
        served.create("before", Mode={"Replicated": {"Replicas": 1}})
        (task,) = served.running("before", 1)
        served.wait(lambda: not served.manager._reports, "quiet")
        index = served.manager.state.index
        FailingConnection.countdown = at
        answer = served.call("POST", "/services/create", service_spec("during"))
        if answer.status == 500:
            assert "the state could not be written" in answer.message
            assert "disk is full" in answer.message
            assert served.call("GET", "/services/during").status == 404
            assert served.manager.state.index == index
        # A report of a task is not lost either: it is written when there is room again.
        before = served.manager.state.tasks[task["ID"]]
        served.agent.fail(before, "died on a full disk")
        served.wait(lambda: served.manager._broken or answer.status == 201, "the loop has noticed")
        FailingConnection.countdown = -1
        served.wait(lambda: served.manager.state.tasks[task["ID"]].status.err == "died on a full disk", "written")
        assert served.call("POST", "/services/create", service_spec("after")).status == 201
    finally:
        FailingConnection.countdown = -1
        served.close()
    store = Store.open(folder)
    try:
        state = store.load()
        assert state is not None
        assert state == served.manager.state
        names = {one.name for one in state.services.values()}
        assert {"before", "after"} <= names
        assert ("during" in names) == (answer.status == 201)
    finally:
        store.close()


def fill(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError) as caught:  # noqa: PT012
        while True:
            os.write(descriptor, b"x" * 4096)
    os.close(descriptor)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")
def test_a_really_full_disk(folder: Path) -> None:
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount: {mounted.stderr.decode().strip()}")
    try:
        served = Served(folder)
        try:
            served.create("before")
            fill(folder / "ballast")
            data = "eHh4eHh4" * 8000
            answer = served.call("POST", "/configs/create", {"Name": "big", "Data": data})
            assert answer.status == 500, answer
            assert "Nothing was changed" in answer.message
            assert served.call("GET", "/services/before").status == 200
            assert served.call("GET", "/configs").body == []
            (folder / "ballast").unlink()
            assert served.call("POST", "/configs/create", {"Name": "big", "Data": data}).status == 201
        finally:
            served.close()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_folder_that_cannot_be_used(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file")
    with pytest.raises(StoreError, match="is not a folder"):
        Store.open(folder)


def test_a_state_folder_open_to_others_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    Store.open(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_connect_syncs_at_every_commit(folder: Path) -> None:
    store, _ = fresh(folder)
    try:
        database = store._database
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        store.close()
    connect(folder / "state.db").close()
