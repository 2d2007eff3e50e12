"""A value that every node refuses."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.mounts import is_absolute
from stackc.checks.limits import amounts
from stackc.hints import Callable, Iterator
from stackc.lower.names import object_name
from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import entries, field, items, text, value

EXPLANATION = """\
Some values are taken by the manager of the swarm and refused by every node: each task is `rejected` or `failed`, a
new one is tried, and so on, while the service is there and the deployment looks done. Such are: a target of a mount,
or a working directory, that is no absolute path; the name of a volume that is no valid one; less than 6 MiB of memory
or 0.01 CPUs as a limit (a container cannot be made with that little); a soft limit above the hard one; a host name of
more than 64 characters.
"""

_LEAST_MEMORY, _REFUSED_MEMORY = 6 * 1024 * 1024, 4 * 1024 * 1024
_LEAST_CPU, _REFUSED_CPU = 10**7, 10**6
_LONGEST_HOSTNAME = 64
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_VOLUME = _ALNUM | frozenset("_.-")

Found = tuple[str, Node | None, str]
"""What is wrong, where, and the key of the service."""


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        if not isinstance(service, Mapping):
            continue
        for rule, keys in _RULES:
            if not keys.isdisjoint(service.entries):
                for message, at, section in rule(service):
                    context.report("SC4033", f"`{key}`: {message}", at, path=("services", key, section))
    used = {text(item, "source") for service in services.entries.values() for item in items(service, "volumes")}
    for key, node in entries(root, "volumes"):
        name = object_name(stack, key, node)
        if key in used and not is_volume_name(name) and text(node, "driver") in ("", "local"):
            message = f"the volume name `{name}` is not allowed by any node"
            hint = "at least two letters, digits, -, _ and .; first a letter or digit"
            context.report("SC4033", message, field(node, "name"), path=("volumes", key), hint=hint)


def is_volume_name(name: str) -> bool:
    """For the driver ``local``. A template is filled in on the node."""
    return "{{" in name or (len(name) > 1 and name[0] in _ALNUM and set(name) <= _VOLUME)


def _mounts(service: Node) -> Iterator[Found]:
    for item in items(service, "volumes"):
        target = text(item, "target")
        if not target:
            yield "a mount has no target", item, "volumes"
        elif target.rstrip("/") == "":
            yield "a mount cannot replace the whole file system", item, "volumes"
        elif not is_absolute(target) and "{{" not in target and not target.startswith("\\\\"):
            yield f"the target `{target}` of a mount is no absolute path", item, "volumes"


def _container(service: Node) -> Iterator[Found]:
    folder, hostname = text(service, "working_dir"), text(service, "hostname")
    if folder and not is_absolute(folder):
        yield f"`working_dir` is `{folder}`, which is no absolute path", field(service, "working_dir"), "working_dir"
    if len(hostname.encode("utf-8", "surrogatepass")) > _LONGEST_HOSTNAME and "{{" not in hostname:
        yield f"the host name has more than {_LONGEST_HOSTNAME} characters", field(service, "hostname"), "hostname"
    for name, node in entries(service, "ulimits"):
        soft, hard = value(field(node, "soft")), value(field(node, "hard"))
        if isinstance(soft, int) and isinstance(hard, int) and hard != -1 and (soft == -1 or soft > hard):
            yield f"the soft limit of {name} is above the hard one", node, "ulimits"


def _limits(service: Node) -> Iterator[Found]:
    for amount in amounts(service):
        if amount.is_limit and amount.bytes is not None and _REFUSED_MEMORY <= amount.bytes < _LEAST_MEMORY:
            yield "a container needs a memory limit of at least 6 MiB", amount.at, amount.path[0]
        if amount.is_limit and amount.cpus is not None and _REFUSED_CPU <= amount.cpus < _LEAST_CPU:
            yield "a container needs a limit of at least 0.01 CPUs", amount.at, amount.path[0]


_RULES: tuple[tuple[Callable[[Node], Iterator[Found]], frozenset[str]], ...] = (
    (_mounts, frozenset(("volumes",))),
    (_container, frozenset(("working_dir", "hostname", "ulimits"))),
    (_limits, frozenset(("deploy", "mem_limit", "cpus"))),
)
"""Each with the keys of a service that it looks at."""
