"""What goes wrong with a git source, as values. Pure.

A *temporary* fault is tried again with a growing delay; a *permanent* one waits for someone to change something and is
looked at again only at the polling interval. Neither ever touches the running stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIMIT = 300
_CREDENTIALS = re.compile(r"(://)[^/@\s]{1,400}@", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` is stable, for programs; ``message`` one line for a person, printable; ``hint`` what to do next."""

    code: str
    temporary: bool
    message: str
    hint: str = ""


class GitError(Exception):
    """Carries a Fault from the place where it was met to the loop."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def printable(text: str, limit: int = _LIMIT) -> str:
    """Foreign text for a terminal: invisible characters escaped, credentials in URLs masked, cut at ``limit``."""
    text = _CREDENTIALS.sub(r"\1***@", text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit * 4])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Rule:
    words: str
    code: str
    temporary: bool
    message: str
    hint: str = ""


# First match wins. The words are git's own with LC_ALL=C; {said} is what git printed.
_RULES = (
    _Rule(
        "couldn't find remote ref",
        "branch-missing",
        False,
        "the branch does not exist in the repository",
        "push it, or correct 'branch'",
    ),
    _Rule(
        "detected dubious ownership",
        "owner",
        False,
        "the repository belongs to another user",
        "run the reconciler as the owner of the repository",
    ),
    _Rule(
        "fsck error",
        "refused-objects",
        False,
        "the commit has objects that git refuses: {said}",
        "rewrite the commit that brought them in",
    ),
    _Rule("file size limit exceeded", "too-large", False, "the repository is larger than the limit for one fetch"),
    _Rule("not enough memory", "too-large", False, "the repository needs more memory than the limit for one fetch"),
    _Rule("transport '", "refused-protocol", False, "git refused the protocol: {said}"),
    _Rule(
        "certificate",
        "certificate",
        False,
        "the server's certificate was not accepted: {said}",
        "mend the certificate, or name its CA with 'ca_file'",
    ),
    _Rule(
        "host key verification failed",
        "host-key",
        False,
        "the ssh host key is not the pinned one",
        "put the right key into 'known_hosts_file'",
    ),
    _Rule(
        "permission denied (publickey",
        "authentication",
        False,
        "the ssh server refused our key",
        "let the key of 'identity_file' read the repository",
    ),
    _Rule("authentication failed", "authentication", False, "the server refused to let us read the repository"),
    _Rule(
        "could not read username",
        "authentication",
        False,
        "the server asks for credentials",
        "use an ssh address with 'identity_file'",
    ),
    _Rule(
        "no space left on device",
        "disk-full",
        True,
        "no space left for the copy of the repository",
        "make room in the state folder",
    ),
    _Rule("mismatched algorithms", "object-format", False, "the repository uses another object format than ours"),
    _Rule("does not appear to be a git repository", "remote-away", True, "there is no git repository at this address"),
    _Rule("repository not found", "remote-away", True, "the server knows no repository at this address"),
)


def classify(stderr: str) -> Fault:
    """What a failed ``git fetch`` means. What no rule knows is temporary: trying again later can do no harm."""
    low = stderr.lower()
    said = said_by_git(stderr)
    for rule in _RULES:
        if rule.words in low:
            return Fault(rule.code, rule.temporary, rule.message.format(said=said), rule.hint)
    return Fault("remote-away", True, f"cannot fetch: {said}")


def said_by_git(stderr: str) -> str:
    """The telling line of git's error output, safe to print."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ssh:"))] or lines
    return printable(telling[0].removeprefix("fatal: ").removeprefix("error: ")) if telling else "git gave no reason"
