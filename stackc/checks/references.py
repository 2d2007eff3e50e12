"""A service can only use networks, volumes, configs and secrets that the file defines at its top level, and only wait
for services of the same stack. `docker stack deploy` notices some of these when half of the stack is there already,
and never looks at `depends_on`.

Correct the name, or define the thing. What exists already and is not to be created says so with `external: true`.
"""

from __future__ import annotations

from collections.abc import Iterator

from stackc.assemble.context import Context
from stackc.diagnostics import Span
from stackc.lower.order import is_required
from stackc.lower.read import entries, field, items, text
from stackc.parse.nodes import Mapping, Node


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        for code, kind, name, at, section in _references(service):
            parent = field(root, kind)
            known = parent.entries if isinstance(parent, Mapping) else {}
            if name in known or (kind == "networks" and name == "default"):
                continue
            if kind == "services" and (name in context.inactive or not is_required(service, name)):
                continue
            hint = _hint(kind, name, list(known))
            context.report(code, _message(key, kind, name), at, path=("services", key, section), hint=hint)


def _references(service: Node) -> Iterator[tuple[str, str, str, Span, str]]:
    """Code, kind, name, place and the key of the service that it stands in."""
    networks = field(service, "networks")
    if isinstance(networks, Mapping):
        for name in networks.entries:
            yield "SC4001", "networks", name, networks.key_span(name), "networks"
    for item in items(service, "volumes"):
        if text(item, "type") == "volume" and text(item, "source"):
            yield "SC4002", "volumes", text(item, "source"), _at(item, "source"), "volumes"
    for code, kind in (("SC4003", "configs"), ("SC4004", "secrets")):
        for item in items(service, kind):
            yield code, kind, text(item, "source"), _at(item, "source"), kind
    credential = field(service, "credential_spec")
    if credential is not None and text(credential, "config"):
        yield "SC4003", "configs", text(credential, "config"), _at(credential, "config"), "credential_spec"
    depends_on = field(service, "depends_on")
    if isinstance(depends_on, Mapping):
        for name, _ in entries(service, "depends_on"):
            yield "SC4005", "services", name, depends_on.key_span(name), "depends_on"


def _at(item: Node, key: str) -> Span:
    node = field(item, key)
    return node.span if node is not None else item.span


def _message(key: str, kind: str, name: str) -> str:
    if kind == "services":
        return f"`{key}` depends on `{name}`, which is no service"
    return f"the service `{key}` uses the {kind[:-1]} `{name}`, which is not defined"


def _hint(kind: str, name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"define it under the top-level `{kind}:`" if kind != "services" else "remove it, or add the service"
