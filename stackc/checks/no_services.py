"""No services."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping
from stackc.parse.read import field

EXPLANATION = """\
A file without services deploys nothing, and with pruning it would remove everything that the stack has. That is
never taken for the wish: a half-written or wrongly merged file looks just the same. To remove a stack, use
`stackc rm STACK`.
"""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if (not isinstance(services, Mapping) or not services.entries) and not context.is_stack:
        context.report("SC4016", "the file has no services", root.start_span, hint="add one under `services:`")
