"""Objects as the engine writes them in JSON: field order, what is left out, and times."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from typing import Any

from reconciler.manager.model import Json, Node, Service, Task, TaskState, UpdateStatus
from reconciler.manager.objects import Config, Network, Secret, State

_ZERO_TIME = "0001-01-01T00:00:00Z"
_SECOND = 1_000_000_000


def timestamp(seconds: float | None) -> str:
    """RFC 3339 with a fraction as long as needed, as Go's RFC3339Nano. Clocks here are good for microseconds."""
    if seconds is None:
        return _ZERO_TIME
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{micros:06}".rstrip("0").rstrip(".") + "Z"


def fixed_timestamp(seconds: float) -> str:
    """RFC 3339 with nine digits, as in logs."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{micros:06}000Z"


def _meta(version: int, created: float, updated: float) -> Json:
    return {"Version": {"Index": version}, "CreatedAt": timestamp(created), "UpdatedAt": timestamp(updated)}


def service(one: Service, *, defaults: bool = False) -> Json:
    spec = with_defaults(one.spec) if defaults else one.spec
    result: Json = {"ID": one.id, **_meta(one.version, one.created_at, one.updated_at), "Spec": spec}
    if one.previous_spec is not None:
        result["PreviousSpec"] = with_defaults(one.previous_spec) if defaults else one.previous_spec
    result["Endpoint"] = {"Spec": {}}
    if one.ports:
        result["Endpoint"] = {"Spec": one.spec.get("EndpointSpec", {}), "Ports": list(one.ports)}
    if one.update_status is not None:
        result["UpdateStatus"] = _update_status(one.update_status)
    return result


def _update_status(status: UpdateStatus) -> Json:
    result: Json = {"State": status.state, "StartedAt": timestamp(status.started_at)}
    if status.completed_at is not None:
        result["CompletedAt"] = timestamp(status.completed_at)
    return {**result, "Message": status.message}


def service_status(one: Service, tasks: Iterable[Task]) -> Json:
    """Counts as swarmkit counts them: what runs, regardless of its desired state and version."""
    mine = [task for task in tasks if task.service_id == one.id]
    replicated = one.spec["Mode"].get("Replicated")
    desired = sum(task.desired == TaskState.RUNNING for task in mine)
    return {
        "RunningTasks": sum(task.status.state == TaskState.RUNNING for task in mine),
        "DesiredTasks": desired if replicated is None else replicated.get("Replicas", 1),
        "CompletedTasks": sum(task.status.state == TaskState.COMPLETE for task in mine),
    }


def with_defaults(spec: Json) -> Json:
    """The spec with what swarmkit would assume, as for ``?insertDefaults=true``."""
    task = dict(spec["TaskTemplate"])
    task["ContainerSpec"] = {"StopGracePeriod": 10 * _SECOND, "DNSConfig": {}, **task["ContainerSpec"]}
    task.setdefault("Resources", {})
    task["RestartPolicy"] = {
        "Condition": "any",
        "Delay": 5 * _SECOND,
        "MaxAttempts": 0,
        **task.get("RestartPolicy", {}),
    }
    task.setdefault("Placement", {})
    result = {**spec, "TaskTemplate": task}
    for name in ("UpdateConfig", "RollbackConfig"):
        result[name] = {"Monitor": 5 * _SECOND, **spec[name]} if name in spec else dict(_UPDATE_DEFAULTS)
    return result


_UPDATE_DEFAULTS: Json = {
    "Parallelism": 1,
    "FailureAction": "pause",
    "Monitor": 5 * _SECOND,
    "MaxFailureRatio": 0,
    "Order": "stop-first",
}


def task(one: Task) -> Json:
    spec = {name: value for name, value in one.spec.items() if name != "Runtime"}
    result: Json = {
        "ID": one.id,
        **_meta(one.version, one.created_at, one.updated_at),
        "Labels": {},
        "Spec": spec,
        "ServiceID": one.service_id,
    }
    if one.slot:
        result["Slot"] = one.slot
    if one.node_id:
        result["NodeID"] = one.node_id
    return {**result, "Status": _task_status(one), "DesiredState": one.desired.name.lower()}


def _task_status(one: Task) -> Json:
    status = one.status
    result: Json = {
        "Timestamp": timestamp(status.timestamp),
        "State": status.state.name.lower(),
        "Message": status.message,
    }
    if status.err:
        result["Err"] = status.err
    if status.pid is not None or status.exit_code is not None or status.container_id:
        running = TaskState.STARTING <= status.state <= TaskState.RUNNING
        result["ContainerStatus"] = {
            "ContainerID": status.container_id or one.id,
            "PID": (status.pid or 0) if running else 0,
            "ExitCode": status.exit_code or 0,
        }
    return {**result, "PortStatus": {}}


def node(one: Node, *, engine_version: str) -> Json:
    return {
        "ID": one.id,
        **_meta(one.version, one.created_at, one.updated_at),
        "Spec": {"Labels": dict(one.labels), "Role": one.role, "Availability": one.availability},
        "Description": {
            "Hostname": one.hostname,
            "Platform": {"Architecture": one.arch, "OS": one.os},
            "Resources": {"NanoCPUs": one.nano_cpus, "MemoryBytes": one.memory_bytes},
            "Engine": {"EngineVersion": engine_version, "Labels": dict(one.engine_labels)},
            "TLSInfo": {},
        },
        "Status": {"State": one.state, "Addr": one.address},
        "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": f"{one.address}:0"},
    }


def config(one: Config) -> Json:
    spec = dict(one.spec)
    templating = spec.pop("Templating", None)
    spec["Data"] = base64.b64encode(one.data).decode()
    if templating is not None:
        spec["Templating"] = templating
    return {"ID": one.id, **_meta(one.version, one.created_at, one.updated_at), "Spec": spec}


def secret(one: Secret) -> Json:
    """Never the data."""
    return {"ID": one.id, **_meta(one.version, one.created_at, one.updated_at), "Spec": one.spec}


def network(one: Network) -> Json:
    spec = one.spec
    ipam: Json = spec.get("IPAM") or {"Driver": "default", "Options": None, "Config": None}
    labels: Any = spec.get("Labels")
    return {
        "Name": one.name,
        "Id": one.id,
        "Created": timestamp(one.created_at),
        "Scope": spec["Scope"],
        "Driver": spec["Driver"],
        "EnableIPv6": spec["EnableIPv6"],
        "IPAM": {**ipam, "Config": ipam.get("Config") or []},
        "Internal": spec["Internal"],
        "Attachable": spec["Attachable"],
        "Ingress": spec["Ingress"],
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": None if spec["Scope"] == "swarm" else {},
        "Options": spec.get("Options"),
        "Labels": labels or None,
    }


def cluster(state: State) -> Json:
    """The swarm: one manager, the history limit that the orchestrator keeps, and nothing that could be joined."""
    created = state.identity.created_at
    return {
        "ID": state.identity.cluster_id,
        **_meta(1, created, created),
        "Spec": {
            "Name": "default",
            "Labels": {},
            "Orchestration": {"TaskHistoryRetentionLimit": 5},
            "Raft": {"ElectionTick": 10, "HeartbeatTick": 1},
            "Dispatcher": {"HeartbeatPeriod": 5 * _SECOND},
            "CAConfig": {},
            "TaskDefaults": {},
            "EncryptionConfig": {"AutoLockManagers": False},
        },
        "TLSInfo": {},
        "RootRotationInProgress": False,
        "DefaultAddrPool": None,
        "SubnetSize": 0,
        "DataPathPort": 0,
    }
