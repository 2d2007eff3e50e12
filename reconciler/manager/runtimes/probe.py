"""One run of a health check's command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from reconciler.manager.runtimes.account import owner_of
from reconciler.manager.runtimes.launch import Launch


class Probe:
    """One run of a health check's command: in the task's folder and environment, in a session of its own."""

    OUTPUT = 4096  # bytes kept, as the engine keeps them

    def __init__(self, launch: Launch, root: Path) -> None:
        """Start it. Raises OSError if it cannot be."""
        assert launch.healthcheck is not None
        owner = owner_of(launch.user, launch.groups)
        as_user: dict[str, Any] = {}
        if owner:
            as_user = {"user": owner.uid, "group": owner.gid, "extra_groups": owner.groups}
        self._process = subprocess.Popen(
            launch.healthcheck.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=root.joinpath(*launch.directory),
            env=dict(launch.env),
            start_new_session=True,
            **as_user,
        )
        assert self._process.stdout is not None
        self.output_descriptor = self._process.stdout.fileno()
        os.set_blocking(self.output_descriptor, False)
        self.descriptor = os.pidfd_open(self._process.pid)
        self.output = b""
        self.reading = True  # for its owner: whether output_descriptor is being watched

    def read(self) -> bool:
        """Take what the probe printed, keeping the first bytes; False at the end."""
        try:
            data = os.read(self.output_descriptor, 1 << 16)
        except BlockingIOError:
            return True
        self.output = (self.output + data)[: self.OUTPUT]
        return bool(data)

    def finish(self) -> int:
        """End whatever is left of it, also after a timeout; its exit code (128 + signal)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # not yet reaped, so the group is still ours
        code = self._process.wait()
        self.read()
        os.close(self.descriptor)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code if code >= 0 else 128 - code
