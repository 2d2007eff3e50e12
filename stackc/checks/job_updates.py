"""A job with an `update_config`."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.checks.service import is_job, mode
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field

EXPLANATION = """\
A job has nothing to update: each change runs it again as a whole. The engine refuses a job with an `update_config`
("Jobs may not have an update config").
"""


def check(key: str, service: Node, context: Context) -> None:
    deploy = field(service, "deploy")
    if isinstance(deploy, Mapping) and field(deploy, "update_config") is not None and is_job(service):
        message = f"`{key}` is a {mode(service)} and has an `update_config`"
        path = ("services", key, "deploy", "update_config")
        context.report("SC4041", message, deploy.key_span("update_config"), path=path)
