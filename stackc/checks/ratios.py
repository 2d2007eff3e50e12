"""A failure ratio outside 0 to 1."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, value

EXPLANATION = """\
`max_failure_ratio` is the share of the tasks that may fail before an update counts as failed, from 0 (none) to 1
(all). The engine refuses anything else in an `update_config`; `30` where 30 percent are meant is written `0.3`.
"""


def check(key: str, service: Node, context: Context) -> None:
    ratio = field(field(field(service, "deploy"), "update_config"), "max_failure_ratio")
    given = value(ratio)
    if isinstance(given, (int, float)) and not 0 <= given <= 1:
        path = ("services", key, "deploy", "update_config", "max_failure_ratio")
        context.report("SC4035", "`update_config.max_failure_ratio` must be between 0 and 1", ratio, path=path)
