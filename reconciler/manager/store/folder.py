"""The state folder: private to its owner, and held by one manager at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from reconciler.manager.store.fault import StoreError


def make_private(folder: Path) -> None:
    """Make ``folder`` (and its parents) if need be, and close it to everybody else. Raises StoreError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid():
            raise StoreError(
                f"{folder} belongs to another user (uid {status.st_uid}); choose another folder with --state "
                "or STACKC_STATE_DIR"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)
    except FileExistsError:
        raise StoreError(f"{folder} is not a folder; choose another one with --state or STACKC_STATE_DIR") from None
    except OSError as error:
        raise StoreError(f"{folder}: the state folder cannot be made: {error.strerror}") from error


class Hold:
    """The exclusive hold on a state folder; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError, naming the holder's pid, if another manager has the folder."""
        path = folder / "manager.lock"
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreError(
                f"{folder} is in use by another manager (pid {holder}); stop it, or choose another folder with --state"
            ) from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # a full disk: the hold counts, the pid in it is only for people

    def release(self) -> None:
        os.close(self._descriptor)
