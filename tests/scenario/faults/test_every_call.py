"""Every API call of a rollout goes wrong in every way: the run ends in the right state or says that it did not, and the
same command again ends in the right state. Promises P2 and P7."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fault_rollout import Rig
from fault_sweep import harmed, killed, settled
from lab.faults import Fault

from reconciler.engine import transport

CONVERSATION = [f for f in Fault if f not in (Fault.KILL_BEFORE, Fault.KILL_AFTER)]
SURVIVED = {  # ends well in the very run that it befalls, whichever call it is
    Fault.CUT_BEFORE,
    Fault.CUT_AFTER,
    Fault.CUT_IN_HEAD,
    Fault.CUT_IN_BODY,
    Fault.LATE,
    Fault.ERROR_500,
    Fault.ERROR_500_AFTER,
    Fault.ERROR_503,
    Fault.ERROR_503_AFTER,
    Fault.BUSY,
    Fault.NO_LEADER,
    Fault.OUTAGE,
}


def sweep(rig: Rig, fault: Fault, numbers: Any, *, only_writes: bool) -> int:
    """The number of points that there were."""
    expected = settled(rig)
    done = 0
    more = {"outage": 1.0} if fault is Fault.ALWAYS_500 else {}
    for number in numbers:
        point = harmed(rig, number, fault, expected, only_writes=only_writes, **more)
        if not point.fired:
            return done
        done += 1
        assert point.ok or fault not in SURVIVED, point
        assert point.ok or fault is not Fault.ALWAYS_500 or point.call in point.said or "something else" in point.said
    return done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, local: Rig) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 1.5)
    local.faults.delay = 2.5


def test_every_call_is_cut_after_it_took_effect(local: Rig) -> None:
    assert sweep(local, Fault.CUT_AFTER, itertools.count(1), only_writes=False) >= 45


def test_every_write_is_cut_before_it_takes_effect(local: Rig) -> None:
    """A read has no effect: before or after is the same."""
    assert sweep(local, Fault.CUT_BEFORE, itertools.count(1), only_writes=True) >= 12


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [f for f in CONVERSATION if f not in (Fault.CUT_BEFORE, Fault.CUT_AFTER)])
def test_a_sample_of_writes(local: Rig, fault: Fault) -> None:
    first = 1 + CONVERSATION.index(fault) % 3
    assert sweep(local, fault, range(first, 13, 4), only_writes=True) >= 3


@pytest.mark.soak
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", CONVERSATION)
def test_every_call(local: Rig, fault: Fault) -> None:
    assert sweep(local, fault, itertools.count(1), only_writes=False) >= 45


@pytest.mark.parametrize("first", [1, 2, 3])
def test_killed_after_a_write(local: Rig, first: int) -> None:
    """The state after a write is the state before the next one."""
    kills(local, Fault.KILL_AFTER, range(first, 100, 3), only_writes=True)


def test_killed_before_the_first_write(local: Rig) -> None:
    kills(local, Fault.KILL_BEFORE, [1], only_writes=True)


@pytest.mark.soak
@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.KILL_AFTER])
def test_killed_at_every_call(local: Rig, fault: Fault) -> None:
    assert kills(local, fault, itertools.count(1), only_writes=False) >= 45


def kills(rig: Rig, fault: Fault, numbers: Any, *, only_writes: bool) -> int:
    expected = settled(rig)
    done = 0
    for number in numbers:
        if not killed(rig, number, fault, expected, only_writes=only_writes).fired:
            break
        done += 1
    assert done
    return done


@pytest.mark.engine
def test_a_sample_on_swarm(swarm: Rig) -> None:
    expected = settled(swarm)
    for number, fault in ((5, Fault.CUT_AFTER), (6, Fault.ERROR_500_AFTER), (9, Fault.CUT_BEFORE)):
        point = harmed(swarm, number, fault, expected, only_writes=True)
        assert point.fired, point
        assert point.ok, point
    assert killed(swarm, 6, Fault.KILL_AFTER, expected, only_writes=True).fired


@pytest.mark.engine
@pytest.mark.soak
@pytest.mark.parametrize("fault", list(Fault))
def test_every_write_on_swarm(swarm: Rig, fault: Fault) -> None:
    if fault in (Fault.KILL_BEFORE, Fault.KILL_AFTER):
        kills(swarm, fault, itertools.count(1), only_writes=True)
    else:
        sweep(swarm, fault, itertools.count(1), only_writes=True)
