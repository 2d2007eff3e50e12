"""A bench on each manager: Swarm in the lab, and the built-in one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_bench import Bench
from lab.managers import BuiltIn


def _bench(host: str, stack: str) -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp(prefix="ap-", dir="/tmp"))
    bench = Bench(folder, host, stack)
    try:
        yield bench
    finally:
        bench.start("rm", "--yes", stack).communicate(timeout=60)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def builtin() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="am-", dir="/tmp"))
    process = BuiltIn(folder)
    try:
        process.start()
        yield process.host
    finally:
        process.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=[pytest.param("swarm", marks=pytest.mark.engine), "builtin"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """On both managers."""
    host = request.getfixturevalue("engine").host if request.param == "swarm" else request.getfixturevalue("builtin")
    yield from _bench(host, _name(request))


@pytest.fixture
def local(request: pytest.FixtureRequest, builtin: str) -> Iterator[Bench]:
    """On the built-in manager only: for what does not depend on the manager."""
    yield from _bench(builtin, _name(request))


def _name(request: pytest.FixtureRequest) -> str:
    return str(request.node.originalname).removeprefix("test_").replace("_", "-")[:24].strip("-")
