"""Stands between the manager and one task, so that the task outlives the manager. A script of its own.

Started as ``python -I -S shim.py FOLDER LOCK_FD`` in a session of its own; the order comes as one JSON object on
stdin: ``{"argv", "env", "directory", "uid", "gid", "groups", "limits", "log": {"size", "files"}}`` (uid null: the
manager's own user). The lock is held for as long as this process lives: that, not a pid, says that a task is alive.

In FOLDER it writes ``pid`` (before the task runs its first instruction), ``log/NNNNNNNN`` and at the end ``exit``,
each of the two by rename. On stdout: ``started PID TICKS`` or ``error TEXT``, once. Only the standard library, and
little of it: one shim runs per task.
"""
# Importing pathlib would cost every task 5 ms:
# ruff: noqa: PTH103, PTH104, PTH108, PTH112, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
LONGEST_LINE = 16 << 10
CHUNK = 64 << 10
RESERVED = 512  # bytes kept for `exit`, so that a full disk cannot hide how a task ended
SWEEP_SECONDS = 5.0


def start_ticks(pid: int) -> int:
    """When process ``pid`` was started, in clock ticks since boot: tells it from a later one with the same pid."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def replace_file(path: str, text: str) -> None:
    """Write ``text`` so that ``path`` is either as before or complete. Bytes reserved in ``path.new`` are used."""
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        data = text.encode()
        os.write(descriptor, data)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(path + ".new", path)


class Log:
    """The task's output in numbered files of bounded size: ``TIME STREAM TEXT`` per line, STREAM o or e.

    What cannot be written (disk full) is counted and named later: a task never waits for its log.
    """

    def __init__(self, folder: str, size: int, files: int) -> None:
        self.folder, self.size, self.files = folder, size, files
        self.number, self.written, self.lost = 0, 0, 0
        self.descriptor = -1
        if files:
            with contextlib.suppress(OSError):
                os.makedirs(folder, 0o700, exist_ok=True)
                self.rotate()

    def rotate(self) -> None:
        fresh = os.open(
            f"{self.folder}/{self.number + 1:08d}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor, self.number, self.written = fresh, self.number + 1, 0
        if self.number > self.files:
            with contextlib.suppress(OSError):
                os.unlink(f"{self.folder}/{self.number - self.files:08d}")

    def write(self, stream: str, lines: list[bytes]) -> None:
        if not self.files or not lines:
            return
        head = f"{time.time():.6f} {stream} ".encode()
        data = b"".join(head + line + b"\n" for line in lines)
        if self.lost:
            data = f"{time.time():.6f} e [{self.lost} bytes of output were lost: the disk was full]\n".encode() + data
        try:
            if self.descriptor < 0 or self.written + len(data) > self.size:
                self.rotate()
            written = os.write(self.descriptor, data)
            self.written += written
            if written < len(data):  # the rest did not fit: never leave half a line in front of the next one
                os.ftruncate(self.descriptor, self.written - written)
                self.written -= written
                raise OSError
            self.lost = 0
        except OSError:
            self.lost += len(data)


class Relay:
    """Lines of one stream on their way to the log."""

    def __init__(self, descriptor: int, stream: str, log: Log) -> None:
        self.descriptor, self.stream, self.log = descriptor, stream, log
        self.rest = b""
        os.set_blocking(descriptor, False)

    def pump(self) -> bool:
        """Take what there is; False at the end of the stream."""
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return True
        *lines, rest = (self.rest + data).split(b"\n")
        pieces = []
        for line in (*lines, rest) if not data and rest else lines:
            pieces += [line[at : at + LONGEST_LINE] for at in range(0, len(line) or 1, LONGEST_LINE)]
        while data and len(rest) >= LONGEST_LINE:
            pieces.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self.rest = rest if data else b""
        self.log.write(self.stream, pieces)
        return bool(data)

    def finish(self) -> None:
        """Whatever is still in the pipe; a process that nobody could kill may hold its other end open."""
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            ready = select.select([self.descriptor], [], [], 0)[0]
            if not ready or not self.pump():
                break
        if self.rest:
            self.log.write(self.stream, [self.rest])
        os.close(self.descriptor)


def become_task(order: dict[str, Any], streams: tuple[int, int], gate: int) -> None:
    """In the forked child: wait for the gate, then turn into the task. Returns only by raising."""
    os.setpgid(0, 0)
    if not os.read(gate, 1):
        os._exit(125)  # the shim could not write down who we are
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (streams[0], 1), (streams[1], 2)):
        os.dup2(source, target)
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number, soft, hard in order["limits"]:
        resource.setrlimit(number, (soft, hard))
    os.umask(0o022)
    if order["uid"] is not None:
        os.setgroups(order["groups"])
        os.setgid(order["gid"])
        os.setuid(order["uid"])
    os.chdir(order["directory"])
    argv, env = order["argv"], order["env"]
    os.execve(executable(argv[0], env), argv, env)  # noqa: S606


def executable(name: str, env: dict[str, str]) -> str:
    """``name`` itself if it has a slash (relative to the working directory), else the first one on the task's PATH."""
    if "/" in name:
        return name
    for folder in env.get("PATH", "").split(":"):
        path = f"{folder or '.'}/{name}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(2, "executable file not found in $PATH")


def spawn(order: dict[str, Any], folder: str) -> tuple[int, int, int, str]:
    """Start the task: (pid, its stdout, its stderr, error text or "")."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    gate_read, gate_write = os.pipe()
    failure_read, failure_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(gate_write)
            become_task(order, (out_write, err_write), gate_read)
        except BaseException as raised:
            text = raised.strerror if isinstance(raised, OSError) and raised.strerror else str(raised)
            os.write(failure_write, f'exec: "{order["argv"][0]}": {text}'.encode("utf-8", "replace"))
        finally:
            os._exit(127)
    for descriptor in (out_write, err_write, gate_read, failure_write):
        os.close(descriptor)
    error = ""
    try:
        describe(folder, pid)
        os.write(gate_write, b"g")
    except OSError as failed:
        error = f"the task's folder cannot be written: {failed.strerror}"
    os.close(gate_write)
    with open(failure_read, "rb") as pipe:
        error = pipe.read().decode("utf-8", "replace") or error
    return pid, out_read, err_read, error


def describe(folder: str, child: int) -> None:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    own = os.getpid()
    about = {"boot": boot, "shim": [own, start_ticks(own)], "task": [child, start_ticks(child)], "started": time.time()}
    with open(f"{folder}/exit.new", "wb") as file:
        file.write(b" " * RESERVED)
    replace_file(f"{folder}/pid", json.dumps(about))


def reap(main: int) -> int | None:
    """Collect every child that ended; the wait status of ``main`` if it was among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == main:
            status = ended


def sweep(main: int) -> None:
    """Kill what the task left behind. Orphans become our children, so a few rounds find every generation."""
    with contextlib.suppress(OSError):
        os.killpg(main, signal.SIGKILL)
    deadline = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for pid in children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def children() -> list[int]:
    own, found = str(os.getpid()).encode(), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                if file.read().rpartition(b")")[2].split()[1] == own:
                    found.append(int(name))
    return found


def watch(main: int, relays: list[Relay], wakeup: int) -> int:
    """Relay output until ``main`` ends; its wait status."""
    poll = select.poll()
    poll.register(wakeup, select.POLLIN)
    by_descriptor = {relay.descriptor: relay for relay in relays}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == wakeup:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, CHUNK)
                status = reap(main)
                if status is not None:
                    return status
            elif not by_descriptor[descriptor].pump():
                poll.unregister(descriptor)


def tell(text: str) -> None:
    """To the manager, if it still listens."""
    with contextlib.suppress(OSError):
        os.write(1, text.encode("utf-8", "replace"))
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def main() -> int:
    folder, lock = sys.argv[1], int(sys.argv[2])
    os.set_inheritable(lock, False)
    order = json.loads(sys.stdin.buffer.read())
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wakeup, wakeup_write = os.pipe()
    for descriptor in (wakeup, wakeup_write):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    task, out, err, error = spawn(order, folder)

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            os.kill(task, number)

    if error:
        os.waitpid(task, 0)
        with contextlib.suppress(OSError):
            replace_file(f"{folder}/exit", json.dumps({"code": 127, "time": time.time(), "error": error}))
        tell(f"error {error}")
        return 127
    signal.signal(signal.SIGTERM, pass_on)
    tell(f"started {task} {start_ticks(task)}")
    log = Log(f"{folder}/log", order["log"]["size"], order["log"]["files"])
    relays = [Relay(out, "o", log), Relay(err, "e", log)]
    status = watch(task, relays, wakeup)
    ended = time.time()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pid may soon be someone else's
    sweep(task)
    for relay in relays:
        relay.finish()
    code = os.waitstatus_to_exitcode(status)
    code = code if code >= 0 else 128 - code
    with contextlib.suppress(OSError):  # our own exit status says the same to a manager that started us
        replace_file(f"{folder}/exit", json.dumps({"code": code, "time": ended}))
    return code


if __name__ == "__main__":
    sys.exit(main())
