"""A dependency that its profile turns off."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.order import is_required
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field, strings

EXPLANATION = """\
A service that is off by its profile is no part of the stack, so whatever depends on it would wait for nothing.
Turn the profile on (`--profile NAME` or `COMPOSE_PROFILES`), put both services into one profile, or say that the
stack can do without it: `required: false`.
"""


def check(key: str, service: Node, context: Context) -> None:
    depends_on = field(service, "depends_on")
    if not context.inactive or not isinstance(depends_on, Mapping):
        return
    for name in depends_on.entries:
        if name not in context.inactive or not is_required(service, name):
            continue
        profiles = strings(context.inactive[name], "profiles")
        hint = f"turn it on with --profile {profiles[0]}, or write `required: false`" if profiles else ""
        message = f"`{key}` depends on `{name}`, which its profile turns off"
        path = ("services", key, "depends_on", name)
        context.report("SC4020", message, depends_on.key_span(name), path=path, hint=hint)
