"""Top-level networks, volumes, configs and secrets: ``external`` becomes a boolean with a ``name``."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.forms.mounts import host_path
from stackc.assemble.forms.values import scalar_text
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar


def stack_object(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Mapping):
        return mapping({}, node)
    kind, key = path[0][:-1], path[1]
    entries = dict(node.entries)
    if kind in ("config", "secret"):
        _absolute_file(node, entries, context)
    if kind == "secret" and scalar_text(entries.get("driver")) and scalar_text(entries.get("file")):
        message = f"the secret `{key}` has both `driver` and `file`"
        context.report("SC3011", message, node.key_span("file"), path=path, hint="keep one of the two")
    external = entries.get("external")
    if external is None or not _is_external(entries):
        entries.pop("external", None)
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    name = _external_name(entries, kind, key, context, path)
    if kind == "volume":
        for other in ("driver", "driver_opts", "labels"):
            if other in entries and not _is_empty(entries[other]):
                _excluded(node, kind, key, other, context, path)
    entries["name"] = name if name is not None and scalar_text(name) else scalar(key, external)
    entries["external"] = scalar(True, external)
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def _absolute_file(node: Mapping, entries: dict[str, Node], context: Context) -> None:
    """Where content is to be read: without ``file`` docker takes the project's folder (its text then is "")."""
    if _is_external(entries) or (scalar_text(entries.get("driver")) and "file" not in entries):
        return
    given = entries.get("file")
    at = given if given is not None else node
    if given is None or isinstance(given, Scalar):
        path = scalar_text(given)
        entries["file"] = Scalar(context.absolute(path, at), path, at.file, at.start, at.end)


def _external_name(
    entries: dict[str, Node], kind: str, key: str, context: Context, path: tuple[str, ...]
) -> Node | None:
    """The name that was given, in whichever of the two ways; only one of them may be used."""
    name, external = entries.get("name"), entries["external"]
    inner = external.get("name") if isinstance(external, Mapping) else None
    if inner is None:
        return name
    if name is not None and scalar_text(name):
        message = f"the {kind} `{key}` has both `name` and `external.name`"
        context.report("SC3011", message, inner, path=path, hint="keep only `name`")
    elif scalar_text(inner):
        message = f"`external.name` of the {kind} `{key}` is deprecated"
        hint = f"write `name: {scalar_text(inner)}` and `external: true`"
        context.report("SC2102", message, inner, path=path, hint=hint)
        return inner
    return name


def _excluded(node: Mapping, kind: str, key: str, other: str, context: Context, path: tuple[str, ...]) -> None:
    message = f"the external {kind} `{key}` cannot have `{other}`"
    context.report("SC3011", message, node.key_span(other), path=path, hint=f"remove `{other}` or `external`")


def compose_object(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """An external volume has nothing but its name; of other external objects nothing else counts."""
    if not isinstance(node, Mapping):
        return mapping({}, node)
    kind, key = path[0][:-1], path[1]
    entries = dict(node.entries)
    if not _is_external(entries):
        entries.pop("external", None)
        if kind == "volume" and scalar_text(entries.get("driver")) == "local":
            entries = _local_bind(entries, context)
        return Mapping(entries, node.keys, node.file, node.start, node.end)
    external = entries["external"]
    name = _external_name(entries, kind, key, context, path)
    for other in node.entries if kind == "volume" else ():
        if other not in ("external", "name") and not other.startswith("x-"):
            _excluded(node, kind, key, other, context, path)
    entries["name"] = name if name is not None and scalar_text(name) else scalar(key, external)
    entries["external"] = scalar(True, external)
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def _local_bind(entries: dict[str, Node], context: Context) -> dict[str, Node]:
    """The folder behind a volume of the local driver with ``o: bind`` is a path of the host."""
    options = entries.get("driver_opts")
    if not isinstance(options, Mapping) or scalar_text(options.get("o")) != "bind":
        return entries
    device = options.get("device")
    if not isinstance(device, Scalar) or not isinstance(device.value, str):
        return entries
    found = {**options.entries, "device": scalar(host_path(device.value, context, device), device)}
    return {**entries, "driver_opts": Mapping(found, options.keys, options.file, options.start, options.end)}


def _is_external(entries: dict[str, Node]) -> bool:
    node = entries.get("external")
    return node is not None and not (isinstance(node, Scalar) and node.value in (None, False, ""))


def _is_empty(node: Node) -> bool:
    if isinstance(node, Mapping):
        return not node.entries
    return not node.items if isinstance(node, Sequence) else scalar_text(node) == ""
