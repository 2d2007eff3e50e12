"""A real repository, and sources that mirror it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from git_upstream import Upstream

from reconciler.sources.address import parse_address
from reconciler.sources.git import GitSource
from reconciler.sources.process import Access, Workers


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path)


@pytest.fixture
def workers() -> Iterator[Workers]:
    pool = Workers()
    yield pool
    pool.close()


@pytest.fixture
def source_of(tmp_path: Path, workers: Workers) -> Callable[..., GitSource]:
    """``source_of(url, branch="main", timeout=30)``: a GitSource with its mirror under tmp_path/state."""

    def make(url: str | Path, branch: str = "main", timeout: float = 30.0, access: Access | None = None) -> GitSource:
        state = tmp_path / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        address = parse_address(str(url), folder="/", allow_http=True)
        return GitSource(address, branch, state / "mirror", workers, access=access or Access(), timeout=timeout)

    return make
