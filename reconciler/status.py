"""What the reconciler tells about itself: conditions per stack, in one file that outlives the process.

Conditions as in Kubernetes: *Ready* always stands there, *Reconciling* and *Stalled* only while they are true.
``attempted_revision`` and ``applied_revision`` are different things: what was tried last, and what runs.
``status.json`` is written whole (temporary file, fsync, rename): a reader sees the old one or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.decide import Verdict

FORMAT = "reconciler.status/1"
FILE = "status.json"
LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """``since``: Unix seconds of the last change of status or reason."""

    type: str
    status: bool
    reason: str
    message: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStatus:
    commit: str
    message: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """One stack. ``source`` is where it comes from, for people; ``fetched`` Unix seconds of the last good fetch.

    ``diagnostics``: of the newest commit's files, as ``stackc validate --format json`` has them, with the commit's
    short id and a colon before the file name. ``progress``: what the running rollout said last. ``answered``: the id of
    the operator's order that this status answers.
    """

    name: str
    source: str
    branch: str
    conditions: tuple[Condition, ...] = ()
    tip: RevisionStatus | None = None
    attempted_revision: RevisionStatus | None = None
    applied_revision: RevisionStatus | None = None
    diagnostics: tuple[Mapping[str, Any], ...] = ()
    diagnostics_text: str = ""
    last_error: str = ""
    progress: str = ""
    fetched: float | None = None
    answered: str = ""

    @property
    def ready(self) -> bool:
        return any(c.type == "Ready" and c.status for c in self.conditions)


def conditions(verdict: Verdict, before: tuple[Condition, ...], now: float) -> tuple[Condition, ...]:
    """The conditions that a verdict means; ``since`` is kept where nothing but the message changed."""
    made = [
        Condition(
            type="Ready", status=verdict.kind == "ready", reason=verdict.reason, message=verdict.message, since=now
        )
    ]
    for type_, kind in (("Reconciling", "reconciling"), ("Stalled", "stalled")):
        if verdict.kind == kind:
            made.append(Condition(type=type_, status=True, reason=verdict.reason, message=verdict.message, since=now))
    old = {c.type: c for c in before}
    return tuple(_since(c, old.get(c.type)) for c in made)


def _since(new: Condition, old: Condition | None) -> Condition:
    same = old is not None and (old.status, old.reason) == (new.status, new.reason)
    return replace(new, since=old.since) if same and old is not None else new


def write(state: Path, stacks: tuple[StackStatus, ...], *, now: float, started: float) -> None:
    """Replace status.json. Raises OSError; the file is then as it was."""
    record = {
        "format": FORMAT,
        "pid": os.getpid(),
        "started": started,
        "written": now,
        "stacks": [asdict(stack) for stack in stacks],
    }
    new = state / (FILE + ".new")
    try:
        with new.open("w", encoding="utf-8") as file:
            json.dump(record, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(state / FILE)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    folder = os.open(state, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(state: Path) -> dict[str, Any] | None:
    """status.json, or None where there is none. Raises OSError, and ValueError when it is not ours."""
    try:
        text = (state / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    record = json.loads(text)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError(f"{state / FILE} is not a status of this version")
    return record


class AlreadyRunningError(Exception):
    """``pid`` of the reconciler that holds the state folder."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"a reconciler is already running on this state folder, as process {pid}")
        self.pid = pid


class Lock:
    """One reconciler per state folder: an advisory lock that ends with the process, whatever happens to it."""

    def __init__(self, state: Path) -> None:
        """Raises AlreadyRunningError, OSError."""
        self._file = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise AlreadyRunningError(pid) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def close(self) -> None:
        os.close(self._file)


def running(state: Path) -> int | None:
    """The pid of the reconciler that holds ``state`` now."""
    try:
        file = os.open(state / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        pid = os.pread(file, 20, 0).decode("ascii", "replace").strip()
        return int(pid) if pid.isdigit() else -1
    finally:
        os.close(file)
