"""The engine refuses a limit or reservation of less than 4 MiB of memory or 0.001 CPUs. A plain number is a number of
bytes: `memory: 512` is half a kilobyte, `memory: 512m` was meant.
"""

# annotations are evaluated here on purpose: as strings each would be compiled when the tuple class is made
from collections.abc import Iterator
from typing import NamedTuple

from stackc.assemble.context import Context
from stackc.assemble.quantity import nano_cpus
from stackc.lower.read import field, value
from stackc.parse.nodes import Node

_LEAST_MEMORY = 4 * 1024 * 1024
_LEAST_CPU = 10**6
"""Billionths of a CPU."""


def check(key: str, service: Node, context: Context) -> None:
    for amount in amounts(service):
        path = ("services", key, *amount.path)
        name = ".".join(amount.path[2:] or amount.path)
        if amount.bytes is not None and 0 < amount.bytes < _LEAST_MEMORY:
            context.report("SC4032", f"`{name}` must be at least 4 MiB", amount.at, path=path)
        if amount.cpus and amount.cpus < _LEAST_CPU:
            context.report("SC4032", f"`{name}` must be at least 0.001", amount.at, path=path)


class Amount(NamedTuple):
    """A limit or reservation, wherever a file may give it. One of ``bytes`` and ``cpus`` (billionths) is given."""

    path: tuple[str, ...]
    at: Node
    is_limit: bool
    bytes: int | None
    cpus: int | None


_MEMORY = (
    (("deploy", "resources", "limits", "memory"), True),
    (("mem_limit",), True),
    (("deploy", "resources", "reservations", "memory"), False),
    (("mem_reservation",), False),
)
_CPUS = (
    (("deploy", "resources", "limits", "cpus"), True),
    (("cpus",), True),
    (("deploy", "resources", "reservations", "cpus"), False),
)


def amounts(service: Node) -> Iterator[Amount]:
    """Of memory and CPUs. What cannot be read is left out (and reported elsewhere)."""
    for path, is_limit in _MEMORY:
        at = _at(service, path)
        given = value(at)
        if at is not None and isinstance(given, int):
            yield Amount(path, at, is_limit, given, None)
    for path, is_limit in _CPUS:
        at = _at(service, path)
        if at is not None and value(at) not in (None, ""):
            try:
                yield Amount(path, at, is_limit, None, nano_cpus(str(value(at))))
            except ValueError:
                continue


def _at(service: Node, path: tuple[str, ...]) -> Node | None:
    node: Node | None = service
    for key in path:
        node = field(node, key)
    return node
