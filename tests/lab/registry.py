"""A real registry (Debian's docker-registry) inside a network namespace of the lab; engines take it without TLS.
With a user and a password it asks for them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from lab.engine import Engine, end_with_parent

_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
log: {{level: warn}}
"""


def unavailable() -> str | None:
    missing = [name for name in ("docker-registry", "nsenter") if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (Debian: apt install docker-registry)" if missing else None


class Place(Protocol):
    """Where a registry can stand: an engine, or the switch of a cluster."""

    folder: Path

    @property
    def network(self) -> str: ...

    def connect(self, port: int, address: str = ..., timeout: float = ...) -> socket.socket: ...


class Registry:
    """``address``: host:port, to name images with. ``htpasswd``: a line of that file (bcrypt), or "".

    On 127.0.0.1 of an engine only that engine reaches it; on the switch of a cluster all nodes do.
    """

    def __init__(self, place: Place, port: int, htpasswd: str = "", host: str = "127.0.0.1") -> None:
        self.place = place
        self.address = f"{host}:{port}"
        folder = place.folder / f"registry-{port}"
        folder.mkdir()
        text = _CONFIG.format(folder=folder / "data", address=self.address)
        if htpasswd:
            (folder / "htpasswd").write_text(htpasswd + "\n")
            text += f"auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}\n"
        (folder / "config.yml").write_text(text)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["nsenter", f"--net={place.network}", "docker-registry", "serve", str(folder / "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )
        deadline = time.monotonic() + 30
        while not self._answers(host, port):
            said = (folder / "log").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def _answers(self, host: str, port: int) -> bool:
        with suppress(OSError):
            self.place.connect(port, host).close()
            return True
        return False

    def push(self, source: str, name: str, engine: Engine | None = None) -> str:
        """The image ``source`` of an engine (the one the registry stands in, if not given) under ``name`` (with a
        tag); answers its full name."""
        if engine is None:
            assert isinstance(self.place, Engine)
            engine = self.place
        full = f"{self.address}/{name}"
        engine.docker("tag", source, full)
        engine.docker("push", "--quiet", full)
        return full

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
