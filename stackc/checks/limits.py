"""A resource below what the engine takes."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.quantity import nano_cpus
from stackc.hints import Iterator, NamedTuple
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, field, value

EXPLANATION = """\
The engine refuses a limit or reservation of less than 4 MiB of memory or 0.001 CPUs. A plain number is a number of
bytes: `memory: 512` is half a kilobyte, `memory: 512m` was meant.
"""

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


_DIRECT = (("mem_limit", True, True), ("cpus", True, False), ("mem_reservation", False, True))
"""Keys of a service: whether it is a limit, and whether it is an amount of memory."""


def amounts(service: Node) -> Iterator[Amount]:
    """Of memory and CPUs. What cannot be read is left out (and reported elsewhere)."""
    if not isinstance(service, Mapping):
        return
    for section, group in entries(field(service, "deploy"), "resources"):
        if section in ("limits", "reservations"):
            for name in ("memory", "cpus"):
                path = ("deploy", "resources", section, name)
                yield from _amount(field(group, name), path, section == "limits", name == "memory")
    for name, is_limit, is_memory in _DIRECT:
        if name in service.entries:
            yield from _amount(service.entries[name], (name,), is_limit, is_memory)


def _amount(at: Node | None, path: tuple[str, ...], is_limit: bool, is_memory: bool) -> Iterator[Amount]:
    given = value(at)
    if at is None or given is None or given == "":
        return
    if is_memory and isinstance(given, int):
        yield Amount(path, at, is_limit, given, None)
    elif not is_memory:
        try:
            yield Amount(path, at, is_limit, None, nano_cpus(str(given)))
        except ValueError:
            return
