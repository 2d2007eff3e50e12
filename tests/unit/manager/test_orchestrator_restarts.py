"""Restart policy, history, nodes that come and go, and a manager that is restarted; at exact times."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from orchestration import QUICK, config, deployed, ended_with, in_slot, ran_at, running_tags, seconds, service, tags

from reconciler.manager.model import Json, Task, TaskState
from reconciler.manager.simulated import Script, Simulation, single_node

CRASH = Script(prepare=0, start=1, stop=0, fails_after=0.5)


def policy(**parts: object) -> Json:
    return {"RestartPolicy": parts}


def states(tasks: Iterable[Task]) -> list[tuple[str, str]]:
    return [(task.status.state.name, task.desired.name) for task in tasks]


# --- the restart policy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [{}, policy(), policy(Condition="any"), policy(Delay=seconds(5))])
def test_a_replacement_is_prepared_during_the_delay_and_starts_after_five_seconds(template: Json) -> None:
    sim = deployed(service("1", 1, template=template))
    sim.kill(sim.of("web")[0].id)
    sim.run_until(4.9)
    assert states(sim.of("web")) == [("FAILED", "SHUTDOWN"), ("READY", "READY")]
    sim.run_until_quiet(100)
    assert ran_at(sim, "1") == [6]


@pytest.mark.parametrize(
    ("condition", "exit_code", "restarted"),
    [("any", 0, True), ("any", 1, True), ("on-failure", 0, False), ("on-failure", 1, True), ("none", 1, False)],
)
def test_the_condition_decides_what_is_restarted(condition: str, exit_code: int, restarted: bool) -> None:
    sim = deployed(service("1", 1, template=policy(Condition=condition, Delay=0)))
    sim.kill(sim.of("web")[0].id, exit_code)
    assert sim.run_until_quiet(100)
    assert running_tags(sim) == (["1"] if restarted else [])
    assert len(sim.of("web")) == 1 + restarted


def test_an_unhealthy_task_that_ends_with_success_is_complete_and_not_restarted_on_failure() -> None:
    for exit_code, state, err in (
        (0, TaskState.COMPLETE, ""),
        (137, TaskState.FAILED, "task: non-zero exit (137): dockerexec: unhealthy container"),
    ):
        sick = Script(prepare=0, start=1, healthy=False, fails_after=3, exit_code=exit_code)
        sim = Simulation(script={"1": sick})
        sim.create(service("1", 1, template=policy(Condition="on-failure")))
        sim.run_until(2.9)
        assert [task.status.state for task in sim.of("web")] == [TaskState.STARTING]
        sim.run_until(4)
        first = sim.of("web")[0]
        assert (first.status.state, first.status.err) == (state, err)
        assert len(sim.of("web")) == (1 if exit_code == 0 else 2)


def test_max_attempts_three_makes_four_tasks_and_an_identical_update_does_not_revive_the_slot() -> None:
    spec = service("1", 1, template=policy(Condition="any", Delay=0, MaxAttempts=3))
    sim = deployed(spec, {"1": CRASH})
    assert states(sim.of("web")) == [("FAILED", "SHUTDOWN")] * 4
    sim.update("web", dict(spec))
    assert sim.run_until(1000)
    assert len(sim.of("web")) == 4
    forced = service("1", 1, template={**policy(Condition="any", Delay=0, MaxAttempts=3), "ForceUpdate": 1})
    sim.update("web", forced)
    assert sim.run_until_quiet(2000)
    made = {task.spec_version for task in sim.of("web")}
    assert len(made) == 1  # four new attempts; MaxAttempts + 1 tasks are kept
    assert states(sim.of("web")) == [("FAILED", "SHUTDOWN")] * 4


def test_max_attempts_keeps_more_history_than_the_limit() -> None:
    sim = deployed(service("1", 1, template=policy(Delay=0, MaxAttempts=12)), {"1": CRASH})
    assert len(sim.of("web")) == 13


def test_a_window_forgets_old_restarts_but_an_exhausted_slot_stays_dead() -> None:
    slow = Script(prepare=0, start=1, stop=0, fails_after=4)
    template = policy(Delay=0, MaxAttempts=2, Window=seconds(6))
    # A restart every 4 s: never more than one in the last 6 s before an end.
    sim = deployed(service("1", 1, template=template), {"1": slow}, forever=True)
    assert sim.live("web")
    # A restart every 0.5 s: dead after two, and still dead when the window is over.
    sim = deployed(service("1", 1, template=template), {"1": CRASH})
    assert len(sim.of("web")) == 3
    assert sim.run_until(1000)
    assert sim.live("web") == []


def test_a_crash_loop_keeps_five_tasks() -> None:
    sim = deployed(service("1", 2, template=policy(Delay=seconds(1))), {"1": CRASH}, forever=True)
    for second in range(60):
        sim.run_until(second)
        assert [len(in_slot(sim, slot)) for slot in (1, 2)] == [5, 5]
    kept = in_slot(sim, 1)
    assert kept == sorted(kept, key=lambda task: task.created_at)


def test_a_rejected_task_is_not_retried_before_its_own_delay_is_over() -> None:
    sim = Simulation(script={"1": Script(prepare=0, rejected="No such image")})
    sim.create(service("1", 1))
    sim.run_until(27)
    # 0 s, then a parked replacement every 5 s: rejected at once, replaced when it would have started
    assert len(ended_with(sim, TaskState.REJECTED)) == 7
    assert [m.time for m in sim.timeline if m.state == TaskState.REJECTED] == [0, 0, 5, 10, 15, 20, 25]


def test_a_service_that_never_restarts_keeps_its_dead_slot_until_its_spec_changes() -> None:
    sim = deployed(service("1", 2, template=policy(Condition="none")))
    sim.kill(in_slot(sim, 1)[0].id)
    sim.run_until(10)
    assert running_tags(sim) == ["1"]
    sim.update("web", service("1", 2, Labels={"a": "b"}, template=policy(Condition="none")))
    assert sim.run_until(1000)
    assert running_tags(sim) == ["1"]
    sim.update("web", service("2", 2, template=policy(Condition="none")))
    assert sim.run_until_quiet(2000)
    assert running_tags(sim) == ["2", "2"]


def test_history_that_was_still_stopping_is_cut_later() -> None:
    sim = deployed(service("1", 1), script=lambda task: Script(prepare=0, start=0.1, stop=30))
    for number in range(7):
        sim.update(
            "web", service("1", 1, template={"ForceUpdate": number + 1}, UpdateConfig=config(Order="start-first"))
        )
        sim.run_for(1)
    assert len(sim.of("web")) == 8
    assert sim.run_until_quiet(1000)
    assert len(sim.of("web")) == 5


def test_a_dead_slot_that_is_not_wanted_any_more_is_removed() -> None:
    once = policy(Condition="none")
    sim = deployed(service("1", 1, template=once), {"bad": CRASH})
    sim.update("web", service("bad", 2, template=once, UpdateConfig=config(delay=1, action="rollback")))
    assert sim.run_until_quiet(100)
    assert running_tags(sim) == ["1"]
    assert {task.slot for task in sim.of("web")} == {1}


def test_the_newest_task_of_a_dead_slot_decides_whether_it_was_given_up() -> None:
    template = policy(Condition="on-failure", Delay=0)
    sim = deployed(service("1", 1, template=template))
    for exit_code in (1, 0):
        sim.kill(sim.live("web")[0].id, exit_code)
        sim.run_for(5)
    assert states(sim.of("web")) == [("FAILED", "SHUTDOWN"), ("COMPLETE", "SHUTDOWN")]
    sim.update("web", service("1", 1, Labels={"a": "b"}, template=template))
    assert sim.run_until(1000)
    assert len(sim.of("web")) == 2


def test_a_rollback_fills_slots_that_were_given_up() -> None:
    once = policy(Condition="none")
    sim = deployed(service("1", 2, template=once), {"bad": CRASH})
    sim.kill(in_slot(sim, 2)[0].id)
    sim.run_until(1)
    sim.update("web", service("bad", 2, template=once, UpdateConfig=config(delay=1, action="rollback")))
    assert sim.run_until_quiet(100)
    assert sim.update_state("web") == "rollback_completed"
    assert running_tags(sim) == ["1", "1"]


# --- nodes ---------------------------------------------------------------------------------------------------------


def two_nodes() -> dict[str, object]:
    return {"nodes": {"n1": single_node("n1"), "n2": single_node("n2")}}


def on(sim: Simulation, node_id: str, state: TaskState = TaskState.RUNNING) -> list[Task]:
    return [task for task in sim.of("web") if task.node_id == node_id and task.status.state == state]


def test_draining_a_node_moves_its_tasks_without_a_delay() -> None:
    sim = deployed(service("1", 4), {"1": Script(prepare=0, start=1, stop=3)}, **two_nodes())
    sim.change_node("n1", availability="drain")
    assert sim.run_until_quiet(100)
    assert ran_at(sim, "1") == [4, 4]  # the old ones stop for 3 s first
    assert [len(on(sim, node)) for node in ("n1", "n2")] == [0, 4]


def test_a_node_that_goes_down_is_replaced_after_the_delay_and_its_tasks_read_running() -> None:
    sim = deployed(service("1", 4), **two_nodes())
    sim.change_node("n1", state="down")
    sim.run_until(50)
    assert ran_at(sim, "1") == [6, 6]
    assert [task.desired for task in on(sim, "n1")] == [TaskState.SHUTDOWN] * 2
    sim.change_node("n1", state="ready")
    assert sim.run_until_quiet(100)
    assert on(sim, "n1") == []
    assert len(on(sim, "n2")) == 4  # nothing moves back


def test_a_task_on_a_node_that_was_down_is_not_waited_for_when_the_node_returns() -> None:
    sim = deployed(service("1", 1), {"1": Script(prepare=0, start=1, stop=70)})
    sim.nodes["n2"] = single_node("n2", version=sim._next_version())
    sim.change_node("n1", state="down")
    sim.run_until(2)
    sim.change_node("n1", state="ready")
    sim.run_until_quiet(200)
    assert ran_at(sim, "1") == [6]


def test_nobody_waits_for_a_task_to_stop_on_a_node_that_goes_down() -> None:
    sim = deployed(service("1", 1), {"1": Script(prepare=0, start=1, stop=50)})
    sim.nodes["n2"] = single_node("n2", version=sim._next_version())
    sim.update("web", service("2", 1, template={"Placement": {"Constraints": ["node.id==n2"]}}))
    sim.run_until(3)
    sim.change_node("n1", state="down")
    sim.run_until(20)
    assert ran_at(sim, "2") == [4]


def test_tasks_of_a_deleted_node_are_orphaned_and_replaced() -> None:
    sim = deployed(service("1", 2), **two_nodes())
    del sim.nodes["n1"]
    assert sim.run_until_quiet(100)
    assert len(on(sim, "n1", TaskState.ORPHANED)) == 1
    assert len(on(sim, "n2")) == 2


def test_tasks_of_a_node_that_stays_down_are_orphaned_after_a_day() -> None:
    sim = deployed(service("1", 4), **two_nodes())
    sim.change_node("n1", state="down")
    sim.run_until(86_399)
    assert len(on(sim, "n1")) == 2
    assert sim.run_until_quiet(86_400)
    assert len(on(sim, "n1", TaskState.ORPHANED)) == 2


def test_a_paused_node_keeps_its_tasks_and_gets_none() -> None:
    sim = deployed(service("1", 4), **two_nodes())
    sim.change_node("n1", availability="pause")
    assert sim.run_until(10)
    assert len(on(sim, "n1")) == 2
    sim.kill(on(sim, "n1")[0].id)
    sim.run_until_quiet(100)
    assert [len(on(sim, node)) for node in ("n1", "n2")] == [1, 3]


def test_a_single_node_that_is_drained_leaves_everything_pending() -> None:
    sim = deployed(service("1", 2))
    sim.change_node("n1", availability="drain")
    assert sim.run_until_quiet(100)
    assert [task.status.err for task in sim.live("web")] == [
        "no suitable node (1 node not available for new tasks)"
    ] * 2
    sim.change_node("n1", availability="active")
    assert sim.run_until_quiet(200)
    assert running_tags(sim) == ["1", "1"]


def test_tasks_that_never_restart_are_lost_with_their_node() -> None:
    sim = deployed(service("1", 3, template=policy(Condition="none")), **two_nodes())
    here = len(on(sim, "n1"))
    sim.change_node("n1", availability="drain")
    assert sim.run_until(1000)
    assert len(sim.running("web")) == 3 - here


def test_a_lost_label_rejects_the_tasks_that_needed_it() -> None:
    template = {"Placement": {"Constraints": ["node.labels.zone == a"]}}
    nodes = {"n1": single_node("n1", labels={"zone": "a"}), "n2": single_node("n2", labels={"zone": "a"})}
    sim = deployed(service("1", 2, template=template), nodes=nodes)
    sim.change_node("n1", labels={})
    assert sim.run_until_quiet(100)
    (rejected,) = on(sim, "n1", TaskState.REJECTED)
    assert rejected.status.err == "assigned node no longer meets constraints"
    assert len(on(sim, "n2")) == 2
    sim.change_node("n1", labels={"zone": "a"})
    assert sim.run_until(1000)
    assert len(on(sim, "n2")) == 2  # no rebalancing


def test_a_paused_node_does_not_reject_what_it_no_longer_fits() -> None:
    template = {"Placement": {"Constraints": ["node.labels.zone == a"]}}
    sim = deployed(service("1", 1, template=template), nodes={"n1": single_node("n1", labels={"zone": "a"})})
    sim.change_node("n1", labels={}, availability="pause")
    assert sim.run_until(100)
    assert len(on(sim, "n1")) == 1
    sim.change_node("n1", availability="active")
    sim.run_until(100)
    assert len(on(sim, "n1", TaskState.REJECTED)) == 1


def test_it_is_the_constraints_of_the_service_that_a_task_is_held_to() -> None:
    sim = deployed(
        service("1", 1, template={"Placement": {"Constraints": ["node.labels.zone==a"]}}),
        nodes={"n1": single_node("n1", labels={"zone": "a", "disk": "ssd"})},
    )
    sim.update("web", service("1", 1, template={"Placement": {"Constraints": ["node.labels.disk==ssd"]}}))
    assert sim.run_until(1)
    assert len(on(sim, "n1")) == 1
    sim.change_node("n1", labels={"zone": "a"})
    sim.run_until(1)
    assert len(on(sim, "n1", TaskState.REJECTED)) == 1


def test_a_node_that_shrinks_rejects_what_no_longer_fits() -> None:
    template = {"Resources": {"Reservations": {"NanoCPUs": 2_000_000_000}}}
    sim = deployed(service("1", 2, template=template))
    sim.change_node("n1", nano_cpus=3_000_000_000)
    assert sim.run_until_quiet(100)
    assert len(on(sim, "n1")) == 1
    (waiting,) = (task for task in sim.live("web") if task.status.state == TaskState.PENDING)
    assert waiting.status.err == "no suitable node (insufficient resources on 1 node)"


# --- global services -----------------------------------------------------------------------------------------------


def global_service(tag: str = "1", **parts: object) -> Json:
    spec = service(tag, **parts)
    spec["Mode"] = {"Global": {}}
    return spec


def test_a_global_service_has_one_task_on_every_usable_node() -> None:
    sim = deployed(global_service(), **two_nodes())
    assert sorted((task.slot, task.node_id) for task in sim.of("web")) == [(0, "n1"), (0, "n2")]
    assert sim.of("web")[0].status.message == "started"
    sim.nodes["n3"] = single_node("n3", version=sim._next_version())
    sim.run_until_quiet(10)
    assert [len(on(sim, node)) for node in ("n1", "n2", "n3")] == [1, 1, 1]
    sim.change_node("n2", availability="drain")
    sim.run_until_quiet(20)
    assert [len(on(sim, node)) for node in ("n1", "n2", "n3")] == [1, 0, 1]
    sim.change_node("n2", availability="active")
    sim.run_until_quiet(30)
    assert [len(on(sim, node)) for node in ("n1", "n2", "n3")] == [1, 1, 1]


def test_a_global_service_is_updated_node_by_node_and_its_tasks_are_restarted_in_place() -> None:
    sim = deployed(global_service("1"), **two_nodes())
    sim.update("web", global_service("2", UpdateConfig=config(delay=2, monitor=1)))
    assert sim.run_until_quiet(100)
    assert sim.now == 1 + 2 + 1 + 2 + 3
    assert (running_tags(sim), sim.update_state("web")) == (["2", "2"], "completed")
    sim.kill(on(sim, "n2")[0].id)
    sim.run_until_quiet(200)
    assert len(on(sim, "n2")) == 1


def test_a_paused_node_is_passed_over_by_an_update_and_brought_up_to_date_when_it_is_activated() -> None:
    sim = deployed(global_service("1"), **two_nodes())
    sim.change_node("n2", availability="pause")
    sim.update("web", global_service("2"))
    assert sim.run_until_quiet(100)
    assert sorted(running_tags(sim)) == ["1", "2"]
    before = sim.services["web"].update_status
    sim.change_node("n2", availability="active")
    assert sim.run_until_quiet(200)
    assert running_tags(sim) == ["2", "2"]
    assert sim.services["web"].update_status == before


def test_a_failed_global_task_on_a_paused_node_is_not_replaced() -> None:
    sim = deployed(global_service("1"), **two_nodes())
    sim.change_node("n2", availability="pause")
    sim.run_until(1)
    sim.kill(on(sim, "n2")[0].id)
    assert sim.run_until_quiet(100)
    assert [task.node_id for task in sim.live("web")] == ["n1"]


def test_a_global_service_leaves_the_nodes_that_its_new_constraints_exclude() -> None:
    sim = deployed(global_service("1"), **two_nodes())
    sim.update("web", global_service("1", template={"Placement": {"Constraints": ["node.id==n1"]}}))
    assert sim.run_until_quiet(100)
    assert [task.node_id for task in sim.running("web")] == ["n1"]
    assert len(on(sim, "n2", TaskState.SHUTDOWN)) == 1


def test_a_global_task_that_does_not_fit_says_why_without_a_prefix() -> None:
    sim = deployed(global_service("1", template={"Resources": {"Reservations": {"NanoCPUs": 10**13}}}))
    (task,) = sim.of("web")
    assert task.status.err == "insufficient resources on 1 node"


# --- a manager that is restarted -----------------------------------------------------------------------------------


def test_a_restarted_manager_resumes_an_update_with_fresh_counters() -> None:
    sim = deployed(service("1", 4), {"bad": CRASH})
    sim.update("web", service("bad", 4, UpdateConfig=config(delay=2, ratio=0.5)))
    sim.run_until(2.6)  # two of four have failed
    sim.restart_manager()
    sim.run_until(4)
    assert tags(sim)[:2] == ["bad", "bad"]
    sim.run_until(50)
    assert sim.update_state("web") == "paused"
    assert tags(sim) == ["bad"] * 4  # 2 dirty slots were left: 1 of 2 is not more than the ratio


def test_a_restarted_manager_goes_on_node_by_node_with_a_global_service() -> None:
    sim = deployed(global_service("1"), **two_nodes())
    sim.update("web", global_service("2", UpdateConfig=config(delay=30)))
    sim.run_until(2)
    sim.restart_manager()
    sim.run_until(2)
    assert sorted(running_tags(sim)) == ["2"]  # the second node's turn, of the new update
    sim.run_until_quiet(200)
    assert (running_tags(sim), sim.update_state("web")) == (["2", "2"], "completed")
    assert len(sim.of("web")) == 4
    assert sim.now == 3 + 30 + 31


def test_a_restarted_manager_completes_an_update_of_which_nothing_is_left() -> None:
    sim = deployed(service("1", 2))
    sim.update("web", service("2", 2, UpdateConfig=config(parallelism=2, monitor=60)))
    sim.run_until(10)
    assert sim.update_state("web") == "updating"
    sim.restart_manager()
    assert sim.run_until_quiet(10)
    assert sim.update_state("web") == "completed"


def test_a_restarted_manager_leaves_a_paused_update_paused() -> None:
    sim = deployed(service("1", 3), {"bad": CRASH})
    sim.update("web", service("bad", 3, UpdateConfig=config(delay=1)))
    sim.run_until(3)
    sim.restart_manager()
    sim.run_until(30)
    assert (sim.update_state("web"), tags(sim)) == ("paused", ["bad", "1", "1"])


def test_a_restarted_manager_gives_parked_tasks_the_rest_of_their_delay() -> None:
    sim = deployed(service("1", 1), {"1": QUICK})
    sim.kill(sim.of("web")[0].id)
    sim.run_until(2)
    sim.restart_manager()
    assert sim.run_until_quiet(100)
    assert ran_at(sim, "1") == [6]


def test_a_restarted_manager_remembers_how_often_a_slot_was_restarted() -> None:
    sim = Simulation(script={"1": CRASH})
    sim.create(service("1", 1, template=policy(Delay=seconds(10), MaxAttempts=3)))
    for second in (5, 15, 25):
        sim.run_until(second)
        sim.restart_manager()
    assert sim.run_until_quiet(1000)
    assert len(ended_with(sim, TaskState.FAILED)) == 4


def test_a_restarted_manager_counts_only_restarts_of_the_newest_spec() -> None:
    template = policy(Delay=0, MaxAttempts=2)
    sim = deployed(service("1", 1, template=template), {"bad": Script(prepare=0, start=1, fails_after=30)})
    sim.kill(sim.of("web")[0].id)
    sim.run_until(5)
    sim.update("web", service("bad", 1, template=template))
    sim.run_until(10)
    sim.restart_manager()
    assert sim.run_until_quiet(1000)
    bad = [m for m in sim.timeline if m.image == "app:bad" and m.state == TaskState.FAILED]
    assert len(bad) == 3


def test_tasks_of_services_that_are_unknown_are_removed() -> None:
    sim = deployed(service("1", 2))
    sim.delete("web")
    sim.restart_manager()
    assert sim.run_until_quiet(100)
    assert sim.tasks == {}
