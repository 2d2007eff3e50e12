"""Where a git source is: the operator's words → an Address that is safe to hand to git, or AddressError.

An allow-list, never a block-list (threat T5, promise P20): a local path, ``file://``, ``https://``, ``ssh://``
and the scp form ``[user@]host:path``. Plain ``http://`` only on request and only to this machine. Values come
from the operator's configuration, never from a repository. Pure.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_REMOTE_PATH = re.compile(r"[A-Za-z0-9._~/@+,=%-]{1,2000}", re.ASCII)
_SCP = re.compile(r"(?:(?P<user>[^@/:]*)@)?(?P<host>[^@/:]*):(?P<path>.*)", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+=-]{0,199}", re.ASCII)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class AddressError(ValueError):
    """The text says what is wrong and what would be right; it never repeats a password."""


@dataclass(frozen=True, slots=True)
class Address:
    """``url`` is what git is given, ``protocol`` the only one it may use (GIT_ALLOW_PROTOCOL).

    ``path`` is the folder of a repository on this machine (to watch it), else None.
    """

    url: str
    protocol: str
    path: str | None = None

    def __str__(self) -> str:
        return self.path or self.url


def parse_address(text: str, *, folder: str, allow_http: bool = False) -> Address:
    """``folder`` (absolute): what a relative path is relative to. Raises AddressError."""
    if not text or not text.isprintable():
        raise AddressError("a repository address is a path or a URL without control characters")
    scheme, separator, _ = text.partition("://")
    if separator:
        return _of_url(text, scheme.lower(), allow_http)
    if ":" in text.partition("/")[0]:
        return _of_scp(text)
    return _of_path(posixpath.join(folder, text))


def _of_url(text: str, scheme: str, allow_http: bool) -> Address:
    if scheme not in ("https", "ssh", "file", "http"):
        raise AddressError(f"'{scheme[:20]}://' is not used: give a local path, https://, ssh:// or user@host:path")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressError("this is not a URL that git could use") from None
    if parts.query or parts.fragment:
        raise AddressError("a repository URL has no '?' and no '#' part")
    if scheme == "file":
        if parts.netloc:
            raise AddressError("write file:// with three slashes: file:///path/to/repo.git")
        return _of_path(unquote(parts.path))
    user, at, server = parts.netloc.rpartition("@")
    if ":" in user:
        raise AddressError("no password in a URL: it would be seen in process lists and logs")
    host = server.removesuffix(f":{port}") if port is not None else server
    if not _HOST.fullmatch(host):
        raise AddressError("the host name of this URL is not one that git may connect to")
    if not _REMOTE_PATH.fullmatch(parts.path) or parts.path == "/":
        raise AddressError("the path of this URL is empty or has characters that are not allowed in it")
    if at and (scheme != "ssh" or not _USER.fullmatch(user)):
        raise AddressError("a user name is for ssh:// only: letters, digits, '.', '_' and '-'")
    if scheme == "http" and not (allow_http and host in _LOOPBACK):
        raise AddressError("plain http:// can be changed on its way: use https:// or ssh://")
    return Address(f"{scheme}://{parts.netloc}{parts.path}", scheme)


def _of_scp(text: str) -> Address:
    match = _SCP.fullmatch(text)
    user = match["user"] if match else None
    if not match or not _HOST.fullmatch(match["host"]) or not (user is None or _USER.fullmatch(user)):
        raise AddressError("this is read as user@host:path, and the user or the host is not a plain name")
    path = match["path"]
    if not _REMOTE_PATH.fullmatch(path) or path.startswith("-"):
        raise AddressError("the path behind 'host:' is empty or has characters that are not allowed in it")
    return Address(text, "ssh")


def _of_path(path: str) -> Address:
    if not path.startswith("/") or not path.isprintable():
        raise AddressError("a local repository is named by an absolute path")
    clean = posixpath.normpath(path)
    return Address("file://" + quote(clean), "file", clean)


def branch_problem(name: str) -> str | None:
    """Why ``name`` cannot be a branch here, or None. Stricter than git: no name that could be read as anything else."""
    if not _BRANCH.fullmatch(name):
        return "a branch name is made of letters, digits and . _ / + = -, begins with a letter or digit, and is short"
    if name in ("HEAD", "FETCH_HEAD", "ORIG_HEAD") or name.startswith("refs/"):
        return "give the branch alone, such as 'main'; it is always taken as refs/heads/<branch>"
    if ".." in name or any(not p or p.startswith(".") or p.endswith((".", ".lock")) for p in name.split("/")):
        return "no part of a branch name is empty, begins or ends with '.', or ends with '.lock'"
    return None
