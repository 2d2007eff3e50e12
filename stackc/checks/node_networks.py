"""A network of one node only."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import used_networks
from stackc.parse.nodes import Mapping
from stackc.parse.read import entries, field, flag, text

EXPLANATION = """\
Tasks of a service run on any node, so their networks must reach from node to node. `bridge`, `macvlan`, `ipvlan` and
the like exist on one node only, and the engine refuses every service that is to be attached to one ("only networks
scoped to the swarm can be used").

Leave `driver` out: an overlay network is made. To use a network of the node, name one that exists and is known to the
swarm, such as `host`, with `external: true`. In the Compose dialect such a driver is an error (SC2009); here it is a
warning, because `docker stack deploy` takes the file.
"""

_OF_ONE_NODE = frozenset(("bridge", "host", "ipvlan", "macvlan", "none", "null", "nat", "transparent", "l2bridge"))


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping) or not context.is_stack:
        return  # in the Compose dialect it is an error
    used = used_networks(services)
    for key, node in entries(root, "networks"):
        driver = text(node, "driver")
        if key in used and driver in _OF_ONE_NODE and not flag(node, "external"):
            message = f"the network `{key}` has the driver {driver}, which does not reach beyond one node"
            context.report("SC4029", message, field(node, "driver"), path=("networks", key, "driver"))
