"""What gives a task power over its node."""

from __future__ import annotations

from posixpath import basename, normpath

from stackc.assemble.context import Context
from stackc.hints import Iterator
from stackc.parse.nodes import Mapping, Node, Scalar
from stackc.parse.read import entries, field, flag, items, strings, text, value

EXPLANATION = """\
What hands a task the node it runs on. None of it is forbidden, but it is never to happen unnoticed in a review:

* SC4050: a mount of the engine's socket, of `/`, `/proc` or `/sys`, a capability such as SYS_ADMIN, no seccomp or
  AppArmor profile, or the network of the node. Who takes over such a task has the node, and over the socket of a
  manager the whole swarm.
* SC4051: a `sysctl` that the kernel does not keep per container. No task starts with it; it can only be set on the
  nodes.
* SC4052: a label `com.docker.stack.…`. Docker writes these itself, and finds the services of a stack by them.

Where a task needs its power, say why in a switch.
"""

_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")
_CAPABILITIES = frozenset(
    "ALL SYS_ADMIN SYS_MODULE SYS_RAWIO SYS_PTRACE SYS_BOOT BPF DAC_READ_SEARCH".split()  # noqa: SIM905
)
_NAMESPACED = ("net.", "fs.mqueue.", "kernel.msg", "kernel.shm", "kernel.domainname", "kernel.hostname")
"""Where the kernel keeps a setting per namespace; runc refuses to start a task with any other."""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        for what, at, section in _access(service, root):
            context.report("SC4050", f"`{key}` {what}", at, path=("services", key, section))
        for name, at in entries(service, "sysctls"):
            if not name.startswith(_NAMESPACED) and name != "kernel.sem":
                message = f"the kernel has no `{name}` per container: no task of `{key}` would start"
                context.report("SC4051", message, at, path=("services", key, "sysctls"))
        for section, labels in (("labels", service), ("labels", field(service, "deploy"))):
            for name, at in entries(labels, section):
                if name.startswith("com.docker.stack."):
                    message = f"the label `{name}` of `{key}` belongs to docker: its value is replaced"
                    context.report("SC4052", message, at, path=("services", key, section))


def _access(service: Node, root: Mapping) -> Iterator[tuple[str, Node, str]]:
    for item in items(service, "volumes"):
        source = _host_path(item, root)
        if source:
            yield source, item, "volumes"
    added = field(service, "cap_add")
    for name, item in zip(strings(service, "cap_add"), items(service, "cap_add"), strict=True):
        capability = name.strip().upper().removeprefix("CAP_")
        if added is not None and capability in _CAPABILITIES:
            yield f"gets the capability {capability}, with which a task can leave its container", item, "cap_add"
    for item in items(service, "security_opt"):
        option = str(value(item))
        if option.replace(":", "=").endswith("=unconfined"):
            yield f"runs without the protection of {option[:-11]}", item, "security_opt"
    mode = field(service, "network_mode")
    if isinstance(mode, Scalar) and mode.value == "host":
        yield "uses the network of its node", mode, "network_mode"
    networks = field(root, "networks")
    for name, attachment in entries(service, "networks"):
        declared = field(networks, name)
        if flag(declared, "external") and text(declared, "name") == "host":
            yield "uses the network of its node", _key(service, name, attachment), "networks"


def _host_path(item: Node, root: Mapping) -> str:
    """What a mount gives away, or ""."""
    source = text(item, "source")
    if text(item, "type") == "volume":
        options = field(field(field(root, "volumes"), source), "driver_opts")
        if "bind" not in text(options, "o").split(","):
            return ""
        source = text(options, "device")
    elif text(item, "type") != "bind":
        return ""
    path = normpath(source).replace("//", "/")
    if basename(path) in _SOCKETS:
        return f"can use {path}, and so do on its node whatever it wants"
    if path == "/":
        return "can read every file of its node"
    if path.startswith(("/proc/", "/sys/")) or path in ("/proc", "/sys"):
        return "" if flag(item, "read_only") else f"can change {path} of its node"
    return ""


def _key(service: Node, name: str, attachment: Node) -> Node:
    networks = field(service, "networks")
    return networks.keys.get(name, attachment) if isinstance(networks, Mapping) else attachment
