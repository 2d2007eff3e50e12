"""What ``docker compose config`` prints of each part of a project: the fields in its order, and of which kind each is.

A kind is the name of a way to print (``compose_config._KINDS``), or a structure, a list of structures, a default.
"""

from __future__ import annotations

from stackc.hints import Any


class Struct:
    """Fields in docker compose's order: key and kind. ``kept``: printed as ``{}`` when it is there but empty;
    ``always``: in JSON also when it is absent. ``extras``: YAML has its ``x-`` keys. ``capital``: JSON names its fields
    as Go does. ``spoken``: the keys of which something may be printed where nothing is given."""

    __slots__ = ("always", "capital", "extras", "fields", "kept", "spoken")

    def __init__(
        self,
        *fields: tuple[str, Any],
        kept: bool = True,
        always: bool = False,
        extras: bool = True,
        capital: bool = False,
    ) -> None:
        self.fields = fields
        self.extras = extras
        self.kept = kept
        self.always = always
        self.capital = capital
        self.spoken = frozenset(
            key
            for key, kind in fields
            if kind == "words" or isinstance(kind, Default) or (isinstance(kind, Struct) and kind.always)
        )


class Each:
    """A list, or a mapping in the order of its keys, of structures."""

    __slots__ = ("struct",)

    def __init__(self, struct: Any) -> None:
        self.struct = struct


class Default:
    """A scalar that is this where nothing is given. ``zero``: it is printed also when it says nothing."""

    __slots__ = ("value", "zero")

    def __init__(self, value: str | int, *, zero: bool = False) -> None:
        self.value = value
        self.zero = zero


def _fields(text: str, kind: Any = "") -> tuple[tuple[str, Any], ...]:
    return tuple((key, kind) for key in text.split())


_LABELS = ("labels", "map")
_ULIMITS = ("ulimits", "ulimits")
_FILE_REFS = Each(Struct(*_fields("source target uid gid"), ("mode", "mode")))
_HOOK = Struct(("command", "words"), ("user", ""), ("privileged", ""), ("working_dir", ""), ("environment", "map"))
_REQUESTS = Each(
    Struct(
        ("capabilities", "list"), ("driver", ""), ("count", ""), ("device_ids", "list"), ("options", "map"),
    )
)  # fmt: skip
_BUILD = Struct(
    *_fields("context dockerfile dockerfile_inline"),
    ("entitlements", "list"),
    ("args", "map"),
    *_fields("provenance sbom", "text"),
    ("ssh", "ssh"),
    _LABELS,
    *_fields("cache_from cache_to", "list"),
    ("no_cache", ""),
    ("additional_contexts", "map"),
    ("pull", ""),
    ("extra_hosts", "hosts"),
    *_fields("isolation network target"),
    ("secrets", _FILE_REFS),
    ("shm_size", "bytes"),
    ("tags", "list"),
    _ULIMITS,
    ("platforms", "list"),
    ("privileged", ""),
)
_WATCH = Struct(
    *_fields("path action target"),
    ("exec", Struct(*_HOOK.fields, kept=False, always=True)),
    *_fields("include ignore", "list"),
    ("initial_sync", ""),
)
_DEVICE = ("path", Default("", zero=True))
_WEIGHTS = Each(Struct(_DEVICE, ("weight", Default(0, zero=True)), capital=True))
_RATES = Each(Struct(_DEVICE, ("rate", "rate"), capital=True))
_BLKIO = Struct(
    ("weight", ""),
    ("weight_device", _WEIGHTS),
    *_fields("device_read_bps device_read_iops device_write_bps device_write_iops", _RATES),
)
_UPDATE = Struct(
    ("parallelism", "pointer"),
    ("delay", "duration"),
    ("failure_action", ""),
    ("monitor", "duration"),
    ("max_failure_ratio", "float32"),
    ("order", ""),
)
_LIMITS = (("cpus", "cpus"), ("memory", "bytes"), ("pids", ""))
_GENERIC = Each(
    Struct(("discrete_resource_spec", Struct(("kind", Default("", zero=True)), ("value", Default(0, zero=True)))))
)
_DEPLOY = Struct(
    ("mode", ""),
    ("replicas", "pointer"),
    _LABELS,
    ("update_config", _UPDATE),
    ("rollback_config", _UPDATE),
    (
        "resources",
        Struct(
            ("limits", Struct(*_LIMITS, ("generic_resources", _GENERIC))),
            ("reservations", Struct(*_LIMITS, ("devices", _REQUESTS), ("generic_resources", _GENERIC))),
            kept=False,
            always=True,
        ),
    ),
    (
        "restart_policy",
        Struct(
            ("condition", ""),
            ("delay", "pointer duration"),
            ("max_attempts", "pointer"),
            ("window", "pointer duration"),
        ),
    ),
    (
        "placement",
        Struct(
            ("constraints", "list"),
            ("preferences", Each(Struct(("spread", "")))),
            ("max_replicas_per_node", ""),
            kept=False,
            always=True,
        ),
    ),
    ("endpoint_mode", ""),
)
_ATTACHMENT = Struct(
    ("aliases", "list"),
    ("driver_opts", "map"),
    *_fields("gw_priority interface_name ipv4_address ipv6_address"),
    ("link_local_ips", "list"),
    *_fields("mac_address priority"),
)
_PORT = Struct(
    ("name", ""),
    ("mode", Default("ingress")),
    *_fields("host_ip target published"),
    ("protocol", Default("tcp")),
    ("app_protocol", ""),
)
_MOUNT = Struct(
    *_fields("type source target read_only consistency"),
    ("bind", Struct(*_fields("selinux propagation create_host_path recursive"))),
    ("volume", Struct(_LABELS, ("nocopy", ""), ("subpath", ""))),
    ("tmpfs", Struct(("size", "bytes"), ("mode", ""))),
    ("image", Struct(("subpath", ""))),
)
SERVICE = Struct(
    ("profiles", "list"),
    ("annotations", "map"),
    ("attach", "pointer"),
    ("build", _BUILD),
    ("develop", Struct(("watch", Each(_WATCH)))),
    ("blkio_config", _BLKIO),
    *_fields("cap_add cap_drop", "list"),
    *_fields("cgroup_parent cgroup cpu_count"),
    ("cpu_percent", "float32"),
    *_fields("cpu_period cpu_quota cpu_rt_period cpu_rt_runtime"),
    ("cpus", "cpus"),
    *_fields("cpuset cpu_shares"),
    ("command", "words"),
    ("configs", _FILE_REFS),
    ("container_name", ""),
    ("credential_spec", Struct(*_fields("config file registry"))),
    ("depends_on", Each(Struct(("condition", ""), ("restart", ""), ("required", "pointer")))),
    ("deploy", _DEPLOY),
    ("device_cgroup_rules", "list"),
    ("devices", Each(Struct(*_fields("source target permissions")))),
    *_fields("dns dns_opt dns_search", "list"),
    ("domainname", ""),
    ("entrypoint", "words"),
    ("provider", Struct(("type", ""), ("options", "lists"))),
    ("environment", "map"),
    *_fields("expose external_links", "list"),
    ("extra_hosts", "hosts"),
    ("group_add", "list"),
    ("gpus", _REQUESTS),
    ("hostname", ""),
    (
        "healthcheck",
        Struct(
            ("test", "list"),
            *_fields("timeout interval", "pointer duration"),
            ("retries", "pointer"),
            *_fields("start_period start_interval", "pointer duration"),
            ("disable", ""),
        ),
    ),
    ("image", ""),
    ("init", "pointer"),
    *_fields("ipc isolation"),
    _LABELS,
    ("links", "list"),
    ("logging", Struct(("driver", ""), ("options", "map"))),
    *_fields("mem_limit mem_reservation memswap_limit mem_swappiness", "bytes"),
    ("mac_address", ""),
    ("models", Each(Struct(*_fields("endpoint_var model_var")))),
    ("network_mode", ""),
    ("networks", Each(_ATTACHMENT)),
    *_fields("oom_kill_disable oom_score_adj pid pids_limit platform"),
    ("ports", Each(_PORT)),
    *_fields("privileged pull_policy read_only restart runtime"),
    ("scale", "pointer"),
    ("secrets", _FILE_REFS),
    ("security_opt", "list"),
    ("shm_size", "bytes"),
    ("stdin_open", ""),
    ("stop_grace_period", "pointer duration"),
    ("stop_signal", ""),
    *_fields("storage_opt sysctls", "map"),
    ("tmpfs", "list"),
    ("tty", ""),
    _ULIMITS,
    *_fields("use_api_socket user userns_mode uts"),
    ("volumes", Each(_MOUNT)),
    ("volumes_from", "list"),
    ("working_dir", ""),
    ("post_start", Each(_HOOK)),
    ("pre_stop", Each(_HOOK)),
)
_NETWORK = Struct(
    *_fields("name driver"),
    ("driver_opts", "map"),
    (
        "ipam",
        Struct(
            ("driver", ""),
            ("config", Each(Struct(*_fields("subnet gateway ip_range"), ("aux_addresses", "map"), extras=False))),
            kept=False,
            always=True,
        ),
    ),
    *_fields("external internal attachable"),
    _LABELS,
    *_fields("enable_ipv4 enable_ipv6", "pointer"),
)
_VOLUME = Struct(*_fields("name driver"), ("driver_opts", "map"), ("external", ""), _LABELS)
_FILE = Struct(
    *_fields("name file environment content external"),
    _LABELS,
    ("driver", ""),
    ("driver_opts", "map"),
    ("template_driver", ""),
)
_MODEL = Struct(*_fields("name model context_size"), ("runtime_flags", "list"))
OBJECTS = (
    ("networks", _NETWORK),
    ("volumes", _VOLUME),
    ("secrets", _FILE),
    ("configs", _FILE),
    ("models", _MODEL),
)
