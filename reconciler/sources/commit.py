"""A raw commit object → CommitInfo. Pure; foreign text comes out printable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.sources.faults import printable

_PERSON = re.compile(rb"(.*?) ?<([^<>\n]*)> (-?\d{1,15}) ([+-]\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """``message`` is the first line of the commit message; ``time`` is the committer's claim, seconds since 1970."""

    id: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: str


def parse_commit(name: str, data: bytes) -> CommitInfo:
    """Never raises: a commit that git accepted but that looks odd has empty fields."""
    head, _, body = data.partition(b"\n\n")
    parents: list[str] = []
    people: dict[bytes, re.Match[bytes] | None] = {}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")  # a line that continues a header begins with a blank: its key is empty
        if key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif key in (b"author", b"committer") and key not in people:
            people[key] = _PERSON.fullmatch(value)
    author, committer = people.get(b"author"), people.get(b"committer")
    first = next((line for line in body.split(b"\n") if line.strip()), b"")
    return CommitInfo(
        id=name,
        parents=tuple(parents),
        author=printable((author[1] or author[2]).decode("utf-8", "replace"), 100) if author else "",
        time=int(committer[3]) if committer else 0,
        message=printable(first.decode("utf-8", "replace").strip(), 200),
    )
