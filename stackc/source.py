"""Where the compiler's text comes from: a port. ``stackc.disk`` reads files, ``reconciler.sources`` reads commits."""

from __future__ import annotations

from stackc.hints import Protocol


class SourceError(Exception):
    """A file that cannot be had. ``kind``: missing, outside, directory, unreadable or too-large."""

    def __init__(self, kind: str, path: str, detail: str = "") -> None:
        super().__init__(detail or f"{path}: {kind}")
        self.kind = kind
        self.path = path
        self.detail = detail


class Reader(Protocol):
    """Reads files at or below one folder, symlinks resolved before the check.

    ``root`` is that folder's absolute path, for display and for relative bind mounts; in a commit it is the
    checkout-less path of the repository's top (no such folder needs to exist on disk).
    """

    @property
    def root(self) -> str: ...

    def read(self, path: str) -> bytes:
        """The bytes of ``path`` (relative to ``root``, or absolute). Raises SourceError."""
        ...
