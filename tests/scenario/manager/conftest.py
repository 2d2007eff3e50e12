from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import DockerClient, ManagerProcess, docker_missing


@pytest.fixture
def manager() -> Iterator[ManagerProcess]:
    with tempfile.TemporaryDirectory(prefix="mgr", dir="/tmp") as name:
        process = ManagerProcess(Path(name))
        process.start()
        try:
            yield process
        finally:
            process.close()


@pytest.fixture
def docker(manager: ManagerProcess) -> DockerClient:
    reason = docker_missing()
    if reason and "docker_cli" in os.environ.get("STACKC_TEST_REQUIRE", "").split(","):
        pytest.fail(f"STACKC_TEST_REQUIRE asks for docker_cli: {reason}", pytrace=False)
    if reason:
        pytest.skip(f"docker_cli: {reason}")
    return DockerClient(manager, manager.state.parent)
