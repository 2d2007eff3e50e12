"""A name that the engine refuses."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import used_networks
from stackc.lower.names import object_name, objects
from stackc.parse.nodes import Mapping
from stackc.parse.read import flag

EXPLANATION = """\
The engine refuses some names, and says so only when the networks of the stack exist already. A service's and a
network's name, with the stack's before it, becomes a DNS name: letters, digits, `-` and `_` (no dot), a letter or
digit first and last, at most 63 characters. Configs and secrets may have dots too, and 64 characters.

Rename the key, or give a network, config or secret another `name:`.
"""

_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_SERVICE_LIMIT, _FILE_LIMIT = 63, 64
_FILE_HINT = f"letters, digits, -, _ and .; at most {_FILE_LIMIT} characters"


def is_service_name(name: str) -> bool:
    """Swarm: letters, digits, ``-`` and ``_``, first and last a letter or digit."""
    return _fits(name, "-_") and name[-1] in _ALNUM


def _fits(name: str, more: str) -> bool:
    return (
        bool(name) and name[0] in _ALNUM and name[-1] in _ALNUM and all(char in _ALNUM or char in more for char in name)
    )


def check(root: Mapping, stack: str, context: Context) -> None:
    services = root.get("services")
    if not isinstance(services, Mapping):
        return
    for key in services.entries:
        _scoped("service", key, f"{stack}_{key}", services, context)
    networks = root.get("networks")
    if isinstance(networks, Mapping):
        used = used_networks(services)
        for key, node in networks.items():
            if key in used and not flag(node, "external"):
                _scoped("network", key, object_name(stack, key, node), networks, context)
    for kind in ("configs", "secrets"):
        _files(kind, stack, root, context)


def _scoped(kind: str, key: str, name: str, parent: Mapping, context: Context) -> None:
    path = (f"{kind}s", key)
    own = key if name.endswith(f"_{key}") else name
    if not is_service_name(own):
        message = f"the {kind} name `{own}` is not allowed by the engine"
    elif len(name) > _SERVICE_LIMIT:
        message = f"the {kind} name `{name}` is longer than {_SERVICE_LIMIT} characters"
    else:
        return
    context.report("SC4009", message, parent.key_span(key), path=path)


def _files(kind: str, stack: str, root: Mapping, context: Context) -> None:
    parent = root.get(kind)
    if not isinstance(parent, Mapping):
        return
    for key, node in objects(root, kind).items():
        name = object_name(stack, key, node)
        if len(name) > _FILE_LIMIT or not _fits(name, "-_."):
            message = f"the name `{name}` is not allowed by the engine"
            context.report("SC4009", message, parent.key_span(key), path=(kind, key), hint=_FILE_HINT)
