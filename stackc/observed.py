"""Observed: what a manager reports of one stack. Values only; ``reconciler.engine.observe`` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackc.hints import Any
from stackc.plan import NAMESPACE_LABEL, Json

RECORD_LABEL = "stackc.kind"  # of config objects that are our own records and no part of the stack
LIVE_DESIRED = ("ready", "running")  # a task that is meant to run
RUNNING = "running"
ENDED = ("complete", "shutdown", "failed", "rejected", "orphaned", "remove")
BROKEN = ("failed", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerInfo:
    """Which manager a plan is for. ``cluster``: the swarm's id, so that a plan is never applied elsewhere."""

    name: str
    cluster: str
    version: str
    builtin: bool
    host: str
    nodes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedService:
    """``spec`` has network, config and secret ids replaced by names. ``update_state`` is "" where there is none."""

    id: str
    version: int
    spec: Json
    update_state: str = ""
    update_message: str = ""
    created_at: str = ""

    @property
    def name(self) -> str:
        return str(self.spec["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedObject:
    """A network, config or secret. ``data`` is the content of a config; a secret's is never readable."""

    id: str
    name: str
    version: int
    spec: Json
    labels: dict[str, str]
    data: bytes | None = None

    def __repr__(self) -> str:
        return f"ObservedObject(name={self.name!r}, id={self.id!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTask:
    """``current``: whether the task was made from the service's present spec."""

    id: str
    service: str
    slot: int
    node: str
    desired: str
    state: str
    since: str
    message: str = ""
    err: str = ""
    exit_code: int | None = None
    current: bool = True
    created_at: str = ""
    container: str = ""

    @property
    def live(self) -> bool:
        return self.desired in LIVE_DESIRED and self.state not in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One consistent enough look at a stack: own objects, and foreign ones that it refers to."""

    stack: str
    manager: ManagerInfo
    services: dict[str, ObservedService] = field(default_factory=dict)
    networks: dict[str, ObservedObject] = field(default_factory=dict)
    configs: dict[str, ObservedObject] = field(default_factory=dict)
    secrets: dict[str, ObservedObject] = field(default_factory=dict)
    tasks: tuple[ObservedTask, ...] = ()

    def fingerprint(self) -> dict[str, Any]:
        """Version index of everything a plan could touch; a saved plan is bound to it. Records of attempts are no
        part of it: whatever they did to the stack shows in the rest."""
        return {
            "cluster": self.manager.cluster,
            "services": {name: [s.id, s.version] for name, s in sorted(self.services.items())},
            "networks": {name: o.id for name, o in sorted(self.networks.items()) if self._own(o)},
            "configs": {name: o.id for name, o in sorted(self.configs.items()) if RECORD_LABEL not in o.labels},
            "secrets": {name: o.id for name, o in sorted(self.secrets.items())},
        }

    def _own(self, object_: ObservedObject) -> bool:
        return object_.labels.get(NAMESPACE_LABEL) == self.stack
