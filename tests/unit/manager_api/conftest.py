"""One manager for the tests that only ask, a fresh one for those that need to be alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_manager import Served


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: it holds a socket."""
    with tempfile.TemporaryDirectory(prefix="mgr", dir="/tmp") as name:
        yield Path(name) / "state"


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    manager = Served(folder)
    try:
        yield manager
    finally:
        manager.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """Names in it must be unique to a test."""
    with tempfile.TemporaryDirectory(prefix="mgr", dir="/tmp") as name:
        manager = Served(Path(name) / "state")
        try:
            yield manager
        finally:
            manager.close()
