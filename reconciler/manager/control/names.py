"""Names, image references and constraints: what swarmkit accepts, read in linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.manager.constraints import ConstraintError, parse
from reconciler.manager.control.refusal import invalid, unknown

_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_SERVICE = _ALNUM | frozenset("-_")
_RESOURCE = _ALNUM | frozenset("-_.")

_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}", re.ASCII)


def check_service_name(name: str) -> None:
    """Also the rule for networks: at most 63 characters, a DNS label with underscores. Raises Refused."""
    if not name:
        raise invalid("name must be provided")
    if len(name) > 63:
        raise invalid("name must be 63 characters or fewer")
    if not _spelled(name, _SERVICE):
        raise invalid("name must be valid as a DNS name component")


def check_resource_name(name: str) -> None:
    """The rule for configs and secrets. Raises Refused."""
    if not name:
        raise invalid("name must be provided")
    if len(name) > 64 or not _spelled(name, _RESOURCE):
        raise invalid(
            "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, "
            "and the start and end character must be [a-zA-Z0-9]"
        )


def _spelled(name: str, letters: frozenset[str]) -> bool:
    return name[0] in _ALNUM and name[-1] in _ALNUM and letters.issuperset(name)


def check_image(image: str) -> None:
    """Raises Refused."""
    if not image:
        raise invalid("ContainerSpec: image reference must be provided")
    if not _is_reference(image):
        raise invalid(f'ContainerSpec: "{image}" is not a valid repository/tag')


def _is_reference(image: str) -> bool:
    name, at, digest = image.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return False
    repository, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        if not _TAG.fullmatch(tag):
            return False
    else:
        repository = name
    first, slash, rest = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if not _HOST.fullmatch(first):
            return False
        repository = rest
    return 0 < len(repository) <= 255 and all(_PATH.fullmatch(part) for part in repository.split("/"))


def check_constraints(expressions: Sequence[str]) -> None:
    """Raises Refused."""
    try:
        parse(expressions)
    except ConstraintError as error:
        raise unknown(str(error)) from None
