"""The bodies of the Engine API (1.41) that the manager keeps, as shapes for ``gojson.read``.

Field order, what is kept when empty, and the enum spellings are those of engine 20.10.24, measured: a spec that
is read back equals what that engine would have stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.manager.gojson import (
    DURATION,
    INT,
    INT64,
    UINT32,
    UINT64,
    BodyError,
    Data,
    Field,
    Flag,
    Keep,
    ListOf,
    MapOf,
    Real,
    Struct,
    Text,
)

TEXT = Text()
TEXTS = ListOf(TEXT)


def _one_of(allowed: Mapping[str, str], refusal: str) -> Callable[[str], str]:
    """``allowed``: what may be sent → what is stored. Anything else raises BodyError(refusal with %s)."""

    def check(text: str) -> str:
        if text not in allowed:
            raise BodyError(refusal % text)
        return allowed[text]

    return check


def _known_or(default: str, *known: str) -> Callable[[str], str]:
    """Any case is read; what is not known becomes ``default``."""

    def check(text: str) -> str:
        lowered = text.lower()
        return lowered if lowered in known else default

    return check


def _words(default: str, *words: str) -> dict[str, str]:
    """The empty word stands for the default."""
    return {"": default, **{word: word for word in words}}


_ACTION = Text(_one_of(_words("pause", "pause", "continue", "rollback"), "unrecognized update failure action %s"))
_ORDER = Text(_one_of(_words("stop-first", "stop-first", "start-first"), "unrecognized update order %s"))
_CONDITION = Text(_one_of(_words("any", "any", "none", "on-failure"), 'invalid RestartCondition: "%s"'))
_ENDPOINT_MODE = Text(_one_of(_words("vip", "vip", "dnsrr"), 'invalid resolution mode: "%s"'))
_MOUNT_TYPE = Text(_one_of(_words("bind", "bind", "volume", "tmpfs", "npipe"), 'invalid MountType: "%s"'))
_PROPAGATION = Text(
    _one_of(_words("", "rprivate", "private", "rshared", "shared", "rslave", "slave"), 'invalid MountPropagation: "%s"')
)

LABELS = Field("Labels", MapOf(), Keep.ALWAYS, {})

_DRIVER = Struct("Driver", (Field("Name", TEXT), Field("Options", MapOf())))

_FILE = Struct(
    "FileTarget",
    (
        Field("Name", TEXT, Keep.ALWAYS, ""),
        Field("UID", TEXT, Keep.ALWAYS, ""),
        Field("GID", TEXT, Keep.ALWAYS, ""),
        Field("Mode", UINT32, Keep.ALWAYS, 0),
    ),
)
_SECRET_REFERENCE = Struct(
    "SecretReference",
    (
        Field("File", _FILE, Keep.PRESENT),
        Field("SecretID", TEXT, Keep.ALWAYS, ""),
        Field("SecretName", TEXT, Keep.ALWAYS, ""),
    ),
)
_CONFIG_REFERENCE = Struct(
    "ConfigReference",
    (
        Field("File", _FILE, Keep.PRESENT),
        Field("Runtime", Struct("ConfigReferenceRuntimeTarget", ()), Keep.PRESENT),
        Field("ConfigID", TEXT, Keep.ALWAYS, ""),
        Field("ConfigName", TEXT, Keep.ALWAYS, ""),
    ),
)

_CREDENTIALS = Struct(
    "CredentialSpec", tuple(Field(name, TEXT, Keep.ALWAYS, "") for name in ("Config", "File", "Registry"))
)
_SELINUX = Struct(
    "SELinuxContext",
    (
        Field("Disable", Flag(), Keep.ALWAYS, False),
        *(Field(name, TEXT, Keep.ALWAYS, "") for name in ("User", "Role", "Type", "Level")),
    ),
)
_PRIVILEGES = Struct(
    "Privileges",
    (Field("CredentialSpec", _CREDENTIALS, Keep.ALWAYS), Field("SELinuxContext", _SELINUX, Keep.ALWAYS)),
)

_BIND = Struct("BindOptions", (Field("Propagation", _PROPAGATION), Field("NonRecursive", Flag())))
_VOLUME = Struct("VolumeOptions", (Field("NoCopy", Flag()), Field("Labels", MapOf()), Field("DriverConfig", _DRIVER)))
_MOUNT = Struct(
    "Mount",
    (
        Field("Type", _MOUNT_TYPE, Keep.ALWAYS, "bind"),
        Field("Source", TEXT),
        Field("Target", TEXT),
        Field("ReadOnly", Flag()),
        Field("Consistency", Text(_known_or("", "consistent", "cached", "delegated"))),
        Field("BindOptions", _BIND, Keep.FILLED),
        Field("VolumeOptions", _VOLUME),
        Field("TmpfsOptions", Struct("TmpfsOptions", (Field("SizeBytes", INT64), Field("Mode", UINT32)))),
    ),
)

_HEALTHCHECK = Struct(
    "HealthConfig",
    (
        Field("Test", TEXTS),
        Field("Interval", DURATION),
        Field("Timeout", DURATION),
        Field("StartPeriod", DURATION),
        Field("Retries", INT),
    ),
)
_DNS = Struct("DNSConfig", (Field("Nameservers", TEXTS), Field("Search", TEXTS), Field("Options", TEXTS)))
_ULIMIT = Struct(
    "Ulimit",
    (
        Field("Name", TEXT, Keep.ALWAYS, ""),
        Field("Hard", INT64, Keep.ALWAYS, 0),
        Field("Soft", INT64, Keep.ALWAYS, 0),
    ),
)

_CONTAINER = Struct(
    "ContainerSpec",
    (
        Field("Image", TEXT),
        Field("Labels", MapOf()),
        Field("Command", TEXTS),
        Field("Args", TEXTS),
        Field("Hostname", TEXT),
        Field("Env", TEXTS),
        Field("Dir", TEXT),
        Field("User", TEXT),
        Field("Groups", TEXTS),
        Field("Privileges", _PRIVILEGES),
        Field("Init", Flag(), Keep.PRESENT),
        Field("StopSignal", TEXT),
        Field("TTY", Flag()),
        Field("OpenStdin", Flag()),
        Field("ReadOnly", Flag()),
        Field("Mounts", ListOf(_MOUNT)),
        Field("StopGracePeriod", DURATION, Keep.PRESENT),
        Field("Healthcheck", _HEALTHCHECK),
        Field("Hosts", TEXTS),
        Field("DNSConfig", _DNS),
        Field("Secrets", ListOf(_SECRET_REFERENCE)),
        Field("Configs", ListOf(_CONFIG_REFERENCE)),
        Field("Isolation", Text(_known_or("default", "default", "process", "hyperv")), Keep.ALWAYS, "default"),
        Field("Sysctls", MapOf()),
        Field("CapabilityAdd", TEXTS),
        Field("CapabilityDrop", TEXTS),
        Field("Ulimits", ListOf(_ULIMIT)),
    ),
)

_GENERIC = Struct(
    "GenericResource",
    (
        Field("NamedResourceSpec", Struct("NamedGenericResource", (Field("Kind", TEXT), Field("Value", TEXT)))),
        Field("DiscreteResourceSpec", Struct("DiscreteGenericResource", (Field("Kind", TEXT), Field("Value", INT64)))),
    ),
)
_LIMIT = Struct("Limit", (Field("NanoCPUs", INT64), Field("MemoryBytes", INT64), Field("Pids", INT64)))
_RESERVATION = Struct(
    "Resources",
    (Field("NanoCPUs", INT64), Field("MemoryBytes", INT64), Field("GenericResources", ListOf(_GENERIC))),
)
_RESTART = Struct(
    "RestartPolicy",
    (
        Field("Condition", _CONDITION, Keep.ALWAYS, "any"),
        Field("Delay", DURATION, Keep.PRESENT),
        Field("MaxAttempts", UINT64, Keep.ALWAYS, 0),
        Field("Window", DURATION, Keep.PRESENT),
    ),
)
_PREFERENCE = Struct(
    "PlacementPreference",
    (Field("Spread", Struct("SpreadOver", (Field("SpreadDescriptor", TEXT, Keep.ALWAYS, ""),)), Keep.ALWAYS),),
)
_PLACEMENT = Struct(
    "Placement",
    (
        Field("Constraints", TEXTS),
        Field("Preferences", ListOf(_PREFERENCE)),
        Field("MaxReplicas", UINT64),
        Field("Platforms", ListOf(Struct("Platform", (Field("Architecture", TEXT), Field("OS", TEXT))))),
    ),
)
_NETWORKS = ListOf(
    Struct("NetworkAttachmentConfig", (Field("Target", TEXT), Field("Aliases", TEXTS), Field("DriverOpts", MapOf())))
)
_TASK = Struct(
    "TaskSpec",
    (
        Field("ContainerSpec", _CONTAINER),
        Field("PluginSpec", Struct("PluginSpec", ())),
        Field("NetworkAttachmentSpec", Struct("NetworkAttachmentSpec", ())),
        Field(
            "Resources", Struct("ResourceRequirements", (Field("Limits", _LIMIT), Field("Reservations", _RESERVATION)))
        ),
        Field("RestartPolicy", _RESTART),
        Field("Placement", _PLACEMENT),
        Field("Networks", _NETWORKS),
        Field("LogDriver", _DRIVER),
        Field("ForceUpdate", UINT64, Keep.ALWAYS, 0),
        Field("Runtime", TEXT),
    ),
)
_UPDATE = Struct(
    "UpdateConfig",
    (
        Field("Parallelism", UINT64, Keep.ALWAYS, 0),
        Field("Delay", DURATION),
        Field("FailureAction", _ACTION, Keep.ALWAYS, "pause"),
        Field("Monitor", DURATION),
        Field("MaxFailureRatio", Real(), Keep.ALWAYS, 0),
        Field("Order", _ORDER, Keep.ALWAYS, "stop-first"),
    ),
)
_PORT = Struct(
    "PortConfig",
    (
        Field("Name", TEXT),
        Field("Protocol", Text(_known_or("tcp", "tcp", "udp", "sctp")), Keep.ALWAYS, "tcp"),
        Field("TargetPort", UINT32),
        Field("PublishedPort", UINT32),
        Field("PublishMode", Text(_known_or("ingress", "ingress", "host")), Keep.ALWAYS, "ingress"),
    ),
)
_REPLICATED_JOB = Struct(
    "ReplicatedJob", (Field("MaxConcurrent", UINT64, Keep.PRESENT), Field("TotalCompletions", UINT64, Keep.PRESENT))
)
_MODE = Struct(
    "ServiceMode",
    (
        Field("Replicated", Struct("ReplicatedService", (Field("Replicas", UINT64, Keep.PRESENT),))),
        Field("Global", Struct("GlobalService", ())),
        Field("ReplicatedJob", _REPLICATED_JOB),
        Field("GlobalJob", Struct("GlobalJob", ())),
    ),
)
_ENDPOINT = Struct("EndpointSpec", (Field("Mode", _ENDPOINT_MODE, Keep.ALWAYS, "vip"), Field("Ports", ListOf(_PORT))))

SERVICE = Struct(
    "ServiceSpec",
    (
        Field("Name", TEXT, Keep.ALWAYS, ""),
        LABELS,
        Field("TaskTemplate", _TASK, Keep.ALWAYS, {}),
        Field("Mode", _MODE, Keep.ALWAYS, {}),
        Field("UpdateConfig", _UPDATE),
        Field("RollbackConfig", _UPDATE),
        Field("Networks", _NETWORKS),
        Field("EndpointSpec", _ENDPOINT),
    ),
)

CONFIG = Struct(
    "ConfigSpec", (Field("Name", TEXT, Keep.ALWAYS, ""), LABELS, Field("Data", Data()), Field("Templating", _DRIVER))
)
SECRET = Struct(
    "SecretSpec",
    (
        Field("Name", TEXT, Keep.ALWAYS, ""),
        LABELS,
        Field("Data", Data()),
        Field("Driver", _DRIVER),
        Field("Templating", _DRIVER),
    ),
)
NODE = Struct(
    "NodeSpec",
    (Field("Name", TEXT), LABELS, Field("Role", TEXT, Keep.ALWAYS, ""), Field("Availability", TEXT, Keep.ALWAYS, "")),
)

_POOL = Struct("IPAMConfig", (Field("Subnet", TEXT), Field("IPRange", TEXT), Field("Gateway", TEXT)))
_IPAM = Struct(
    "IPAM",
    (
        Field("Driver", TEXT, Keep.ALWAYS, "default"),
        Field("Options", MapOf(), Keep.ALWAYS),
        Field("Config", ListOf(_POOL), Keep.ALWAYS),
    ),
)
NETWORK = Struct(
    "NetworkCreateRequest",
    (
        Field("Name", TEXT, Keep.ALWAYS, ""),
        Field("Driver", TEXT, Keep.ALWAYS, ""),
        Field("Scope", TEXT, Keep.ALWAYS, ""),
        Field("EnableIPv6", Flag(), Keep.ALWAYS, False),
        Field("IPAM", _IPAM, Keep.PRESENT),
        Field("Internal", Flag(), Keep.ALWAYS, False),
        Field("Attachable", Flag(), Keep.ALWAYS, False),
        Field("Ingress", Flag(), Keep.ALWAYS, False),
        Field("Options", MapOf(), Keep.PRESENT),
        Field("Labels", MapOf(), Keep.PRESENT),
    ),
)
