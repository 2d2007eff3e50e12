"""Volumes of a service, its ``tmpfs`` and its ``shm_size`` → Mounts, in the order of the file."""

from __future__ import annotations

from stackc.assemble.quantity import size
from stackc.hints import Any
from stackc.lower.emit import byte_count
from stackc.lower.names import labelled, object_name, objects
from stackc.lower.subject import Subject
from stackc.parse.nodes import Node, Scalar
from stackc.parse.read import field, flag, items, pairs, text

Json = dict[str, Any]

_OPTIONS = ("bind", "volume", "tmpfs", "cluster")
_ALLOWED = {"volume": ("volume",), "bind": ("bind",), "tmpfs": ("tmpfs",), "npipe": ("bind",), "cluster": ("cluster",)}
_SHM = "/dev/shm"  # noqa: S108 - a path in the container


def mounts(subject: Subject) -> list[Json] | None:
    made = [mount for item in items(subject.service, "volumes") if (mount := _volume(subject, item)) is not None]
    if not subject.context.is_stack:
        made += [mount for item in items(subject.service, "tmpfs") if (mount := _tmpfs(subject, item)) is not None]
        memory = subject.number(byte_count, field(subject.service, "shm_size"), "shm_size")
        if memory:
            if any(mount.get("Target") == _SHM for mount in made):
                at = field(subject.service, "shm_size")
                message = f"`shm_size` and a mount at {_SHM} exclude each other"
                subject.report("SC3011", message, at, "shm_size", hint="keep one of the two")
            made.append({"Type": "tmpfs", "Target": _SHM, "TmpfsOptions": {"SizeBytes": memory}})
    return made or None


def _volume(subject: Subject, item: Node) -> Json | None:
    kind = text(item, "type")
    if kind == "image":
        message = f"a volume of `{subject.key}` has the type image, which Swarm cannot mount"
        hint = "copy the files into the service's own image"
        subject.report("SC2009", message, field(item, "type"), "volumes", hint=hint)
        return None
    problem = _problem(kind, item)
    if problem:
        subject.report("SC3002", f"a volume of `{subject.key}` {problem}", item, "volumes")
        return None
    mount = subject.fill(item, "services.*.volumes.[]")
    source = text(item, "source")
    if kind in ("bind", "npipe"):
        mount["Source"] = source
        if not subject.context.is_stack and not mount.get("BindOptions"):
            mount.pop("BindOptions", None)  # docker stack sends an empty one; here it would say nothing
    elif kind == "cluster":
        declared = objects(subject.root, "volumes").get(source)
        mount["Source"] = source if source.startswith("group:") else object_name(subject.stack, source, declared)
        mount["ClusterOptions"] = {}
    elif kind == "volume":
        _named(subject, item, source, mount)
    return mount


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


def _named(subject: Subject, item: Node, source: str, mount: Json) -> None:
    """Labels and driver are those of the volume's definition: tasks create it where it is not there yet."""
    own = {} if subject.context.is_stack else pairs(field(item, "volume"), "labels")
    if not source:  # anonymous
        if subject.context.is_stack:
            mount.pop("VolumeOptions", None)
        elif own:
            mount.setdefault("VolumeOptions", {})["Labels"] = own
        return
    declared = objects(subject.root, "volumes").get(source)
    mount["Source"] = object_name(subject.stack, source, declared)
    options = mount.setdefault("VolumeOptions", {})
    if flag(declared, "external"):
        return
    options["Labels"] = labelled(subject.stack, {**pairs(declared, "labels"), **own})
    driver, driver_opts = text(declared, "driver"), pairs(declared, "driver_opts")
    if driver or field(declared, "driver_opts") is not None:
        config: Json = {"Name": driver} if driver else {}
        if driver_opts:
            config["Options"] = driver_opts
        options["DriverConfig"] = config


def _tmpfs(subject: Subject, item: Node) -> Json | None:
    """``PATH[:OPTION,…]`` with the kernel's own options; size and mode have fields of their own."""
    given = str(item.value) if isinstance(item, Scalar) else ""
    target, _, words = given.partition(":")
    mount: Json = {"Type": "tmpfs", "Target": target}
    made: Json = {}
    others: list[list[str]] = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        name, equals, amount = word.partition("=")
        if word in ("ro", "rw"):
            mount["ReadOnly"] = word == "ro"
        elif name == "size" and not amount.endswith("%"):
            try:
                made["SizeBytes"] = size(amount)
            except ValueError as error:
                subject.report("SC3004", f"`{amount}` {error}", item, "tmpfs")
        elif name == "mode" and amount and set(amount) <= set("01234567"):
            made["Mode"] = int(amount[:8], 8)
        else:
            others.append([name, amount] if equals else [name])
    if others:
        made["Options"] = others
    if not mount.get("ReadOnly"):
        mount.pop("ReadOnly", None)
    if made:
        mount["TmpfsOptions"] = made
    return mount if target else None
