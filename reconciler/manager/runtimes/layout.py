"""A task's folder on disk: its root with configs, secrets and mounts in it.

Every path below the root is walked part by part without following symlinks, so that nothing is ever written
outside the root or into a mount.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from reconciler.manager.runtimes.account import Owner
from reconciler.manager.runtimes.launch import ContentFile, Launch, Mount, RejectedError

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Files(Protocol):
    """Where the bytes of configs and secrets come from; called from the agent's threads, KeyError if unknown."""

    def config(self, id: str) -> bytes: ...  # noqa: A002 (the word of the Engine API)

    def secret(self, id: str) -> bytes: ...  # noqa: A002


def build_root(root: Path, launch: Launch, files: Files, volumes: Path, owner: Owner | None) -> None:
    """Fill the empty folder ``root``. Raises RejectedError (including for a full disk)."""
    privileged = os.geteuid() == 0
    for mount in launch.mounts:
        with _step(f"mount target /{'/'.join(mount.target)}"):
            _mount(root, mount, volumes, owner)
    for file in launch.files:
        data = _content(file, files)
        with _step(f"{file.kind} target /{'/'.join(file.target)}"):
            _write(root, file, data, privileged=privileged, owner=owner)
    if launch.directory:
        with _step(f"working directory /{'/'.join(launch.directory)}"):
            root.joinpath(*launch.directory).mkdir(parents=True, exist_ok=True)


def _content(file: ContentFile, files: Files) -> bytes:
    read: Callable[[str], bytes] = files.secret if file.kind == "secret" else files.config
    try:
        return read(file.id)
    except KeyError:
        raise RejectedError(f"{file.kind} {file.name or file.id} not found") from None


class _step:  # noqa: N801 (reads as a statement)
    """Turn what the disk refuses into the task's rejection, with the place in it."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise RejectedError(refusal(self._what, error)) from None


def refusal(what: str, error: OSError) -> str:
    """``what`` and why, in words for the task's ``err``."""
    if isinstance(error, NotADirectoryError) or "symbolic links" in (error.strerror or ""):
        return f"invalid {what}: it lies inside another mount or file of this task"
    if isinstance(error, FileExistsError):
        return f"invalid {what}: the path is used twice"
    return f"cannot write the task's folder ({what}): {error.strerror or error}"


@contextlib.contextmanager
def _parent(root: Path, target: tuple[str, ...], owner: Owner | None):  # type: ignore[no-untyped-def]
    """An open descriptor of the folder that ``target`` goes into, made if missing."""
    descriptor = os.open(root, _FOLDER_FLAGS)
    try:
        for part in target[:-1]:
            try:
                os.mkdir(part, 0o755, dir_fd=descriptor)
                if owner:
                    os.chown(part, owner.uid, owner.gid, dir_fd=descriptor, follow_symlinks=False)
            except FileExistsError:
                pass
            deeper = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
        yield descriptor
    finally:
        os.close(descriptor)


def _write(root: Path, file: ContentFile, data: bytes, *, privileged: bool, owner: Owner | None) -> None:
    with _parent(root, file.target, owner) as folder:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(file.target[-1], flags, 0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if privileged:
                os.fchown(descriptor, file.uid, file.gid)
            os.fchmod(descriptor, file.mode)


def remove_file(root: Path, target: tuple[str, ...]) -> None:
    """Remove a file that build_root wrote, if it is still there. Links in its way are not followed."""
    with contextlib.suppress(OSError), _parent(root, target, None) as folder:
        os.unlink(target[-1], dir_fd=folder)


def remove_tree(folder: Path) -> None:
    """Remove a task's folder, including subfolders that the task made unwritable; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for above, names, _ in os.walk(folder):  # top down: a folder is opened up before it is looked into
        for name in names:
            inner = Path(above, name)
            if not inner.is_symlink():
                with contextlib.suppress(OSError):
                    inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _mount(root: Path, mount: Mount, volumes: Path, owner: Owner | None) -> None:
    with _parent(root, mount.target, owner) as folder:
        name = mount.target[-1]
        if mount.kind == "tmpfs" or not mount.source:
            os.mkdir(name, 0o755, dir_fd=folder)
            if owner:
                os.chown(name, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)
            return
        source = Path(mount.source)
        if mount.kind == "volume":
            source = volumes / mount.source
            if not source.exists():
                source.mkdir(parents=True, exist_ok=True)
                if owner:
                    os.chown(source, owner.uid, owner.gid)
        elif not source.exists():
            text = f'invalid mount config for type "bind": bind source path does not exist: {ascii(mount.source)[1:-1]}'
            raise RejectedError(text)
        os.symlink(source, name, dir_fd=folder)
