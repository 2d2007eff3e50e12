"""The checks of swarmkit's control API on a service spec, in its order and its words. Pure.

Safer than the engine in three places, where it accepts what can never work: ports outside 1 to 65535, negative
durations and a ratio outside 0 to 1 in RollbackConfig, and job modes, which this manager does not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.manager.control.names import check_constraints, check_image, check_service_name
from reconciler.manager.control.refusal import Refused, invalid, unimplemented
from reconciler.manager.model import Json, Node, Task, TaskState, TaskStatus
from reconciler.manager.objects import Config, Secret, State
from reconciler.manager.templates import TemplateError, expand, template_fields

_MILLISECOND = 1_000_000
_MIN_NANO_CPUS = 1_000_000
_MIN_MEMORY = 4 * 1024 * 1024


def check_spec(spec: Json) -> None:
    """Everything that can be said about a spec by itself. Raises Refused for the first fault."""
    task = spec["TaskTemplate"]
    _check_runtime(task)
    check_service_name(spec["Name"])
    _check_task(task)
    _check_templates(spec)
    _check_credentials(task["ContainerSpec"])
    _check_mode(spec)
    for name in ("UpdateConfig", "RollbackConfig"):
        _check_update(spec.get(name, {}))
    _check_endpoint(spec.get("EndpointSpec", {}))


def check_references(state: State, spec: Json, own_id: str = "") -> None:
    """What a spec says about other objects: ports in use, secrets and configs. Raises Refused."""
    _check_ports_free(state, spec, own_id)
    container = spec["TaskTemplate"]["ContainerSpec"]
    _check_secrets(container.get("Secrets", []), state.secrets)
    _check_configs(container.get("Configs", []), state.configs)


def _check_runtime(task: Json) -> None:
    if task.get("Runtime", "container") not in ("container", "plugin", ""):
        raise Refused(400, "unsupported runtime")
    if "ContainerSpec" not in task or task.get("Runtime") == "plugin":
        raise Refused(400, "mismatched Runtime and *Spec fields")


def _check_task(task: Json) -> None:
    for name in ("Limits", "Reservations"):
        resources = task.get("Resources", {}).get(name, {})
        cpus, memory = resources.get("NanoCPUs", 0), resources.get("MemoryBytes", 0)
        if cpus and cpus < _MIN_NANO_CPUS:
            raise invalid(f"invalid cpu value {cpus / 1e9:g}: Must be at least 0.001")
        if memory and memory < _MIN_MEMORY:
            raise invalid(f"invalid memory value {memory}: Must be at least 4MiB")
    restart = task.get("RestartPolicy", {})
    if restart.get("Delay", 0) < 0:
        raise invalid("TaskSpec: restart-delay cannot be negative")
    if restart.get("Window", 0) < 0:
        raise invalid("TaskSpec: restart-window cannot be negative")
    check_constraints(task.get("Placement", {}).get("Constraints", []))
    _check_container(task["ContainerSpec"])


def _check_container(container: Json) -> None:
    check_image(container.get("Image", ""))
    targets: set[str] = set()
    for mount in container.get("Mounts", []):
        target = mount.get("Target", "")
        if target in targets:
            raise invalid(f"ContainerSpec: duplicate mount point: {target}")
        targets.add(target)
    health = container.get("Healthcheck", {})
    for name in ("Interval", "Timeout", "StartPeriod"):
        if health.get(name, 0) and health[name] < _MILLISECOND:
            raise invalid(f"ContainerSpec: {name} in HealthConfig cannot be less than 1ms")
    if health.get("Retries", 0) < 0:
        raise invalid("ContainerSpec: Retries in HealthConfig cannot be negative")


def _check_templates(spec: Json) -> None:
    """Every template is expanded once for a task that might be, so that a misspelt field is told now."""
    fields = template_fields(_POSSIBLE_TASK, _POSSIBLE_NODE)
    container = spec["TaskTemplate"]["ContainerSpec"]
    texts = [("env", "env", text) for text in container.get("Env", [])]
    texts += [("hostname", "hostname", container.get("Hostname", ""))]
    for mount in container.get("Mounts", []):
        texts += [("mounts", "mount", mount.get(name, "")) for name in ("Source", "Target")]
    labels = {**fields.labels, "Service.Labels": spec["Labels"]}
    for plural, kind, text in texts:
        try:
            expand(text, fields._replace(labels=labels))
        except TemplateError as error:
            raise invalid(f'expanding {plural} failed: expanding {kind} "{text}": {error}') from None


_POSSIBLE_NODE = Node(id="node", hostname="host")
_POSSIBLE_TASK = Task(
    id="task",
    service_id="service",
    service_name="name",
    service_labels={},
    slot=1,
    node_id="node",
    spec={},
    endpoint={},
    spec_version=0,
    desired=TaskState.NEW,
    status=TaskStatus(state=TaskState.NEW, timestamp=0),
    created_at=0,
    updated_at=0,
)


def _check_credentials(container: Json) -> None:
    name = ((container.get("Privileges") or {}).get("CredentialSpec") or {}).get("Config", "")
    if name and not any(one["ConfigID"] == name and "Runtime" in one for one in container.get("Configs", [])):
        raise invalid(
            f"CredentialSpec references config '{name}', but that config isn't in config references with RuntimeTarget"
        )


def _check_mode(spec: Json) -> None:
    mode = spec["Mode"]
    if len(mode) > 1:
        raise Refused(400, "must specify only one service mode")
    if "ReplicatedJob" in mode or "GlobalJob" in mode:
        if "UpdateConfig" in spec:
            raise invalid("Jobs may not have an update config")
        raise unimplemented("job modes (replicated-job, global-job) are not supported by the built-in manager")


def _check_update(update: Json) -> None:
    if update.get("Delay", 0) < 0:
        raise invalid("TaskSpec: update-delay cannot be negative")
    if update.get("Monitor", 0) < 0:
        raise invalid("TaskSpec: update-monitor cannot be negative")
    if not 0 <= update.get("MaxFailureRatio", 0) <= 1:
        raise invalid("TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1")


def _check_endpoint(endpoint: Json) -> None:
    ports = endpoint.get("Ports", [])
    published: set[tuple[Any, ...]] = set()
    for port in ports:
        if port["PublishMode"] == "ingress" and endpoint["Mode"] == "dnsrr":
            raise invalid("EndpointSpec: port published with ingress mode can't be used with dnsrr mode")
        for name in ("PublishedPort", "TargetPort"):
            if port.get(name, 0) > 65535:
                raise invalid(f"EndpointSpec: {name} {port[name]} is no port: it must be between 1 and 65535")
        if not port.get("TargetPort"):
            raise invalid("EndpointSpec: TargetPort must be provided")
    for port in ports:
        if not port.get("PublishedPort"):
            continue
        key = (port["PublishedPort"], port["Protocol"])
        if key in published:
            raise invalid("EndpointSpec: duplicate published ports provided")
        published.add(key)


def _check_ports_free(state: State, spec: Json, own_id: str) -> None:
    """A published port is one service's alone, unless all that share it publish it on the host."""
    for port in spec.get("EndpointSpec", {}).get("Ports", []):
        if not port.get("PublishedPort"):
            continue
        for other in sorted(state.services.values(), key=lambda one: one.id):
            if other.id == own_id:
                continue
            for theirs in (*other.spec.get("EndpointSpec", {}).get("Ports", []), *other.ports):
                if (theirs.get("PublishedPort"), theirs["Protocol"]) != (port["PublishedPort"], port["Protocol"]):
                    continue
                if theirs["PublishMode"] == "host" == port["PublishMode"]:
                    continue
                kind = "a host-published" if theirs["PublishMode"] == "host" else "an ingress"
                raise invalid(
                    f"port '{port['PublishedPort']}' is already in use by service '{other.name}' ({other.id}) "
                    f"as {kind} port"
                )


def _check_secrets(references: Iterable[Json], secrets: Mapping[str, Secret]) -> None:
    missing: list[str] = []
    targets: dict[str, str] = {}
    for one in references:
        name = one["SecretName"]
        if not one["SecretID"] or not name:
            raise invalid("malformed secret reference")
        if "File" not in one:
            raise invalid("malformed secret reference, no target provided")
        if not one["File"]["Name"]:
            raise invalid("malformed file secret reference, invalid target file name provided")
        _check_target("secret", one["File"]["Name"], name, targets)
        if one["SecretID"] not in secrets or secrets[one["SecretID"]].name != name:
            missing.append(name)
    _refuse_missing("secret", missing)


def _check_configs(references: Iterable[Json], configs: Mapping[str, Config]) -> None:
    missing: list[str] = []
    targets: dict[str, str] = {}
    for one in references:
        name = one["ConfigName"]
        if "File" not in one and "Runtime" not in one:
            raise Refused(400, "invalid Config: either File or Runtime should be set")
        if not one["ConfigID"] or not name:
            raise invalid("malformed config reference")
        if "File" in one:
            if not one["File"]["Name"]:
                raise invalid("malformed file config reference, invalid target file name provided")
            _check_target("config", one["File"]["Name"], name, targets)
        if one["ConfigID"] not in configs or configs[one["ConfigID"]].name != name:
            missing.append(name)
    _refuse_missing("config", missing)


def _check_target(kind: str, target: str, name: str, targets: dict[str, str]) -> None:
    if target in targets:
        raise invalid(f"{kind} references '{targets[target]}' and '{name}' have a conflicting target: '{target}'")
    targets[target] = name


def _refuse_missing(kind: str, missing: list[str]) -> None:
    if missing:
        raise invalid(f"{kind}{'s' if len(missing) > 1 else ''} not found: {', '.join(missing)}")
