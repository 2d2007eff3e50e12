"""A service's ContainerSpec. Key presence and list order are exactly what ``docker stack deploy`` sends."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.attributes import ATTRIBUTES, CONTAINER
from stackc.lower.files import file_references
from stackc.lower.image import familiar
from stackc.lower.mounts import mounts
from stackc.lower.names import labelled, object_name, objects
from stackc.lower.read import entries, field, flag, number, pairs, strings, text, value
from stackc.parse.nodes import Mapping, Sequence, plain

Json = dict[str, Any]

_COPIED = tuple(
    (attr.path.removeprefix("services.*."), attr.engine.removeprefix(CONTAINER + "."), attr.emit)
    for attr in ATTRIBUTES
    if attr.engine.startswith(CONTAINER) and attr.emit in ("copy", "pointer") and attr.path.count(".") == 2
    if attr.stack != "warned"
)


def container_spec(stack: str, key: str, service: Mapping, root: Mapping, context: Context) -> Json:
    spec: Json = {"Image": _image(service, key, context), "Labels": labelled(stack, pairs(service, "labels"))}
    for name, engine, emit in _COPIED:
        node = field(service, name)
        if node is not None:
            copied = plain(node)
            if emit == "pointer" or copied not in ("", False, 0, [], {}):
                spec[engine] = copied
    spec["Privileges"] = _privileges(stack, key, service, root, context)
    optional: Json = {
        "Env": _environment(service),
        "Mounts": mounts(stack, key, service, root, context),
        "Healthcheck": _healthcheck(service, key, context),
        "Hosts": _hosts(service),
        "DNSConfig": _dns(service),
        "Secrets": file_references("secrets", stack, key, service, root, context),
        "Configs": file_references("configs", stack, key, service, root, context),
        "Ulimits": _ulimits(service),
    }
    optional["CapabilityAdd"], optional["CapabilityDrop"] = _capabilities(service)
    spec.update((name, part) for name, part in optional.items() if part not in (None, []))
    return spec


def _image(service: Mapping, key: str, context: Context) -> str:
    node = field(service, "image")
    image = text(service, "image")
    if node is None or not image:  # reported by checks.images
        return ""
    try:
        return familiar(image)
    except ValueError as error:
        context.report("SC3008", f"the image `{image}` {error}", node, path=("services", key, "image"))
        return ""


def _environment(service: Mapping) -> list[str]:
    """``K=V`` in byte order; a bare ``K`` where nothing is known of it."""
    lines = []
    for name, node in entries(service, "environment"):
        found = value(node)
        lines.append(name if found is None else f"{name}={found}")
    return sorted(lines, key=lambda line: line.encode("utf-8", "surrogatepass"))


def _healthcheck(service: Mapping, key: str, context: Context) -> Json | None:
    node = field(service, "healthcheck")
    if node is None:
        return None
    test = strings(node, "test")
    if flag(node, "disable"):
        if test:
            message = f"the health check of `{key}` has both `test` and `disable: true`"
            context.report(
                "SC3011",
                message,
                field(node, "disable"),
                path=("services", key, "healthcheck"),
                hint="keep one of the two",
            )
        return {"Test": ["NONE"]}
    check: Json = {"Test": test} if test else {}
    for name, engine in _HEALTH:
        amount = number(node, name)
        if amount:
            check[engine] = amount
    return check


_HEALTH = (
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start_period", "StartPeriod"),
    ("start_interval", "StartInterval"),
    ("retries", "Retries"),
)


def _hosts(service: Mapping) -> list[str]:
    lines = []
    for line in strings(service, "extra_hosts"):
        host, _, address = line.partition(":")
        lines.append(f"{address} {host}")
    return lines


def _dns(service: Mapping) -> Json | None:
    parts = [
        (engine, field(service, name))
        for name, engine in (("dns", "Nameservers"), ("dns_search", "Search"), ("dns_opt", "Options"))
    ]
    if all(node is None for _, node in parts):
        return None
    return {engine: plain(node) for engine, node in parts if isinstance(node, Sequence) and node.items}


def _ulimits(service: Mapping) -> list[Json]:
    limits = []
    for name, node in sorted(entries(service, "ulimits"), key=lambda pair: pair[0]):
        single = field(node, "single")
        soft, hard = (
            (number(node, "single"),) * 2 if single is not None else (number(node, "soft"), number(node, "hard"))
        )
        limits.append({"Name": name, "Hard": hard, "Soft": soft})
    return limits


def _capabilities(service: Mapping) -> tuple[list[str], list[str]]:
    """Normalised and sorted. ALL swallows the rest on its side; what is added is not dropped."""
    add, drop = (_normal(strings(service, name)) for name in ("cap_add", "cap_drop"))
    added = frozenset(add)
    return [cap for cap in add if cap != "RESET"], [cap for cap in drop if cap not in added and cap != "RESET"]


def _normal(names: list[str]) -> list[str]:
    caps: dict[str, None] = {}
    for name in names:
        cap = name.strip().upper()
        if cap not in ("ALL", "RESET") and not cap.startswith("CAP_"):
            cap = f"CAP_{cap}"
        caps[cap] = None
    return ["ALL"] if "ALL" in caps else sorted(caps)


def _privileges(stack: str, key: str, service: Mapping, root: Mapping, context: Context) -> Json:
    """Always sent. A credential spec in a config is named by the config's engine name; docker sends its ID."""
    node = field(service, "credential_spec")
    credential: Json | None = None
    if node is not None:
        config, file, registry = (text(node, name) for name in ("config", "file", "registry"))
        given = [part for part in (config, file, registry) if part]
        if len(given) != 1:
            what = "names nothing" if not given else "names more than one source"
            path = ("services", key, "credential_spec")
            context.report("SC3011", f"the credential_spec of `{key}` {what}", node, path=path, hint="give exactly one")
        known = objects(root, "configs")
        name = object_name(stack, config, known[config]) if config in known else config
        credential = {"Config": name, "File": file, "Registry": registry}
    return {"CredentialSpec": credential, "SELinuxContext": None, "NoNewPrivileges": False}
