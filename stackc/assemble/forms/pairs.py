"""Lists of ``KEY=VALUE`` and mappings, as one mapping: labels, options, build arguments, hosts, environments."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.forms.values import is_null
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence
from stackc.parse.scalars import go_string_verb, go_text


def pairs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``[K=V]`` or ``{K: V}`` as a mapping of strings; what has no value gets ""."""
    return _mapping(node, nullable=False)


def nullable_pairs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The same, but what has no value stays null."""
    return _mapping(node, nullable=True)


def _mapping(node: Node, *, nullable: bool) -> Node | None:
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            if not isinstance(value, Scalar):
                continue
            plain = value.value
            if type(plain) is str or (plain is None and nullable):
                entries[key] = value
            else:
                entries[key] = scalar("" if plain is None else go_text(plain), value)
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    if not isinstance(node, Sequence):
        return None
    for item in node.items:
        if not isinstance(item, Scalar):
            continue
        key, equals, text = go_text(item.value).partition("=")
        entries[key] = scalar(text if equals or not nullable else None, item)
        keys[key] = item
    return mapping(entries, node, keys)


def compose_environment(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    return None if is_null(node) else _mapping(node, nullable=True)


def key_values(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The same where each item of a list must have a value."""
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar) and "=" not in go_text(item.value):
            context.report("SC2002", f"`{item.value}` has no value", item, path=path, hint="write KEY=VALUE")
            return None
    return pairs(node, context, path)


def value_lists(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A mapping of names to lists of strings; a single value is a list of one."""
    if not isinstance(node, Mapping):
        return None
    entries: dict[str, Node] = {}
    for key, value in node.entries.items():
        items = value.items if isinstance(value, Sequence) else [value]
        words = [scalar(go_text(one.value), one) for one in items if isinstance(one, Scalar) and one.value is not None]
        entries[key] = sequence(list(words), value)
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def stack_hosts(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``host:ip`` each; of a mapping in the order of these texts. The separator is the first ``=``, else ``:``."""
    items: list[Scalar] = []
    if isinstance(node, Mapping):
        for name, value in node.items():
            for one in value.items if isinstance(value, Sequence) else [value]:
                if isinstance(one, Scalar) and one.value is not None:
                    items.append(scalar(f"{name}:{go_string_verb(one.value)}", one))
        items.sort(key=lambda item: str(item.value).encode())
    for item in node.items if isinstance(node, Sequence) else ():
        text = go_text(item.value) if isinstance(item, Scalar) else ""
        name, found, address = text.partition("=" if "=" in text else ":")
        if found and isinstance(item, Scalar):
            items.append(scalar(f"{name}:{address}", item))
        else:
            context.report("SC2101", f"`{text}` has no address and has no effect", item, path=path)
    made: list[Node] = [_unbracketed(item) for item in items]
    return sequence(made, node)


def _unbracketed(item: Scalar) -> Scalar:
    name, _, address = str(item.value).partition(":")
    return scalar(f"{name}:{_bare(address) or address}", item)


def compose_hosts(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``host:ip`` each, sorted; ``host=ip,ip`` and lists of addresses are written out."""
    items: list[Scalar] = []
    if isinstance(node, Mapping):
        for name, value in node.items():
            for one in value.items if isinstance(value, Sequence) else [value]:
                if isinstance(one, Scalar) and one.value is not None:
                    items.append(scalar(f"{name}:{_bare(go_text(one.value))}", one))
    elif isinstance(node, Sequence):
        for item in node.items:
            text = go_text(item.value) if isinstance(item, Scalar) else ""
            name, found, addresses = text.partition("=" if "=" in text else ":")
            if not found or not name:
                hint = 'write "HOST=ADDRESS"'
                context.report("SC2002", f"`{text}` has no host name or no address", item, path=path, hint=hint)
                continue
            items.extend(scalar(f"{name}:{_bare(address)}", item) for address in addresses.split(","))
    ordered: list[Node] = [*sorted(items, key=_host_order)]
    return sequence(ordered, node)


def _host_order(item: Scalar) -> str:
    return str(item.value).replace(":", "=", 1)


def _bare(address: str) -> str:
    return address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address
