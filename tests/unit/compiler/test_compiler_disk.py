"""Nothing outside the folder is read, and nothing that is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackc.disk import DiskReader, MemoryReader
from stackc.source import SourceError


def kind(reader: DiskReader | MemoryReader, path: str) -> str:
    with pytest.raises(SourceError) as caught:
        reader.read(path)
    return caught.value.kind


def test_only_regular_files_below_the_folder_are_read(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.txt").write_bytes(b"a")
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "project-b").mkdir()
    (tmp_path / "project-b" / "x").write_bytes(b"x")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "in").symlink_to(root / "sub" / "a.txt")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    reader = DiskReader(str(root))
    assert reader.read("sub/a.txt") == reader.read(str(root / "sub/a.txt")) == reader.read("in") == b"a"
    assert reader.read("sub/../in") == b"a"
    assert [kind(reader, path) for path in ("../secret", "out", "/etc/passwd", str(tmp_path / "project-b" / "x"))] == [
        "outside"
    ] * 4
    assert kind(reader, "nope") == "missing"
    assert kind(reader, "a\0b") == "missing"
    assert kind(reader, "sub") == kind(reader, ".") == "directory"
    assert kind(reader, "pipe") == "unreadable"
    assert kind(reader, "loop") == "unreadable"
    assert kind(reader, "sub/a.txt/b") == "unreadable"


def test_a_file_that_the_user_named_may_stand_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    named = tmp_path / "b.yml"
    named.write_bytes(b"b")
    assert DiskReader(str(tmp_path / "a"), also=[str(named)]).read(str(named)) == b"b"
    assert kind(DiskReader(str(tmp_path / "a")), str(named)) == "outside"


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 101)
    assert kind(DiskReader(str(tmp_path), most_bytes=100), "big") == "too-large"
    assert len(DiskReader(str(tmp_path), most_bytes=101).read("big")) == 101


def test_the_reader_in_memory_behaves_the_same() -> None:
    reader = MemoryReader({"sub/a.txt": b"a"})
    assert reader.read("sub/a.txt") == reader.read("/project/sub/../sub/a.txt") == b"a"
    assert [kind(reader, path) for path in ("../x", "/etc/x", "sub", "nope")] == [
        "outside",
        "outside",
        "directory",
        "missing",
    ]
