"""A service that waits for one of a later wave."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Related
from stackc.lower.order import dependencies, wave
from stackc.parse.nodes import Mapping
from stackc.parse.read import field

EXPLANATION = """\
With `x-stackc: {wave: N}` a service waits until all services of lower numbers are well; without it the number is 0. A
dependency on a service of a higher number could never be met: each would wait for the other.

Give the dependency the same number or a lower one, or the service a higher one.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    numbers = {key: wave(service) for key, service in services.items()}
    for key, service in services.items():
        for name in dependencies(service):
            if numbers.get(name, 0) > numbers[key]:
                depends_on = field(service, "depends_on")
                assert isinstance(depends_on, Mapping)
                message = (
                    f"`{key}` of wave {numbers[key]} depends on `{name}` of wave {numbers[name]}, which waits for it"
                )
                related = (Related(services.key_span(name), "the service of the later wave"),)
                at = depends_on.key_span(name)
                context.report("SC4054", message, at, path=("services", key, "depends_on"), related=related)
