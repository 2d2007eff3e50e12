"""Where the manager lives, and how it is started on demand."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine import EngineError, builtin
from reconciler.manager.api.http import Response
from reconciler.manager.api.server import Server
from reconciler.manager.launch import LaunchError, answers, ensure_running
from reconciler.manager.paths import PathError, Paths


def places(**environment: str) -> tuple[str, str]:
    paths = Paths.of(environment)
    return str(paths.state), str(paths.socket)


def test_defaults() -> None:
    assert places(HOME="/h") == ("/h/.local/state/stackc", "/h/.local/state/stackc/manager.sock")
    assert places(HOME="/h", XDG_STATE_HOME="/s") == ("/s/stackc", "/s/stackc/manager.sock")
    assert places(HOME="/h", XDG_RUNTIME_DIR="/r") == ("/h/.local/state/stackc", "/r/stackc/manager.sock")
    assert places(STACKC_STATE_DIR="/x", XDG_RUNTIME_DIR="/r") == ("/x", "/x/manager.sock")


def test_explicit_places_win() -> None:
    paths = Paths.of({"STACKC_STATE_DIR": "/x", "XDG_RUNTIME_DIR": "/r"}, state="/y", socket="unix:///z/s")
    assert (str(paths.state), str(paths.socket), paths.host) == ("/y", "/z/s", "unix:///z/s")
    assert str(Paths.of({"HOME": "/h", "XDG_RUNTIME_DIR": "/r"}, state="/y").socket) == "/y/manager.sock"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "HOME is not set"),
        ({"HOME": "relative"}, "HOME is 'relative'"),
        ({"STACKC_STATE_DIR": "relative"}, "STACKC_STATE_DIR"),
        ({"STACKC_STATE_DIR": "/" + "x" * 120}, "choose a shorter one with --socket"),
    ],
)
def test_places_that_cannot_be(environment: dict[str, str], message: str) -> None:
    with pytest.raises(PathError, match=message):
        Paths.of(environment)


# --- start on demand -----------------------------------------------------------------------------------------------


def pid_of(paths: Paths) -> int:
    return int((paths.state / "manager.lock").read_text())


def end(pid: int, paths: Paths) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while answers(paths.socket):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while True:  # a child of ours, however detached: collect it
        try:
            done, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if done:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def paths(folder: Path) -> Iterator[Paths]:
    found = Paths.of({"STACKC_STATE_DIR": str(folder)})
    yield found
    if answers(found.socket):
        end(pid_of(found), found)


def test_it_is_started_once_and_detached(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "the-callers-canary")
    assert not answers(paths.socket)
    callers = [threading.Thread(target=ensure_running, args=(paths,)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert answers(paths.socket)
    pid = pid_of(paths)
    assert os.getsid(pid) == pid
    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert paths.log.read_text().count("listens at") == 1
    assert stat.S_IMODE(paths.log.stat().st_mode) == 0o600
    ensure_running(paths)
    assert pid_of(paths) == pid
    end(pid, paths)
    assert not paths.socket.exists()
    assert "its tasks keep running" in paths.log.read_text()


def test_why_it_did_not_start_is_told(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.log.write_bytes(b"a line of old\n" * (1 << 19))
    (paths.state / "state.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LaunchError) as caught:
        ensure_running(paths)
    assert "ended at once" in str(caught.value)
    assert f"{paths.state}/state.db is damaged" in str(caught.value)
    assert "a line of old" not in str(caught.value)
    assert paths.log.stat().st_size < 10_000
    assert paths.log.with_suffix(".log.1").exists()


def test_two_managers_of_one_folder(paths: Paths) -> None:
    ensure_running(paths)
    command = [sys.executable, "-m", "stackc", "manager", "--state", str(paths.state), "--socket", f"{paths.socket}2"]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1
    assert second.stderr == (
        f"stackc: {paths.state} is in use by another manager (pid {pid_of(paths)}); stop it, or choose another folder "
        "with --state\n"
    )


@pytest.mark.parametrize("address", ["localhost", "1.2.3", "0.0.0.0:80"])
def test_the_publish_address_must_be_one(folder: Path, address: str) -> None:
    command = [sys.executable, "-m", "stackc", "manager", "--state", str(folder), "--publish-address", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 64
    assert "is no IP address" in done.stderr


def test_clients_get_an_error_they_know(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "state.db").write_bytes(b"no database" * 1000)
    for environment, message in (({"STACKC_STATE_DIR": str(paths.state)}, "is damaged"), ({}, "HOME is not set")):
        with pytest.raises(EngineError, match=message):
            builtin(environment)


def test_a_stale_socket_is_no_obstacle(paths: Paths) -> None:
    paths.state.mkdir(parents=True, mode=0o700)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(paths.socket))
    dead.close()
    ensure_running(paths)
    assert answers(paths.socket)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a file of another user")
def test_a_socket_of_somebody_else_is_not_used_even_if_it_answers(paths: Paths) -> None:
    server = Server.bind(paths.socket)
    try:
        server.start(lambda request: Response(200))
        assert answers(paths.socket)
        os.chown(paths.socket, 12345, 12345)
        with pytest.raises(LaunchError, match="belongs to another user"):
            ensure_running(paths)
    finally:
        server.close()
