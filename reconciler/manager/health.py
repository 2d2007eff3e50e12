"""Health checks as the engine judges them: a pure state machine, fed with probe results.

Times are seconds of a monotonic clock. Rules: engine daemon/health.go. A streak of ``retries`` failures makes a
task unhealthy; a failure inside ``start_period`` does not count while the task is still starting; one success
makes it healthy and ends that grace for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

NANOSECONDS = 1e9
DEFAULT_INTERVAL = 30.0
DEFAULT_TIMEOUT = 30.0
DEFAULT_RETRIES = 3
DEFAULT_START_INTERVAL = 5.0
SHELL = ("/bin/sh", "-c")


class HealthError(ValueError):
    """A health check that cannot be run as written."""


class HealthStatus(Enum):
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """``argv``: the probe's command. The rest in seconds, with the engine's defaults filled in."""

    argv: tuple[str, ...]
    interval: float = DEFAULT_INTERVAL
    timeout: float = DEFAULT_TIMEOUT
    retries: int = DEFAULT_RETRIES
    start_period: float = 0.0
    start_interval: float = DEFAULT_START_INTERVAL


@dataclass(frozen=True, slots=True)
class Health:
    """``started``: when the task's process was started. ``streak``: failures in a row that count."""

    started: float
    status: HealthStatus = HealthStatus.STARTING
    streak: int = 0


def healthcheck_of(spec: Mapping[str, Any] | None) -> Healthcheck | None:
    """The check of an Engine API HealthConfig (durations in nanoseconds, 0 = the default); None where there is none.

    An empty Test inherits the image's, and a process has no image to inherit from. Raises HealthError.
    """
    test = list((spec or {}).get("Test") or ())
    if not spec or not test or test[0] == "NONE":
        return None
    if test[0] == "CMD" and len(test) > 1:
        argv = tuple(test[1:])
    elif test[0] == "CMD-SHELL" and len(test) == 2:
        argv = (*SHELL, test[1])
    elif test[0] in ("CMD", "CMD-SHELL"):
        raise HealthError(f"healthcheck {test[0]} needs {'a command' if test[0] == 'CMD' else 'exactly one string'}")
    else:
        raise HealthError(f"unknown healthcheck type {test[0]!a} (expected NONE, CMD or CMD-SHELL)")
    interval = _seconds(spec, "Interval") or DEFAULT_INTERVAL
    return Healthcheck(
        argv=argv,
        interval=interval,
        timeout=_seconds(spec, "Timeout") or DEFAULT_TIMEOUT,
        retries=int(spec.get("Retries") or DEFAULT_RETRIES),
        start_period=_seconds(spec, "StartPeriod"),
        # Engines before 25 know no start interval and keep to the interval: never be later than those.
        start_interval=_seconds(spec, "StartInterval") or min(interval, DEFAULT_START_INTERVAL),
    )


def next_probe(check: Healthcheck, health: Health, now: float) -> float | None:
    """When to start the next probe, ``now`` being the task's start or the end of the last probe; None: never."""
    if health.status is HealthStatus.UNHEALTHY:
        return None
    if health.status is HealthStatus.STARTING and now - health.started < check.start_period:
        return now + check.start_interval
    return now + check.interval


def judge(check: Healthcheck, health: Health, *, passed: bool, probed: float) -> Health:
    """The health after one probe. ``probed``: when that probe was started. Unhealthy is final: the task is stopped."""
    if health.status is HealthStatus.UNHEALTHY:
        return health
    if passed:
        return replace(health, status=HealthStatus.HEALTHY, streak=0)
    if health.status is HealthStatus.STARTING and probed - health.started < check.start_period:
        return health
    streak = health.streak + 1
    return replace(health, streak=streak, status=HealthStatus.UNHEALTHY if streak >= check.retries else health.status)


def _seconds(spec: Mapping[str, Any], key: str) -> float:
    return max(0, int(spec.get(key) or 0)) / NANOSECONDS
