"""The contract of ``step`` and of the simulation that plays it."""

from __future__ import annotations

import copy
import math

import pytest
from orchestration import QUICK, config, created_at, deployed, service, status_times

from reconciler.manager.model import Cluster, Task, TaskState
from reconciler.manager.orchestrator import Memory, step
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.simulated import Script, SeededChoices, Simulation, single_node


def cluster(sim: Simulation) -> Cluster:
    return sim.snapshot()


def test_a_new_service_gets_tasks_that_are_assigned_in_the_same_step() -> None:
    sim = Simulation()
    sim.create(service("1", 2, Labels={"a": "b"}, EndpointSpec={"Mode": "dnsrr"}))
    made = step(cluster(sim), Memory(), 7.0, SeededChoices())
    assert [(task.id, task.slot, task.node_id) for task in made.tasks] == [("t0001", 1, "n1"), ("t0002", 2, "n1")]
    task = made.tasks[0]
    assert (task.status.state, task.status.message) == (TaskState.ASSIGNED, "scheduler assigned task to node")
    assert (task.desired, task.created_at, task.status.timestamp) == (TaskState.RUNNING, 7.0, 7.0)
    assert (task.service_name, task.service_labels, task.endpoint) == ("web", {"a": "b"}, {"Mode": "dnsrr"})
    assert task.spec_version == sim.services["web"].spec_version
    assert (made.services, made.removed_tasks, made.wake_at) == ((), (), 7.0)


def test_a_task_without_a_place_says_why_and_the_step_then_rests() -> None:
    sim = Simulation(nodes={"n1": single_node("n1", availability="pause")})
    sim.create(service("1", 1))
    made = step(cluster(sim), Memory(), 0.0, SeededChoices())
    (task,) = made.tasks
    assert (task.status.state, task.status.message) == (TaskState.PENDING, "pending task scheduling")
    assert task.status.err == "no suitable node (1 node not available for new tasks)"
    sim._merge(made)
    again = step(cluster(sim), sim.memory, 1.0, SeededChoices())
    assert (again.empty, again.wake_at, again.memory) == (True, None, made.memory)


def test_a_pending_task_that_is_given_up_is_shut_down_without_a_node() -> None:
    nowhere = {"Placement": {"Constraints": ["node.id==nowhere"]}}
    sim = deployed(service("1", 1, template=nowhere))
    sim.update("web", service("2", 1, template=nowhere))
    assert sim.run_until_quiet(10)
    old = next(task for task in sim.of("web") if task.desired == TaskState.SHUTDOWN)
    assert (old.status.state, old.status.err, old.node_id) == (TaskState.SHUTDOWN, "", "")


def test_the_arguments_are_left_as_they_were() -> None:
    sim = deployed(service("1", 3), {"2": Script(fails_after=1)})
    sim.update("web", service("2", 3, UpdateConfig=config(2, 1, action="rollback")))
    for second in range(20):
        before, memory = cluster(sim), sim.memory
        copies = copy.deepcopy((before, memory))
        step(before, memory, sim.now, SeededChoices(second))
        assert (before, memory) == copies
        sim.run_for(0.5)


def test_neither_the_desired_nor_the_observed_state_decreases() -> None:
    sim = deployed(service("1", 1))
    (task,) = sim.of("web")
    draft = Draft(cluster(sim), sim.memory, 5.0, SeededChoices())
    for desired in (TaskState.READY, TaskState.RUNNING):
        draft.want(task.id, desired)
    for state in (TaskState.PENDING, TaskState.RUNNING):
        draft.report(task.id, state, "again")
    assert draft.result(()).empty
    assert draft.tasks[task.id] == task


def test_deadlines_a_rounding_error_apart_are_two_moments() -> None:
    """No float lies between 1.5 and the next one: each worker's delay ends at its own, and neither is overslept."""
    first, second = 1.5, math.nextafter(1.5, 2)

    def script(task: Task) -> Script:
        return Script(prepare=0, start=math.nextafter(1, 2) if task.id == "t0006" else 1)

    update = config(2, 0.5, Order="start-first")
    sim = deployed(service("1", 4), script=script)
    sim.update("web", service("2", 4, UpdateConfig=update))
    sim.run_until(first)
    assert created_at(sim, "2") == [0, 0, first]
    for _ in range(2):
        made = step(cluster(sim), sim.memory, first, SeededChoices())
        assert (made.empty, made.wake_at, made.memory) == (True, second, sim.memory)
    assert step(cluster(sim), sim.memory, second, SeededChoices()).tasks
    assert sim.run_until_quiet(60)
    assert created_at(sim, "2") == [0, 0, first, second]
    assert status_times(sim, "completed") == [second + 1 + 0.5 + 5]


def test_jobs_are_left_alone() -> None:
    sim = Simulation()
    for mode in ("ReplicatedJob", "GlobalJob"):
        sim.create({**service(name=mode), "Mode": {mode: {}}})
    assert sim.run_until_quiet(10)
    assert sim.tasks == {}


def test_the_clock_stands_where_nothing_more_happens() -> None:
    sim = Simulation(script={"1": Script(prepare=2, start=3)})
    sim.create(service("1", 1))
    assert sim.run_until_quiet(100)
    assert sim.now == 5
    assert [(m.time, m.state.name) for m in sim.timeline] == [
        (0, "ASSIGNED"),
        (0, "PREPARING"),
        (2, "READY"),
        (2, "STARTING"),
        (5, "RUNNING"),
    ]
    assert sim.run_until(50)
    assert sim.now == 50


def test_a_task_that_restarts_in_no_time_is_reported_instead_of_simulated_for_ever() -> None:
    sim = Simulation(script={"1": Script(prepare=0, fails_after=0)})
    sim.create(service("1", 1, template={"RestartPolicy": {"Delay": 0}}))
    with pytest.raises(RuntimeError, match="does not settle at"):
        sim.run_until(1)


def test_a_killed_task_ends_with_the_given_code() -> None:
    sim = deployed(service("1", 1), {"1": QUICK})
    sim.kill(sim.of("web")[0].id, 143)
    sim.run_until(0)
    status = sim.of("web")[0].status
    assert (status.state, status.exit_code, status.err) == (TaskState.FAILED, 143, "task: non-zero exit (143)")
