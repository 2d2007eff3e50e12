"""Start the built-in manager when it is needed, detached from whoever asked for it."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.manager.paths import Paths

START_SECONDS = 20.0
_POLL_SECONDS = 0.02
_TAIL_LINES = 15
_LOG_BYTES = 4 << 20
"""A log longer than this is put aside at the next start; one such is kept."""
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_", "TZ", "TMPDIR", "XDG_", "PYTHON", "VIRTUAL_ENV")
"""Beginnings of the variables that a manager is given. It outlives its caller, whose tokens are not its business."""


class LaunchError(Exception):
    """The manager did not start; ``str()`` has the end of its log."""


def ensure_running(paths: Paths, *, seconds: float = START_SECONDS) -> None:
    """Return when a manager answers at ``paths.socket``; start one if none does. Two callers start one between them.

    Raises LaunchError: it ended, it does not answer within ``seconds``, the folder cannot be used, or the socket is
    somebody else's.
    """
    _check_owner(paths.socket)  # before anything is said to it
    if answers(paths.socket):
        return
    try:
        paths.state.parent.mkdir(parents=True, exist_ok=True)
        paths.state.mkdir(mode=0o700, exist_ok=True)
        with _alone(paths.state / "launch.lock"):
            if not answers(paths.socket):
                _start(paths, seconds)
    except OSError as error:
        raise LaunchError(
            f"the built-in manager cannot be started in {paths.state}: {error.strerror or error}"
        ) from error


def answers(path: Path) -> bool:
    """Does somebody answer a ping there?"""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(os.fspath(path))
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: stackc\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _check_owner(path: Path) -> None:
    try:
        owner = path.lstat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        raise LaunchError(f"{path} belongs to another user (uid {owner}); name your own socket with STACKC_STATE_DIR")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start(paths: Paths, seconds: float) -> None:
    command = [
        *(sys.executable, "-m", "stackc", "manager"),
        *("--state", os.fspath(paths.state), "--socket", os.fspath(paths.socket)),
    ]
    with suppress(FileNotFoundError):
        if paths.log.stat().st_size > _LOG_BYTES:
            paths.log.rename(paths.log.with_suffix(".log.1"))
    descriptor = os.open(paths.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        begin = os.fstat(descriptor).st_size
        # Nothing of the caller's is kept: not its terminal, its folder, its open files, its tokens.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name.startswith(_KEPT)},
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    deadline = time.monotonic() + seconds
    while not answers(paths.socket):
        if process.poll() is not None:
            raise LaunchError(f"the built-in manager ended at once:\n{_tail(paths.log, begin)}")
        if time.monotonic() > deadline:
            process.terminate()
            process.wait()
            raise LaunchError(f"the built-in manager did not answer within {seconds:g} s:\n{_tail(paths.log, begin)}")
        time.sleep(_POLL_SECONDS)
    process.returncode = 0  # it is no longer ours to wait for


def _tail(log: Path, begin: int) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(begin)
            lines = stream.read(1 << 20).decode("utf-8", "replace").splitlines()
    except OSError as error:
        if error.errno == errno.ENOENT:
            return "  (no log)"
        raise
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (nothing in its log)"
