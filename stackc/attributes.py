"""The table of attributes: one row for each path of a file, of both dialects.

A row says how an interpolated string is cast, what brings the short form to the long one, how two files merge, which
field of the Engine API the value becomes and how, whether changing it restarts tasks, and what becomes of the key in
each dialect. The passes walk the tree and this table side by side; none of them knows a path of its own. ``*`` is any
key, ``[]`` each list item. A key below one that is not compiled shares its fate.
"""

from __future__ import annotations

from stackc.hints import Any

COMPILED = "compiled"
OURS = "stackc"  # done by stackc itself: files, variables, profiles, waves
WARNED = "warned"  # without effect, with a warning
SILENT = "silent"  # without effect and without a word: it has no meaning in a stack
REFUSED = "refused"
UNKNOWN = "unknown"  # the dialect has no such key
FATES = (COMPILED, OURS, WARNED, SILENT, REFUSED, UNKNOWN)

BASE_API = "1.41"  # of Engine 20.10, the oldest that is supported
NEVER = "never"  # in ``since``: a field of the API that no manager keeps for services

CONTAINER = "TaskTemplate.ContainerSpec"


class Attr:
    """``cast``: int, float or bool; docker casts strings that interpolation changed, Compose any string.
    ``lenient``: the same, in Compose only. ``short``: a name in ``canonical.SHORT``. ``merge``: how docker stack merges
    two files, a name in ``merge.RULES`` (without one: mappings merge, lists append, scalars are replaced). ``layer``:
    how a later file of a Compose project lies over an earlier one, and a service over the one it extends, a name in
    ``layers.RULES``, with the same default. ``unique``: what tells the items of a Compose list apart, a name in
    ``unique.IDENTITY``; of two the later one counts.

    ``engine``: the field below the ServiceSpec, or below the body that creates a network, volume, config or secret.
    ``emit``: how the value gets there: a name in ``lower.emit.EMITTERS`` or, where several keys make one field, in
    ``lower.parts.PARTS``. ``default``: what is sent where the key is absent and its parent is not. ``since``: the
    first API version whose managers keep the field ("": all from ``BASE_API``), or ``NEVER``. ``restarts``: whether a
    change replaces tasks; None where there is no such field.

    ``stack``, ``compose``: what becomes of the key in the dialect, one of ``FATES``; ``why`` it is not compiled;
    ``instead``: the nearest thing that works; ``harmless``: values, as text, that ask for nothing else."""

    path: str
    cast: str = ""
    lenient: str = ""
    short: str = ""
    merge: str = ""
    layer: str = ""
    unique: str = ""
    engine: str = ""
    emit: str = ""
    default: str | int | None = None
    since: str = ""
    restarts: bool | None = None
    stack: str = COMPILED
    compose: str = COMPILED
    why: str = ""
    instead: str = ""
    harmless: tuple[str, ...] = ()

    def __init__(self, path: str, columns: dict[str, Any]) -> None:
        """A row owns its ``columns``; what they do not say is the class's. The table is made at every start."""
        self.__dict__ = columns
        self.path = path


class _Group:
    """Makes rows below a path, whose fields stand below an engine path."""

    __slots__ = ("engine", "path", "restarts")

    def __init__(self, path: str, engine: str = "", restarts: bool | None = None) -> None:
        self.path = path + "." if path else ""
        self.engine = engine + "." if engine else ""
        self.restarts = restarts

    def row(self, key: str, **columns: Any) -> Attr:
        """Whatever a row can say."""
        return Attr(self.path + key, columns)

    def __call__(self, key: str, field: str, emit: str = "copy", **columns: Any) -> Attr:
        """A key that becomes a field."""
        columns |= {"engine": self.engine + field, "emit": emit, "restarts": self.restarts}
        return Attr(self.path + key, columns)

    def beside(self, key: str, field: str, emit: str, **columns: Any) -> Attr:
        """A key of the service for a field that a key of ``deploy`` has too."""
        columns |= {"engine": self.engine + field, "emit": emit, "restarts": self.restarts}
        return Attr("services.*." + key, columns)

    def ours(self, key: str, why: str, **columns: Any) -> Attr:
        """A key that stackc acts upon."""
        return Attr(self.path + key, {"stack": OURS, "compose": OURS, "why": why, **columns})

    def warned(self, key: str, why: str, instead: str = "", **columns: Any) -> Attr:
        """Without effect in both dialects, unless ``columns`` say otherwise."""
        return Attr(self.path + key, {"stack": WARNED, "compose": WARNED, "why": why, "instead": instead, **columns})

    def refused(self, key: str, why: str, instead: str = "", **columns: Any) -> Attr:
        """No field holds it, and dropping it could harm. ``stack``: what docker does with it."""
        return Attr(self.path + key, {"stack": UNKNOWN, "compose": REFUSED, "why": why, "instead": instead, **columns})

    def keys(self, below: str, keys: str, **columns: Any) -> tuple[Attr, ...]:
        """Keys of which nothing else is to be said."""
        parent = f"{self.path}{below}."
        return tuple([Attr(parent + key, dict(columns)) for key in keys.split()])


_top = _Group("")
_service = _Group("services.*")
_task = _Group("services.*", CONTAINER, restarts=True)
_spec = _Group("services.*", restarts=True)
_aside = _Group("services.*", restarts=False)
_health = _Group("services.*.healthcheck", CONTAINER + ".Healthcheck", restarts=True)
_attachment = _Group("services.*.networks.*", "TaskTemplate.Networks.[]", restarts=True)
_port = _Group("services.*.ports.[]", "EndpointSpec.Ports.[]", restarts=True)
_mount = _Group("services.*.volumes.[]", CONTAINER + ".Mounts.[]", restarts=True)
_credential = _Group("services.*.credential_spec", CONTAINER + ".Privileges.CredentialSpec", restarts=True)
_config_ref = _Group("services.*.configs.[]", CONTAINER + ".Configs.[]", restarts=True)
_secret_ref = _Group("services.*.secrets.[]", CONTAINER + ".Secrets.[]", restarts=True)
_deploy = _Group("services.*.deploy", restarts=False)
_update = _Group("services.*.deploy.update_config", "UpdateConfig", restarts=False)
_rollback = _Group("services.*.deploy.rollback_config", "RollbackConfig", restarts=False)
_restart = _Group("services.*.deploy.restart_policy", "TaskTemplate.RestartPolicy", restarts=True)
_placement = _Group("services.*.deploy.placement", "TaskTemplate.Placement", restarts=False)
_resources = _Group("services.*.deploy.resources", "TaskTemplate.Resources", restarts=True)
_limit = _Group("services.*.deploy.resources.limits", "TaskTemplate.Resources.Limits", restarts=True)
_reserved = _Group("services.*.deploy.resources.reservations", "TaskTemplate.Resources.Reservations", restarts=True)
_generic = _Group(
    "services.*.deploy.resources.reservations.generic_resources.[]",
    "TaskTemplate.Resources.Reservations.GenericResources.[]",
    restarts=True,
)
_network = _Group("networks.*")
_subnet = _Group("networks.*.ipam.config.[]", "IPAM.Config.[]")
_volume = _Group("volumes.*")
_config = _Group("configs.*")
_secret = _Group("secrets.*")

_DURATION = {"short": "duration", "merge": "duration"}
_NUMBER = {"cast": "int", "short": "whole", "merge": "pointer"}
_LAYERED = {"layer": "pairs", "unique": "name"}
_PAIRS = {"short": "pairs", "merge": "pairs", **_LAYERED}
_LIST = {"layer": "list", "unique": "name"}
_COMPOSE = {"stack": UNKNOWN}
_DROPPED = {"stack": WARNED, "why": "docker stack drops it"}
_CLUSTER = {"stack": WARNED, "compose": SILENT, "why": "docker stack reads it and creates no cluster volume"}
_FORBIDDEN = {"stack": REFUSED, "why": "docker stack refuses it"}

_NO_FIELD = "a Swarm service has no such setting"
_NO_ADDRESS = "Swarm has no fixed addresses for tasks"
_BY_NAME = "services on one network reach each other by name"
_NO_DEVICES = "Swarm services cannot be given devices"
_GPU = "use generic_resources, and make the device's runtime the default one of the nodes that have it"
_NODE = "set it for the engine of the node"
_LIMITS = "use deploy.resources.limits"
_JOB = "use a job (deploy.mode: replicated-job), and depends_on with service_completed_successfully"


def _hooks(path: str) -> tuple[Attr, ...]:
    """The keys of a command that runs in a service's container."""
    return (
        *_service.keys(path, "user working_dir", **_COMPOSE),
        *_service.keys(path, "command", short="words", **_COMPOSE),
        *_service.keys(path, "privileged", lenient="bool", **_COMPOSE),
        *_service.keys(path, "environment", short="environment", **_COMPOSE),
    )


def _requests(path: str) -> tuple[Attr, ...]:
    """The keys of a request for devices."""
    return (
        _service.row(path, short="request", **_COMPOSE),
        *_service.keys(path, "capabilities device_ids driver", **_COMPOSE),
        *_service.keys(path, "count", short="count", **_COMPOSE),
        *_service.keys(path, "options", short="pairs", **_COMPOSE),
    )


ATTRIBUTES: tuple[Attr, ...] = (
    # the project
    _top.ours("version", "chooses the dialect", compose=SILENT),
    _top.ours("name", "the stack's name where the command line gives none", **_COMPOSE),
    _top.ours("include", "read as files of the project", **_COMPOSE),
    *_top.keys("include.[]", "path env_file project_directory", **_COMPOSE),
    _top.refused("models", "Swarm runs containers only", "run the model as a service of its own"),
    *_top.keys("models.*", "model name context_size runtime_flags", **_COMPOSE),
    _top.ours("x-stackc", "settings of stackc itself"),
    _top.row("services"),
    _top.row("services.*", merge="service"),
    # what runs
    _task("image", "Image", "image"),
    _task("command", "Args", short="words", merge="replace", layer="replace"),
    _task("entrypoint", "Command", short="words", merge="replace", layer="replace"),
    _task("environment", "Env", "environment", short="environment", merge="environment", **_LAYERED),
    _service.ours("env_file", "read into `environment`", short="env_file", layer="list", unique="path"),
    *_service.keys("env_file.[]", "path required format", **_COMPOSE),
    _task("hostname", "Hostname"),
    _task("user", "User"),
    _task("group_add", "Groups", short="texts", **_COMPOSE),
    _task("working_dir", "Dir"),
    _task("tty", "TTY", cast="bool"),
    _task("stdin_open", "OpenStdin", cast="bool"),
    _task("read_only", "ReadOnly", cast="bool"),
    _task("init", "Init", "pointer", lenient="bool"),
    _task("isolation", "Isolation"),
    _task("stop_signal", "StopSignal"),
    _task("stop_grace_period", "StopGracePeriod", "pointer", **_DURATION),
    _task("labels", "Labels", "labels", **_PAIRS),
    _service.ours("label_file", "read into `labels`", short="strings", layer="list", **_COMPOSE),
    _service.warned("annotations", _NO_FIELD, "use `labels`", short="pairs", **_LAYERED, **_COMPOSE),
    # what it may do
    _task("cap_add", "CapabilityAdd", "cap_add", unique="name"),
    _task("cap_drop", "CapabilityDrop", "cap_drop", unique="name"),
    _task("sysctls", "Sysctls", **_PAIRS),
    _task("ulimits", "Ulimits", "ulimits", merge="pairs"),
    _service.row("ulimits.*", cast="int", short="ulimit", merge="replace", layer="replace"),
    _task("ulimits.*.soft", "Ulimits.[].Soft", "ulimits", cast="int"),
    _task("ulimits.*.hard", "Ulimits.[].Hard", "ulimits", cast="int"),
    _task("credential_spec", "Privileges.CredentialSpec", "privileges"),
    _credential("config", "Config", "privileges"),
    _credential("file", "File", "privileges"),
    _credential("registry", "Registry", "privileges"),
    _task("security_opt", "Privileges", "privileges", **_DROPPED),
    _task("oom_score_adj", "OomScoreAdj", "number", cast="int", since="1.46", **_DROPPED),
    _service.refused("privileged", "Swarm services cannot be privileged", "use cap_add", stack=WARNED, cast="bool"),
    _service.refused("devices", _NO_DEVICES, _GPU, stack=WARNED, unique="target", short="devices"),
    *_service.keys("devices.[]", "source target permissions", **_COMPOSE),
    _service.refused("device_cgroup_rules", _NO_DEVICES, _GPU),
    _service.refused("gpus", _NO_DEVICES, _GPU, layer="gpus", short="gpus"),
    *_requests("gpus.[]"),
    _service.refused("runtime", _NO_FIELD, "make it the default runtime of the node's engine", harmless=("runc",)),
    _service.refused("userns_mode", _NO_FIELD, _NODE, stack=WARNED),
    _service.refused("ipc", _NO_FIELD, "mount a tmpfs at /dev/shm", stack=WARNED, harmless=("private", "shareable")),
    _service.refused("pid", _NO_FIELD, "run the processes in one container, with init: true", stack=WARNED),
    _service.refused("uts", _NO_FIELD, "set `hostname`"),
    _service.refused("cgroup", _NO_FIELD, _NODE, harmless=("private",)),
    _service.warned("cgroupns_mode", _NO_FIELD, _NODE, compose=UNKNOWN),
    _service.refused("cgroup_parent", _NO_FIELD, _NODE, stack=WARNED),
    _service.refused("storage_opt", _NO_FIELD, "keep what grows in a volume", short="pairs"),
    _service.refused("use_api_socket", _NO_FIELD, "bind-mount /var/run/docker.sock, and place the service on managers"),
    # is it well?
    _task("healthcheck", "Healthcheck", "healthcheck"),
    _health("test", "Test", short="test", merge="append", layer="replace"),
    _health("interval", "Interval", **_DURATION),
    _health("timeout", "Timeout", **_DURATION),
    _health("start_period", "StartPeriod", **_DURATION),
    _health("start_interval", "StartInterval", since="1.44", **_DURATION),
    _health("retries", "Retries", **_NUMBER),
    _health("disable", "Test", "healthcheck", cast="bool"),
    _spec("logging", "TaskTemplate.LogDriver", "object", merge="logging", layer="logging"),
    _spec("logging.driver", "TaskTemplate.LogDriver.Name"),
    _spec("logging.options", "TaskTemplate.LogDriver.Options", "pairs", **_PAIRS),
    # names and networks
    _task("extra_hosts", "Hosts", "hosts", short="hosts", layer="hosts"),
    _task("dns", "DNSConfig.Nameservers", "kept_list", short="dns", **_LIST),
    _task("dns_search", "DNSConfig.Search", "kept_list", short="strings", **_LIST),
    _task("dns_opt", "DNSConfig.Options", "kept_list", short="strings", **_LIST, **_COMPOSE),
    _service.warned("container_name", "tasks are named by the engine"),
    _service.warned("domainname", _NO_FIELD, "write the whole name in `hostname`"),
    _service.warned("expose", "services on one network reach each other on any port", short="texts", unique="text"),
    _service.warned("links", _BY_NAME, "use networks.NAME.aliases for other names", unique="name"),
    _service.warned("external_links", _BY_NAME, "put both on one external network"),
    _service.warned("mac_address", _NO_ADDRESS),
    _spec("networks", "TaskTemplate.Networks", "networks", short="networks", merge="networks", layer="names"),
    _attachment("aliases", "Aliases", "networks", unique="name"),
    _attachment("driver_opts", "DriverOpts", "pairs", short="pairs"),
    _service.warned("networks.*.ipv4_address", _NO_ADDRESS),
    _service.warned("networks.*.ipv6_address", _NO_ADDRESS),
    _service.warned("networks.*.mac_address", _NO_ADDRESS, **_COMPOSE),
    _service.warned("networks.*.link_local_ips", _NO_ADDRESS, unique="name", **_COMPOSE),
    _service.warned("networks.*.interface_name", "Swarm names interfaces by itself", **_COMPOSE),
    _service.warned("networks.*.priority", "Swarm orders networks by itself", **_COMPOSE),
    _service.warned("networks.*.gw_priority", "Swarm orders networks by itself", **_COMPOSE),
    _spec(
        "network_mode", "TaskTemplate.Networks", "networks",
        instead="use an external network named host", **_DROPPED,
    ),
    _spec("ports", "EndpointSpec.Ports", "ports", short="ports", merge="ports", unique="port"),
    _port("name", "Name", **_COMPOSE),
    _port("mode", "PublishMode"),
    _port("target", "TargetPort", "number", cast="int"),
    _port("published", "PublishedPort", "ports", cast="int", lenient="text"),
    _port("protocol", "Protocol"),
    _service.row("ports.[].host_ip", emit="ports", **_COMPOSE),
    _service.row("ports.[].app_protocol", compose=SILENT, why="a remark for tools", **_COMPOSE),
    # volumes of a service
    _task("volumes", "Mounts", "mounts", short="volumes", merge="volumes", unique="target"),
    _mount("type", "Type"),
    _mount("source", "Source", "mounts"),
    _mount("target", "Target"),
    _mount("read_only", "ReadOnly", cast="bool"),
    _mount("consistency", "Consistency", since=NEVER, compose=WARNED, why="no manager keeps it"),
    _mount("bind", "BindOptions", "object"),
    _mount("bind.propagation", "BindOptions.Propagation"),
    _mount("bind.recursive", "BindOptions.NonRecursive", "non_recursive", **_DROPPED),
    _service.warned("volumes.[].bind.create_host_path", "Swarm never creates the source of a bind mount", cast="bool"),
    _service.warned("volumes.[].bind.selinux", "Swarm does not relabel bind mounts"),
    _service.row("volumes.[].volume"),
    _mount("volume.nocopy", "VolumeOptions.NoCopy", cast="bool"),
    _mount("volume.subpath", "VolumeOptions.Subpath", since="1.46"),
    _mount("volume.labels", "VolumeOptions.Labels", "mounts", short="pairs", **_DROPPED),
    _mount("tmpfs", "TmpfsOptions", "object"),
    _mount("tmpfs.size", "TmpfsOptions.SizeBytes", "bytes", lenient="size", short="integer"),
    _mount("tmpfs.mode", "TmpfsOptions.Mode", "permissions", lenient="mode", **_DROPPED),
    _mount("cluster", "ClusterOptions", "object", since="1.42", stack=UNKNOWN, compose=UNKNOWN),
    _service.refused("volumes.[].image", "Swarm cannot mount images", "copy the files into the service's own image"),
    *_service.keys("volumes.[].image", "subpath", **_COMPOSE),
    _task("tmpfs", "Mounts", "mounts", short="strings", instead="use a volume of type tmpfs", **_LIST, **_DROPPED),
    _task("shm_size", "Mounts", "mounts", short="size", instead="mount a tmpfs at /dev/shm", **_DROPPED),
    _service.refused(
        "volumes_from", "tasks share no containers",
        "declare a volume under the top-level `volumes:` and mount it in both services", stack=REFUSED,
    ),
    _service.refused(
        "volume_driver", "docker stack refuses it",
        "set `driver:` of the volume under the top-level `volumes:`", stack=REFUSED, compose=UNKNOWN,
    ),
    # configs and secrets of a service
    _task("configs", "Configs", "configs", short="file_refs", merge="file_refs", unique="config"),
    _config_ref("source", "ConfigName", "configs"),
    _config_ref("target", "File.Name", "configs"),
    _config_ref("uid", "File.UID", default="0"),
    _config_ref("gid", "File.GID", default="0"),
    _config_ref("mode", "File.Mode", "permissions", default=0o444, cast="int", lenient="text", short="mode"),
    _task("secrets", "Secrets", "secrets", short="file_refs", merge="file_refs", unique="secret"),
    _secret_ref("source", "SecretName", "secrets"),
    _secret_ref("target", "File.Name", "secrets"),
    _secret_ref("uid", "File.UID", default="0"),
    _secret_ref("gid", "File.GID", default="0"),
    _secret_ref("mode", "File.Mode", "permissions", default=0o444, cast="int", lenient="text", short="mode"),
    # which, and in which order
    _service.ours(
        "depends_on", "services are written in waves", short="depends_on", merge="depends_on", layer="dependencies"
    ),
    _service.row("depends_on.*.condition", compose=OURS, why="what a wave waits for", **_COMPOSE),
    _service.row("depends_on.*.required", compose=OURS, why="a profile may turn it off", cast="bool", **_COMPOSE),
    _service.row("depends_on.*.restart", compose=OURS, why="tasks are replaced after its own", cast="bool", **_COMPOSE),
    _service.ours("x-stackc", "settings of stackc itself"),
    _service.ours("x-stackc.wave", "a service waits until all services of lower numbers are well", cast="int"),
    _service.ours("profiles", "services of other profiles are left out", unique="name", **_COMPOSE),
    _service.ours(
        "extends", "read as part of the service",
        stack=REFUSED, instead="write the service out, or give a second file with -c",
    ),
    *_service.keys("extends", "service file", **_COMPOSE),
    _service.refused("post_start", _NO_FIELD, "start it from the entrypoint, or use a job"),
    _service.refused("pre_stop", _NO_FIELD, "handle the stop signal in the entrypoint"),
    _service.refused("pre_start", _NO_FIELD, _JOB),
    *(
        row
        for hook in ("post_start.[]", "pre_stop.[]", "pre_start.[]")
        for row in _hooks(hook)
    ),
    *_service.keys("pre_start.[]", "image per_replica", **_COMPOSE),
    _service.refused("provider", "Swarm runs containers only", "create it beforehand, and refer to it as external"),
    *_service.keys("provider", "type", **_COMPOSE),
    *_service.keys("provider", "options", short="value_lists", **_COMPOSE),
    _service.refused(
        "models", "Swarm runs containers only", "run the model as a service of its own", layer="names", short="models"
    ),
    *_service.keys("models.*", "endpoint_var model_var", **_COMPOSE),
    # how many, where, and how they change
    _service.row("deploy"),
    _spec("deploy.mode", "Mode", "mode"),
    _deploy("replicas", "Mode.Replicated.Replicas", "mode", **_NUMBER),
    _deploy("labels", "Labels", "service_labels", **_PAIRS),
    _spec("deploy.endpoint_mode", "EndpointSpec.Mode", "lower"),
    _deploy("update_config", "UpdateConfig", "object"),
    _deploy("rollback_config", "RollbackConfig", "object"),
    *(
        row
        for group in (_update, _rollback)
        for row in (
            group("parallelism", "Parallelism", "pointer", default=1, **_NUMBER),
            group("delay", "Delay", **_DURATION),
            group("failure_action", "FailureAction"),
            group("monitor", "Monitor", **_DURATION),
            group("max_failure_ratio", "MaxFailureRatio", "float32", default=0, cast="float"),
            group("order", "Order", default=""),
        )
    ),
    _spec("deploy.restart_policy", "TaskTemplate.RestartPolicy", "restart_policy"),
    _restart("condition", "Condition"),
    _restart("delay", "Delay", "pointer", **_DURATION),
    _restart("window", "Window", "pointer", **_DURATION),
    _restart("max_attempts", "MaxAttempts", "pointer", **_NUMBER),
    _spec("restart", "TaskTemplate.RestartPolicy", "restart_policy"),
    _deploy("placement", "TaskTemplate.Placement", "object"),
    _placement("constraints", "Constraints"),
    _placement("preferences", "Preferences", "each"),
    _placement("preferences.[].spread", "Preferences.[].Spread.SpreadDescriptor", default=""),
    _placement("max_replicas_per_node", "MaxReplicas", cast="int", short="whole"),
    _spec("deploy.resources", "TaskTemplate.Resources", "object"),
    _resources("limits", "Limits", "object"),
    _limit("cpus", "NanoCPUs", "cpu_limit", short="cpus"),
    _limit("memory", "MemoryBytes", "bytes", short="bytes"),
    _limit("pids", "Pids", lenient="int", short="integer"),
    _resources("reservations", "Reservations", "object"),
    _reserved("cpus", "NanoCPUs", "nano_cpus", short="cpus"),
    _reserved("memory", "MemoryBytes", "bytes", short="bytes"),
    _reserved("generic_resources", "GenericResources", "each"),
    _generic("discrete_resource_spec", "DiscreteResourceSpec", "object"),
    _generic("discrete_resource_spec.kind", "DiscreteResourceSpec.Kind"),
    _generic("discrete_resource_spec.value", "DiscreteResourceSpec.Value", lenient="int", short="integer"),
    _service.refused("deploy.resources.reservations.devices", _NO_DEVICES, _GPU),
    *_requests("deploy.resources.reservations.devices.[]"),
    # the same, written without deploy
    _aside("scale", "Mode.Replicated.Replicas", "mode", **_NUMBER, **_COMPOSE),
    _aside("platform", "TaskTemplate.Placement.Platforms", "platform", **_COMPOSE),
    _limit.beside("cpus", "NanoCPUs", "cpu_limit", short="cpus", **_COMPOSE),
    _limit.beside("cpu_quota", "NanoCPUs", "cpu_limit", instead=_LIMITS, lenient="int", short="integer", **_FORBIDDEN),
    _limit.beside("cpu_period", "NanoCPUs", "cpu_limit", lenient="int", short="integer", **_COMPOSE),
    _limit.beside("mem_limit", "MemoryBytes", "bytes", short="bytes", instead=_LIMITS, **_FORBIDDEN),
    _reserved.beside("mem_reservation", "MemoryBytes", "bytes", short="bytes", **_COMPOSE),
    _resources.beside("memswap_limit", "SwapBytes", "swap", since="1.52", instead=_LIMITS, short="swap", **_FORBIDDEN),
    _resources.beside("mem_swappiness", "MemorySwappiness", "whole", since="1.52", short="bytes", **_COMPOSE),
    _limit.beside("pids_limit", "Pids", "pids", cast="int", **_COMPOSE),
    _service.refused("cpu_shares", _NO_FIELD, _LIMITS, stack=REFUSED, lenient="int", short="integer"),
    _service.refused("cpuset", _NO_FIELD, _LIMITS, stack=REFUSED),
    _service.refused("cpu_count", _NO_FIELD, _LIMITS, lenient="int", short="integer"),
    _service.refused("cpu_percent", _NO_FIELD, _LIMITS, lenient="float"),
    _service.refused("cpu_rt_period", _NO_FIELD, _LIMITS, lenient="int", short="integer"),
    _service.refused("cpu_rt_runtime", _NO_FIELD, _LIMITS, lenient="int", short="integer"),
    _service.refused("oom_kill_disable", _NO_FIELD, "use oom_score_adj", lenient="bool"),
    _service.refused("blkio_config", _NO_FIELD, _NODE),
    *(
        row
        for device in ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")
        for row in (
            _service.row(f"blkio_config.{device}", **_COMPOSE),
            *_service.keys(f"blkio_config.{device}.[]", "path", **_COMPOSE),
            *_service.keys(f"blkio_config.{device}.[]", "rate", short="bytes", **_COMPOSE),
        )
    ),
    *_service.keys("blkio_config", "weight weight_device", **_COMPOSE),
    *_service.keys("blkio_config.weight_device.[]", "path weight", **_COMPOSE),
    # images and development
    _service.warned("build", "a stack runs images that were built before", short="build", layer="build"),
    _service.row("build.args", short="nullable_pairs", **_LAYERED),
    _service.row("build.labels", short="pairs", **_LAYERED),
    _service.row("build.extra_hosts", short="hosts", layer="hosts"),
    _service.row("build.context", short="context"),
    _service.row("build.shm_size", short="size"),
    *_service.keys("build", "dockerfile cache_from network target"),
    *_service.keys("build", "isolation", **_COMPOSE),
    *_service.keys("build", "cache_to dockerfile_inline entitlements platforms provenance sbom ulimits", **_COMPOSE),
    *_service.keys("build", "no_cache privileged pull", lenient="bool", **_COMPOSE),
    *_service.keys("build", "no_cache_filter", **_COMPOSE),
    _service.row("build.additional_contexts", short="key_values", **_LAYERED, **_COMPOSE),
    _service.row("build.additional_contexts.*", short="context", **_COMPOSE),
    _service.row("build.ssh", short="ssh", **_COMPOSE),
    _service.row("build.ssh.*", short="host_path", **_COMPOSE),
    _service.row("build.secrets", short="file_refs", **_COMPOSE),
    _service.row("build.tags", unique="name", **_COMPOSE),
    *_service.keys("build.secrets.[]", "source target uid gid", **_COMPOSE),
    _service.row("build.secrets.[].mode", short="mode", **_COMPOSE),
    _service.row("build.ulimits.*", short="ulimit", lenient="int", **_COMPOSE),
    *_service.keys("build.ulimits.*", "soft hard", lenient="int", **_COMPOSE),
    _service.warned(
        "pull_policy", "a manager pulls what the plan names", "see --resolve-image, or name the image by its digest",
        harmless=("missing", "if_not_present"), short="pull_policy", **_COMPOSE,
    ),
    _service.row("pull_refresh_after", compose=SILENT, why="for images of one machine", **_COMPOSE),
    _service.row("attach", lenient="bool", compose=SILENT, why="for logs in a terminal", **_COMPOSE),
    _service.row("develop", compose=SILENT, why="for development on one machine", **_COMPOSE),
    *_service.keys("develop", "watch", **_COMPOSE),
    *_service.keys("develop.watch.[]", "action target initial_sync exec", **_COMPOSE),
    *_service.keys("develop.watch.[]", "path", short="path", **_COMPOSE),
    *_service.keys("develop.watch.[]", "ignore include", short="strings", **_COMPOSE),
    *_hooks("develop.watch.[].exec"),
    # top-level networks
    _top.row("networks", merge="objects"),
    _top.row("networks.*", short="object", merge="replace"),
    _network("name", "Name", "name"),
    _network("driver", "Driver", default="overlay"),
    _network("driver_opts", "Options", "kept_pairs", short="pairs"),
    _network("labels", "Labels", "labels", short="pairs", **_LAYERED),
    _network("internal", "Internal", cast="bool"),
    _network("attachable", "Attachable", cast="bool"),
    _network("enable_ipv4", "EnableIPv4", "pointer", since="1.48", cast="bool", **_COMPOSE),
    _network("enable_ipv6", "EnableIPv6", cast="bool", **_COMPOSE),
    _network.row("ipam"),
    _network("ipam.driver", "IPAM.Driver"),
    _network("ipam.options", "IPAM.Options", "pairs", **_COMPOSE),
    _network("ipam.config", "IPAM.Config", "each", layer="subnets"),
    _subnet("subnet", "Subnet"),
    _subnet("gateway", "Gateway", **_COMPOSE),
    _subnet("ip_range", "IPRange", **_COMPOSE),
    _subnet("aux_addresses", "AuxiliaryAddresses", "pairs", **_COMPOSE),
    _network.ours("external", "the network must exist", cast="bool", layer="external"),
    _network.ours("external.name", "as `name`"),
    # top-level volumes
    _top.row("volumes", merge="objects"),
    _top.row("volumes.*", short="object", merge="replace"),
    _volume("name", "Name", "name"),
    _volume("driver", "Driver", default=""),
    _volume("driver_opts", "DriverOpts", "kept_pairs", short="pairs"),
    _volume("labels", "Labels", "labels", short="pairs", layer="pairs"),
    _volume.ours("external", "the volume must exist", cast="bool", layer="external"),
    _volume.ours("external.name", "as `name`"),
    _volume.row("x-cluster-spec", **_CLUSTER),
    *_volume.keys("x-cluster-spec", "group access_mode accessibility_requirements capacity_range secrets", **_CLUSTER),
    *_volume.keys("x-cluster-spec", "availability secrets.[].key secrets.[].secret", **_CLUSTER),
    *_volume.keys("x-cluster-spec.access_mode", "scope sharing block_volume mount_volume", **_CLUSTER),
    *_volume.keys("x-cluster-spec.access_mode.mount_volume", "fs_type mount_flags", **_CLUSTER),
    *_volume.keys("x-cluster-spec.accessibility_requirements", "requisite preferred", **_CLUSTER),
    *_volume.keys(
        "x-cluster-spec.accessibility_requirements",
        "requisite.[].segments preferred.[].segments",
        short="pairs",
        **_CLUSTER,
    ),
    *_volume.keys("x-cluster-spec.capacity_range", "required_bytes limit_bytes", short="bytes", **_CLUSTER),
    # top-level configs and secrets
    _top.row("configs", merge="objects"),
    _top.row("configs.*", short="object", merge="replace"),
    _top.row("secrets", merge="objects"),
    _top.row("secrets.*", short="object", merge="replace"),
    *(
        row
        for group in (_config, _secret)
        for row in (
            group("name", "Name", "name"),
            group("file", "Data", "content", short="host_path"),
            group("environment", "Data", "content", **_COMPOSE),
            group("labels", "Labels", "labels", short="pairs"),
            group("template_driver", "Templating.Name"),
            group.ours("external", "the object must exist", cast="bool", layer="external"),
            group.ours("external.name", "as `name`"),
        )
    ),
    _config("content", "Data", "content", **_COMPOSE),
    _secret("driver", "Driver.Name"),
    _secret("driver_opts", "Driver.Options", "pairs", short="pairs"),
)  # fmt: skip

YOUNGER: dict[str, dict[str, str]] = {
    "services.*.security_opt": {
        f"{CONTAINER}.Privileges.{field}": "1.44" for field in ("NoNewPrivileges", "Seccomp", "AppArmor")
    },
    "services.*.tmpfs": {f"{CONTAINER}.Mounts.[].TmpfsOptions.Options": "1.46"},
}
"""Fields below a key's own that only some of its values need: path → field → ``since``."""


class Place:
    """A node of the table as a tree: the row of this path, and the places below it. ``told``: a key here or below may
    have no effect, or be refused."""

    __slots__ = ("any", "attr", "children", "item", "told")

    def __init__(self) -> None:
        self.attr: Attr | None = None
        self.children: dict[str, Place] = {}
        self.any: Place | None = None
        self.item: Place | None = None
        self.told = False

    def child(self, key: str) -> Place | None:
        return self.children.get(key) or self.any


_TOLD = (WARNED, REFUSED)


def _tree() -> Place:
    places = {"": Place()}

    def place_of(path: str) -> Place:
        place = places.get(path)
        if place is None:
            place = places[path] = Place()
            above, _, key = path.rpartition(".")
            parent = place_of(above)
            if key == "*":
                parent.any = place
            elif key == "[]":
                parent.item = place
            else:
                parent.children[key] = place
        return place

    for attr in ATTRIBUTES:
        path = attr.path
        place_of(path).attr = attr
        if attr.stack in _TOLD or attr.compose in _TOLD:
            while not places[path].told:
                places[path].told = True
                path = path.rpartition(".")[0]
    return places[""]


ROOT = _tree()
