"""The table of attributes: one row for each path of a file that needs more than being copied.

A row says how an interpolated string is cast, what brings the short form to the long one, how two files merge,
where the value stands in the Engine's ServiceSpec and whether changing it restarts tasks. The passes walk the
tree and this table side by side; none of them knows a path of its own. ``*`` is any key, ``[]`` each list item.
"""

# annotations are evaluated here on purpose: as strings each would be compiled when the tuple class is made
from typing import NamedTuple

CONTAINER = "TaskTemplate.ContainerSpec."


class Attr(NamedTuple):
    """``cast``: int, float or bool; docker casts strings that interpolation changed, Compose any string.
    ``lenient``: the same, in Compose only. ``short``: a name in ``canonical.SHORT``. ``merge``: a name in
    ``merge.RULES`` (without one: mappings merge, lists append, scalars are replaced). ``engine``: where the
    canonical value is copied to; ``emit``: "" omits Go's zero value, "pointer" only what is absent.
    ``restarts``: whether a change replaces tasks; None where no such field exists. ``ignored``: why it has
    no effect in a stack."""

    path: str
    cast: str = ""
    lenient: str = ""
    short: str = ""
    merge: str = ""
    engine: str = ""
    emit: str = ""
    restarts: bool | None = None
    ignored: str = ""


def _s(key: str, **columns: str | bool) -> Attr:
    """A row of a service."""
    return Attr(f"services.*.{key}", **columns)  # type: ignore[arg-type]


def _task(key: str, engine: str, **columns: str) -> Attr:
    return Attr(f"services.*.{key}", engine=CONTAINER + engine, restarts=True, **columns)


def _ignored(key: str, why: str, **columns: str) -> Attr:
    return Attr(f"services.*.{key}", ignored=why, **columns)  # type: ignore[arg-type]


_DEPENDS_HINT = "a stack has no such setting"

ATTRIBUTES: tuple[Attr, ...] = (
    Attr("services.*", merge="service"),
    # container
    _task("command", "Args", short="words", merge="replace"),
    _task("entrypoint", "Command", short="words", merge="replace"),
    _task("hostname", "Hostname"),
    _task("user", "User"),
    _task("working_dir", "Dir"),
    _task("tty", "TTY", cast="bool"),
    _task("stdin_open", "OpenStdin", cast="bool"),
    _task("read_only", "ReadOnly", cast="bool"),
    _task("init", "Init", lenient="bool", emit="pointer"),
    _task("isolation", "Isolation"),
    _task("stop_signal", "StopSignal"),
    _task("stop_grace_period", "StopGracePeriod", short="duration", emit="pointer", merge="duration"),
    _task("sysctls", "Sysctls", short="pairs", merge="pairs"),
    _task("group_add", "Groups", short="texts"),
    _s("scale", cast="int", short="whole", merge="pointer", restarts=False),
    _s("image", restarts=True),
    _s("labels", short="pairs", merge="pairs", restarts=True),
    _s("environment", short="environment", merge="environment", restarts=True),
    _s("env_file", short="env_file"),
    _s("cap_add", restarts=True),
    _s("cap_drop", restarts=True),
    _s("extra_hosts", short="hosts", restarts=True),
    _s("dns", short="strings", restarts=True),
    _s("dns_search", short="strings", restarts=True),
    _s("dns_opt", short="strings", restarts=True),
    _s("ulimits", merge="pairs", restarts=True),
    _s("ulimits.*", cast="int", short="ulimit", merge="replace"),
    _s("ulimits.*.soft", cast="int"),
    _s("ulimits.*.hard", cast="int"),
    _s("healthcheck", restarts=True),
    _s("healthcheck.test", short="test", merge="append"),
    _s("healthcheck.interval", short="duration", merge="duration"),
    _s("healthcheck.timeout", short="duration", merge="duration"),
    _s("healthcheck.start_period", short="duration", merge="duration"),
    _s("healthcheck.start_interval", short="duration", merge="duration"),
    _s("healthcheck.retries", cast="int", short="whole", merge="pointer"),
    _s("healthcheck.disable", cast="bool"),
    _s("logging", merge="logging", restarts=True),
    _s("logging.options", short="pairs", merge="pairs"),
    _s("credential_spec", restarts=True),
    # objects that a service uses
    _s("networks", short="networks", merge="networks", restarts=True),
    _s("networks.*.driver_opts", short="pairs"),
    _s("networks.*.ipv4_address", ignored="Swarm has no fixed addresses for tasks"),
    _s("networks.*.ipv6_address", ignored="Swarm has no fixed addresses for tasks"),
    _s("networks.*.mac_address", ignored="Swarm has no fixed addresses for tasks"),
    _s("networks.*.priority", cast="int", ignored="Swarm orders networks by itself"),
    _s("ports", short="ports", merge="ports", restarts=True),
    _s("ports.[].target", cast="int"),
    _s("ports.[].published", cast="int"),
    _s("volumes", short="volumes", merge="volumes", restarts=True),
    _s("volumes.[].read_only", cast="bool"),
    _s("volumes.[].volume.nocopy", cast="bool"),
    _s("volumes.[].tmpfs.size", lenient="size"),
    _s("volumes.[].bind.create_host_path", cast="bool", ignored="Swarm never creates the source of a bind mount"),
    _s("volumes.[].bind.selinux", ignored="Swarm does not relabel bind mounts"),
    _s("volumes.[].tmpfs.mode", lenient="mode", ignored="docker stack drops it"),
    _s("configs", short="file_refs", merge="file_refs", restarts=True),
    _s("configs.[].mode", cast="int", lenient="mode", short="whole"),
    _s("secrets", short="file_refs", merge="file_refs", restarts=True),
    _s("secrets.[].mode", cast="int", lenient="mode", short="whole"),
    _s("depends_on", short="depends_on", merge="depends_on"),
    # deploy
    _s("deploy.mode", restarts=True),
    _s("deploy.replicas", cast="int", short="whole", merge="pointer", restarts=False),
    _s("deploy.labels", short="pairs", merge="pairs", restarts=False),
    _s("deploy.endpoint_mode", restarts=False),
    _s("deploy.update_config.parallelism", cast="int", short="whole", merge="pointer", restarts=False),
    _s("deploy.update_config.delay", short="duration", merge="duration", restarts=False),
    _s("deploy.update_config.monitor", short="duration", merge="duration", restarts=False),
    _s("deploy.update_config.max_failure_ratio", cast="float", restarts=False),
    _s("deploy.rollback_config.parallelism", cast="int", short="whole", merge="pointer", restarts=False),
    _s("deploy.rollback_config.delay", short="duration", merge="duration", restarts=False),
    _s("deploy.rollback_config.monitor", short="duration", merge="duration", restarts=False),
    _s("deploy.rollback_config.max_failure_ratio", cast="float", restarts=False),
    _s("deploy.restart_policy.delay", short="duration", merge="duration", restarts=True),
    _s("deploy.restart_policy.window", short="duration", merge="duration", restarts=True),
    _s("deploy.restart_policy.max_attempts", cast="int", short="whole", merge="pointer", restarts=True),
    _s("deploy.resources.limits.cpus", short="text", restarts=True),
    _s("deploy.resources.limits.memory", short="bytes", restarts=True),
    _s("deploy.resources.limits.pids", lenient="int", short="whole", restarts=True),
    _s("deploy.resources.reservations.cpus", short="text", restarts=True),
    _s("deploy.resources.reservations.memory", short="bytes", restarts=True),
    _s("deploy.resources.reservations.generic_resources.[].discrete_resource_spec.value", lenient="int", short="whole"),
    _s("deploy.placement.constraints", restarts=False),
    _s("deploy.placement.max_replicas_per_node", cast="int", short="whole", restarts=False),
    _s("restart", restarts=True),
    # accepted, without effect
    _ignored("build", "a stack runs images that were built before", short="build"),
    _s("build.args", short="nullable_pairs"),
    _s("build.labels", short="pairs"),
    _s("build.extra_hosts", short="hosts"),
    _ignored("cgroup_parent", _DEPENDS_HINT),
    _ignored("cgroupns_mode", _DEPENDS_HINT),
    _ignored("devices", "Swarm services cannot be given devices"),
    _ignored("domainname", _DEPENDS_HINT),
    _ignored("external_links", "use a common network instead"),
    _ignored("ipc", _DEPENDS_HINT),
    _ignored("links", "use a common network instead"),
    _ignored("mac_address", "Swarm has no fixed addresses for tasks"),
    _ignored("network_mode", "use an external network named host instead"),
    _ignored("pid", _DEPENDS_HINT),
    _ignored("privileged", "Swarm services cannot be privileged", cast="bool"),
    _ignored("security_opt", "docker stack drops it"),
    _ignored("shm_size", "docker stack drops it; mount a tmpfs at /dev/shm", short="text"),
    _ignored("userns_mode", _DEPENDS_HINT),
    _ignored("container_name", "tasks are named by the engine"),
    _ignored("expose", "services on one network reach each other on any port", short="texts"),
    _ignored("tmpfs", "docker stack drops it; use a volume of type tmpfs", short="strings"),
    _ignored("oom_score_adj", "docker stack drops it", cast="int"),
    # top level
    Attr("networks", merge="objects"),
    Attr("networks.*", short="object", merge="replace"),
    Attr("networks.*.labels", short="pairs"),
    Attr("networks.*.driver_opts", short="pairs"),
    Attr("networks.*.external", cast="bool"),
    Attr("networks.*.internal", cast="bool"),
    Attr("networks.*.attachable", cast="bool"),
    Attr("volumes", merge="objects"),
    Attr("volumes.*", short="object", merge="replace"),
    Attr("volumes.*.labels", short="pairs"),
    Attr("volumes.*.driver_opts", short="pairs"),
    Attr("volumes.*.external", cast="bool"),
    Attr("configs", merge="objects"),
    Attr("configs.*", short="object", merge="replace"),
    Attr("configs.*.labels", short="pairs"),
    Attr("configs.*.external", cast="bool"),
    Attr("secrets", merge="objects"),
    Attr("secrets.*", short="object", merge="replace"),
    Attr("secrets.*.labels", short="pairs"),
    Attr("secrets.*.driver_opts", short="pairs"),
    Attr("secrets.*.external", cast="bool"),
)


class Place:
    """A node of the table as a tree: the row of this path, and the places below it."""

    __slots__ = ("any", "attr", "children", "item")

    def __init__(self) -> None:
        self.attr: Attr | None = None
        self.children: dict[str, Place] = {}
        self.any: Place | None = None
        self.item: Place | None = None

    def child(self, key: str) -> "Place | None":
        return self.children.get(key) or self.any


def _tree() -> Place:
    root = Place()
    for attr in ATTRIBUTES:
        place = root
        for part in attr.path.split("."):
            if part == "*":
                place.any = place = place.any or Place()
            elif part == "[]":
                place.item = place = place.item or Place()
            else:
                place = place.children.setdefault(part, Place())
        place.attr = attr
    return root


ROOT = _tree()
