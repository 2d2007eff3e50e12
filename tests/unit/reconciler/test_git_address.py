"""What an operator may name as a repository and as a branch, and what is refused when the settings are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sources.address import Address, AddressError, branch_problem, parse_address

GOOD = {
    "/srv/git/app.git": Address("file:///srv/git/app.git", "file", "/srv/git/app.git"),
    "app.git": Address("file:///conf/app.git", "file", "/conf/app.git"),
    "./a b.git": Address("file:///conf/a%20b.git", "file", "/conf/a b.git"),
    "../app": Address("file:///app", "file", "/app"),
    "--upload-pack=x": Address("file:///conf/--upload-pack%3Dx", "file", "/conf/--upload-pack=x"),
    "file:///srv/a%20b.git": Address("file:///srv/a%20b.git", "file", "/srv/a b.git"),
    "https://git.example.com/team/app.git": Address("https://git.example.com/team/app.git", "https"),
    "https://git.example.com:8443/app": Address("https://git.example.com:8443/app", "https"),
    "https://[::1]:8443/app": Address("https://[::1]:8443/app", "https"),
    "ssh://git@git.example.com:2222/app.git": Address("ssh://git@git.example.com:2222/app.git", "ssh"),
    "git@github.com:team/app.git": Address("git@github.com:team/app.git", "ssh"),
    "host:app.git": Address("host:app.git", "ssh"),
}

BAD = [
    "",
    "a\nb",
    "/srv/\x1b[2J",
    "ext::sh -c id",
    "ext::sh%20-c%20id",
    "fd::7/foo",
    "git://git.example.com/app",
    "ftp://git.example.com/app",
    "http://git.example.com/app",
    "http://127.0.0.1/app",  # only when asked for
    "https://",
    "https://git.example.com",
    "https://git.example.com/",
    "https://-oProxyCommand=x/app",
    "https://user@git.example.com/app",
    "https://user:secret@git.example.com/app",
    "https://git.example.com/app?x=1",
    "https://git.example.com/app#x",
    "https://git.example.com:99999/app",
    "https://git.example.com:x/app",
    "https://git.example.com/a b",
    "ssh://-oProxyCommand=x/app",
    "ssh://git:secret@git.example.com/app",
    "ssh://-l@git.example.com/app",
    "-oProxyCommand=x:app",
    "git@-oProxyCommand=x:app",
    "git@host:",
    "git@host:-x",
    "git@host:a;b",
    "file://host/srv/app.git",
    "file://",
]


@pytest.mark.parametrize(("text", "address"), GOOD.items())
def test_accepted(text: str, address: Address) -> None:
    assert parse_address(text, folder="/conf") == address


@pytest.mark.parametrize("text", BAD)
def test_refused_without_repeating_a_password(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text, folder="/conf")
    assert "secret" not in str(caught.value)


def test_plain_http_only_to_this_machine_and_only_when_asked_for() -> None:
    assert parse_address("http://127.0.0.1:8000/app.git", folder="/", allow_http=True).protocol == "http"
    with pytest.raises(AddressError):
        parse_address("http://git.example.com/app.git", folder="/", allow_http=True)
    with pytest.raises(AddressError):
        parse_address("http://127.0.0.1.example.com/app.git", folder="/", allow_http=True)


@given(st.text(max_size=60))
def test_any_text_gives_an_address_of_a_known_protocol_or_a_refusal(text: str) -> None:
    try:
        address = parse_address(text, folder="/conf")
    except AddressError:
        return
    assert address.protocol in ("file", "https", "ssh")
    assert not address.url.startswith("-")
    assert "::" not in address.url.split("/")[0]
    assert address.url.isprintable()


@pytest.mark.parametrize("name", ["main", "release/1.2", "feature/a_b-c", "v1", "a+b", "x=y"])
def test_branch_names_accepted(name: str) -> None:
    assert branch_problem(name) is None


NO_BRANCHES = [
    *("", "-", "--upload-pack=x", "@", "HEAD", "a..b", "a" * 4096, "refs/heads/main", "a//b", "a/", "/a", ".a", "a/.b"),
    *(
        "a.lock",
        "a.lock/b",
        "a.",
        "a b",
        "a\n",
        "a:b",
        "a^",
        "a~1",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a@{1}",
        "é",
        "+a",
        "a\x1b",
    ),
]


@pytest.mark.parametrize("name", NO_BRANCHES)
def test_branch_names_refused(name: str) -> None:
    assert branch_problem(name)
