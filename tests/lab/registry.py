"""A real registry (Debian's docker-registry) inside an engine's network namespace, on 127.0.0.1: engines take it
without TLS. With a user and a password it asks for them."""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress

from lab.engine import Engine

_LIBC = ctypes.CDLL(None, use_errno=True)
_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
log: {{level: warn}}
"""


def unavailable() -> str | None:
    missing = [name for name in ("docker-registry", "nsenter") if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (Debian: apt install docker-registry)" if missing else None


class Registry:
    """``address``: host:port, to name images with. ``htpasswd``: a line of that file (bcrypt), or ""."""

    def __init__(self, engine: Engine, port: int, htpasswd: str = "") -> None:
        self.engine = engine
        self.address = f"127.0.0.1:{port}"
        folder = engine.folder / f"registry-{port}"
        folder.mkdir()
        text = _CONFIG.format(folder=folder / "data", address=self.address)
        if htpasswd:
            (folder / "htpasswd").write_text(htpasswd + "\n")
            text += f"auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}\n"
        (folder / "config.yml").write_text(text)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["nsenter", f"--net={engine.network}", "docker-registry", "serve", str(folder / "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: _LIBC.prctl(1, signal.SIGKILL),
            )
        deadline = time.monotonic() + 30
        while not self._answers(port):
            said = (folder / "log").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def _answers(self, port: int) -> bool:
        with suppress(OSError):
            connection: socket.socket = self.engine.connect(port)
            connection.close()
            return True
        return False

    def push(self, source: str, name: str) -> str:
        """The image ``source`` of the engine under ``name`` (with a tag); answers its full name."""
        full = f"{self.address}/{name}"
        self.engine.docker("tag", source, full)
        self.engine.docker("push", "--quiet", full)
        return full

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
