"""A repository, a built-in manager and a reconciler, each a process of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.managers import BuiltIn
from reconciler_process import Site


@pytest.fixture(scope="session")
def built_in() -> Iterator[BuiltIn]:
    """One manager for all tests of this folder; every test has a stack of its own."""
    folder = Path(tempfile.mkdtemp(prefix="rc-m-", dir="/tmp"))  # short: it holds a unix socket
    manager = BuiltIn(folder)
    try:
        manager.start()
        yield manager
    finally:
        manager.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(built_in: BuiltIn, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(tmp_path, built_in.host)
    try:
        yield made
    finally:
        made.close()
