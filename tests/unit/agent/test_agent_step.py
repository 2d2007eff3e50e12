"""The agent's step function against SwarmKit's rules, for every pair of states."""

from __future__ import annotations

import pytest

from reconciler.manager.agent.step import Step, next_step
from reconciler.manager.model import TaskState as S

TABLE = [
    # observed, desired, step
    (S.NEW, S.RUNNING, Step.NONE),
    (S.PENDING, S.SHUTDOWN, Step.NONE),  # not assigned: not the agent's
    (S.ASSIGNED, S.READY, Step.ACCEPT),
    (S.ASSIGNED, S.RUNNING, Step.ACCEPT),
    (S.ASSIGNED, S.SHUTDOWN, Step.STOP),
    (S.ACCEPTED, S.READY, Step.PREPARE),
    (S.ACCEPTED, S.RUNNING, Step.PREPARE),
    (S.PREPARING, S.READY, Step.PREPARE),
    (S.PREPARING, S.RUNNING, Step.PREPARE),
    (S.PREPARING, S.REMOVE, Step.STOP),
    (S.READY, S.READY, Step.NONE),  # parked
    (S.READY, S.RUNNING, Step.START),
    (S.READY, S.COMPLETE, Step.START),  # a job
    (S.READY, S.SHUTDOWN, Step.STOP),
    (S.STARTING, S.READY, Step.NONE),
    (S.STARTING, S.RUNNING, Step.START),
    (S.STARTING, S.SHUTDOWN, Step.STOP),
    (S.RUNNING, S.READY, Step.NONE),
    (S.RUNNING, S.RUNNING, Step.WAIT),
    (S.RUNNING, S.COMPLETE, Step.WAIT),
    (S.RUNNING, S.SHUTDOWN, Step.STOP),
    (S.RUNNING, S.REMOVE, Step.STOP),
    (S.COMPLETE, S.RUNNING, Step.NONE),
    (S.COMPLETE, S.COMPLETE, Step.NONE),
    (S.COMPLETE, S.SHUTDOWN, Step.NONE),
    (S.SHUTDOWN, S.SHUTDOWN, Step.NONE),
    (S.FAILED, S.RUNNING, Step.NONE),
    (S.FAILED, S.REMOVE, Step.NONE),
    (S.REJECTED, S.REMOVE, Step.NONE),
    (S.ORPHANED, S.REMOVE, Step.NONE),
]


@pytest.mark.parametrize(("observed", "desired", "step"), TABLE)
def test_table(observed: S, desired: S, step: Step) -> None:
    assert next_step(observed, desired) is step


@pytest.mark.parametrize("desired", [S.READY, S.RUNNING, S.COMPLETE, S.SHUTDOWN, S.REMOVE])
@pytest.mark.parametrize("observed", list(S))
def test_nothing_is_started_once_it_is_to_end_and_nothing_ended_is_touched(observed: S, desired: S) -> None:
    step = next_step(observed, desired)
    if desired >= S.SHUTDOWN:
        assert step in (Step.STOP, Step.NONE)
    if observed >= S.COMPLETE:
        assert step is Step.NONE
