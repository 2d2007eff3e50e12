"""Whole processes, measured one by one: time by the clock, processor time and peak memory of each.

The measuring is done by a bare interpreter of its own: on Linux a process is born with the peak memory of the one that
started it, so the measuring process must be smaller than everything that it measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import NamedTuple

_RUNNER = """
import os, sys, time
for line in sys.stdin:
    folder, errors, *command = line.rstrip("\\n").split("\\0")
    os.chdir(folder)
    to = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
          (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=to)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    print(status, wall * 1000, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024, flush=True)
"""


class Taken(NamedTuple):
    """One run: milliseconds by the clock and of processor time, and MiB of memory at the most."""

    wall: float
    cpu: float
    memory: float


class Failed(Exception):  # noqa: N818  (it ends the benchmark: a command that fails makes its figure worthless)
    """A measured command did not end with 0."""


class Runner:
    """Runs commands in turn. A context manager."""

    def __init__(self, environment: dict[str, str], errors: str) -> None:
        self.errors = errors
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _RUNNER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.communicate()

    def run(self, command: list[str], folder: str) -> Taken:
        """Raises Failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\0".join([folder, self.errors, *command]) + "\n")
        self.process.stdin.flush()
        status, wall, cpu, memory = self.process.stdout.readline().split()
        if status != "0":
            with open(self.errors, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                raise Failed(f"{json.dumps(command)} ended with status {status}: {file.read()[-2000:]}")
        return Taken(float(wall), float(cpu), float(memory))
