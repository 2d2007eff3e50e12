"""The watcher: which changes concern a branch, and real events from real folders."""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sources.watch import Watcher, branch_files, nearest_folder, touches


def test_which_paths_concern_a_file() -> None:
    file = "/r/refs/heads/team/live"
    assert touches(file, file)
    assert touches("/r/refs/heads/team", file)
    assert touches("/", file)
    assert not touches("/r/refs/heads/team/live.lock", file)
    assert not touches("/r/refs/heads/te", file)
    assert not touches("/r/refs/heads/team/live/x", file)


def test_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    found = nearest_folder(str(tmp_path / "a/b/c"))
    assert found is not None
    assert found[0] == str(tmp_path)
    (tmp_path / "a").mkdir()
    deeper = nearest_folder(str(tmp_path / "a/b/c"))
    assert deeper is not None
    assert deeper[0] == str(tmp_path / "a")


class Hints:
    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.watcher = Watcher(self._queue.put)

    def expect(self, key: str) -> None:
        assert self._queue.get(timeout=20) == key

    def settle(self) -> None:
        """Forget what came so far, once nothing more comes."""
        while True:
            try:
                self._queue.get(timeout=0.3)
            except queue.Empty:
                return

    def none_came(self) -> bool:
        time.sleep(0.3)
        return self._queue.empty()


@pytest.fixture
def hints() -> Iterator[Hints]:
    made = Hints()
    yield made
    made.watcher.close()


def git(*arguments: str, cwd: Path) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)


def commit(work: Path) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=a@b")
    git(*identity, "commit", "-q", "--allow-empty", "-m", "x", cwd=work)


def test_a_push_to_the_branch_hints_and_to_another_does_not(tmp_path: Path, hints: Hints) -> None:
    git("init", "-q", "--bare", "r.git", cwd=tmp_path)
    git("init", "-q", "-b", "main", "w", cwd=tmp_path)
    commit(tmp_path / "w")
    hints.watcher.add("git live", branch_files(str(tmp_path / "r.git"), "team/live"))
    assert hints.watcher.refresh() == ""
    git("push", "-q", "../r.git", "HEAD:refs/heads/team/live", cwd=tmp_path / "w")  # its folder is made by this push
    hints.expect("git live")
    hints.watcher.refresh()
    hints.settle()
    commit(tmp_path / "w")
    git("push", "-q", "../r.git", "HEAD:refs/heads/team/live", cwd=tmp_path / "w")
    hints.expect("git live")
    hints.settle()
    git("push", "-q", "../r.git", "HEAD:refs/heads/team/other", cwd=tmp_path / "w")
    assert hints.none_came()
    git("fetch", "-q", "../r.git", "refs/heads/team/live", cwd=tmp_path / "w")  # reading is no change
    assert hints.none_came()
    git("pack-refs", "--all", cwd=tmp_path / "r.git")
    hints.expect("git live")


def test_a_repository_that_is_made_later_and_made_anew_is_noticed(tmp_path: Path, hints: Hints) -> None:
    hints.watcher.add("git x", branch_files(str(tmp_path / "sub/r"), "main"))
    hints.watcher.refresh()
    (tmp_path / "sub").mkdir()
    hints.expect("git x")
    hints.watcher.refresh()
    for _ in range(2):
        git("init", "-q", "-b", "main", "r", cwd=tmp_path / "sub")
        hints.expect("git x")
        hints.watcher.refresh()
        hints.settle()
        commit(tmp_path / "sub/r")
        hints.expect("git x")
        hints.settle()
        (tmp_path / "sub/r").rename(tmp_path / f"gone{time.monotonic_ns()}")
        hints.expect("git x")
        hints.watcher.refresh()
        hints.settle()
