"""Tasks as processes of this Linux machine, each behind a shim (shim.py) that outlives the manager.

On disk, below the state folder:
    tasks/TASK_ID/    task.json (complete once prepared), root/, lock, pid, exit, log/
    volumes/NAME      named volumes, kept when their tasks go
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.manager.model import Node, Task
from reconciler.manager.runtimes import procfs, shim
from reconciler.manager.runtimes.account import Owner, check_reachable, owner_of
from reconciler.manager.runtimes.launch import DEFAULT_PATH, Launch, RejectedError, files_of, launch_of
from reconciler.manager.runtimes.layout import Files, build_root, refusal, remove_file, remove_tree

START_SECONDS = 30.0  # how long a shim may take on a loaded machine to say that the task runs
SWEEP_SECONDS = 5.0
UNSEEN_END = 137


class StartError(Exception):
    """The task's process could not be started. ``str()`` is the task's ``err``."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a task ended. ``code`` as a shell counts (128 + signal); ``reason`` where the code alone does not say it."""

    code: int
    reason: str = ""


@dataclass(slots=True)
class Handle:
    """A running task. ``descriptor``: a pidfd of its shim, readable once the task has ended and is written down."""

    folder: Path
    pid: int
    address: str
    started: float  # Unix seconds
    descriptor: int
    _task: int | None  # pidfd of the task's main process; None once that has ended
    _shim: subprocess.Popen[bytes] | None  # None: started by a former manager process

    def signal(self, number: int) -> None:
        """Send ``number`` to the task's main process; nothing if it has ended."""
        if self._task is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._task, number)

    def kill_shim(self) -> None:
        """For a task that SIGKILL did not end: give up on its shim too."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def finish(self) -> Exit:
        """After ``descriptor`` became readable: collect the result and release what is held. May block for seconds."""
        code = self._shim.wait() if self._shim else None
        self.release()
        ended = read_exit(self.folder)
        if ended is None:
            procfs.kill_marked(marker(self.folder), seconds=SWEEP_SECONDS)
            if code is not None and code >= 0 and code != 1:
                return Exit(code)  # the disk was full: the shim's own status is the task's
            return Exit(UNSEEN_END, "the task's shim was killed")
        return ended

    def release(self) -> None:
        """Close the descriptors; the task goes on."""
        os.close(self.descriptor)
        if self._task is not None:
            os.close(self._task)


def marker(folder: Path) -> bytes:
    """What every process of the task of this folder has in its environment, unless it cleared that. The folder and
    not the id: another manager of this machine may have a task of the same id."""
    return b"STACKC_ROOT=" + os.fsencode(folder / "root")


def read_exit(folder: Path) -> Exit | None:
    try:
        data = json.loads((folder / "exit").read_bytes())
        return Exit(int(data["code"]), str(data.get("error", "")))
    except (OSError, ValueError, KeyError):
        return None


class ProcessRuntime:
    """The folders and processes of one manager's tasks. Methods may block; none keeps state in memory."""

    def __init__(self, state_dir: Path, *, path: str | None = None) -> None:
        self.tasks = state_dir.absolute() / "tasks"
        self.volumes = state_dir.absolute() / "volumes"
        # The Python that runs the manager is found last, so that `python3` works wherever the manager does.
        self._open_files = resource.getrlimit(resource.RLIMIT_NOFILE)  # before the balancer raises it for itself
        self._path = path or f"{DEFAULT_PATH}:{Path(sys.executable).parent}"

    def launch(self, task: Task, node: Node, address: str) -> Launch:
        """What ``task`` asks for. Raises RejectedError."""
        if not hasattr(os, "pidfd_open"):
            raise RejectedError("process/NAME:TAG images need Linux 5.3 or newer; use a Docker engine here")
        try:
            return launch_of(task, node, address=address, root=str(self.root(task.id)), path=self._path)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise RejectedError(f"the task's spec is not well-formed: {error}") from None

    def root(self, task_id: str) -> Path:
        return self.tasks / task_id / "root"

    def prepare(self, launch: Launch, files: Files) -> None:
        """Build the task's folder from scratch. Raises RejectedError, leaving nothing half done that matters."""
        owner = owner_of(launch.user, launch.groups)
        folder = self.tasks / launch.task_id
        root = folder / "root"
        try:
            self.tasks.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_tree(folder)
            folder.mkdir(mode=0o700)
            root.mkdir(mode=0o755)
            if owner:
                os.chown(root, owner.uid, owner.gid)
                for above in (folder, self.tasks):  # search only: the user still cannot list them
                    above.chmod(0o711)
        except OSError as error:
            raise RejectedError(refusal("its root", error)) from None
        check_reachable(root, owner)
        build_root(root, launch, files, self.volumes, owner)
        _check_executable(launch, root)
        try:
            shim.replace_file(str(folder / "task.json"), json.dumps({"address": launch.address}))
        except OSError as error:
            raise RejectedError(refusal("task.json", error)) from None

    def remove_secrets(self, task: Task) -> None:
        """Once a task is over: its folder stays for a while, its secrets do not."""
        with contextlib.suppress(RejectedError, ValueError, TypeError, AttributeError):
            for file in files_of(task.spec.get("ContainerSpec") or {}):
                if file.kind == "secret":
                    remove_file(self.root(task.id), file.target)

    def is_prepared(self, task_id: str) -> bool:
        return (self.tasks / task_id / "task.json").exists()

    def start(self, launch: Launch) -> Handle:
        """Start a prepared task; back once its process runs. Raises StartError."""
        folder = self.tasks / launch.task_id
        try:
            owner = owner_of(launch.user, launch.groups)
            process = _start_shim(folder)
        except (OSError, RejectedError) as error:
            raise StartError(f"starting process failed: {getattr(error, 'strerror', None) or error}") from None
        said = _converse(process, json.dumps(self._order(launch, owner)).encode())
        handle = self._handle(folder, process) if said.startswith("started ") else None
        if handle is not None:
            return handle
        process.kill()
        process.wait()
        raise StartError(f"starting process failed: {said.removeprefix('error ') or 'its shim ended early'}")

    def remains(self) -> list[str]:
        """The ids of the tasks that have a folder."""
        try:
            return sorted(entry.name for entry in os.scandir(self.tasks) if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def adopt(self, task_id: str) -> Handle | Exit | None:
        """A task of a former manager process: running, ended, or (None) never started. May wait for a shim to start."""
        folder = self.tasks / task_id
        deadline = time.monotonic() + START_SECONDS
        while self._is_locked(folder):
            if (about := _about(folder)) and (handle := self._handle(folder, None)):
                return handle
            if time.monotonic() > deadline:
                break
            time.sleep(0.005 if about is None else 0.02)
        about, ended = _about(folder), read_exit(folder)
        if about is None or ended is not None:
            return ended
        procfs.kill_marked(marker(self.tasks / task_id), seconds=SWEEP_SECONDS)
        if about["boot"] != procfs.boot_id():
            return Exit(UNSEEN_END, "the machine was restarted")
        return Exit(UNSEEN_END, "the task's shim was killed")

    def address_of(self, task_id: str) -> str:
        """The address a task was prepared with, or ""."""
        try:
            return str(json.loads((self.tasks / task_id / "task.json").read_bytes())["address"])
        except (OSError, ValueError, KeyError):
            return ""

    def remove(self, task_id: str) -> None:
        """End whatever still runs of a task and remove its folder. Blocks."""
        found = self.adopt(task_id)
        if isinstance(found, Handle):
            found.signal(signal.SIGKILL)
            if not _readable(found.descriptor, SWEEP_SECONDS):
                found.kill_shim()
                procfs.kill_marked(marker(self.tasks / task_id), seconds=SWEEP_SECONDS)
            found.release()
        remove_tree(self.tasks / task_id)

    def _order(self, launch: Launch, owner: Owner | None) -> dict[str, Any]:
        return {
            "argv": launch.argv,
            "env": dict(launch.env),
            "directory": str(self.root(launch.task_id).joinpath(*launch.directory)),
            "uid": owner.uid if owner else None,
            "gid": owner.gid if owner else None,
            "groups": owner.groups if owner else (),
            "limits": ((resource.RLIMIT_NOFILE, *self._open_files), *launch.limits),
            "log": {"size": launch.log.size, "files": launch.log.files},
        }

    def _is_locked(self, folder: Path) -> bool:
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _handle(self, folder: Path, process: subprocess.Popen[bytes] | None) -> Handle | None:
        about = _about(folder)
        if about is None or about["boot"] != procfs.boot_id():
            return None
        watched = os.pidfd_open(process.pid) if process else procfs.open_process(*about["shim"])
        if watched is None:
            return None
        return Handle(
            folder=folder,
            pid=about["task"][0],
            address=self.address_of(folder.name),
            started=about["started"],
            descriptor=watched,
            _task=procfs.open_process(*about["task"]),
            _shim=process,
        )


def _about(folder: Path) -> dict[str, Any] | None:
    try:
        about = json.loads((folder / "pid").read_bytes())
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) else None


def _start_shim(folder: Path) -> subprocess.Popen[bytes]:
    """The shim holds the lock from its first moment on: it inherits the locked descriptor."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (folder / "shim.err").open("wb") as complaints:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", shim.__file__, str(folder), str(lock)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd="/",
                # where the interpreter itself needs it; the task never sees it
                env={key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ},
                start_new_session=True,
                pass_fds=(lock,),
            )
    finally:
        os.close(lock)


def _converse(process: subprocess.Popen[bytes], order: bytes) -> str:
    """Hand the order to a shim; its one answer, or "" if it gave none in time."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as stdin, process.stdout as stdout:
        with contextlib.suppress(BrokenPipeError):
            stdin.write(order)
            stdin.close()
        if not _readable(stdout.fileno(), START_SECONDS):
            return ""
        return stdout.read().decode("utf-8", "replace")


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()  # unlike select(), fine with any number of open files
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _check_executable(launch: Launch, root: Path) -> None:
    """Refuse what exec would refuse, in the engine's words, before the task counts as started."""
    name = launch.argv[0]
    shown = f'exec: "{ascii(name)[1:-1]}"'
    if "/" not in name:
        if shutil.which(name, path=launch.env.get("PATH", "")) is None:
            raise RejectedError(f"{shown}: executable file not found in $PATH")
        return
    path = root.joinpath(*launch.directory, name)
    if not path.exists():
        raise RejectedError(f"{shown}: stat {ascii(name)[1:-1]}: no such file or directory")
    if path.is_dir() or not os.access(path, os.X_OK):
        raise RejectedError(f"{shown}: permission denied")
