"""A defined object that no service uses."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping
from stackc.parse.read import entries, field, items, text

EXPLANATION = """\
Networks and volumes that no service uses are never created. Usually one of two names has a slip of the pen, and the
service is in the default network, or writes into a volume that is thrown away with its task.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    used: dict[str, set[str]] = {"networks": {"default"}, "volumes": set()}
    for service in (*services.entries.values(), *context.inactive.values()):
        used["networks"].update(name for name, _ in entries(service, "networks"))
        used["volumes"].update(text(item, "source") for item in items(service, "volumes"))
    for kind, names in used.items():
        parent = field(root, kind)
        for name in parent.entries if isinstance(parent, Mapping) else ():
            if name not in names:
                assert isinstance(parent, Mapping)
                message = f"the {kind[:-1]} `{name}` is used by no service and will not be created"
                context.report("SC4017", message, parent.key_span(name), path=(kind, name))
