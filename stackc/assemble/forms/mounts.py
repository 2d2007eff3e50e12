"""Volumes, devices, and the configs and secrets of a service."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.forms.values import scalar_text, with_home
from stackc.assemble.mounts import clean, is_absolute, parse_mount
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence
from stackc.parse.scalars import go_text

_HINT = "write SOURCE:TARGET[:ro], or the long form"


def stack_volumes(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        entries: dict[str, Node]
        if isinstance(item, Mapping):
            entries = dict(item.entries)
            keys = item.keys
        else:
            assert isinstance(item, Scalar)
            keys = {}
            short = _short_volume(item, context, path)
            if short is None:
                continue
            entries = short
            _warn_of_drive(item, entries, context, path)
        if scalar_text(entries.get("type")) == "bind":
            source = entries.get("source")
            if source is None or not scalar_text(source):
                _no_source(item, context, path)
                continue
            text = scalar_text(source)
            if text.startswith("~"):
                text = context.environment.get("HOME", "") + text[1:]
            entries["source"] = _found_at(text if is_absolute(text) else context.absolute(text, source), source)
        items.append(Mapping(entries, keys, item.file, item.start, item.end))
    return sequence(items, node)


def _warn_of_drive(item: Scalar, entries: dict[str, Node], context: Context, path: tuple[str, ...]) -> None:
    """``v:/x`` is an anonymous volume at the path ``v:/x``, as on Windows, and no volume called v."""
    target = scalar_text(entries.get("target"))
    if "source" not in entries and target[:1].isalpha() and target[1:3] == ":/":
        message = f"`{item.value}` is an anonymous volume at `{target}`: docker takes the letter for a drive"
        context.report("SC3015", message, item, path=path)


def _found_at(path: str, source: Node) -> Scalar:
    """The path that is meant; ``text`` stays what was written, which says whether it was relative."""
    return Scalar(path, scalar_text(source), source.file, source.start, source.end)


def _no_source(item: Node, context: Context, path: tuple[str, ...]) -> None:
    context.report("SC3002", "a bind mount needs a `source`", item, path=path, hint="name the folder of the host")


def _short_volume(item: Scalar, context: Context, path: tuple[str, ...]) -> dict[str, Node] | None:
    """The long form, with what both dialects have."""
    try:
        mount = parse_mount(go_text(item.value))
    except ValueError as error:
        context.report("SC3002", f"`{item.value}` {error}", item, path=path, hint=_HINT)
        return None
    entries: dict[str, Node] = {"type": scalar(mount.type, item)}
    if mount.source:
        entries["source"] = scalar(mount.source, item)
    entries["target"] = scalar(mount.target, item)
    if mount.read_only:
        entries["read_only"] = scalar(True, item)
    bind: dict[str, Node] = {}
    if mount.selinux and not context.is_stack:
        bind["selinux"] = scalar(mount.selinux, item)
    if mount.propagation:
        bind["propagation"] = scalar(mount.propagation, item)
    if mount.type == "bind" and not context.is_stack:
        bind["create_host_path"] = scalar(True, item)
    if bind:
        entries["bind"] = mapping(bind, item)
    if mount.nocopy:
        entries["volume"] = mapping({"nocopy": scalar(True, item)}, item)
    elif mount.type == "volume" and not context.is_stack and mount.spelled:
        entries["volume"] = mapping({}, item)
    return entries


def compose_volumes(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Each with ``type`` and ``target``; the source of a bind mount is absolute."""
    if not isinstance(node, Sequence):
        return None
    made = [_compose_volume(item, context, path) for item in node.items]
    return sequence([item for item in made if item is not None], node)


def _compose_volume(item: Node, context: Context, path: tuple[str, ...]) -> Mapping | None:
    if isinstance(item, Mapping):
        entries: dict[str, Node] = dict(item.entries)
        keys = item.keys
    else:
        assert isinstance(item, Scalar)
        keys = {}
        short = _short_volume(item, context, path)
        if short is None:
            return None
        entries = short
    target = entries.get("target")
    if target is None:
        hint = "name the folder in the container"
        context.report("SC3002", "a volume has no `target`", item.start_span, path=path, hint=hint)
        return None
    if isinstance(item, Scalar):  # a long form is cleaned when all files are merged: until then it is another target
        entries["target"] = scalar(clean(scalar_text(target)), target)
    if scalar_text(entries.get("type")) == "bind":
        source = entries.get("source")
        if source is None:
            _no_source(item, context, path)
            return None
        entries["source"] = _found_at(host_path(scalar_text(source), context, source), source)
    return Mapping(entries, keys, item.file, item.start, item.end)


def host_path(path: str, context: Context, at: Node) -> str:
    """A path of the machine that runs the containers, which may be another system: drives stay as they are."""
    path = with_home(path, context, at)
    return path if is_absolute(path) or path.startswith("\\\\") else context.absolute(path, at)


def file_path(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The ``file`` of a top-level config or secret, or a key for a build."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return node
    return Scalar(host_path(node.value, context, node), node.text, node.file, node.start, node.end)


def stack_file_refs(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """Configs and secrets of a service: a bare name is its source."""
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if not isinstance(item, Scalar):
            items.append(item)
        elif item.value is not None:
            items.append(mapping({"source": item}, item))
    return sequence(items, node)


def devices(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """``source``, ``target`` and ``permissions``; ``vendor.com/class=name`` is a CDI device, its own target."""
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Mapping):
            if "source" not in item.entries or "target" not in item.entries:
                hint = "name `source`, the device of the host, and `target`"
                context.report("SC2003", "a device is incomplete", item.start_span, path=path, hint=hint)
                continue
            made = item
        else:
            assert isinstance(item, Scalar)
            parts = go_text(item.value).split(":")
            if len(parts) > 3:
                hint = "use the long form with `source`, `target` and `permissions`"
                context.report("SC2002", f"`{item.value}` is no device", item, path=path, hint=hint)
                continue
            words = {
                "source": parts[0],
                "target": parts[1] if len(parts) > 1 else parts[0],
                "permissions": parts[2] if len(parts) > 2 else "rwm",
            }
            made = mapping({key: scalar(word, item) for key, word in words.items()}, item)
        items.append(made)
    return sequence(items, node)
