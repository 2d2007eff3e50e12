"""Canonical tree → the text of ``docker stack config``: docker's field order, its rules for what is left out. Pure."""

from __future__ import annotations

from stackc.assemble.quantity import duration_text, float32
from stackc.hints import Any, Callable
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain
from stackc.parse.read import field, value
from stackc.report.yaml import dump, natural

Printer = Callable[[Node], Any]
"""What is printed of a node that is not null; ``_NOTHING`` leaves the key out."""

_NOTHING = object()


def _pointer(node: Node) -> Any:
    """A scalar that is printed whenever it is there."""
    found = node.value if isinstance(node, Scalar) else None
    return int(found) if type(found) is float and found.is_integer() else found


def _scalar(node: Node) -> Any:
    """A scalar that is left out when it is Go's zero value."""
    return _pointer(node) or _NOTHING


def _duration_pointer(node: Node) -> Any:
    return duration_text(int(_pointer(node)))


def _duration(node: Node) -> Any:
    return _NOTHING if _scalar(node) is _NOTHING else _duration_pointer(node)


def _bytes(node: Node) -> Any:
    """A number that docker prints as a string."""
    found = _scalar(node)
    return found if found is _NOTHING else str(found)


def _discrete(node: Node) -> Any:
    """A generic resource, whose fields docker always prints."""
    return {"kind": value(field(node, "kind")) or "", "value": value(field(node, "value")) or 0}


def _float32(node: Node) -> Any:
    found = node.value if isinstance(node, Scalar) else None
    return float32(float(found)) if isinstance(found, (int, float)) and found else _NOTHING


def _list(node: Node) -> Any:
    return [value(item) for item in node.items] or _NOTHING if isinstance(node, Sequence) else _NOTHING


def _map(node: Node) -> Any:
    """Scalars by name, in docker's order; left out when empty."""
    if not isinstance(node, Mapping):
        return _NOTHING
    children = node.entries
    return {key: value(children[key]) for key in natural(children)} or _NOTHING


class _Struct:
    """Fields in docker's order. ``kept``: printed as ``{}`` when it is there but empty. ``extras``: with its ``x-``
    keys."""

    def __init__(self, *fields: tuple[str, Printer], kept: bool = False, extras: bool = False) -> None:
        self.fields = fields
        self.empty: Any = {} if kept else _NOTHING
        self.extras = extras

    def __call__(self, node: Node) -> Any:
        return self.shape(node) or self.empty

    def shape(self, node: Node) -> Any:
        if not isinstance(node, Mapping):
            return None
        children = node.entries
        shape: dict[str, Any] = {}
        for key, printer in self.fields:
            child = children.get(key)
            if child is None or (type(child) is Scalar and child.value is None):
                continue
            printed = printer(child)
            if printed is not _NOTHING:
                shape[key] = printed
        if self.extras:
            shape.update(_extras(node))
        return shape


def _each(one: Printer) -> Printer:
    """A list, or a mapping in docker's order; each structure in it is printed, also an empty one."""
    printer = one.shape if isinstance(one, _Struct) else one

    def each(node: Node) -> Any:
        if isinstance(node, Sequence):
            return [printer(item) for item in node.items] or _NOTHING
        if isinstance(node, Mapping):
            return {key: printer(node.entries[key]) for key in natural(node.entries)} or _NOTHING
        return _NOTHING

    return each


_LABELS = ("labels", _map)
_UPDATE = _Struct(
    ("parallelism", _pointer),
    ("delay", _duration),
    ("failure_action", _scalar),
    ("monitor", _duration),
    ("max_failure_ratio", _float32),
    ("order", _scalar),
    kept=True,
)
_DEPLOY = _Struct(
    ("mode", _scalar),
    ("replicas", _pointer),
    _LABELS,
    ("update_config", _UPDATE),
    ("rollback_config", _UPDATE),
    (
        "resources",
        _Struct(
            ("limits", _Struct(("cpus", _scalar), ("memory", _bytes), ("pids", _scalar), kept=True)),
            (
                "reservations",
                _Struct(
                    ("cpus", _scalar),
                    ("memory", _bytes),
                    (
                        "generic_resources",
                        _each(_Struct(("discrete_resource_spec", _discrete))),
                    ),
                    kept=True,
                ),
            ),
        ),
    ),
    (
        "restart_policy",
        _Struct(
            ("condition", _scalar),
            ("delay", _duration_pointer),
            ("max_attempts", _pointer),
            ("window", _duration_pointer),
            kept=True,
        ),
    ),
    (
        "placement",
        _Struct(
            ("constraints", _list),
            ("preferences", _each(_Struct(("spread", _scalar)))),
            ("max_replicas_per_node", _scalar),
        ),
    ),
    ("endpoint_mode", _scalar),
)
_HEALTHCHECK = _Struct(
    ("test", _list),
    ("timeout", _duration_pointer),
    ("interval", _duration_pointer),
    ("retries", _pointer),
    ("start_period", _duration_pointer),
    ("start_interval", _duration_pointer),
    ("disable", _scalar),
    kept=True,
)
_FILE_REFS = _each(
    _Struct(("source", _scalar), ("target", _scalar), ("uid", _scalar), ("gid", _scalar), ("mode", _pointer))
)
_BUILD = _Struct(
    ("context", _scalar),
    ("dockerfile", _scalar),
    ("args", _map),
    _LABELS,
    ("cache_from", _list),
    ("extra_hosts", _list),
    ("network", _scalar),
    ("target", _scalar),
)


def _ulimit(node: Node) -> Any:
    single = field(node, "single")
    if single is not None:
        return value(single) or {}
    shape = {name: value(field(node, name)) for name in ("soft", "hard")}
    return {name: number for name, number in shape.items() if number}


def _depends_on(node: Node) -> Any:
    """docker knows the list only; what says more stays a mapping (Compose dialect)."""
    assert isinstance(node, Mapping)
    simple = all(
        isinstance(child, Mapping)
        and set(child.entries) == {"condition"}
        and value(child.get("condition")) == "service_started"
        for child in node.entries.values()
    )
    shown: Any = list(node.entries) if simple else {key: plain(child) for key, child in sorted(node.items())}
    return shown or _NOTHING


_ATTACHMENTS = _each(
    _Struct(("aliases", _list), ("driver_opts", _map), ("ipv4_address", _scalar), ("ipv6_address", _scalar))
)
_SERVICE = _Struct(
    ("build", _BUILD),
    ("cap_add", _list),
    ("cap_drop", _list),
    ("cgroupns_mode", _scalar),
    ("cgroup_parent", _scalar),
    ("command", _list),
    ("configs", _FILE_REFS),
    ("container_name", _scalar),
    ("credential_spec", _Struct(("config", _scalar), ("file", _scalar), ("registry", _scalar))),
    ("depends_on", _depends_on),
    ("deploy", _DEPLOY),
    ("devices", _list),
    ("dns", _list),
    ("dns_search", _list),
    ("dns_opt", _list),
    ("domainname", _scalar),
    ("entrypoint", _list),
    ("environment", _map),
    ("env_file", _list),
    ("expose", _list),
    ("external_links", _list),
    ("extra_hosts", _list),
    ("group_add", _list),
    ("hostname", _scalar),
    ("healthcheck", _HEALTHCHECK),
    ("image", _scalar),
    ("init", _pointer),
    ("ipc", _scalar),
    ("isolation", _scalar),
    _LABELS,
    ("links", _list),
    ("logging", _Struct(("driver", _scalar), ("options", _map), kept=True)),
    ("mac_address", _scalar),
    ("network_mode", _scalar),
    ("networks", _ATTACHMENTS),
    ("pid", _scalar),
    (
        "ports",
        _each(
            _Struct(
                ("name", _scalar), ("mode", _scalar), ("target", _scalar), ("published", _scalar), ("protocol", _scalar)
            )
        ),
    ),
    ("privileged", _scalar),
    ("read_only", _scalar),
    ("restart", _scalar),
    ("scale", _pointer),
    ("secrets", _FILE_REFS),
    ("security_opt", _list),
    ("shm_size", _scalar),
    ("stdin_open", _scalar),
    ("stop_grace_period", _duration_pointer),
    ("stop_signal", _scalar),
    ("sysctls", _map),
    ("tmpfs", _list),
    ("tty", _scalar),
    ("ulimits", _each(_ulimit)),
    ("user", _scalar),
    ("userns_mode", _scalar),
    (
        "volumes",
        _each(
            _Struct(
                ("type", _scalar),
                ("source", _scalar),
                ("target", _scalar),
                ("read_only", _scalar),
                ("consistency", _scalar),
                ("bind", _Struct(("propagation", _scalar), kept=True)),
                ("volume", _Struct(("nocopy", _scalar), ("subpath", _scalar), kept=True)),
                ("tmpfs", _Struct(("size", _scalar), kept=True)),
                ("cluster", _Struct(kept=True)),
            )
        ),
    ),
    ("working_dir", _scalar),
    extras=True,
)
_NETWORK = _Struct(
    ("name", _scalar),
    ("driver", _scalar),
    ("driver_opts", _map),
    ("ipam", _Struct(("driver", _scalar), ("config", _each(_Struct(("subnet", _scalar)))))),
    ("external", _scalar),
    ("internal", _scalar),
    ("attachable", _scalar),
    _LABELS,
)
_TOPOLOGIES = _each(_Struct(("segments", _map)))
_CLUSTER = _Struct(
    ("group", _scalar),
    (
        "access_mode",
        _Struct(
            ("scope", _scalar),
            ("sharing", _scalar),
            ("mount_volume", _Struct(("fs_type", _scalar), ("mount_flags", _list), kept=True)),
            ("block_volume", _Struct(kept=True)),
            kept=True,
        ),
    ),
    ("accessibility_requirements", _Struct(("requisite", _TOPOLOGIES), ("preferred", _TOPOLOGIES), kept=True)),
    ("capacity_range", _Struct(("required_bytes", _bytes), ("limit_bytes", _bytes), kept=True)),
    ("secrets", _each(_Struct(("key", _scalar), ("secret", _scalar)))),
    ("availability", _scalar),
    kept=True,
)
_VOLUME = _Struct(
    ("name", _scalar),
    ("driver", _scalar),
    ("driver_opts", _map),
    ("external", _scalar),
    _LABELS,
    ("x-cluster-spec", _CLUSTER),
)
_FILE = _Struct(
    ("name", _scalar),
    ("file", _scalar),
    ("content", _scalar),
    ("environment", _scalar),
    ("external", _scalar),
    _LABELS,
    ("driver", _scalar),
    ("driver_opts", _map),
    ("template_driver", _scalar),
    extras=True,
)
_OBJECTS = (("networks", _NETWORK), ("volumes", _VOLUME), ("secrets", _FILE), ("configs", _FILE))


def stack_config(root: Mapping, version: str) -> str:
    """The whole text. ``version`` is "" in the Compose dialect, whose files have none."""
    shape: dict[str, Any] = {"version": version} if version else {}
    name = value(root.get("name"))
    if name and not version:
        shape["name"] = name
    services = root.get("services")
    if isinstance(services, Mapping) and services.entries:
        shape["services"] = {key: _SERVICE.shape(services.entries[key]) for key in natural(services.entries)}
    elif version:
        shape["services"] = {}
    for kind, struct in _OBJECTS:
        parent = root.get(kind)
        if isinstance(parent, Mapping) and parent.entries:
            shape[kind] = {key: _object(parent.entries[key], struct, kind) for key in natural(parent.entries)}
    shape.update(_extras(root))
    return dump(shape)


def _object(node: Node, struct: _Struct, kind: str) -> Any:
    shape = struct.shape(node)
    if kind in ("networks", "volumes") and field(node, "external") is not None and isinstance(node, Mapping):
        shape.update(_extras(node))
    return shape


def _extras(node: Mapping) -> dict[str, Any]:
    return {key: _any(node.entries[key]) for key in natural(key for key in node.entries if key.startswith("x-"))}


def _any(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key: _any(node.entries[key]) for key in natural(node.entries)}
    if isinstance(node, Sequence):
        return [_any(item) for item in node.items]
    return value(node)
