"""A bind mount with a relative path."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.mounts import is_absolute
from stackc.checks.service import constraints
from stackc.diagnostics import Related
from stackc.parse.nodes import Node, Scalar
from stackc.parse.read import field, items, text

EXPLANATION = """\
A relative path is resolved beside the file, on the machine that deploys. The mount itself is made on whatever node a
task comes to run, and nothing is copied there: where the folder is missing the task is rejected, and where it is
older the task runs with old data.

Put files that belong to the deployment into a config or secret, and data into a volume. If one node has the folder,
pin the service to it with a placement constraint.
"""


def check(key: str, service: Node, context: Context) -> None:
    if constraints(service) or text(service, "image").startswith("process/"):
        return  # one node is meant; a process runs on the machine of its manager
    found = [item for item in items(service, "volumes") if _is_relative(item)]
    if not found:
        return
    source = field(found[0], "source")
    assert isinstance(source, Scalar)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    message = f"`{key}` mounts {source.text}{more}, which must exist on every node that may run it"
    related = tuple(Related(item.span, "so is this one") for item in found[1:])
    context.report("SC4028", message, found[0], path=("services", key, "volumes"), related=related)


def _is_relative(item: Node) -> bool:
    source = field(item, "source")
    return text(item, "type") == "bind" and isinstance(source, Scalar) and not is_absolute(source.text)
