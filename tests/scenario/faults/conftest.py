"""A built-in manager for all of these tests, and rigs before either manager."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_rollout import Rig
from fault_sweep import foreign
from lab.engine import Engine
from lab.managers import BuiltIn


@pytest.fixture(scope="session")
def builtin() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="fm-", dir="/tmp"))
    process = BuiltIn(folder)
    try:
        process.start()
        yield process.host
    finally:
        process.stop()
        shutil.rmtree(folder)


def _rig(manager: str, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """With things of others beside it that nobody may touch."""
    stack = "f-" + "".join(c if c.isalnum() else "-" for c in request.node.name.removeprefix("test_"))[:30].strip("-")
    with foreign(manager, f"{stack}-foreign"):
        rig = Rig(manager, stack)
        try:
            yield rig
        finally:
            rig.close()


@pytest.fixture
def local(request: pytest.FixtureRequest, builtin: str) -> Iterator[Rig]:
    yield from _rig(builtin, request)


@pytest.fixture
def swarm(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Rig]:
    yield from _rig(engine.host, request)
