"""A process is its pid together with its start time."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from reconciler.manager.runtimes import procfs


def test_only_the_very_process_is_opened() -> None:
    own = procfs.start_ticks(os.getpid())
    assert own is not None
    descriptor = procfs.open_process(os.getpid(), own)
    assert descriptor is not None
    os.close(descriptor)
    assert procfs.open_process(os.getpid(), own + 1) is None


def test_a_zombie_is_no_process() -> None:
    child = subprocess.Popen(["true"])
    try:
        deadline = time.monotonic() + 10
        while procfs.start_ticks(child.pid) is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert procfs.start_ticks(child.pid) is None
    finally:
        child.wait()


def test_every_process_with_the_marker_is_killed_and_no_other() -> None:
    marked = [subprocess.Popen(["sleep", "60"], env={"STACKC_TEST_MARK": "one"}) for _ in range(2)]
    other = subprocess.Popen(["sleep", "60"], env={"STACKC_TEST_MARK": "one2"})
    try:
        deadline = time.monotonic() + 10
        while not all(b"sleep" in Path(f"/proc/{p.pid}/cmdline").read_bytes() for p in (*marked, other)):
            assert time.monotonic() < deadline
        procfs.kill_marked(b"STACKC_TEST_MARK=one", seconds=0.5)
        assert [process.wait(10) for process in marked] == [-9, -9]
        assert other.poll() is None
    finally:
        for process in (*marked, other):
            process.kill()
            process.wait()
