"""A grace period that does not fit how tasks are stopped."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.quantity import duration_text
from stackc.checks.service import is_job, published
from stackc.parse.nodes import Node
from stackc.parse.read import field, flag, items, number, text

EXPLANATION = """\
A task that is to stop is first taken out of load balancing, then told by signal, and killed when the grace period is
over. Three things go wrong with it, each without a word:

* The engine counts whole seconds. Anything below `1s` is none: the task is killed at once.
* A service with published ports that is killed at once cuts the requests that are under way, in every update.
* In the order stop-first the new task starts when the old one has ended, but after 60s at the latest. With a longer
  grace period both run at the same time for a while, on the same volume.
"""

_SECOND = 10**9
_PATIENCE = 60 * _SECOND
"""How long swarmkit's updater and restart supervisor wait for an old task before they start the new one."""


def check(key: str, service: Node, context: Context) -> None:
    given = field(service, "stop_grace_period")
    grace = number(service, "stop_grace_period")
    if given is None or grace < 0 or is_job(service):
        return
    shown, hint = duration_text(grace), "give it the time that the longest request needs, such as 10s"
    if 0 < grace < _SECOND:
        message = f"{shown} are no whole second: tasks of `{key}` are killed at once"
    elif not grace and any(published(port) for port in items(service, "ports")):
        message = f"tasks of `{key}` are killed at once: requests that are under way are cut"
    elif grace > _PATIENCE and _is_stop_first(service) and _has_data(service):
        message = f"`{key}` may take {shown} to stop, but a new task starts after 60s, on the same data"
        hint = "make the program stop within 60s"
    else:
        return
    context.report("SC4026", message, given, path=("services", key, "stop_grace_period"), hint=hint)


def _is_stop_first(service: Node) -> bool:
    return text(field(field(service, "deploy"), "update_config"), "order") != "start-first"


def _has_data(service: Node) -> bool:
    """Whether two tasks on one node would write to the same place."""
    return any(
        text(item, "type") in ("volume", "bind") and text(item, "source") and not flag(item, "read_only")
        for item in items(service, "volumes")
    )
