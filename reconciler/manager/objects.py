"""What the manager keeps besides services, tasks and nodes, and the snapshot of all of it.

Values only. A ``State`` is never changed: ``apply`` returns the next one. All objects written in one transaction
bear the transaction's index as their version, as with swarmkit's raft index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reconciler.manager.model import Cluster, Json, Node, Service, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """``spec``: the API's ConfigSpec without Data; ``data`` beside it."""

    id: str
    spec: Json
    data: bytes = field(repr=False)
    version: int = 0
    created_at: float
    updated_at: float

    @property
    def name(self) -> str:
        return str(self.spec["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """``spec``: the API's SecretSpec without Data; ``sealed``: the data, encrypted for this object's id."""

    id: str
    spec: Json
    sealed: bytes = field(repr=False)
    version: int = 0
    created_at: float
    updated_at: float

    @property
    def name(self) -> str:
        return str(self.spec["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``spec``: the body of the create call, defaults filled in. ``predefined``: made by the manager itself."""

    id: str
    spec: Json
    predefined: bool = False
    version: int = 0
    created_at: float

    @property
    def name(self) -> str:
        return str(self.spec["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this manager is; written once, when the state is made."""

    cluster_id: str
    node_id: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything, by id. ``index``: of the last transaction."""

    identity: Identity
    index: int
    services: Mapping[str, Service] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    configs: Mapping[str, Config] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def cluster(self) -> Cluster:
        return Cluster(services=self.services, tasks=self.tasks, nodes=self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """One transaction: objects to write, ids to remove. Versions are assigned by ``apply``."""

    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    nodes: tuple[Node, ...] = ()
    networks: tuple[Network, ...] = ()
    configs: tuple[Config, ...] = ()
    secrets: tuple[Secret, ...] = ()
    removed_services: tuple[str, ...] = ()
    removed_tasks: tuple[str, ...] = ()
    removed_networks: tuple[str, ...] = ()
    removed_configs: tuple[str, ...] = ()
    removed_secrets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


_Versioned = TypeVar("_Versioned", Service, Task, Node, Network, Config, Secret)


def apply(state: State, changes: Changes) -> tuple[State, Changes]:
    """The next state, and the same changes with their versions set to its index."""
    index = state.index + 1
    stamped = Changes(
        services=_stamp(changes.services, index),
        tasks=_stamp(changes.tasks, index),
        nodes=_stamp(changes.nodes, index),
        networks=_stamp(changes.networks, index),
        configs=_stamp(changes.configs, index),
        secrets=_stamp(changes.secrets, index),
        removed_services=changes.removed_services,
        removed_tasks=changes.removed_tasks,
        removed_networks=changes.removed_networks,
        removed_configs=changes.removed_configs,
        removed_secrets=changes.removed_secrets,
    )
    after = State(
        identity=state.identity,
        index=index,
        services=_merged(state.services, stamped.services, stamped.removed_services),
        tasks=_merged(state.tasks, stamped.tasks, stamped.removed_tasks),
        nodes=_merged(state.nodes, stamped.nodes, ()),
        networks=_merged(state.networks, stamped.networks, stamped.removed_networks),
        configs=_merged(state.configs, stamped.configs, stamped.removed_configs),
        secrets=_merged(state.secrets, stamped.secrets, stamped.removed_secrets),
    )
    return after, stamped


def _stamp(objects: Iterable[_Versioned], index: int) -> tuple[_Versioned, ...]:
    return tuple(replace(one, version=index) for one in objects)


def _merged(
    before: Mapping[str, _Versioned], written: tuple[_Versioned, ...], removed: tuple[str, ...]
) -> Mapping[str, _Versioned]:
    if not written and not removed:
        return before
    after = dict(before)
    for one in written:
        after[one.id] = one
    for name in removed:
        after.pop(name, None)
    return after


def combined(steps: Iterable[Changes]) -> Changes:
    """Consecutive transactions as one: of every object its last form."""
    written: dict[str, dict[str, object]] = {}
    removed: dict[str, dict[str, None]] = {}
    for changes in steps:
        for kind in _KINDS:
            latest, gone = written.setdefault(kind, {}), removed.setdefault(f"removed_{kind}", {})
            for one in getattr(changes, kind):
                latest[one.id] = one
                gone.pop(one.id, None)
            for name in getattr(changes, f"removed_{kind}", ()):
                latest.pop(name, None)
                gone[name] = None
    removed.pop("removed_nodes", None)
    fields = {kind: tuple(latest.values()) for kind, latest in written.items()}
    return Changes(**fields, **{name: tuple(gone) for name, gone in removed.items()})  # type: ignore[arg-type]


_KINDS = ("services", "tasks", "nodes", "networks", "configs", "secrets")
