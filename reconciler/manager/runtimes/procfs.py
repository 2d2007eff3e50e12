"""Processes as /proc shows them. A pid alone never identifies one: its start time and the boot go with it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()


def start_ticks(pid: int) -> int | None:
    """When ``pid`` was started, in clock ticks since boot; None if there is no such process, or only its zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in (b"Z", b"X") else int(fields[19])


def open_process(pid: int, ticks: int) -> int | None:
    """A pidfd of exactly that process, or None when it is gone. The caller closes it."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    if start_ticks(pid) == ticks:  # read after the pidfd pins the process: no later one can be meant
        return descriptor
    os.close(descriptor)
    return None


def kill_marked(marker: bytes, *, seconds: float) -> bool:
    """SIGKILL every process whose environment holds ``marker`` (``KEY=VALUE``), until none is left.

    Blocks; False if some remain."""
    deadline = time.monotonic() + seconds
    while True:
        found = list(_marked(marker))
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found or time.monotonic() > deadline:
            return not found
        time.sleep(0.01)


def _marked(marker: bytes) -> Iterator[int]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if marker in (_PROC / entry.name / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def _stat(pid: int) -> list[bytes] | None:
    try:
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
