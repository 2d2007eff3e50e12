"""The short form of volumes, ``[source:]target[:options]``, as docker's CLI splits it."""

from __future__ import annotations

from posixpath import normpath

from stackc.hints import NamedTuple

_PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


class Mount(NamedTuple):
    """``selinux``: z or Z, which only Compose reads. ``spelled``: more than a target of one or two characters."""

    type: str
    source: str
    target: str
    read_only: bool
    nocopy: bool
    propagation: str
    selinux: str = ""
    spelled: bool = True


def parse_mount(text: str) -> Mount:
    """Raises ValueError. One letter before a colon is a Windows drive, also where it was meant as a volume."""
    if not text:
        raise ValueError("is empty")
    if len(text.encode()) <= 2:
        return Mount("volume", "", text, False, False, "", spelled=False)
    parts = _sections(text)
    if any(part == "" for part in parts):
        raise ValueError("has an empty section between colons")
    if len(parts) > 3:
        raise ValueError("has too many colons")
    if len(parts) == 1:
        return Mount("volume", "", parts[0], False, False, "")
    read_only, nocopy, propagation, selinux = False, False, "", ""
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option in ("ro", "rw"):
            read_only = option == "ro"
        elif option == "nocopy":
            nocopy = True
        elif option in _PROPAGATIONS:
            propagation = option
        elif option in ("z", "Z"):
            selinux = option
    kind = "bind" if is_file_path(parts[0]) else "volume"
    return Mount(kind, parts[0], parts[1], read_only, nocopy, propagation, selinux)


def _sections(text: str) -> list[str]:
    """Split at colons, but not after a single letter at the start of a section."""
    sections: list[str] = []
    start = at = 0
    while (at := text.find(":", at)) >= 0:
        if not (at - start == 1 and text[start].isalpha()):
            sections.append(text[start:at])
            start = at + 1
        at += 1
    sections.append(text[start:])
    return sections


def is_file_path(source: str) -> bool:
    if source[:1] in (".", "/", "~") or source.startswith("\\\\"):
        return True
    return len(source) > 1 and source[0].isalpha() and source[1] == ":"


def is_absolute(path: str) -> bool:
    """Unix, or a Windows drive with a slash: such a path is left as it is written."""
    return path.startswith("/") or (len(path) > 2 and path[0].isalpha() and path[1] == ":" and path[2] in "\\/")


def clean(path: str) -> str:
    """Go's path.Clean: without ``.``, ``..`` and slashes that say nothing."""
    short = normpath(path) if path else "."
    return short[1:] if short.startswith("//") else short
