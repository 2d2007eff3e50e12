"""Who a task runs as: its spec's user and groups, looked up on this machine."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import NamedTuple

from reconciler.manager.runtimes.launch import RejectedError


class Owner(NamedTuple):
    """The user a task runs as, when that is not the manager's own."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def owner_of(user: str, groups: tuple[str, ...]) -> Owner | None:
    """Who a task is to run as; None: the manager's own user. Raises RejectedError, also without the right to switch."""
    if not user and not groups:
        return None
    name, _, group = user.partition(":")
    try:
        entry = _user(name) if name else None
        uid = entry.pw_uid if entry else int(name or os.geteuid())
        gid = _group(group) if group else (entry.pw_gid if entry else 0 if name else os.getegid())
        wanted = tuple(_group(extra) for extra in groups)
    except KeyError as missing:
        raise RejectedError(f"unable to find user or group {missing.args[0]} on this machine") from None
    if os.geteuid() == 0:
        known = os.getgrouplist(entry.pw_name, gid) if entry else [gid]
        return Owner(uid, gid, tuple(sorted({*known, *wanted})))
    if uid != os.geteuid() or (group and gid != os.getegid()) or not set(wanted) <= {*os.getgroups(), os.getegid()}:
        raise RejectedError(
            f"user {user!a}: this manager runs as uid {os.geteuid()} and cannot start processes as another user"
        )
    return None


def _user(name: str) -> pwd.struct_passwd | None:
    """The account of a name or number; None for a number without one. KeyError for an unknown name."""
    numeric = name.isascii() and name.isdigit() and len(name) < 10
    try:
        return pwd.getpwuid(int(name)) if numeric else pwd.getpwnam(name)
    except (KeyError, ValueError):
        if numeric:
            return None
        raise KeyError(ascii(name)) from None


def _group(name: str) -> int:
    if name.isascii() and name.isdigit() and len(name) < 10:
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        raise KeyError(ascii(name)) from None


def check_reachable(root: Path, owner: Owner | None) -> None:
    """Raises RejectedError if the user could not even enter its own folder."""
    if owner is None or owner.uid == 0:
        return
    for folder in root.parents:
        about = folder.stat()
        bit = 0o100 if about.st_uid == owner.uid else 0o010 if about.st_gid in owner.groups else 0o001
        if not about.st_mode & bit:
            raise RejectedError(
                f"uid {owner.uid} cannot reach the task's folder: {folder} is not searchable for it"
                " (choose another state directory, or chmod o+x)"
            )
