"""Notices at once that a file may have changed: a hint to look now, never the truth. Polling is the truth.

A branch of a local repository moves when one of a few files changes; each is watched through the nearest folder above
it that exists, so a repository that is made later is noticed too. watchdog is imported when the first watch is set.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any


def branch_files(repository: str, branch: str) -> tuple[str, ...]:
    """The files whose change may move ``branch``: loose ref, packed refs, reftable, of a bare repository or
    one with a work tree; and the repository itself, which may come and go."""
    names = (f"refs/heads/{branch}", "packed-refs", "reftable/tables.list")
    return (repository, *(f"{top}/{name}" for top in (repository, f"{repository}/.git") for name in names))


def touches(changed: str, file: str) -> bool:
    """Does a change of ``changed`` concern ``file``: is it the file, or a folder above it?"""
    return file == changed or file.startswith(changed.rstrip("/") + "/")


def nearest_folder(file: str) -> tuple[str, int] | None:
    """The lowest existing folder above ``file`` and its inode; a folder that was made anew is another one."""
    folder = os.path.dirname(file)  # noqa: PTH120
    while True:
        with contextlib.suppress(OSError):
            return folder, os.stat(folder).st_ino  # noqa: PTH116
        if folder in ("/", ""):
            return None
        folder = os.path.dirname(folder)  # noqa: PTH120


class Watcher:
    """``hint(key)`` is called from another thread when a file of ``key`` may have changed; it must be quick.

    ``refresh`` sets the watches anew after folders came or went: call it after a hint and at every poll.
    """

    def __init__(self, hint: Callable[[str], None]) -> None:
        self._hint = hint
        self._files: dict[str, tuple[str, ...]] = {}
        self._watches: dict[tuple[str, int], Any] = {}
        self._observer: Any = None
        self._lock = threading.Lock()

    def add(self, key: str, files: Iterable[str]) -> None:
        with self._lock:
            self._files[key] = tuple(files)

    def refresh(self) -> str:
        """Empty, or why some files cannot be watched (they are polled all the same)."""
        with self._lock:
            if not self._files:
                return ""
            self._start()
            wanted = {folder for files in self._files.values() for file in files if (folder := nearest_folder(file))}
            for folder in sorted(self._watches.keys() - wanted):
                with contextlib.suppress(KeyError, OSError):
                    self._observer.unschedule(self._watches[folder])
                del self._watches[folder]
            return self._schedule(sorted(wanted - self._watches.keys()))

    def _start(self) -> None:
        if self._observer is None:
            from watchdog.observers import Observer

            self._observer = Observer()
            self._observer.start()

    def _schedule(self, folders: list[tuple[str, int]]) -> str:
        problem = ""
        for folder in folders:
            try:
                self._watches[folder] = self._observer.schedule(self, folder[0], recursive=False)
            except OSError as error:
                problem = f"cannot watch {folder[0]}: {error.strerror or error}"
        return problem

    def dispatch(self, event: Any) -> None:
        """watchdog's call. What was only read is no change: git reads these files at each of our own fetches."""
        if event.event_type not in ("created", "modified", "moved", "deleted", "closed"):
            return
        changed = {os.fsdecode(path) for path in (event.src_path, getattr(event, "dest_path", "")) if path}
        for key, files in tuple(self._files.items()):
            if any(self._concerns(event, path, file) for path in changed for file in files):
                self._hint(key)

    @staticmethod
    def _concerns(event: Any, path: str, file: str) -> bool:
        if event.is_directory and event.event_type in ("modified", "closed"):
            return False  # something else in that folder changed
        return touches(path, file)

    def close(self) -> None:
        with self._lock:
            observer, self._observer = self._observer, None
            self._watches.clear()
            self._files.clear()
        if observer is not None:
            observer.stop()
            observer.join()
