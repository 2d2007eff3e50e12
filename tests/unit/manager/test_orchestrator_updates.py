"""Rolling updates on the virtual clock, at exact times."""

from __future__ import annotations

import pytest
from orchestration import QUICK, config, created_at, deployed, ran_at, running_tags, service, tags

from reconciler.manager.simulated import Script


def test_one_replica_waits_for_the_trailing_delay_and_then_for_the_longer_window() -> None:
    sim = deployed(service("1", 1))
    t0 = sim.now
    sim.update("web", service("2", 1, UpdateConfig=config(delay=6, monitor=5)))
    assert sim.run_until_quiet(100)
    t_run = ran_at(sim, "2")[0]
    assert t_run == t0 + 1
    status = sim.services["web"].update_status
    assert status is not None
    assert (status.state, status.message) == ("completed", "update completed")
    assert status.completed_at == pytest.approx(t_run + 6 + 7)


def test_a_slow_starter_does_not_hold_the_other_worker() -> None:
    starts = {1: 20.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}
    sim = deployed(service("1", 5))
    sim.agent._script = lambda task: Script(prepare=0, stop=0, start=starts[task.slot])
    t0 = sim.now
    sim.update("web", service("2", 5, UpdateConfig=config(parallelism=2, delay=2)))
    assert sim.run_until_quiet(200)
    # worker A is busy with slot 1 for 20 s; worker B does 2, 3, 4, 5, each 1 s start and 2 s delay
    assert created_at(sim, "2") == pytest.approx([t0, t0, t0 + 3, t0 + 6, t0 + 9])
    assert running_tags(sim) == ["2"] * 5


def test_scaling_adds_at_the_lowest_free_slots_and_removes_the_highest() -> None:
    sim = deployed(service("1", 5))
    sim.update("web", service("1", 2))
    assert sim.run_until_quiet(100)
    assert [task.slot for task in sim.of("web")] == [1, 2]
    sim.update("web", service("1", 4))
    assert sim.run_until_quiet(100)
    assert [task.slot for task in sim.of("web")] == [1, 2, 3, 4]
    assert sim.update_state("web") is None


def test_a_stop_first_update_replaces_every_task_and_keeps_the_old_ones_as_history() -> None:
    sim = deployed(service("1", 3))
    sim.update("web", service("2", 3, UpdateConfig=config(monitor=2)))
    assert sim.run_until_quiet(100)
    assert tags(sim) == ["2"] * 3
    assert len(sim.of("web")) == 6
    assert sim.update_state("web") == "completed"
    assert QUICK.start == 1.0
