"""git's error text → Fault; foreign text → printable text; commit objects → CommitInfo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sources.commit import parse_commit
from reconciler.sources.faults import classify, printable


@pytest.mark.parametrize(
    ("stderr", "code", "temporary"),
    [
        ("fatal: couldn't find remote ref refs/heads/main\n", "branch-missing", False),
        (
            "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote\n",
            "remote-away",
            True,
        ),
        ("fatal: transport 'ext' not allowed\n", "refused-protocol", False),
        ("fatal: unable to access 'https://h/x': server certificate verification failed", "certificate", False),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "host-key", False),
        ("git@h: Permission denied (publickey).\n", "authentication", False),
        ("fatal: detected dubious ownership in repository at '/x'", "owner", False),
        ("fatal: write error: No space left on device", "disk-full", True),
        ("error: object abc: hasDotgit: contains '.git'\nfatal: fsck error in packed object", "refused-objects", False),
        ("fatal: unable to connect to h: Connection refused", "remote-away", True),
        ("something new", "remote-away", True),
        ("", "remote-away", True),
    ],
)
def test_what_git_said_decides(stderr: str, code: str, temporary: bool) -> None:
    fault = classify(stderr)
    assert (fault.code, fault.temporary) == (code, temporary)
    assert fault.message


def test_credentials_and_control_characters_never_get_out() -> None:
    fault = classify("fatal: unable to access 'https://me:hunter2@h/x\x1b[2J': no\n")
    assert "hunter2" not in fault.message
    assert "\x1b" not in fault.message
    assert "https://***@h/x" in fault.message


@given(st.text(), st.integers(10, 400))
def test_printable_text_is_printable_and_short(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit


COMMIT = b"""tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
parent 1111111111111111111111111111111111111111
parent 2222222222222222222222222222222222222222
author Ada Lovelace <ada@example.com> 1700000000 +0100
committer C <c@example.com> 1700000001 +0000
gpgsig -----BEGIN SSH SIGNATURE-----
 author Mallory <m@example.com> 1 +0000
 parent 3333333333333333333333333333333333333333
 -----END SSH SIGNATURE-----

First \x1b[31mline

author Body <b@example.com> 2 +0000
"""


def test_a_commit_object_is_read_from_its_headers_only() -> None:
    info = parse_commit("a" * 40, COMMIT)
    assert info.parents == ("1" * 40, "2" * 40)
    assert info.author == "Ada Lovelace"
    assert info.time == 1700000001
    assert info.message == "First \\x1b[31mline"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_commit_without_surprises(data: bytes) -> None:
    info = parse_commit("a" * 40, data)
    assert info.message.isprintable()
    assert info.author.isprintable()
