"""Starts, asks and ends git workers. Each serves one sync; one more stands by with GitPython already imported.

``import git`` takes about 100 ms: a standby worker makes that time pass before a push, not after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.sources.address import Address
from reconciler.sources.faults import Fault, GitError, classify, said_by_git

_PATH = "/usr/local/bin:/usr/bin:/bin"
_ANSWER_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Access:
    """Files of the operator's that open a source, as absolute paths; ssh sources need the first two."""

    identity_file: str | None = None
    known_hosts_file: str | None = None
    ca_file: str | None = None


def hardened_environment(address: Address, access: Access) -> dict[str, str]:
    """All that a worker and its git see of the environment: GitPython copies os.environ and can only add to it."""
    environment = {
        "PATH": _PATH if shutil.which("git", path=_PATH) else _PATH + os.pathsep + _folder_of_git(),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": address.protocol,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    if address.protocol == "ssh":
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "ConnectTimeout=20"]
        options += [f"UserKnownHostsFile={access.known_hosts_file or os.devnull}", "GlobalKnownHostsFile=/dev/null"]
        command = ["ssh", "-F", os.devnull, *(part for option in options for part in ("-o", option))]
        command += ["-i", access.identity_file or os.devnull]
        environment["GIT_SSH_COMMAND"] = shlex.join(command)
    return environment


def _folder_of_git() -> str:
    found = shutil.which("git")
    return str(Path(found).parent) if found else "/usr/bin"


class Worker:
    """One worker process. Not for use by two threads at once, but for ``kill``, which may come from any."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            cwd="/",
            start_new_session=True,  # its own group: git and its helpers end with it
        )
        self._rest = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def call(self, operation: str, timeout: float, **values: Any) -> dict[str, Any]:
        """Ask and wait ``timeout`` seconds at most. Raises GitError; after a timeout the worker is dead."""
        assert self._process.stdin is not None
        line = json.dumps({"op": operation, **values}) + "\n"
        try:
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()
            answer = json.loads(self._read_line(time.monotonic() + timeout))
        except TimeoutError:
            self.kill()
            raise GitError(Fault("timeout", True, f"git did not finish within {timeout:.0f} s")) from None
        except (OSError, ValueError):
            self.kill()
            raise GitError(Fault("worker-died", True, "the git worker ended before it answered")) from None
        if "ok" in answer:
            return dict(answer["ok"])
        raise GitError(_fault_of(answer["failed"]))

    def _read_line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        chunks = [self._rest]
        size = len(self._rest)
        while b"\n" not in chunks[-1]:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise TimeoutError
            chunk = os.read(descriptor, 1 << 20)
            size += len(chunk)
            if not chunk or size > _ANSWER_LIMIT:
                raise ValueError("no answer")
            chunks.append(chunk)
        line, _, self._rest = b"".join(chunks).partition(b"\n")
        return line

    def kill(self) -> None:
        """The whole group, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, by force when it does not end by itself, and collect it."""
        process = self._process
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _fault_of(failed: Mapping[str, Any]) -> Fault:
    step, stderr = str(failed["step"]), str(failed["stderr"])
    if step == "fetch":
        return classify(stderr)
    if step == "start":
        return Fault("git-missing", False, "git is not installed on this machine", "install git 2.39 or newer")
    if step == "absent":
        return Fault("commit-absent", False, "this commit is not in our copy of the repository")
    if "No space left" in stderr:
        return classify(stderr)
    return Fault("mirror", True, f"our copy of the repository cannot be used ({step}): {said_by_git(stderr)}")


class Workers:
    """Hands out workers; keeps one warm for each environment that was asked for. Thread-safe."""

    def __init__(self, start: Callable[[Mapping[str, str]], Worker] = Worker) -> None:
        self._start = start
        self._standby: dict[tuple[tuple[str, str], ...], Worker] = {}
        self._lock = threading.Lock()
        self._closed = False

    def prepare(self, environment: Mapping[str, str]) -> None:
        """Have a worker for ``environment`` stand by."""
        key = tuple(sorted(environment.items()))
        with self._lock:
            if not self._closed and key not in self._standby:
                self._standby[key] = self._start(environment)

    def take(self, environment: Mapping[str, str]) -> Worker:
        """The standby if there is one and it lives, else a new one. Whoever takes it closes it."""
        with self._lock:
            worker = self._standby.pop(tuple(sorted(environment.items())), None)
        if worker is not None and not worker.alive:
            worker.close()
            worker = None
        return worker or self._start(environment)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            standby, self._standby = list(self._standby.values()), {}
        for worker in standby:
            worker.close()
