"""``reconciler run``: a StackLoop for each stack, one watcher, one status file, until SIGTERM.

The main thread only writes status.json and waits for the signal. What cannot be written is said once and tried again:
a full disk never stops a rollout.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from reconciler import orders, status
from reconciler.config import Settings, StackSettings
from reconciler.decide import Hint, short
from reconciler.engine import Engine, connect
from reconciler.loop import Ports, StackLoop
from reconciler.sources.git import GitSource, own_folder
from reconciler.sources.process import Workers
from reconciler.sources.watch import Watcher, branch_files

WRITE_AGAIN = 5.0  # seconds after which a status that could not be written is tried again
STOP_WITHIN = 20.0  # seconds for all stacks to come to rest


class Log:
    """One line per event: time, stack, commit, event, text. ``form`` is text or json; a closed pipe is no error."""

    def __init__(self, out: IO[str], form: str) -> None:
        self._out = out
        self._form = form
        self._lock = threading.Lock()

    def __call__(self, stack: str, commit: str, event: str, text: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._form == "json":
            record = {"time": now, "stack": stack, "commit": commit, "event": event, "message": text}
            line = json.dumps(record)
        else:
            line = " ".join(part for part in (now, stack or "-", short(commit) or "-", f"{event}:", text) if part)
        with self._lock, suppress(OSError, ValueError):
            self._out.write(line + "\n")
            self._out.flush()


class Daemon:
    """Everything that ``run`` starts, and ends again."""

    def __init__(self, settings: Settings, env: Mapping[str, str], log: Log) -> None:
        """Raises GitError when the state folder is not ours, AlreadyRunningError, OSError."""
        self._settings = settings
        self._env = env
        self._log = log
        self._state = Path(settings.state)
        for folder in (self._state, self._state / "mirrors", self._state / orders.FOLDER):
            own_folder(folder)
        self._lock = status.Lock(self._state)
        self._events: SimpleQueue[str] = SimpleQueue()
        self._statuses: dict[str, status.StackStatus] = {}
        self._started = time.time()
        self._workers = Workers()
        self._watcher = Watcher(self._hint)
        self._watch_problem = ""
        self._loops = {stack.name: self._loop(stack) for stack in settings.stacks}

    def _loop(self, stack: StackSettings) -> StackLoop:
        repo = stack.repo
        source = GitSource(
            repo.address,
            repo.branch,
            self._state / "mirrors" / stack.name,
            self._workers,
            access=repo.access,
            timeout=repo.timeout,
        )
        if repo.address.path is not None:
            self._watcher.add(f"git {stack.name}", branch_files(repo.address.path, repo.branch))
        self._watcher.add(f"order {stack.name}", [str(orders.path(self._state, stack.name))])
        ports = Ports(
            connect=self._connect,
            log=self._log,
            report=self._report,
            random=random.random,
            refresh_watches=self._refresh_watches,
        )
        return StackLoop(stack, self._settings.interval, self._state, source, ports)

    def _connect(self) -> Engine:
        return connect(self._settings.host, self._env, start=True)

    def _hint(self, key: str) -> None:
        what, _, name = key.partition(" ")
        self._loops[name].wake(Hint() if what == "git" else None)

    def _refresh_watches(self) -> None:
        problem = self._watcher.refresh()
        if problem and problem != self._watch_problem:
            self._log("", "", "watch", f"{problem}; polling every {self._settings.interval:.0f} s")
        self._watch_problem = problem

    def _report(self, stack: status.StackStatus) -> None:
        if self._statuses.get(stack.name) != stack:
            self._statuses[stack.name] = stack
            self._events.put("status")

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._events.put("stop"))  # SimpleQueue.put may be interrupted by itself
        names = ", ".join(self._loops)
        self._log("", "", "start", f"keeping {names}; state in {self._state}")
        for loop in self._loops.values():
            loop.start()
        write_at: float | None = None
        problem = ""
        while True:
            try:
                event = self._events.get(timeout=None if write_at is None else max(0.0, write_at - time.monotonic()))
            except Empty:
                event = "status"
            if event == "stop":
                break
            problem = self._write(problem)
            write_at = time.monotonic() + WRITE_AGAIN if problem else None
        self._stop()
        self._write(problem)

    def _write(self, before: str) -> str:
        """Write the newest status; empty, or what went wrong."""
        with suppress(Empty):
            while self._events.get_nowait() != "stop":
                pass
            self._events.put("stop")
        stacks = tuple(self._statuses[name] for name in self._loops if name in self._statuses)
        try:
            status.write(self._state, stacks, now=time.time(), started=self._started)
        except OSError as error:
            problem = f"cannot write {self._state / status.FILE}: {error.strerror or error}"
            if problem != before:
                self._log("", "", "status", f"{problem}; trying again")
            return problem
        return ""

    def _stop(self) -> None:
        self._log("", "", "stop", "stopping; a running rollout is taken up again by the next start")
        for loop in self._loops.values():
            loop.stop()
        deadline = time.monotonic() + STOP_WITHIN
        for loop in self._loops.values():
            loop.join(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        self._watcher.close()
        self._workers.close()
        self._lock.close()
