"""Rolling updates on the virtual clock, at exact times. Tasks of tags 1, 2, 3 need 1 s to start and 0 s to stop."""

from __future__ import annotations

import pytest
from orchestration import (
    QUICK,
    config,
    created_at,
    deployed,
    ended_with,
    in_slot,
    ran_at,
    running_tags,
    seconds,
    service,
    status_times,
    tags,
)

from reconciler.manager.model import TaskState
from reconciler.manager.simulated import Script, single_node

# Ends before it runs; runs 4 s and then fails; ends at once and with success.
STILLBORN = Script(prepare=0, start=1, stop=0, fails_after=0.5)
MORTAL = Script(prepare=0, start=1, stop=0, fails_after=5)
BRIEF = Script(prepare=0, start=1, stop=0, fails_after=0.5, exit_code=0)
MISSING = Script(prepare=0, rejected="No such image: app:missing")
SICK = Script(prepare=0, start=1, stop=0, healthy=False, fails_after=3, exit_code=137)
SCRIPTS = {"stillborn": STILLBORN, "mortal": MORTAL, "brief": BRIEF, "missing": MISSING, "sick": SICK}


# --- pace ----------------------------------------------------------------------------------------------------------


def test_one_replica_waits_for_the_trailing_delay_and_then_for_the_longer_window() -> None:
    sim = deployed(service("1", 1))
    sim.update("web", service("2", 1, UpdateConfig=config(delay=6, monitor=5)))
    assert sim.run_until_quiet(100)
    status = sim.services["web"].update_status
    assert status is not None
    assert (status.state, status.message) == ("completed", "update completed")
    assert ran_at(sim, "2") == [1]
    assert status.completed_at == 1 + 6 + 7


@pytest.mark.parametrize(
    ("replicas", "parallelism", "delay", "monitor"),
    [(2, 1, 1, 0), (4, 1, 0, 5), (3, 1, 2, 3), (4, 2, 2, 5), (5, 0, 1, 2)],
)
def test_a_healthy_update_takes_the_time_the_law_says(
    replicas: int, parallelism: int, delay: float, monitor: float
) -> None:
    sim = deployed(service("1", replicas))
    sim.update("web", service("2", replicas, UpdateConfig=config(parallelism, delay, monitor)))
    assert sim.run_until_quiet(1000)
    batches = -(-replicas // (parallelism or replicas))
    monitor = monitor or 5  # zero is the default, as absent is
    assert sim.now == batches * (1 + delay) + (monitor if delay < monitor else delay + 1)
    assert running_tags(sim) == ["2"] * replicas


def test_a_slow_starter_does_not_hold_the_other_worker() -> None:
    starts = {1: 20.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}
    sim = deployed(service("1", 5), script=lambda task: Script(prepare=0, stop=0, start=starts[task.slot]))
    sim.update("web", service("2", 5, UpdateConfig=config(parallelism=2, delay=2)))
    assert sim.run_until_quiet(200)
    # One worker is busy with slot 1 for 20 s, the other does 2, 3, 4 and 5: 1 s to start, 2 s of delay each.
    assert created_at(sim, "2") == [0, 0, 3, 6, 9]
    assert running_tags(sim) == ["2"] * 5


def test_an_absent_update_config_is_one_at_a_time_and_an_empty_one_is_all_at_once() -> None:
    sim = deployed(service("1", 3))
    sim.update("web", service("2", 3))
    sim.run_until_quiet(100)
    sim.update("web", service("3", 3, UpdateConfig={}))
    sim.run_until_quiet(200)
    assert created_at(sim, "2") == [0, 1, 2]
    assert created_at(sim, "3") == [8, 8, 8]


def test_stop_first_starts_the_new_task_when_the_old_has_stopped_but_after_a_minute_at_most() -> None:
    for stop, starts in ((7.0, 7.0), (75.0, 60.0)):
        sim = deployed(service("1", 1), {"1": Script(prepare=0, start=1, stop=stop)})
        sim.update("web", service("2", 1))
        sim.run_until_quiet(200)
        assert ran_at(sim, "2") == [starts + 1]


def test_start_first_stops_the_old_task_when_the_new_one_runs() -> None:
    sim = deployed(service("1", 2))
    sim.update("web", service("2", 2, UpdateConfig=config(Order="start-first")))
    assert not sim.run_until(0.9)
    assert running_tags(sim) == ["1", "1"]
    sim.run_until(1)
    assert sorted(running_tags(sim)) == ["1", "2"]
    assert len(sim.live("web")) == 3  # slot 2 has its new task already
    sim.run_until_quiet(100)
    assert running_tags(sim) == ["2", "2"]


def test_a_slot_that_restarted_with_the_new_spec_meanwhile_is_passed_over() -> None:
    sim = deployed(service("1", 3, template={"RestartPolicy": {"Delay": 0}}))
    sim.update("web", service("2", 3, UpdateConfig=config(delay=10), template={"RestartPolicy": {"Delay": 0}}))
    sim.run_until(5)
    sim.kill(in_slot(sim, 2)[0].id)
    assert sim.run_until_quiet(100)
    assert created_at(sim, "2") == [0, 5, 21]  # slot 2 by the restart; its turn passes in a delay of 10 s
    assert running_tags(sim) == ["2"] * 3


def test_a_slot_that_was_restarted_meanwhile_is_passed_over_whatever_is_thought_of_it_later() -> None:
    """Slot 2 restarts as it may; seen from when its task has stopped, that was one restart too many."""
    once = {"RestartPolicy": {"Delay": 0, "MaxAttempts": 1, "Window": seconds(10)}}
    slow = Script(prepare=1, start=1, stop=0)
    sim = deployed(
        service("1", 2, template=once), {"1": slow}, nodes={name: single_node(name) for name in ("n1", "n2")}
    )
    sim.kill(in_slot(sim, 2)[0].id)
    sim.run_until(0.5)
    parts = {"UpdateConfig": config(delay=10), "template": {"RestartPolicy": {"Delay": 0}}}
    sim.update("web", service("2", 2, **parts))
    sim.run_until(0.7)
    sim.change_node(in_slot(sim, 2)[-1].node_id, availability="drain")
    assert sim.run_until_quiet(100)
    assert [len(in_slot(sim, slot)) for slot in (1, 2)] == [2, 3]
    assert running_tags(sim) == ["2", "2"]


def test_a_slot_that_is_given_up_before_its_turn_is_revived_when_the_update_is_complete() -> None:
    never = {"RestartPolicy": {"Condition": "none"}}
    sim = deployed(service("1", 3, template=never))
    sim.update("web", service("2", 3, UpdateConfig=config(delay=10, monitor=20), template=never))
    sim.run_until(5)
    sim.kill(in_slot(sim, 2)[0].id)
    assert sim.run_until_quiet(200)
    assert created_at(sim, "2") == [0, 21, 52]  # slot 2 in a silent second pass
    assert status_times(sim, "completed") == [52, 83]
    assert running_tags(sim) == ["2", "2", "2"]


def test_nobody_waits_for_the_last_task_of_a_slot_that_was_given_up() -> None:
    never = {"RestartPolicy": {"Condition": "none"}}
    nodes = {name: single_node(name) for name in ("n1", "n2")}
    sim = deployed(service("1", 1, template=never), {"1": Script(stop=30)}, nodes=nodes)
    sim.change_node(in_slot(sim, 1)[0].node_id, availability="drain")
    sim.run_until(1)
    sim.update("web", service("2", 1, template=never))
    sim.run_until(2)
    assert ran_at(sim, "2") == [2]


def test_a_worker_waits_for_the_old_task_even_if_the_new_one_has_been_rejected() -> None:
    sim = deployed(service("1", 2), {"1": Script(prepare=0, start=1, stop=10), **SCRIPTS})
    sim.update("web", service("missing", 2, UpdateConfig=config(action="continue")))
    sim.run_until(9.9)
    assert tags(sim) == ["missing", "1"]
    sim.run_until(10)
    assert tags(sim) == ["missing", "missing"]


# --- failures ------------------------------------------------------------------------------------------------------


def test_the_monitor_window_does_not_hold_the_update_back_only_the_delay_does() -> None:
    for delay, replaced in ((0, 4), (6, 1)):
        sim = deployed(service("1", 4), SCRIPTS)
        sim.update("web", service("mortal", 4, UpdateConfig=config(delay=delay, monitor=30)))
        sim.run_until(40)
        assert status_times(sim, "paused") == [5]
        assert tags(sim).count("mortal") == replaced


@pytest.mark.parametrize(
    ("ratio", "outcome", "failures"),
    [(0.0, "paused", 1), (0.25, "paused", 2), (0.5, "paused", 3), (1.0, "completed", 4)],
)
def test_the_failure_ratio_is_of_dirty_slots_and_must_be_exceeded(ratio: float, outcome: str, failures: int) -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service("stillborn", 4, UpdateConfig=config(delay=1, ratio=ratio)))
    sim.run_until(20)
    assert sim.update_state("web") == outcome
    assert tags(sim).count("stillborn") == failures


def test_a_resumed_update_has_only_the_remaining_slots_as_its_denominator() -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service("stillborn", 4, UpdateConfig=config(delay=1, ratio=0.5)))
    sim.run_until(20)
    assert tags(sim) == ["stillborn"] * 3 + ["1"]
    sim.update("web", service("stillborn", 4, UpdateConfig=config(delay=1, ratio=0.5), Labels={"a": "b"}))
    sim.run_until(40)
    assert sim.update_state("web") == "paused"  # 1 of 1, not 1 of 4
    assert tags(sim) == ["stillborn"] * 4


@pytest.mark.parametrize(("tag", "state"), [("brief", TaskState.COMPLETE), ("missing", TaskState.REJECTED)])
def test_completing_early_and_being_rejected_are_failures(tag: str, state: TaskState) -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service(tag, 4, UpdateConfig=config(delay=1)))
    sim.run_until(4)
    status = sim.services["web"].update_status
    failed = ended_with(sim, state)
    assert status is not None
    assert status.state == "paused"
    assert status.message == f"update paused due to failure or early termination of task {failed[0]}"
    assert status.completed_at is None
    assert tags(sim) == [tag, "1", "1", "1"]


def test_a_slot_that_keeps_failing_counts_once() -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service("stillborn", 4, UpdateConfig=config(delay=20, ratio=0.25)))
    sim.run_until(20)
    assert len([task for task in in_slot(sim, 1) if task.status.state == TaskState.FAILED]) >= 3
    assert sim.update_state("web") == "updating"
    sim.run_until(22)
    assert sim.update_state("web") == "paused"  # the second slot


def test_with_no_delay_a_failure_takes_the_next_slot_down_too() -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service("stillborn", 4, UpdateConfig=config()))
    sim.run_until(20)
    assert sim.update_state("web") == "paused"
    assert tags(sim) == ["stillborn", "stillborn", "1", "1"]


def test_a_failure_can_grow_too_old_while_the_last_workers_finish() -> None:
    scripts = {1: MORTAL, 2: Script(prepare=0, start=60, stop=0)}
    sim = deployed(service("1", 2))
    sim.agent.rewrite(lambda task: scripts[task.slot])
    sim.update("web", service("2", 2, UpdateConfig=config(parallelism=2, monitor=5)))
    sim.run_until(70)
    assert sim.update_state("web") == "completed"  # slot 1 has been crashing all the time
    assert len(ended_with(sim, TaskState.FAILED)) > 5


def test_continue_does_not_even_look_at_failures() -> None:
    sim = deployed(service("1", 2), SCRIPTS)
    sim.update("web", service("stillborn", 2, UpdateConfig=config(action="continue")))
    sim.run_until(20)
    assert sim.update_state("web") == "completed"
    assert tags(sim) == ["stillborn", "stillborn"]


def test_a_paused_update_finishes_the_slots_it_has_begun_and_takes_no_other() -> None:
    scripts = {1: STILLBORN, 2: Script(prepare=0, start=10, stop=0)}
    sim = deployed(service("1", 4))
    sim.agent.rewrite(lambda task: scripts.get(task.slot, MORTAL))
    sim.update("web", service("2", 4, UpdateConfig=config(parallelism=2, delay=1, Order="start-first")))
    sim.run_until(9)
    assert sim.update_state("web") == "paused"
    assert [task.status.state for task in in_slot(sim, 2)] == [TaskState.RUNNING, TaskState.STARTING]
    sim.run_until(12)
    assert [task.status.state for task in in_slot(sim, 2)] == [TaskState.SHUTDOWN, TaskState.RUNNING]
    assert tags(sim)[-2:] == ["1", "1"]


def test_a_paused_update_leaks_the_new_spec_through_restarts() -> None:
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", service("stillborn", 4, UpdateConfig=config(delay=1)))
    sim.run_until(4)
    before = sim.services["web"].update_status
    victim = in_slot(sim, 4)[0]
    sim.kill(victim.id)
    sim.run_until(20)
    assert tags(sim) == ["stillborn", "1", "1", "stillborn"]
    assert sim.services["web"].update_status == before


# --- rollback ------------------------------------------------------------------------------------------------------


def test_a_rollback_obeys_the_old_spec_and_leaves_untouched_tasks_alone() -> None:
    old = service("1", 4, RollbackConfig=config(parallelism=1, delay=3))
    new = service(
        "stillborn",
        4,
        UpdateConfig=config(parallelism=2, delay=1, action="rollback"),
        RollbackConfig=config(parallelism=0),
    )
    sim = deployed(old, SCRIPTS)
    untouched = [task.id for task in sim.of("web") if task.slot > 2]
    started = len(sim.timeline)
    sim.update("web", new)
    version = sim.services["web"].previous_spec_version
    assert sim.run_until_quiet(100)

    service_now = sim.services["web"]
    assert status_times(sim, "rollback_started") == [0.5]
    assert service_now.update_status is not None
    assert (service_now.update_status.state, service_now.update_status.message) == (
        "rollback_completed",
        "rollback completed",
    )
    assert service_now.update_status.started_at == 0
    assert (service_now.spec, service_now.spec_version) == (old, version)
    assert service_now.previous_spec is None
    assert not sim.roll_back("web")  # "does not have a previous spec"
    assert [task.id for task in sim.live("web") if task.slot > 2] == untouched
    again = [m.time for m in sim.timeline[started:] if m.image == "app:1" and m.state == TaskState.ASSIGNED]
    assert again == [0.5, 4.5]  # 1 s to start, 3 s delay: the old RollbackConfig


def test_the_message_of_a_rollback_names_the_task_that_caused_it() -> None:
    sim = deployed(service("1", 2), SCRIPTS)
    sim.update("web", service("stillborn", 2, UpdateConfig=config(delay=1, action="rollback")))
    sim.run_until(0.6)
    status = sim.services["web"].update_status
    assert status is not None
    failed = ended_with(sim, TaskState.FAILED)[0]
    assert status.message == f"update rolled back due to failure or early termination of task {failed}"


def test_a_rollback_that_fails_is_paused_and_stays_so_when_the_tasks_heal() -> None:
    sim = deployed(service("1", 2))
    sim.agent.rewrite(lambda task: STILLBORN)
    sim.update("web", service("2", 2, UpdateConfig=config(delay=1, action="rollback")))
    sim.run_until(10)
    status = sim.services["web"].update_status
    assert status is not None
    assert status.state == "rollback_paused"
    assert status.message.startswith("update paused due to failure or early termination of task ")
    sim.agent.rewrite(lambda task: Script(prepare=0, start=1))
    assert sim.run_until_quiet(100)
    assert running_tags(sim) == ["1", "1"]
    assert sim.update_state("web") == "rollback_paused"


def test_a_rollback_with_continue_completes_however_broken() -> None:
    sim = deployed(service("1", 2, RollbackConfig=config(action="continue")))
    sim.agent.rewrite(lambda task: STILLBORN)
    sim.update("web", service("2", 2, UpdateConfig=config(delay=1, action="rollback")))
    sim.run_until(30)
    assert sim.update_state("web") == "rollback_completed"


def test_a_manual_rollback_swaps_the_specs_and_twice_is_forward_again() -> None:
    sim = deployed(service("1", 2))
    sim.update("web", service("2", 2))
    sim.run_until_quiet(100)
    assert sim.roll_back("web")
    status = sim.services["web"].update_status
    assert status is not None
    assert (status.state, status.message) == ("rollback_started", "manually requested rollback")
    sim.run_until_quiet(200)
    assert (running_tags(sim), sim.update_state("web")) == (["1", "1"], "rollback_completed")
    assert sim.roll_back("web")
    sim.run_until_quiet(300)
    assert (running_tags(sim), sim.update_state("web")) == (["2", "2"], "rollback_completed")


# --- an update that arrives during another -------------------------------------------------------------------------


def test_a_label_in_the_middle_makes_the_rollback_return_to_the_bad_image() -> None:
    parts = {"UpdateConfig": config(delay=1, action="rollback"), "RollbackConfig": config(action="continue")}
    sim = deployed(service("1", 4, RollbackConfig=config(action="continue")), SCRIPTS)
    sim.update("web", service("stillborn", 4, **parts))
    sim.run_until(0.2)
    sim.update("web", service("stillborn", 4, Labels={"a": "b"}, **parts))
    sim.run_until(60)
    assert sim.update_state("web") == "rollback_completed"
    assert set(tags(sim)) == {"stillborn"}


def test_the_same_spec_again_orphans_the_running_update() -> None:
    spec = service("stillborn", 4, UpdateConfig=config(delay=1, ratio=0.5, action="rollback"))
    sim = deployed(service("1", 4), SCRIPTS)
    sim.update("web", spec)
    sim.run_until(0.2)
    sim.update("web", dict(spec))
    sim.run_until(100)
    assert sim.update_state("web") is None
    assert tags(sim) == ["stillborn"] * 3 + ["1"]
    assert sim.services["web"].previous_spec == spec


def test_a_rollback_to_the_goal_of_an_update_that_has_failed_stays_begun_until_the_next_write() -> None:
    """The failed update, whose last worker still waits, counts as being at work on it, and says nothing at its end."""
    scripts = {1: STILLBORN, 2: Script(prepare=0, start=10, stop=0)}
    spec = service("2", 3, UpdateConfig=config(parallelism=2, delay=1))
    sim = deployed(service("1", 3))
    sim.agent.rewrite(lambda task: scripts.get(task.slot, QUICK))
    sim.update("web", spec)
    sim.run_until(5)
    assert sim.update_state("web") == "paused"
    sim.update("web", dict(spec))
    assert sim.roll_back("web")  # to the same
    sim.run_until(1000)
    assert (sim.update_state("web"), tags(sim)[-1]) == ("rollback_started", "1")
    sim.update("web", dict(spec))
    sim.run_until(2000)
    assert (sim.update_state("web"), tags(sim)[-1]) == ("completed", "2")


def test_the_same_spec_again_is_silent_on_success_too() -> None:
    spec = service("2", 4, UpdateConfig=config(delay=1))
    sim = deployed(service("1", 4))
    sim.update("web", spec)
    sim.run_until(1.5)
    sim.update("web", dict(spec))
    assert sim.run_until_quiet(100)
    assert (sim.update_state("web"), running_tags(sim)) == (None, ["2"] * 4)


def test_another_spec_abandons_the_update_and_replaces_its_tasks_too() -> None:
    sim = deployed(service("1", 3))
    sim.update("web", service("2", 3, UpdateConfig=config(delay=5)))
    sim.run_until(3)
    sim.update("web", service("3", 3, UpdateConfig=config(delay=0, monitor=1)))
    assert sim.run_until_quiet(100)
    assert created_at(sim, "2") == [0]
    assert created_at(sim, "3") == [3, 4, 5]
    assert sim.now == 7


def test_the_original_spec_aborts_an_update_and_leaves_untouched_tasks() -> None:
    original = service("1", 4)
    sim = deployed(original)
    untouched = [task.id for task in sim.of("web") if task.slot > 1]
    sim.update("web", service("2", 4, UpdateConfig=config(delay=5)))
    sim.run_until(3)
    sim.update("web", dict(original))
    assert sim.run_until_quiet(100)
    assert running_tags(sim) == ["1"] * 4
    assert [task.id for task in sim.live("web") if task.slot > 1] == untouched


def test_anything_written_to_a_paused_service_resumes_it() -> None:
    parts = {"UpdateConfig": config(delay=1, monitor=2)}
    sim = deployed(service("1", 3))
    sim.agent.rewrite(lambda task: STILLBORN)
    sim.update("web", service("2", 3, **parts))
    sim.run_until(3)
    assert sim.update_state("web") == "paused"
    sim.agent.rewrite(lambda task: Script(prepare=0, start=1, stop=0))
    sim.update("web", service("2", 3, Labels={"a": "b"}, **parts))
    assert sim.run_until_quiet(100)
    assert (sim.update_state("web"), running_tags(sim)) == ("completed", ["2"] * 3)


# --- start-first ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["pause", "rollback", "continue"])
def action(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_start_first_with_tasks_that_never_become_healthy(action: str) -> None:
    sim = deployed(service("1", 2), SCRIPTS)
    old = [task.id for task in sim.of("web")]
    sim.update("web", service("sick", 2, UpdateConfig=config(delay=1, action=action, Order="start-first")))
    sim.run_until(60)
    ended = {"pause": "paused", "rollback": "rollback_completed", "continue": "completed"}[action]
    assert sim.update_state("web") == ended
    alive = [task.id for task in sim.running("web")]
    if action == "continue":
        assert alive == []  # the silent second pass has kept the up-to-date ones, which crash
        assert set(tags(sim)) == {"sick"}
    else:
        assert alive == old
    if action == "rollback":
        assert tags(sim) == ["1", "1"]


def test_resuming_keeps_a_parked_task_of_the_new_spec_and_starts_it_at_once() -> None:
    parts = {"UpdateConfig": config(delay=1, Order="start-first")}
    sim = deployed(service("1", 2), SCRIPTS)
    sim.update("web", service("stillborn", 2, **parts))
    sim.run_until(2)
    assert [task.status.state.name for task in in_slot(sim, 1)] == ["RUNNING", "FAILED", "READY"]
    sim.update("web", service("stillborn", 2, Labels={"a": "b"}, **parts))
    sim.run_until(2)
    assert [task.status.state.name for task in in_slot(sim, 1)] == ["SHUTDOWN", "FAILED", "STARTING"]


# --- scale ---------------------------------------------------------------------------------------------------------


def test_scaling_adds_at_the_lowest_free_slots_and_removes_the_highest() -> None:
    sim = deployed(service("1", 5))
    sim.update("web", service("1", 2))
    assert sim.run_until_quiet(100)
    assert [task.slot for task in sim.of("web")] == [1, 2]
    sim.update("web", service("1", 4))
    assert sim.run_until_quiet(100)
    assert [task.slot for task in sim.of("web")] == [1, 2, 3, 4]
    assert sim.update_state("web") is None


def test_scaling_down_takes_tasks_that_do_not_run_first() -> None:
    scripts = {2: Script(prepare=1000)}
    sim = deployed(service("1", 1), script=lambda task: scripts.get(task.slot, Script()))
    sim.update("web", service("1", 4))
    sim.run_until(10)
    sim.update("web", service("1", 3))
    sim.run_until(2000)
    assert [task.slot for task in sim.of("web")] == [1, 3, 4]


def test_new_slots_of_an_update_that_scales_get_the_new_spec_at_once() -> None:
    sim = deployed(service("1", 2))
    sim.update("web", service("2", 4, UpdateConfig=config(delay=5)))
    assert not sim.run_until(0)
    assert created_at(sim, "2") == [0, 0, 0]  # one exchange, two additions
    sim.run_until_quiet(100)
    assert running_tags(sim) == ["2"] * 4


def test_deleting_a_service_removes_its_tasks_and_forgets_it() -> None:
    sim = deployed(service("1", 3))
    sim.update("web", service("2", 3, UpdateConfig=config(delay=5)))
    sim.run_until(3)
    sim.delete("web")
    assert sim.run_until_quiet(100)
    assert sim.tasks == {}
    assert (sim.memory.updates, sim.memory.starts, sim.memory.reconciled, sim.memory.untidy) == ({}, {}, {}, ())


def test_the_order_of_slots_comes_from_the_choices() -> None:
    orders = set()
    for seed in range(6):
        sim = deployed(service("1", 3), seed=seed)
        sim.update("web", service("2", 3))
        sim.run_until_quiet(100)
        started = [m.slot for m in sim.timeline if m.image == "app:2" and m.state == TaskState.RUNNING]
        assert sorted(started) == [1, 2, 3]
        orders.add(tuple(started))
    assert len(orders) > 1


def test_scaling_down_takes_slots_with_two_tasks_or_no_node_before_all_others() -> None:
    sim = deployed(service("1", 3))
    sim.update("web", service("2", 3, UpdateConfig=config(Order="start-first")))
    sim.run_until(0.5)
    assert len(in_slot(sim, 1)) == 2
    sim.update("web", service("1", 2))
    sim.run_until(0.5)
    assert sorted(task.slot for task in sim.live("web")) == [2, 3]

    sim = deployed(service("1", 3, template={"Resources": {"Reservations": {"NanoCPUs": 2_000_000_000}}}))
    assert [task.node_id for task in sim.live("web")] == ["n1", "n1", ""]
    sim.update("web", service("1", 2, template={"Resources": {"Reservations": {"NanoCPUs": 2_000_000_000}}}))
    sim.run_until_quiet(100)
    assert [task.slot for task in sim.live("web")] == [1, 2]


def test_tasks_on_their_way_out_hold_no_slot() -> None:
    never = {"RestartPolicy": {"Condition": "none"}}
    sim = deployed(service("1", 3, template=never), {"1": Script(prepare=0, start=1, stop=10)})
    sim.update("web", service("1", 1, template=never))
    sim.run_until(1)
    sim.update("web", service("1", 2, template=never))
    sim.run_until(2)
    assert running_tags(sim) == ["1", "1"]
    assert [task.slot for task in sim.of("web")] == [1, 2, 3, 2]
