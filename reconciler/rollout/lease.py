"""Who applies: an actor is a process that can be told alive from dead, so that an abandoned rollout is taken
over at once on its own machine, and after a while from any other."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

TTL = 30.0  # seconds without renewal after which an open attempt counts as abandoned
RENEW = 5.0  # seconds between renewals


def actor() -> str:
    """``user@host pid N (boot/namespace/start)``: unique for this run of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} pid {os.getpid()} ({_machine()}/{_started(os.getpid())})"


def shown(actor_: str) -> str:
    """The part for people."""
    return actor_.partition(" (")[0]


def abandoned(holder: str, renewed: float, now: float) -> bool:
    """Whether the holder is dead for certain (same machine, no such process), or silent for too long."""
    head, _, tail = holder.partition(" (")
    machine, _, started = tail.rstrip(")").rpartition("/")
    if machine and machine == _machine():
        pid = head.rpartition(" ")[2]
        return not (pid.isdigit() and _started(int(pid)) == started)
    return now - renewed > TTL


def _machine() -> str:
    """Boot id and pid namespace: where pids can be compared. "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; "" when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
