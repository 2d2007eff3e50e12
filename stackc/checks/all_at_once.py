"""An update that replaces all tasks at once."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import is_job, mode, replicas
from stackc.parse.nodes import Node
from stackc.parse.read import field, number, text

EXPLANATION = """\
`parallelism: 0` means all tasks at once. In the order stop-first, which is the default, every task is stopped before
a new one runs: nothing serves in between, and if the new version fails there is no old task left.

Use `parallelism: 1` (the default) or another small number, or `order: start-first`.
"""


def check(key: str, service: Node, context: Context) -> None:
    update = field(field(service, "deploy"), "update_config")
    parallelism = field(update, "parallelism")
    if parallelism is None or number(update, "parallelism") or text(update, "order") == "start-first":
        return
    if is_job(service) or (mode(service) == "replicated" and replicas(service) < 2):
        return
    message = f"an update of `{key}` stops all its tasks before it starts new ones"
    path = ("services", key, "deploy", "update_config", "parallelism")
    context.report("SC4044", message, parallelism, path=path)
