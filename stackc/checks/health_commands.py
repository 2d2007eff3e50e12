"""Health checks that cannot pass, or have no command."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, flag, strings

EXPLANATION = """\
The first word of `healthcheck.test` says how the rest is run: `CMD` (a program and its arguments), `CMD-SHELL` (a
shell command) or `NONE` (no health check); a plain string is a shell command. Anything else is taken by the engine and
can never pass: with an unknown first word no probe is ever run and the task stays in `starting` for ever; a string
`NONE` runs a shell command of that name, which does not exist. A `CMD` with nothing after it even makes the engine of
the node crash, again and again (seen with 20.10), so that is refused.
"""


def check(key: str, service: Node, context: Context) -> None:
    health = field(service, "healthcheck")
    words = strings(health, "test")
    if not words or flag(health, "disable") or words[0] == "NONE":
        return
    at, path = field(health, "test"), ("services", key, "healthcheck", "test")
    if words[0] not in ("CMD", "CMD-SHELL"):
        message = f"the health check of `{key}` is never run: `{words[0]}` is none of CMD, CMD-SHELL, NONE"
        context.report("SC4030", message, at, path=path)
    elif len(words) == 1:
        message = f"the health check of `{key}` has no command after {words[0]}"
        context.report("SC4031", message, at, path=path)
    elif words == ["CMD-SHELL", "NONE"]:
        message = f"the health check of `{key}` runs a shell command called NONE, which fails"
        context.report("SC4030", message, at, path=path, hint='to switch it off, write `test: ["NONE"]`')
