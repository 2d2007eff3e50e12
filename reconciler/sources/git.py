"""Git as a source: a bare mirror of one branch, and commits as places to read files from.

Talks to git workers (``reconciler.sources.process``); imports no GitPython. Every failure is a GitError with a Fault.
Blobs are read by object id from a commit: never a checkout, no symlinks, no submodules, no filters, no LFS (T5, T6).
"""

from __future__ import annotations

import base64
import os
import posixpath
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from reconciler.sources.address import Address
from reconciler.sources.commit import CommitInfo, parse_commit
from reconciler.sources.faults import Fault, GitError, printable
from reconciler.sources.process import Access, Worker, Workers, hardened_environment
from stackc.source import SourceError

ROOT = "/repository"
"""The absolute path that the top of a commit is given: on no disk, and the same for every commit."""
BLOB_LIMIT = 4 * 1024 * 1024
_LFS = b"version https://git-lfs.github.com/spec/"
_CALL_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest commit of the branch. ``descends``: is it ``base`` or does it descend from it (None: not asked)."""

    commit: CommitInfo
    base: str | None
    descends: bool | None


class GitSource:
    """One branch of one repository, mirrored in ``mirror``, a folder that is ours alone."""

    def __init__(
        self, address: Address, branch: str, mirror: Path, workers: Workers, *, access: Access, timeout: float = 120.0
    ) -> None:
        self.address = address
        self.branch = branch
        self._mirror = mirror
        self._workers = workers
        self._access = access
        self._timeout = timeout
        self._environment: Mapping[str, str] = hardened_environment(address, access)

    def stand_by(self) -> None:
        """Have a worker ready for the next ``open``."""
        self._workers.prepare(self._environment)

    def open(self) -> Session:
        """A worker for one sync. Raises GitError when the mirror's folder is not ours."""
        own_folder(self._mirror.parent)
        if self._mirror.exists():
            own_folder(self._mirror)
        return Session(self, self._workers.take(self._environment))

    def discard(self) -> None:
        """Throw a mirror away that git cannot use; the next fetch makes a new one."""
        shutil.rmtree(self._mirror, ignore_errors=True)

    def request(self, **values: Any) -> dict[str, Any]:
        return {"git_dir": str(self._mirror), **values}

    def fetch(self, worker: Worker) -> str:
        """The full id of the branch's newest commit, with all its objects in the mirror."""
        request = self.request(url=self.address.url, branch=self.branch, ca_file=self._access.ca_file)
        return str(worker.call("fetch", self._timeout, **request)["commit"])


class Session:
    """One sync: one worker, from the fetch to the last blob. A context manager."""

    def __init__(self, source: GitSource, worker: Worker) -> None:
        self._source = source
        self._worker = worker

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._worker.close()

    @property
    def pid(self) -> int:
        return self._worker.pid

    def kill(self) -> None:
        """Stop what it is doing, from another thread: the call under way raises GitError."""
        self._worker.kill()

    def fetch(self, base: str | None) -> Tip:
        """Fetch the branch; ``base`` (a full id) is the commit that the new one should descend from."""
        name = self._source.fetch(self._worker)
        descends = None
        if base is not None:
            descends = bool(self._call("ancestor", old=base, new=name)["ancestor"])
        return Tip(self.commit(name), base, descends)

    def commit(self, name: str) -> CommitInfo:
        return parse_commit(name, base64.b64decode(self._call("commit", commit=name)["data"]))

    def reader(self, commit: str) -> CommitReader:
        return CommitReader(self, commit)

    def entries(self, commit: str, path: str) -> dict[str, tuple[str, str, str, int | None]]:
        """What stands at ``path`` and above: path → (mode, type, object id, size of a blob)."""
        found = self._call("entries", commit=commit, path=path)["entries"]
        return {path: (mode, kind, name, size) for mode, kind, name, size, path in found}

    def blob(self, name: str) -> bytes:
        return base64.b64decode(self._call("blob", id=name)["data"])

    def _call(self, operation: str, **values: Any) -> dict[str, Any]:
        return self._worker.call(operation, _CALL_TIMEOUT, **self._source.request(**values))


class CommitReader:
    """``stackc.source.Reader`` on one commit. Nothing outside the commit can be named (T6, P21)."""

    def __init__(self, session: Session, commit: str) -> None:
        self._session = session
        self._commit = commit
        self._seen: dict[str, bytes] = {}

    @property
    def root(self) -> str:
        return ROOT

    def read(self, path: str) -> bytes:
        """The bytes of ``path``. Raises SourceError; GitError when git itself cannot be asked."""
        inside = _inside(path)
        if inside not in self._seen:
            self._seen[inside] = self._read(path, inside)
        return self._seen[inside]

    def _read(self, path: str, inside: str) -> bytes:
        found = self._session.entries(self._commit, inside)
        for place, (mode, _, _, _) in found.items():
            if mode == "120000":
                raise SourceError(
                    "unreadable", path, f"{_name(place)} is a symbolic link: links are not followed in a commit"
                )
            if mode == "160000":
                raise SourceError("unreadable", path, f"{_name(place)} is a submodule: submodules are not fetched")
        if inside not in found:
            raise SourceError("missing", path, f"{_name(path)} is not in the commit")
        _, kind, name, size = found[inside]
        if kind != "blob":
            raise SourceError("directory", path, f"{_name(path)} is a folder in the commit")
        if size is None or size > BLOB_LIMIT:
            raise SourceError("too-large", path, f"{_name(path)} has {size} bytes, more than {BLOB_LIMIT}")
        data = self._session.blob(name)
        if data.startswith(_LFS):
            raise SourceError(
                "unreadable",
                path,
                f"{_name(path)} is a Git LFS pointer, not its content: store this file in git itself",
            )
        return data


def _inside(path: str) -> str:
    """``path`` relative to the top of the commit, normalised. Raises SourceError ("outside")."""
    if not path or "\0" in path or len(path) > 4096 or not _encodable(path):
        raise SourceError("missing", path, "this is not the name of a file")
    whole = posixpath.normpath(posixpath.join(ROOT, path))
    if not whole.startswith(ROOT + "/"):
        kind, why = ("directory", "is a folder") if whole == ROOT else ("outside", "lies outside the repository")
        raise SourceError(kind, path, f"{_name(path)} {why}")
    return whole[len(ROOT) + 1 :]


def _encodable(path: str) -> bool:
    try:
        return bool(path.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def _name(path: str) -> str:
    return printable(path, 200)


def own_folder(path: Path) -> None:
    """Make ``path`` (0700) or check that it is a folder of ours that nobody else can enter. Raises GitError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise GitError(Fault("state-folder", True, f"cannot use {path}: {error.strerror}")) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise GitError(
            Fault("state-folder", False, f"{path} is not a folder of this user", "choose another 'state' folder")
        )
    if found.st_mode & 0o077:
        raise GitError(Fault("state-folder", False, f"others can enter {path}", f"chmod 700 {path}"))
