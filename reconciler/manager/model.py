"""The built-in manager's objects. Values only: the orchestrator computes new ones, the store keeps them.

Specs stay in the Engine API's JSON exactly as they were sent (SwarmKit compares stored specs deeply and in
order: absent and an explicit default differ), times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Json = dict[str, Any]


class TaskState(IntEnum):
    """SwarmKit's task states; neither the observed nor the desired state of a task ever decreases."""

    NEW = 0
    PENDING = 64
    ASSIGNED = 192
    ACCEPTED = 256
    PREPARING = 320
    READY = 384
    STARTING = 448
    RUNNING = 512
    COMPLETE = 576
    SHUTDOWN = 640
    FAILED = 704
    REJECTED = 768
    REMOVE = 800  # only ever desired
    ORPHANED = 832


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """What was last observed of a task. ``timestamp``: when ``state`` was entered."""

    state: TaskState
    timestamp: float
    message: str = ""
    err: str = ""
    exit_code: int | None = None
    pid: int | None = None
    container_id: str = ""
    address: str = ""  # the task's own 127/8 address, once it has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of one slot. ``spec`` and ``endpoint`` are the TaskTemplate and EndpointSpec it was made from.

    ``slot`` is 1-based for replicated services and 0 for global ones. ``node_id`` is "" until assigned.
    """

    id: str
    service_id: str
    service_name: str
    service_labels: Mapping[str, str]
    slot: int
    node_id: str
    spec: Json
    endpoint: Json
    spec_version: int
    desired: TaskState
    status: TaskStatus
    created_at: float
    updated_at: float
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStatus:
    """SwarmKit's UpdateStatus: ``state`` is updating, paused, completed, rollback_started, rollback_paused or
    rollback_completed."""

    state: str
    started_at: float
    message: str
    completed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """``version`` is the object's index in the manager's one global counter; ``spec_version`` the index at which
    ``spec`` was last written. ``ports``: published ports after allocation, in the API's PortConfig form."""

    id: str
    spec: Json
    spec_version: int
    version: int
    created_at: float
    updated_at: float
    previous_spec: Json | None = None
    previous_spec_version: int | None = None
    update_status: UpdateStatus | None = None
    ports: tuple[Json, ...] = ()

    @property
    def name(self) -> str:
        return str(self.spec["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """``availability``: active, pause or drain; ``state``: ready or down."""

    id: str
    hostname: str
    role: str = "manager"
    availability: str = "active"
    state: str = "ready"
    labels: Mapping[str, str] = field(default_factory=dict)
    engine_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    os: str = "linux"
    arch: str = "x86_64"
    nano_cpus: int = 0
    memory_bytes: int = 0
    version: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A snapshot of everything the orchestrator looks at, keyed by id."""

    services: Mapping[str, Service]
    tasks: Mapping[str, Task]
    nodes: Mapping[str, Node]
