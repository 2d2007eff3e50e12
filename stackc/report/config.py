"""Canonical tree → the text of ``docker stack config``: docker's field order, its rules for what is left out. Pure."""

from __future__ import annotations

from typing import Any

from stackc.assemble.quantity import duration_text, float32
from stackc.lower.read import field, value
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, Timestamp, plain
from stackc.report.yaml import dump, natural

Field = tuple[str, Any]
"""Key and how it is printed: a scalar is left out when it is Go's zero value, ``pointer`` only when it is absent,
``duration``/``pointer duration`` as text, ``bytes`` as a quoted number, ``list``, ``map`` (sorted, left out when
empty), ``any``; or a ``_Struct``, or a function of the node."""


class _Struct:
    """Fields in docker's order. ``kept``: printed as ``{}`` when it is there but empty."""

    def __init__(self, *fields: Field, kept: bool = False, extras: bool = False) -> None:
        self.fields = fields
        self.kept = kept
        self.extras = extras


class _Each:
    """A list (or a mapping, by natural order of its keys) of structures."""

    def __init__(self, struct: Any) -> None:
        self.struct = struct


_LABELS = ("labels", "map")
_UPDATE = _Struct(
    ("parallelism", "pointer"),
    ("delay", "duration"),
    ("failure_action", ""),
    ("monitor", "duration"),
    ("max_failure_ratio", "float32"),
    ("order", ""),
    kept=True,
)
_DEPLOY = _Struct(
    ("mode", ""),
    ("replicas", "pointer"),
    _LABELS,
    ("update_config", _UPDATE),
    ("rollback_config", _UPDATE),
    (
        "resources",
        _Struct(
            ("limits", _Struct(("cpus", ""), ("memory", "bytes"), ("pids", ""), kept=True)),
            (
                "reservations",
                _Struct(
                    ("cpus", ""),
                    ("memory", "bytes"),
                    (
                        "generic_resources",
                        _Each(_Struct(("discrete_resource_spec", _Struct(("kind", ""), ("value", ""), kept=True)))),
                    ),
                    kept=True,
                ),
            ),
        ),
    ),
    (
        "restart_policy",
        _Struct(
            ("condition", ""),
            ("delay", "pointer duration"),
            ("max_attempts", "pointer"),
            ("window", "pointer duration"),
            kept=True,
        ),
    ),
    (
        "placement",
        _Struct(
            ("constraints", "list"),
            ("preferences", _Each(_Struct(("spread", "")))),
            ("max_replicas_per_node", ""),
        ),
    ),
    ("endpoint_mode", ""),
)
_HEALTHCHECK = _Struct(
    ("test", "list"),
    ("timeout", "pointer duration"),
    ("interval", "pointer duration"),
    ("retries", "pointer"),
    ("start_period", "pointer duration"),
    ("start_interval", "pointer duration"),
    ("disable", ""),
    kept=True,
)
_FILE_REFS = _Each(_Struct(("source", ""), ("target", ""), ("uid", ""), ("gid", ""), ("mode", "pointer")))
_BUILD = _Struct(
    ("context", ""),
    ("dockerfile", ""),
    ("args", "nullable map"),
    _LABELS,
    ("cache_from", "list"),
    ("extra_hosts", "list"),
    ("network", ""),
    ("target", ""),
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
    return list(node.entries) if simple else {key: plain(child) for key, child in sorted(node.items())}


def _attachments(node: Node) -> Any:
    assert isinstance(node, Mapping)
    shape = _Struct(("aliases", "list"), ("driver_opts", "map"), ("ipv4_address", ""), ("ipv6_address", ""), kept=True)
    return {key: _struct(node.entries[key], shape) for key in natural(list(node.entries))}


_SERVICE = _Struct(
    ("build", _BUILD),
    ("cap_add", "list"),
    ("cap_drop", "list"),
    ("cgroupns_mode", ""),
    ("cgroup_parent", ""),
    ("command", "list"),
    ("configs", _FILE_REFS),
    ("container_name", ""),
    ("credential_spec", _Struct(("config", ""), ("file", ""), ("registry", ""), kept=True)),
    ("depends_on", _depends_on),
    ("deploy", _DEPLOY),
    ("devices", "list"),
    ("dns", "list"),
    ("dns_search", "list"),
    ("dns_opt", "list"),
    ("domainname", ""),
    ("entrypoint", "list"),
    ("environment", "nullable map"),
    ("env_file", "list"),
    ("expose", "list"),
    ("external_links", "list"),
    ("extra_hosts", "list"),
    ("group_add", "list"),
    ("hostname", ""),
    ("healthcheck", _HEALTHCHECK),
    ("image", ""),
    ("init", "pointer"),
    ("ipc", ""),
    ("isolation", ""),
    _LABELS,
    ("links", "list"),
    ("logging", _Struct(("driver", ""), ("options", "map"), kept=True)),
    ("mac_address", ""),
    ("network_mode", ""),
    ("networks", _attachments),
    ("pid", ""),
    ("ports", _Each(_Struct(("name", ""), ("mode", ""), ("target", ""), ("published", ""), ("protocol", "")))),
    ("privileged", ""),
    ("read_only", ""),
    ("restart", ""),
    ("scale", "pointer"),
    ("secrets", _FILE_REFS),
    ("security_opt", "list"),
    ("shm_size", ""),
    ("stdin_open", ""),
    ("stop_grace_period", "pointer duration"),
    ("stop_signal", ""),
    ("sysctls", "map"),
    ("tmpfs", "list"),
    ("tty", ""),
    ("ulimits", _Each(_ulimit)),
    ("user", ""),
    ("userns_mode", ""),
    (
        "volumes",
        _Each(
            _Struct(
                ("type", ""),
                ("source", ""),
                ("target", ""),
                ("read_only", ""),
                ("consistency", ""),
                ("bind", _Struct(("propagation", ""), kept=True)),
                ("volume", _Struct(("nocopy", ""), ("subpath", ""), kept=True)),
                ("tmpfs", _Struct(("size", ""), kept=True)),
                ("cluster", _Struct(kept=True)),
            )
        ),
    ),
    ("working_dir", ""),
    extras=True,
)
_NETWORK = _Struct(
    ("name", ""),
    ("driver", ""),
    ("driver_opts", "map"),
    ("ipam", _Struct(("driver", ""), ("config", _Each(_Struct(("subnet", "")))))),
    ("external", ""),
    ("internal", ""),
    ("attachable", ""),
    _LABELS,
)
_VOLUME = _Struct(("name", ""), ("driver", ""), ("driver_opts", "map"), ("external", ""), _LABELS)
_FILE = _Struct(
    ("name", ""),
    ("file", ""),
    ("content", ""),
    ("environment", ""),
    ("external", ""),
    _LABELS,
    ("driver", ""),
    ("driver_opts", "map"),
    ("template_driver", ""),
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
        shape["services"] = {key: _struct(services.entries[key], _SERVICE) for key in natural(list(services.entries))}
    elif version:
        shape["services"] = {}
    for kind, struct in _OBJECTS:
        parent = root.get(kind)
        if isinstance(parent, Mapping) and parent.entries:
            shape[kind] = {key: _object(parent.entries[key], struct, kind) for key in natural(list(parent.entries))}
    shape.update(_extras(root))
    return dump(shape)


def _object(node: Node, struct: _Struct, kind: str) -> Any:
    shape = _struct(node, struct)
    if kind in ("networks", "volumes") and field(node, "external") is not None and isinstance(node, Mapping):
        shape.update(_extras(node))
    return shape


def _extras(node: Mapping) -> dict[str, Any]:
    return {key: _any(node.entries[key]) for key in natural([key for key in node.entries if key.startswith("x-")])}


def _any(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key: _any(node.entries[key]) for key in natural(list(node.entries))}
    if isinstance(node, Sequence):
        return [_any(item) for item in node.items]
    found = value(node)
    return str(found) if isinstance(found, Timestamp) else found


def _struct(node: Node, struct: _Struct) -> Any:
    if not isinstance(node, Mapping):
        return None
    shape: dict[str, Any] = {}
    for key, kind in struct.fields:
        child = field(node, key)
        if child is None:
            continue
        printed = _field(child, kind)
        if printed is not _NOTHING:
            shape[key] = printed
    if struct.extras:
        shape.update(_extras(node))
    return shape


_NOTHING = object()


def _field(node: Node, kind: Any) -> Any:
    if isinstance(kind, _Struct):
        shape = _struct(node, kind)
        return shape if shape or kind.kept else _NOTHING
    if isinstance(kind, _Each):
        return _each(node, kind.struct)
    if callable(kind):
        return kind(node) or _NOTHING
    if kind == "list":
        return [value(item) for item in node.items] or _NOTHING if isinstance(node, Sequence) else _NOTHING
    if kind in ("map", "nullable map"):
        if not isinstance(node, Mapping) or not node.entries:
            return _NOTHING
        return {key: value(node.entries[key]) for key in natural(list(node.entries))}
    return _scalar(value(node) if isinstance(node, Scalar) else None, kind)


def _scalar(found: Any, kind: str) -> Any:
    if not kind.startswith("pointer") and found in ("", 0, False, None):
        return _NOTHING
    if kind.endswith("duration"):
        return duration_text(int(found))
    if kind == "bytes":
        return str(found)
    if kind == "float32":
        return float32(found)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _each(node: Node, struct: Any) -> Any:
    one = struct if callable(struct) else lambda item: _struct(item, struct)
    if isinstance(node, Sequence):
        return [one(item) for item in node.items] or _NOTHING
    if isinstance(node, Mapping):
        return {key: one(node.entries[key]) for key in natural(list(node.entries))} or _NOTHING
    return _NOTHING
