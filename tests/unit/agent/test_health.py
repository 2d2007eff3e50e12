"""Health checks: the table of the engine's rules."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.manager.health import (
    Health,
    Healthcheck,
    HealthError,
    HealthStatus,
    healthcheck_of,
    judge,
    next_probe,
)

SECOND = 10**9


def test_defaults() -> None:
    assert healthcheck_of({"Test": ["CMD", "true"]}) == Healthcheck(
        argv=("true",), interval=30.0, timeout=30.0, retries=3, start_period=0.0, start_interval=5.0
    )


@pytest.mark.parametrize("spec", [None, {}, {"Test": []}, {"Test": ["NONE"]}, {"Test": None, "Interval": SECOND}])
def test_no_check(spec: dict[str, Any] | None) -> None:
    assert healthcheck_of(spec) is None


def test_forms_and_durations() -> None:
    check = healthcheck_of(
        {
            "Test": ["CMD-SHELL", "a && b"],
            "Interval": SECOND // 2,
            "Timeout": SECOND,
            "Retries": 5,
            "StartPeriod": 9 * SECOND,
        }
    )
    assert check == Healthcheck(
        argv=("/bin/sh", "-c", "a && b"), interval=0.5, timeout=1.0, retries=5, start_period=9.0, start_interval=0.5
    )
    explicit = healthcheck_of({"Test": ["CMD", "a"], "Interval": SECOND, "StartInterval": 2 * SECOND})
    assert explicit is not None
    assert explicit.start_interval == 2.0


@pytest.mark.parametrize("test", [["CMD"], ["CMD-SHELL"], ["CMD-SHELL", "a", "b"], ["true"]])
def test_bad_forms(test: list[str]) -> None:
    with pytest.raises(HealthError):
        healthcheck_of({"Test": test})


def run(check: Healthcheck, outcomes: str) -> list[str]:
    """The statuses after each probe (``+`` passed, ``-`` failed), probes at 1 s, 2 s, … after the start."""
    health, seen = Health(0.0), []
    for second, outcome in enumerate(outcomes, start=1):
        health = judge(check, health, passed=outcome == "+", probed=float(second))
        seen.append(health.status.value)
    return seen


S, H, U = (status.value for status in HealthStatus)


@pytest.mark.parametrize(
    ("start_period", "outcomes", "statuses"),
    [
        (0.0, "+", [H]),
        (0.0, "---", [S, S, U]),
        (0.0, "--+--+---", [S, S, H, H, H, H, H, H, U]),
        (3.5, "------", [S, S, S, S, S, U]),  # the first three do not count
        (9.0, "--+---", [S, S, H, H, H, U]),  # one success ends the grace
        (0.0, "---+", [S, S, U, U]),  # unhealthy is final
    ],
)
def test_streaks(start_period: float, outcomes: str, statuses: list[str]) -> None:
    assert run(Healthcheck(argv=("x",), retries=3, start_period=start_period), outcomes) == statuses


def test_when_the_next_probe_is_due() -> None:
    check = Healthcheck(argv=("x",), interval=30.0, start_period=60.0, start_interval=5.0)
    assert next_probe(check, Health(100.0), 100.0) == 105.0
    assert next_probe(check, Health(100.0), 159.0) == 164.0
    assert next_probe(check, Health(100.0), 160.0) == 190.0
    assert next_probe(check, Health(100.0, HealthStatus.HEALTHY), 101.0) == 131.0
    assert next_probe(check, Health(100.0, HealthStatus.UNHEALTHY), 101.0) is None
