"""One SQLite file: WAL, a sync at every commit, strict tables, numbered migrations, one writer.

Everything is read once, at the start; afterwards only changed objects are written, one transaction at a time. A
transaction that fails leaves the file, and whoever asked for it, where they were.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from reconciler.manager.objects import Changes, Identity, State
from reconciler.manager.store import rows
from reconciler.manager.store.fault import StoreError
from reconciler.manager.store.folder import Hold, make_private
from reconciler.manager.store.seal import Sealer, make_key, read_key

Connect = Callable[[Path], sqlite3.Connection]

_MIGRATIONS = ("0001_objects.sql",)
_BUSY_SECONDS = 5.0


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, for use from the one thread at a time that holds the manager's lock."""
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


class Store:
    """The state folder of one manager. ``open`` it, ``load`` it once, then ``commit`` changes."""

    def __init__(self, folder: Path, hold: Hold, database: sqlite3.Connection, sealer: Sealer) -> None:
        self.folder = folder
        self.path = folder / "state.db"
        self.sealer = sealer
        self._hold = hold
        self._database = database

    @classmethod
    def open(cls, folder: Path, *, connect: Connect = connect, random: Callable[[int], bytes] = os.urandom) -> Store:
        """Raises StoreError: folder in use or not ours, file corrupt, newer than this program, or not writable."""
        make_private(folder)
        hold = Hold(folder)
        try:
            database = _opened(folder / "state.db", connect)
            try:
                key = _key(folder / "secrets.key", database, random)
            except BaseException:
                database.close()
                raise
            return cls(folder, hold, database, Sealer(key, random))
        except BaseException:
            hold.release()
            raise

    def load(self) -> State | None:
        """Everything in the file; None if it has never held a state. Raises StoreError for a file that is corrupt."""
        try:
            row = self._database.execute(
                "SELECT cluster_id, node_id, created_at, version_index FROM manager"
            ).fetchone()
            if row is None:
                return None
            cluster_id, node_id, created_at, index = row
            tables = {table: self._objects(table, kind) for table, kind in rows.KINDS.items()}
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise _corrupt(self.path, str(error)) from error
        state = State(
            identity=Identity(cluster_id=cluster_id, node_id=node_id, created_at=created_at), index=index, **tables
        )
        for secret in state.secrets.values():
            try:
                self.sealer.open(secret.id, secret.sealed)
            except ValueError:
                raise StoreError(
                    f"{self.path}: secret {secret.name} cannot be decrypted with {self.folder / 'secrets.key'}. "
                    "Put the key file back that belongs to this state, or restore both from one backup"
                ) from None
        return state

    def create(self, state: State) -> None:
        """Write a first state. Raises StoreError."""
        identity = state.identity
        insert = (
            "INSERT INTO manager (only, cluster_id, node_id, created_at, version_index) VALUES (1, ?, ?, ?, ?)",
            (identity.cluster_id, identity.node_id, identity.created_at, state.index),
        )
        everything = [self._upsert(table, one) for table in rows.KINDS for one in getattr(state, table).values()]
        self._transaction([insert, *everything])

    def commit(self, changes: Changes, index: int) -> None:
        """Write one transaction, all or nothing. Raises StoreError; then nothing was written."""
        statements: list[tuple[str, tuple[Any, ...]]] = []
        for table in rows.KINDS:
            statements += [self._upsert(table, one) for one in getattr(changes, table)]
            removed: Iterable[str] = getattr(changes, f"removed_{table}", ())
            statements += [(f"DELETE FROM {table} WHERE id = ?", (name,)) for name in removed]  # noqa: S608 (our own names)
        statements.append(("UPDATE manager SET version_index = ?", (index,)))
        self._transaction(statements)

    def close(self) -> None:
        """Fold the log into the file and let go of the folder."""
        with suppress(sqlite3.Error):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
        self._hold.release()

    def _objects(self, table: str, kind: type) -> dict[str, Any]:
        blob = "data" if kind in rows.BLOBS else "NULL"
        found = self._database.execute(f"SELECT id, object, {blob} FROM {table} ORDER BY id")  # noqa: S608 (our own names)
        return {name: rows.from_json(kind, text, data) for name, text, data in found}

    def _upsert(self, table: str, one: Any) -> tuple[str, tuple[Any, ...]]:
        blob = rows.BLOBS.get(type(one))
        if blob is None:
            return (
                f"INSERT OR REPLACE INTO {table} (id, version, object) VALUES (?, ?, ?)",  # noqa: S608 (our own names)
                (one.id, one.version, rows.to_json(one)),
            )
        return (
            f"INSERT OR REPLACE INTO {table} (id, version, object, data) VALUES (?, ?, ?, ?)",  # noqa: S608
            (one.id, one.version, rows.to_json(one), getattr(one, blob)),
        )

    def _transaction(self, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                self._database.execute(statement, values)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
            raise StoreError(
                f"the state could not be written to {self.path}: {error}. Nothing was changed; "
                "free some disk space or make the folder writable, and try again"
            ) from error


def _opened(path: Path, connect: Connect) -> sqlite3.Connection:
    try:
        database = connect(path)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the state cannot be opened: {error}") from error
    try:
        _prepare(path, database)
        path.chmod(0o600)
    except sqlite3.OperationalError as error:
        database.close()
        raise StoreError(
            f"{path}: the state cannot be opened: {error}. Is the disk full or mounted read-only?"
        ) from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise _corrupt(path, str(error)) from error
    except BaseException:
        database.close()
        raise
    return database


def _prepare(path: Path, database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA trusted_schema = OFF")
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _corrupt(path, verdict)
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer stackc (schema {version}, this one knows {len(_MIGRATIONS)}). "
            "Use that version, or another folder with --state"
        )
    for number, name in enumerate(_MIGRATIONS[version:], version + 1):
        script = files("reconciler.manager.store").joinpath("migrations", name).read_text("utf-8")
        database.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def _key(path: Path, database: sqlite3.Connection, random: Callable[[int], bytes]) -> bytes:
    key = read_key(path)
    if key is not None:
        return key
    if database.execute("SELECT EXISTS (SELECT 1 FROM secrets)").fetchone()[0]:
        raise StoreError(f"{path} is missing, and without it the secrets cannot be read. Put it back from a backup")
    return make_key(path, random)


def _corrupt(path: Path, detail: str) -> StoreError:
    return StoreError(
        f"{path} is damaged ({detail}). Restore the folder {path.parent} from a backup, or move it away to start with "
        "an empty state; tasks that are still running then have to be ended by hand"
    )
