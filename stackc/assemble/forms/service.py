"""The rest of a service: attachments to networks, dependencies, build, limits, requested devices."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.forms.values import is_null
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence
from stackc.parse.scalars import go_text


def networks(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A list of names is a mapping of names to null."""
    return _by_name(node)


def _by_name(node: Node) -> Node:
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in node.items:
        if isinstance(item, Scalar):
            entries[str(item.value)] = scalar(None, item)
            keys[str(item.value)] = item
    return mapping(entries, node, keys)


def models(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    return None if is_null(node) else _by_name(node)


def depends_on(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A mapping of service to ``condition`` (a list means service_started); in Compose also ``required``."""
    entries: dict[str, Node] = {}
    if isinstance(node, Sequence):
        keys: dict[str, Scalar] = {}
        for item in node.items:
            assert isinstance(item, Scalar)
            one: dict[str, Node] = {"condition": scalar("service_started", item)}
            if not context.is_stack:
                one["required"] = scalar(True, item)
            entries[str(item.value)] = mapping(one, item)
            keys[str(item.value)] = item
        return mapping(entries, node, keys)
    if context.is_stack or not isinstance(node, Mapping):
        return None if is_null(node) else node
    for name, child in node.items():
        if isinstance(child, Mapping):
            required = child.get("required")
            default = scalar(True, child) if required is None or is_null(required) else required
            child = Mapping({**child.entries, "required": default}, child.keys, child.file, child.start, child.end)
        entries[name] = child
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def build(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else mapping({"context": node}, node)
    return node


def compose_build(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Always with a ``context``: without one the folder of the project."""
    made = build(node, context, path)
    if not isinstance(made, Mapping) or "context" in made.entries:
        return made
    entries = {"context": scalar(context.scope(made).project, made), **made.entries}
    return Mapping(entries, made.keys, made.file, made.start, made.end)


def ssh(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A mapping of id to the path of a key or socket; null where the build's own agent is meant."""
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    if isinstance(node, Mapping):
        return node
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Scalar) and item.value is not None:
            key, equals, where = go_text(item.value).partition("=")
            entries[key] = scalar(where if equals else None, item)
            keys[key] = item
    return mapping(entries, node, keys)


def stack_env_files(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([node], node)
    return node


def compose_env_files(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Each with ``path``, ``required`` and, where given, ``format``."""
    items: list[Node] = []
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Mapping):
            items.append(mapping({**item.entries, "required": item.get("required") or scalar(True, item)}, item))
        elif isinstance(item, Scalar) and item.value is not None:
            items.append(mapping({"path": item, "required": scalar(True, item)}, item))
    return sequence(items, node)


def ulimit(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``single``, or ``soft`` and ``hard``."""
    known = [node.get(key) for key in ("soft", "hard")] if isinstance(node, Mapping) else [node]
    for part in known:
        if isinstance(part, Scalar) and (not isinstance(part.value, int) or not -(2**63) <= part.value < 2**63):
            context.report("SC3010", f"`{part.text}` is no whole number that fits", part, path=path)
            return None
    return node if isinstance(node, Mapping) else mapping({"single": node}, node)


def gpus(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Device requests; ``all`` is one for all."""
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([mapping({"count": node}, node)], node)
    return node


def count(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """How many devices: a number, -1 for all."""
    if not isinstance(node, Scalar) or node.value is None:
        return None
    if node.value == "all":
        return Scalar(-1, node.text, node.file, node.start, node.end)
    digits = str(node.value).removeprefix("-")
    if isinstance(node.value, str) and digits.isascii() and digits.isdigit() and len(digits) < 19:
        return Scalar(int(node.value), node.text, node.file, node.start, node.end)
    if isinstance(node.value, int):
        return node
    context.report("SC2002", f"`{node.value}` is no number of devices", node, path=path, hint="a number, or all")
    return None


def request(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A device request; without a count and ids it is for all devices."""
    if not isinstance(node, Mapping):
        return None
    if "count" in node.entries and "device_ids" in node.entries:
        hint = "keep one of the two"
        context.report("SC3011", "a device request has both `count` and `device_ids`", node, path=path, hint=hint)
        return None
    if "count" in node.entries or "device_ids" in node.entries:
        return node
    entries = {**node.entries, "count": scalar("all", node)}
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def pull_policy(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar) and node.value == "if_not_present":
        return scalar("missing", node)
    return None if is_null(node) else node
