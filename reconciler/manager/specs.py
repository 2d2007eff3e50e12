"""Typed views of the parts of an Engine API ServiceSpec that the manager decides by.

Durations are nanoseconds in the API and seconds here. Absent and present-but-empty differ where Docker makes them
differ: no UpdateConfig means one task at a time, ``UpdateConfig: {}`` means all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.manager.model import Json

_SECOND = 1_000_000_000
_DEFAULT_RESTART_DELAY = 5.0
_DEFAULT_MONITOR = 5.0


def _seconds(value: Any) -> float:
    return (value or 0) / _SECOND


def mode(spec: Json) -> str:
    """``Replicated``, ``Global``, ``ReplicatedJob`` or ``GlobalJob``; a spec without a mode is replicated."""
    return next(
        (name for name in ("Global", "ReplicatedJob", "GlobalJob") if name in (spec.get("Mode") or {})), "Replicated"
    )


def replicas(spec: Json) -> int:
    """How many slots a replicated service wants; 1 when it does not say."""
    wanted = ((spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas")
    return 1 if wanted is None else int(wanted)


def task_template(spec: Json) -> Json:
    template: Json = spec.get("TaskTemplate") or {}
    return template


def placement(template: Json) -> Json:
    found: Json = template.get("Placement") or {}
    return found


def reservations(template: Json) -> tuple[int, int]:
    """(NanoCPUs, MemoryBytes) that one task keeps for itself on its node."""
    reserved = (template.get("Resources") or {}).get("Reservations") or {}
    return int(reserved.get("NanoCPUs") or 0), int(reserved.get("MemoryBytes") or 0)


def host_ports(endpoint: Json) -> frozenset[tuple[str, int]]:
    """(protocol, port) pairs that are published on the node itself; a port the engine picks never collides."""
    return frozenset(
        (str(port.get("Protocol") or "tcp"), int(port["PublishedPort"]))
        for port in endpoint.get("Ports") or ()
        if port.get("PublishMode") == "host" and port.get("PublishedPort")
    )


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """``max_attempts`` 0: no limit. ``window`` 0: all restarts count, however long ago."""

    condition: str = "any"
    delay: float = _DEFAULT_RESTART_DELAY
    max_attempts: int = 0
    window: float = 0.0

    @classmethod
    def of(cls, template: Json) -> RestartPolicy:
        policy = template.get("RestartPolicy")
        if policy is None:
            return cls()
        delay = policy.get("Delay")
        return cls(
            condition=policy.get("Condition") or "any",
            delay=_DEFAULT_RESTART_DELAY if delay is None else _seconds(delay),
            max_attempts=int(policy.get("MaxAttempts") or 0),
            window=_seconds(policy.get("Window")),
        )


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """``parallelism`` 0: every dirty slot at once. ``monitor`` is never 0: Docker reads 0 as its default."""

    parallelism: int = 1
    delay: float = 0.0
    failure_action: str = "pause"
    monitor: float = _DEFAULT_MONITOR
    max_failure_ratio: float = 0.0
    start_first: bool = False

    @classmethod
    def of(cls, spec: Json, *, rollback: bool) -> UpdateConfig:
        config = spec.get("RollbackConfig" if rollback else "UpdateConfig")
        if config is None:
            return cls()
        return cls(
            parallelism=int(config.get("Parallelism") or 0),
            delay=_seconds(config.get("Delay")),
            failure_action=config.get("FailureAction") or "pause",
            monitor=_seconds(config.get("Monitor")) or _DEFAULT_MONITOR,
            max_failure_ratio=float(config.get("MaxFailureRatio") or 0.0),
            start_first=config.get("Order") == "start-first",
        )
