"""The lab keeps its promises: the engine works, survives a power cut, and leaves nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from lab import images
from lab.engine import Engine, cgroups, new_engine

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.engine


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.05)


def command_lines() -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            lines.append(path.read_text(errors="replace"))
    return lines


def running(engine: Engine, service: str) -> bool:
    return "Running" in engine.docker("service", "ps", "--format", "{{.CurrentState}}", service)


def test_images_run_and_a_host_port_answers(engine: Engine) -> None:
    images.provide(engine, "python", "process/lab-python:v1")
    flags = ["--detach", "--quiet", "--name", "lab-web", "--publish", "mode=host,published=8099,target=8099"]
    engine.docker("service", "create", *flags, "process/lab-python:v1", "python3", "-m", "http.server", "8099")
    try:
        wait_for(lambda: running(engine, "lab-web"))

        def answers() -> bool:
            try:
                with engine.connect(8099) as client:
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return client.recv(100).startswith(b"HTTP/1.0 200 OK")
            except OSError:
                return False

        wait_for(answers)
    finally:
        engine.docker("service", "rm", "lab-web")


def test_what_a_killed_test_run_leaves_goes_with_the_next(engine: Engine) -> None:
    program = "from lab.engine import new_engine; print(new_engine().folder, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert folder != engine.folder
        assert any(str(folder) in line for line in command_lines())
        run.kill()
    wait_for(lambda: not any(str(folder) in line for line in command_lines()))
    assert folder.exists()
    new_engine(swarm=False).remove()
    assert not folder.exists()
    assert not cgroups(folder)
    assert engine.docker("info"), "an engine that is in use stays"


def test_an_engine_survives_a_power_cut_and_leaves_nothing(engine: Engine) -> None:
    assert engine  # the fixture decides whether engines can run here
    own = new_engine()
    try:
        images.provide(own, "box", "process/box:v1")
        own.docker("service", "create", "--detach", "--quiet", "--name", "a", "process/box:v1", "sleep", "99")
        wait_for(lambda: running(own, "a"))
        own.kill()
        assert not own.answers()
        own.start()
        wait_for(lambda: running(own, "a"))
    finally:
        own.remove()
    assert not own.folder.exists()
    assert str(own.folder) not in Path("/proc/self/mounts").read_text()
    assert not cgroups(own.folder)
    assert not [line for line in command_lines() if str(own.folder) in line]
