"""Reading from the disk: the compiler's Reader for a folder, and the schema files of this package."""

# pathlib costs 5 ms, and this is on the way of every command
# ruff: noqa: PTH100, PTH118, PTH120, PTH123
from __future__ import annotations

import os
import stat

from stackc.hints import Mapping, Sequence
from stackc.source import SourceError

MOST_BYTES = 16 * 1024 * 1024


class DiskReader:
    """Files at or below ``root``, and those in ``also`` (absolute paths: files that the user named by hand).

    Symlinks are resolved first, so none leads out; only regular files are read.
    """

    def __init__(self, root: str, also: Sequence[str] = (), most_bytes: int = MOST_BYTES) -> None:
        self._root = os.path.abspath(root)
        self._also = frozenset(also)
        self._real = os.path.realpath(root)
        self._most = most_bytes

    @property
    def root(self) -> str:
        return self._root

    def read(self, path: str) -> bytes:
        """The bytes of ``path`` (relative to the root, or absolute). Raises SourceError."""
        if "\0" in path:
            raise SourceError("missing", path)
        full = os.path.realpath(os.path.join(self._root, path))
        inside = full == self._real or full.startswith(self._real.rstrip("/") + "/")
        if not inside and path not in self._also:
            raise SourceError("outside", path)
        try:
            # not blocking: a pipe without a writer must not hang the command
            handle = os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise SourceError("missing", path) from None
        except OSError as error:
            raise SourceError("unreadable", path, error.strerror or str(error)) from None
        try:
            return self._contents(handle, path)
        except OSError as error:
            raise SourceError("unreadable", path, error.strerror or str(error)) from None

    def _contents(self, handle: int, path: str) -> bytes:
        """All bytes of an open regular file; closes it."""
        mode, size = os.fstat(handle).st_mode, os.fstat(handle).st_size
        if not stat.S_ISREG(mode):
            os.close(handle)
            if stat.S_ISDIR(mode):
                raise SourceError("directory", path)
            raise SourceError("unreadable", path, "not a regular file")
        with os.fdopen(handle, "rb") as file:
            data = file.read(self._most + 1) if size <= self._most else b""
        if len(data) > self._most or size > self._most:
            raise SourceError("too-large", path, f"{max(size, len(data))} bytes; at most {self._most} are read")
        return data


class MemoryReader:
    """Files from a mapping of paths (relative to ``root``) to bytes: for tests and for stdin alone."""

    def __init__(self, files: Mapping[str, bytes], root: str = "/project") -> None:
        self._files = files
        self._root = root

    @property
    def root(self) -> str:
        return self._root

    def read(self, path: str) -> bytes:
        full = os.path.normpath(os.path.join(self._root, path))
        if not full.startswith(self._root.rstrip("/") + "/"):
            raise SourceError("outside", path)
        relative = full[len(self._root.rstrip("/")) + 1 :]
        if relative in self._files:
            return self._files[relative]
        kind = "directory" if any(name.startswith(relative + "/") for name in self._files) else "missing"
        raise SourceError(kind, path)


def package_text(name: str) -> str:
    """A schema of this package: beside the modules when installed, in ``schemas/`` of the source tree otherwise."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.path.join(here, "_schemas", name), os.path.join(os.path.dirname(here), "schemas", name)):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"the schema {name} is missing from the installation")
