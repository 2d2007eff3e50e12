"""A published port is used twice."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import protocol, published
from stackc.diagnostics import Related
from stackc.hints import NamedTuple
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field, items, text

EXPLANATION = """\
A published port belongs to one service, once for each protocol. In the mode `ingress` (the default) it is taken on
every node of the swarm, so no other service can have it, neither as an ingress port nor as a host port. In the mode
`host` only the node is concerned that a task runs on. TCP and UDP do not get in each other's way.

Publish one of the two on another port, or do not publish it: services of a network reach each other without.
"""

_MOST = 1 << 20
"""How many ports of a file are looked at. So many cannot all be free: there are 3 × 65535 in all."""


class Use(NamedTuple):
    service: str
    ingress: bool
    place: Node


class Taken:
    """Who publishes a port: the first of each service (a host port may have many), and the first ingress port."""

    __slots__ = ("first", "ingress", "of")

    def __init__(self, use: Use) -> None:
        self.first = use
        self.ingress: Use | None = None
        self.of: dict[str, Use] = {}

    def other(self, use: Use) -> Use | None:
        """What is in the way of ``use``; the earliest, if there is more than one."""
        own = self.of.get(use.service)
        if own is not None:
            return own
        return self.first if use.ingress and self.of else self.ingress

    def add(self, use: Use) -> None:
        self.of.setdefault(use.service, use)
        if use.ingress and self.ingress is None:
            self.ingress = use


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    taken: dict[tuple[int, str], Taken] = {}
    left = _MOST
    clashes: dict[tuple[int, int, str], tuple[Use, Use, list[int]]] = {}
    for key, service in services.items():
        for item in items(service, "ports"):
            use = Use(key, text(item, "mode").lower() != "host", item)
            left -= len(published(item))
            for number in published(item) if left > 0 else ():
                port = (number, protocol(item))
                known = taken.setdefault(port, Taken(use))
                other = known.other(use)
                if other is not None:
                    pair = (_at(other), _at(use), port[1])
                    clashes.setdefault(pair, (other, use, []))[2].append(number)
                known.add(use)
    for (_, _, kind), (other, use, numbers) in clashes.items():
        _report(other, use, kind, numbers, context)


def _at(use: Use) -> int:
    """The ports of one range share their place in the text."""
    return id(use.place.start)


def _report(other: Use, use: Use, kind: str, numbers: list[int], context: Context) -> None:
    by = f"by `{use.service}`" if other.service == use.service else f", by `{other.service}` and by `{use.service}`"
    what = f"the port {numbers[0]}/{kind} is"
    if len(numbers) > 1:
        what = f"{len(numbers)} ports from {min(numbers)} to {max(numbers)}/{kind} are"
    message = f"{what} published twice{' ' if by[0] == 'b' else ''}{by}"
    related = (Related(other.place.span, "first published here"),)
    hint = "publish it on another port, or once only"
    path = ("services", use.service, "ports")
    context.report("SC4007", message, use.place, path=path, related=related, hint=hint)
