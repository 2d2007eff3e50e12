"""The git source on real repositories: commits, blobs, and everything a hostile or broken repository may hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from git_upstream import Upstream

from reconciler.sources.address import Address
from reconciler.sources.faults import GitError
from reconciler.sources.git import BLOB_LIMIT, ROOT, CommitReader, GitSource
from reconciler.sources.process import Access, Workers
from stackc.source import SourceError

SourceOf = Callable[..., GitSource]


def read(source: GitSource, path: str) -> bytes:
    with source.open() as session:
        return session.reader(session.fetch(None).commit.id).read(path)


def fault_of(source: GitSource) -> Any:
    with source.open() as session, pytest.raises(GitError) as caught:
        session.fetch(None)
    return caught.value.fault


def test_a_push_is_seen_with_its_author_and_message(upstream: Any, source_of: SourceOf) -> None:
    first = upstream.commit({"stack.yml": "a: 1\n"}, "first\n\nmore")
    source = source_of(upstream.path)
    with source.open() as session:
        tip = session.fetch(None)
    assert (tip.commit.id, tip.commit.author, tip.commit.message, tip.descends) == (first, "Ada", "first", None)
    second = upstream.commit({"stack.yml": "a: 2\n"}, "second")
    with source.open() as session:
        tip = session.fetch(first)
        assert session.reader(tip.commit.id).read("stack.yml") == b"a: 2\n"
        assert session.reader(first).read("stack.yml") == b"a: 1\n"  # an older commit can still be read
    assert (tip.commit.id, tip.commit.parents, tip.descends) == (second, (first,), True)


def test_a_repository_with_a_work_tree_is_a_source_too(upstream: Any, source_of: SourceOf) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"}, push=False)
    with source_of(upstream.tree).open() as session:
        assert session.fetch(None).commit.id == commit


def test_nested_branch_names(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    upstream.branch = "team/app/live"
    commit = upstream.commit({"stack.yml": "a: 2\n"})
    with source_of(upstream.path, "team/app/live").open() as session:
        assert session.fetch(None).commit.id == commit


def test_a_branch_is_never_taken_for_a_tag_of_the_same_name(upstream: Any, source_of: SourceOf) -> None:
    commit = upstream.commit({"stack.yml": "branch\n"})
    upstream.commit({"stack.yml": "tag\n"}, push=False)
    upstream.git("push", "-q", str(upstream.path), "HEAD:refs/tags/main")
    with source_of(upstream.path).open() as session:
        assert session.fetch(None).commit.id == commit


def test_a_force_push_and_unrelated_history_do_not_descend(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    applied = upstream.commit({"stack.yml": "a: 2\n"})
    source = source_of(upstream.path)
    with source.open() as session:
        assert session.fetch(applied).descends is True
    upstream.git("reset", "-q", "--hard", "HEAD~1")
    upstream.commit({"stack.yml": "a: 3\n"}, push=False)
    upstream.push("--force")
    with source.open() as session:
        assert session.fetch(applied).descends is False
    upstream.git("checkout", "-q", "--orphan", "other")
    upstream.commit({"stack.yml": "a: 4\n"}, push=False)
    upstream.push("--force")
    with source.open() as session:
        assert session.fetch(applied).descends is False
        assert session.fetch("0" * 40).descends is False  # a commit that we do not have


def test_bytes_are_those_of_the_commit(upstream: Any, source_of: SourceOf) -> None:
    data = b"\xff\xfe $Id$ $Format:%H$\r\nno newline after the empty line\n\n"
    upstream.write(**{".gitattributes": "f ident export-subst filter=evil working-tree-encoding=UTF-16\n"})
    upstream.git("config", "filter.evil.smudge", "touch /tmp/never")
    oid = upstream.git("hash-object", "-w", "--stdin", stdin=data)
    upstream.git("update-index", "--add", "--cacheinfo", f"100644,{oid},f")
    upstream.git("add", ".gitattributes")
    upstream.git("commit", "-q", "-m", "x")
    upstream.push()
    assert read(source_of(upstream.path), "f") == data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommitReader]:
    """A reader on a commit that holds what must not be read."""
    upstream = Upstream(tmp_path_factory.mktemp("hostile"))
    upstream.write(**{"folder/a": "a\n", "lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"})
    upstream.write(big=bytes(BLOB_LIMIT + 1))
    (upstream.tree / "link").symlink_to("/etc/passwd")
    (upstream.tree / "folder-link").symlink_to("folder")
    upstream.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",module")
    upstream.git("add", "folder", "lfs", "big", "link", "folder-link")
    upstream.git("commit", "-q", "-m", "x")
    upstream.push()
    workers = Workers()
    mirror = upstream.path.parent / "state" / "mirror"
    mirror.parent.mkdir(mode=0o700)
    address = Address(upstream.path.as_uri(), "file", str(upstream.path))
    with GitSource(address, "main", mirror, workers, access=Access()).open() as session:
        yield session.reader(session.fetch(None).commit.id)


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("link", "unreadable", "symbolic link"),
        ("folder-link/a", "unreadable", "folder-link is a symbolic link"),
        ("module", "unreadable", "submodule"),
        ("module/x", "unreadable", "submodule"),
        ("lfs", "unreadable", "Git LFS pointer"),
        ("folder", "directory", "folder"),
        (".", "directory", "folder"),
        ("missing", "missing", "not in the commit"),
        ("folder/a/b", "missing", "not in the commit"),
        ("../x", "outside", "outside the repository"),
        ("/etc/passwd", "outside", "outside the repository"),
        ("//etc/passwd", "outside", "outside the repository"),
        (ROOT + "-evil/x", "outside", "outside the repository"),
        ("folder/../../x", "outside", "outside the repository"),
        ("*", "missing", "not in the commit"),
        (":(top)folder/a", "missing", "not in the commit"),
        ("-z", "missing", "not in the commit"),
        ("folder\\a", "missing", "not in the commit"),
        ("a\0b", "missing", "not the name of a file"),
        ("\ud800", "missing", "not the name of a file"),
        ("", "missing", "not the name of a file"),
        ("esc\x1b[2J", "missing", "\\x1b"),
        ("big", "too-large", "bytes"),
    ],
)
def test_what_is_no_plain_file_of_the_commit_is_refused(
    hostile: CommitReader, path: str, kind: str, words: str
) -> None:
    with pytest.raises(SourceError) as caught:
        hostile.read(path)
    assert caught.value.kind == kind
    assert words in caught.value.detail
    assert caught.value.detail.isprintable()


def test_odd_but_harmless_names_are_read(upstream: Any, source_of: SourceOf) -> None:
    for name in ("a b", "*", ":(top)x", "-z", "ü", "n\nl", 'q"', "folder/deep/er"):
        upstream.write(**{name: name})
    upstream.commit()
    with source_of(upstream.path).open() as session:
        reader = session.reader(session.fetch(None).commit.id)
        for name in ("a b", "*", ":(top)x", "-z", "ü", "n\nl", 'q"', "folder/deep/er"):
            assert reader.read(name) == name.encode()
        assert reader.read(ROOT + "/folder/./deep/../deep/er") == b"folder/deep/er"


def test_a_missing_branch_waits_for_someone(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    fault = fault_of(source_of(upstream.path, "absent"))
    assert (fault.code, fault.temporary) == ("branch-missing", False)


def test_a_repository_that_is_away_is_tried_again(upstream: Any, source_of: SourceOf) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    source = source_of(upstream.path)
    away = upstream.path.rename(upstream.path.with_name("away"))
    fault = fault_of(source)
    assert (fault.code, fault.temporary) == ("remote-away", True)
    away.rename(upstream.path)
    with source.open() as session:
        assert session.fetch(None).commit.id == commit


def test_replace_refs_of_the_repository_are_not_honoured(upstream: Any, source_of: SourceOf) -> None:
    good = upstream.commit({"f": "good\n"})
    evil = upstream.commit({"f": "evil\n"}, push=False)
    upstream.git("push", "-q", str(upstream.path), f"{evil}:refs/replace/{good}")
    source = source_of(upstream.path)
    assert read(source, "f") == b"good\n"


def test_a_tree_with_a_git_folder_in_it_is_refused(upstream: Any, source_of: SourceOf) -> None:
    blob = upstream.git("hash-object", "-w", "--stdin", stdin=b"[core]\n\tfsmonitor = touch /tmp/never\n")
    inner = upstream.git("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    tree = upstream.git("mktree", stdin=f"040000 tree {inner}\t.git\n".encode())
    commit = upstream.git("commit-tree", "-m", "x", tree)
    upstream.git("push", "-q", str(upstream.path), f"{commit}:refs/heads/main")
    fault = fault_of(source_of(upstream.path))
    assert (fault.code, fault.temporary) == ("refused-objects", False)


@pytest.mark.parametrize(
    ("url", "protocol", "code"),
    [
        ("ext::sh -c 'touch /tmp/never'", "https", "refused-protocol"),
        ("file:///srv/x.git", "https", "refused-protocol"),
        ("http://127.0.0.1:1/x", "https", "refused-protocol"),
        ("git://127.0.0.1:1/x", "file", "refused-protocol"),
        ("--upload-pack=touch /tmp/never", "file", "remote-away"),
    ],
)
def test_git_itself_refuses_what_the_address_check_would_have_let_through(
    tmp_path: Path, workers: Workers, url: str, protocol: str, code: str
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    source = GitSource(Address(url, protocol), "main", tmp_path / "state/mirror", workers, access=Access())
    assert fault_of(source).code == code


def test_the_worker_sees_nothing_of_our_environment(
    upstream: Any, source_of: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "GIT_DIR",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "LD_PRELOAD_X",
        "PYTHONPATH",
        "DOCKER_HOST",
        "TOKEN",
    ):
        monkeypatch.setenv(name, "7")
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    with source_of(upstream.path).open() as session:
        assert session.fetch(None).commit.id == commit
        environment = Path(f"/proc/{session.pid}/environ").read_bytes().split(b"\0")
    names = sorted(line.partition(b"=")[0].decode() for line in environment if line)
    assert names == [
        *("GIT_ALLOW_PROTOCOL", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_NO_REPLACE_OBJECTS"),
        *("GIT_OPTIONAL_LOCKS", "GIT_PROTOCOL_FROM_USER", "GIT_TERMINAL_PROMPT", "HOME", "LC_ALL", "PATH"),
    ]


def test_a_killed_worker_is_a_temporary_fault_and_leaves_nothing_that_blocks(
    upstream: Any, source_of: SourceOf
) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    source = source_of(upstream.path)
    with source.open() as session:
        session.fetch(None)
        os.kill(session.pid, signal.SIGKILL)
        with pytest.raises(GitError) as caught:
            session.reader(commit).read("stack.yml")
    assert (caught.value.fault.code, caught.value.fault.temporary) == ("worker-died", True)
    mirror = upstream.path.parent / "state/mirror"
    for name in ("refs/reconciler/tip.lock", "packed-refs.lock", "config.lock", "objects/pack/tmp_pack_x"):
        (mirror / name).touch()
    newer = upstream.commit({"stack.yml": "a: 2\n"})
    with source.open() as session:
        assert session.fetch(commit).commit.id == newer
    assert not (mirror / "objects/pack/tmp_pack_x").exists()


def test_half_a_mirror_is_made_anew(upstream: Any, source_of: SourceOf) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    half = upstream.path.parent / "state"
    source = source_of(upstream.path)
    for name in ("mirror", "mirror.new"):
        (half / name).mkdir(mode=0o700)
        (half / name / "config").write_text("[core")
    with source.open() as session:
        assert session.fetch(None).commit.id == commit


def test_a_state_folder_that_others_can_enter_is_refused(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    source = source_of(upstream.path)
    state = upstream.path.parent / "state"
    state.chmod(0o755)
    with pytest.raises(GitError) as caught:
        source.open()
    assert caught.value.fault.code == "state-folder"
    state.chmod(0o700)
    (state / "mirror").symlink_to(upstream.path)
    with pytest.raises(GitError):
        source.open()


def test_a_dead_standby_is_replaced(upstream: Any, source_of: SourceOf, workers: Workers) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    source = source_of(upstream.path)
    source.stand_by()
    standby = next(iter(workers._standby.values()))
    os.kill(standby.pid, signal.SIGKILL)
    os.waitid(os.P_PID, standby.pid, os.WEXITED | os.WNOWAIT)
    with source.open() as session:
        assert session.pid != standby.pid
        assert session.fetch(None).commit.id == commit
