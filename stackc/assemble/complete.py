"""What a Compose file means without saying so: dependencies by links and shared namespaces, ``scale``, build arguments
taken from the environment, targets of volumes without detours. The last pass over a project, after all files are
merged; the stack dialect has none of it.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.mounts import clean
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar, sequence

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


def complete(root: Mapping, context: Context) -> Mapping:
    """``root`` is canonical and so is the result."""
    services = root.get("services")
    if not isinstance(services, Mapping):
        return root
    done = {
        key: _service(node, context) if isinstance(node, Mapping) else node for key, node in services.entries.items()
    }
    made = Mapping(done, services.keys, services.file, services.start, services.end)
    return Mapping({**root.entries, "services": made}, root.keys, root.file, root.start, root.end)


def _service(service: Mapping, context: Context) -> Mapping:
    changed: dict[str, Node] = {}
    implied = _implied(service)
    if implied:
        given = service.get("depends_on")
        before = given.entries if isinstance(given, Mapping) else {}
        entries = {**before, **{name: node for name, node in implied.items() if name not in before}}
        changed["depends_on"] = mapping(entries, given or service, given.keys if isinstance(given, Mapping) else {})
    scale, deploy = service.get("scale"), service.get("deploy")
    if scale is not None and isinstance(deploy, Mapping) and "replicas" not in deploy.entries:
        changed["deploy"] = mapping({**deploy.entries, "replicas": scale}, deploy, deploy.keys)
    build = service.get("build")
    args = build.get("args") if isinstance(build, Mapping) else None
    if isinstance(build, Mapping) and isinstance(args, Mapping):
        changed["build"] = mapping({**build.entries, "args": _known(args, context)}, build, build.keys)
    volumes = service.get("volumes")
    if isinstance(volumes, Sequence):
        changed["volumes"] = sequence([_clean(item) for item in volumes.items], volumes)
    if not changed:
        return service
    return Mapping({**service.entries, **changed}, service.keys, service.file, service.start, service.end)


def _clean(volume: Node) -> Node:
    target = volume.get("target") if isinstance(volume, Mapping) else None
    if not isinstance(volume, Mapping) or not isinstance(target, Scalar) or clean(str(target.value)) == target.value:
        return volume
    return mapping({**volume.entries, "target": scalar(clean(str(target.value)), target)}, volume, volume.keys)


def _implied(service: Mapping) -> dict[str, Node]:
    """Services that must be there first, as ``depends_on`` has them."""
    found: dict[str, Node] = {}
    for item in _texts(service.get("links")):
        name, _, alias = str(item.value).partition(":")
        found.setdefault(str(item.value) if ":" in alias else name, _dependency(item, restart=True))
    for key in _NAMESPACES:
        node = service.get(key)
        if isinstance(node, Scalar) and str(node.value).startswith("service:"):
            found.setdefault(str(node.value).removeprefix("service:"), _dependency(node, restart=True))
    for item in _texts(service.get("volumes_from")):
        name = str(item.value).partition(":")[0]
        if not str(item.value).startswith("container:"):
            found.setdefault(name, _dependency(item, restart=False))
    return found


def _texts(node: Node | None) -> list[Scalar]:
    return [item for item in node.items if isinstance(item, Scalar)] if isinstance(node, Sequence) else []


def _dependency(at: Node, *, restart: bool) -> Node:
    entries: dict[str, Node] = {"condition": scalar("service_started", at)}
    if restart:
        entries["restart"] = scalar(True, at)
    return mapping({**entries, "required": scalar(True, at)}, at)


def _known(args: Mapping, context: Context) -> Mapping:
    """Build arguments without a value get the environment's; what nothing is known of is left out."""
    entries: dict[str, Node] = {}
    for name, node in args.items():
        if isinstance(node, Scalar) and node.value is None:
            value = context.scope(node).environment.get(name)
            if value is None:
                continue
            node = scalar(value, node)
        entries[name] = node
    return mapping(entries, args, args.keys)
