"""The health machine against a second reading of the engine's rules, for any history of probes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manager.health import Health, Healthcheck, HealthStatus, judge, next_probe

CHECKS = st.builds(
    Healthcheck,
    argv=st.just(("x",)),
    interval=st.floats(0.1, 100),
    timeout=st.floats(0.1, 100),
    retries=st.integers(1, 6),
    start_period=st.floats(0, 200),
    start_interval=st.floats(0.1, 100),
)


def expected(check: Healthcheck, probes: list[tuple[bool, float]]) -> HealthStatus:
    """From the whole history at once: unhealthy at the first `retries` counted failures in a row."""
    ever_passed, streak = False, 0
    for passed, at in probes:
        if passed:
            ever_passed, streak = True, 0
        elif ever_passed or at >= check.start_period:
            streak += 1
        if streak >= check.retries:
            return HealthStatus.UNHEALTHY
    return HealthStatus.HEALTHY if ever_passed else HealthStatus.STARTING


@given(CHECKS, st.lists(st.booleans(), max_size=30), st.floats(0, 1e6))
def test_any_history(check: Healthcheck, outcomes: list[bool], started: float) -> None:
    health, now, probes = Health(started), started, []
    for passed in outcomes:
        due = next_probe(check, health, now)
        if due is None:
            break
        assert due > now
        health = judge(check, health, passed=passed, probed=due)
        probes.append((passed, due - started))
        now = due
        assert 0 <= health.streak <= check.retries
        assert (health.status is HealthStatus.UNHEALTHY) == (health.streak == check.retries)
    assert health.status is expected(check, probes)
    if health.status is HealthStatus.UNHEALTHY:
        assert judge(check, health, passed=True, probed=now) == health
