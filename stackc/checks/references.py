"""What a service names must be defined."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Span
from stackc.hints import Iterator
from stackc.lower.order import is_required
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, field, items, text

EXPLANATION = """\
A service can only use networks, volumes, configs and secrets that the file defines at its top level, and only wait
for services of the same stack. `docker stack deploy` notices some of these when half of the stack is there already,
and never looks at `depends_on`.

Correct the name, or define the thing. Of a file with a `version:` a dependency that does not exist is only warned about
(SC4053), for docker takes such a file. What exists already and is not to be created says so with `external: true`.
"""

_MOST_GUESSES = 50
"""Looking for a similar name among thousands is slow; nobody reads so many hints."""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    known = {kind: dict(entries(root, kind)) for kind in ("services", "networks", "volumes", "configs", "secrets")}
    guesses = 0
    for key, service in services.items():
        for code, kind, name, section, item in _references(service):
            if name in known[kind] or (kind == "networks" and name == "default"):
                continue
            if kind == "services" and (name in context.inactive or not is_required(service, name)):
                continue
            guesses += 1
            hint = _hint(kind, name, list(known[kind]) if guesses <= _MOST_GUESSES else [])
            at = _at(service, section, name, item)
            if code == "SC4005" and context.is_stack:
                code = "SC4053"  # docker takes the file: it never looks at depends_on
            context.report(code, _message(key, kind, name), at, path=("services", key, section), hint=hint)


def _references(service: Node) -> Iterator[tuple[str, str, str, str, Node | None]]:
    """Code, kind and name, the key of the service that it stands under, and the item there, if that is a list."""
    for name, _ in entries(service, "networks"):
        yield "SC4001", "networks", name, "networks", None
    for item in items(service, "volumes"):
        if text(item, "type") == "volume" and text(item, "source"):
            yield "SC4002", "volumes", text(item, "source"), "volumes", item
    for code, kind in (("SC4003", "configs"), ("SC4004", "secrets")):
        for item in items(service, kind):
            yield code, kind, text(item, "source"), kind, item
    credential = field(service, "credential_spec")
    if text(credential, "config"):
        yield "SC4003", "configs", text(credential, "config"), "credential_spec", field(credential, "config")
    for name, _ in entries(service, "depends_on"):
        yield "SC4005", "services", name, "depends_on", None


def _at(service: Node, section: str, name: str, item: Node | None) -> Span:
    if item is not None:
        node = field(item, "source")
        return node.span if node is not None else item.span
    parent = field(service, section)
    assert isinstance(parent, Mapping)
    return parent.key_span(name)


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
