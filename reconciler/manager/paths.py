"""Where the built-in manager of a user lives: its state folder and its socket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_SOCKET_LIMIT = 100
"""Bytes. sockaddr_un takes 107 on Linux and 103 on macOS."""


class PathError(ValueError):
    """No usable place; ``str()`` says which setting to change."""


class Paths(NamedTuple):
    state: Path
    socket: Path

    @classmethod
    def of(cls, environment: Mapping[str, str], *, state: str | None = None, socket: str | None = None) -> Paths:
        """Explicit values first; then STACKC_STATE_DIR (which also holds the socket); then the XDG folders.

        Raises PathError: no home folder, a relative folder in the environment, a socket path that is too long.
        """
        override = environment.get("STACKC_STATE_DIR", "")
        if state:
            state_dir = Path(os.path.abspath(state))  # noqa: PTH100 (resolve() would follow links)
        elif override:
            state_dir = _absolute("STACKC_STATE_DIR", override)
        else:
            state_dir = _state_home(environment) / "stackc"
        if socket:
            socket_path = Path(os.path.abspath(socket.removeprefix("unix://")))  # noqa: PTH100
        elif state or override or not environment.get("XDG_RUNTIME_DIR"):
            socket_path = state_dir / "manager.sock"
        else:
            socket_path = _absolute("XDG_RUNTIME_DIR", environment["XDG_RUNTIME_DIR"]) / "stackc" / "manager.sock"
        length = len(os.fsencode(socket_path))
        if length > _SOCKET_LIMIT:
            raise PathError(
                f"the socket path {socket_path} has {length} bytes, and not every system takes more than "
                f"{_SOCKET_LIMIT}; choose a shorter one with --socket, or a shorter folder with STACKC_STATE_DIR"
            )
        return cls(state_dir, socket_path)

    @property
    def log(self) -> Path:
        """Where a manager that was started on demand writes what a foreground one prints."""
        return self.state / "manager.log"

    @property
    def host(self) -> str:
        """The socket as DOCKER_HOST takes it."""
        return f"unix://{self.socket}"


def _state_home(environment: Mapping[str, str]) -> Path:
    if environment.get("XDG_STATE_HOME"):
        return _absolute("XDG_STATE_HOME", environment["XDG_STATE_HOME"])
    if environment.get("HOME"):
        return _absolute("HOME", environment["HOME"]) / ".local" / "state"
    raise PathError("there is no home folder (HOME is not set); name a state folder with STACKC_STATE_DIR")


def _absolute(variable: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise PathError(f"{variable} is {text!r}, which is no absolute path")
    return path
