"""DNS round robin with an ingress port."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, items, text

EXPLANATION = """\
With `endpoint_mode: dnsrr` a service has no address of its own, and an ingress port is forwarded to just that
address. The engine refuses the two together; a port without `mode:` is an ingress port.
"""


def check(key: str, service: Node, context: Context) -> None:
    if text(field(service, "deploy"), "endpoint_mode").lower() != "dnsrr":
        return
    for item in items(service, "ports"):
        if text(item, "mode").lower() != "host":
            message = "with `endpoint_mode: dnsrr` a port needs `mode: host`"
            context.report("SC4034", message, item, path=("services", key, "ports"))
