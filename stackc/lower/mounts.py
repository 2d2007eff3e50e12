"""Volumes of a service → Mounts."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.lower.names import labelled, object_name, objects
from stackc.lower.read import field, flag, items, number, pairs, text
from stackc.parse.nodes import Mapping, Node

Json = dict[str, Any]

_OPTIONS = ("bind", "volume", "tmpfs", "cluster")
_ALLOWED = {"volume": ("volume",), "bind": ("bind",), "tmpfs": ("tmpfs",), "npipe": ("bind",), "cluster": ("cluster",)}


def mounts(stack: str, key: str, service: Mapping, root: Mapping, context: Context) -> list[Json]:
    """In the order of the file."""
    made = []
    for item in items(service, "volumes"):
        kind = text(item, "type")
        problem = _problem(kind, item)
        if problem:
            context.report("SC3002", f"a volume of `{key}` {problem}", item, path=("services", key, "volumes"))
            continue
        mount: Json = {"Type": kind, "Target": text(item, "target")}
        if flag(item, "read_only"):
            mount["ReadOnly"] = True
        if text(item, "consistency"):
            mount["Consistency"] = text(item, "consistency")
        if not mount["Target"]:
            del mount["Target"]
        _MAKERS[kind](mount, item, stack, root)
        made.append(mount)
    return made


def _problem(kind: str, item: Node) -> str:
    if kind not in _ALLOWED:
        return f"has the type `{kind}`: it must be volume, bind, tmpfs, npipe or cluster"
    for option in _OPTIONS:
        if option not in _ALLOWED[kind] and field(item, option) is not None:
            return f"has {option} options, but the type {kind}"
    source = text(item, "source")
    if kind == "tmpfs" and source:
        return "is a tmpfs and cannot have a `source`"
    if kind in ("npipe", "cluster") and not source:
        return f"is of type {kind} and needs a `source`"
    return ""


def _volume(mount: Json, item: Node, stack: str, root: Mapping) -> None:
    source = text(item, "source")
    if not source:  # anonymous
        return
    declared = objects(root, "volumes").get(source)
    mount["Source"] = object_name(stack, source, declared)
    given = field(item, "volume")
    options: Json = {}
    if flag(given, "nocopy"):
        options["NoCopy"] = True
    if text(given, "subpath"):
        options["Subpath"] = text(given, "subpath")
    if not flag(declared, "external"):
        options["Labels"] = labelled(stack, pairs(declared, "labels"))
        driver, driver_opts = text(declared, "driver"), pairs(declared, "driver_opts")
        if driver or field(declared, "driver_opts") is not None:
            config: Json = {}
            if driver:
                config["Name"] = driver
            if driver_opts:
                config["Options"] = driver_opts
            options["DriverConfig"] = config
    mount["VolumeOptions"] = options


def _bind(mount: Json, item: Node, stack: str, root: Mapping) -> None:
    mount["Source"] = text(item, "source")
    bind = field(item, "bind")
    if bind is not None:
        propagation = text(bind, "propagation")
        mount["BindOptions"] = {"Propagation": propagation} if propagation else {}


def _tmpfs(mount: Json, item: Node, stack: str, root: Mapping) -> None:
    options = field(item, "tmpfs")
    if options is not None:
        amount = number(options, "size")
        mount["TmpfsOptions"] = {"SizeBytes": amount} if amount else {}


def _cluster(mount: Json, item: Node, stack: str, root: Mapping) -> None:
    source = text(item, "source")
    declared = objects(root, "volumes").get(source)
    mount["Source"] = source if source.startswith("group:") else object_name(stack, source, declared)
    mount["ClusterOptions"] = {}


_MAKERS = {"volume": _volume, "bind": _bind, "tmpfs": _tmpfs, "npipe": _bind, "cluster": _cluster}
