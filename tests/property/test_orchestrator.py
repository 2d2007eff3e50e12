"""Thousands of faulty histories on the virtual clock: what must hold whatever happens, and in whatever order."""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manager import specs
from reconciler.manager.model import Json, Node, Task, TaskState
from reconciler.manager.orchestrator import Step, step
from reconciler.manager.simulated import Script, SeededChoices, Simulation, single_node

SECOND = 1_000_000_000
EFFORT = int(os.environ.get("STACKC_TEST_EFFORT", "1"))  # more of it looks at more histories
SLOW = [HealthCheck.too_slow]  # on a busy machine
NODES = ("n1", "n2", "n3")

# --- what may happen -----------------------------------------------------------------------------------------------

configs = st.none() | st.fixed_dictionaries(
    {
        "Parallelism": st.integers(0, 3),
        "Delay": st.sampled_from([0, SECOND, 7 * SECOND]),
        "Monitor": st.sampled_from([0, 2 * SECOND, 20 * SECOND]),
        "FailureAction": st.sampled_from(["pause", "continue", "rollback"]),
        "MaxFailureRatio": st.sampled_from([0, 0.3, 1]),
        "Order": st.sampled_from(["stop-first", "start-first"]),
    }
)
policies = st.none() | st.fixed_dictionaries(
    {
        "Condition": st.sampled_from(["any", "on-failure", "none"]),
        "Delay": st.sampled_from([0, SECOND, 5 * SECOND]),
        "MaxAttempts": st.sampled_from([0, 0, 2]),
        "Window": st.sampled_from([0, 10 * SECOND]),
    }
)


# sampled, for integers prefers its ends, and nothing happens to a service without replicas
images = st.sampled_from([1, 2, 3])
sizes = st.sampled_from([3, 2, 1, 4, 5, 0])


def _spec(
    image: int, size: int, label: int, everywhere: bool, update: Json | None, rollback: Json | None, policy: Json | None
) -> Json:
    spec: Json = {
        "Name": "web",
        "Labels": {"label": str(label)},
        "Mode": {"Global": {}} if everywhere else {"Replicated": {"Replicas": size}},
        "TaskTemplate": {"ContainerSpec": {"Image": f"app:{image}"}},
    }
    if update is not None:
        spec["UpdateConfig"] = update
    if rollback is not None:
        spec["RollbackConfig"] = {**rollback, "FailureAction": rollback["FailureAction"].replace("rollback", "pause")}
    if policy is not None:
        spec["TaskTemplate"]["RestartPolicy"] = policy
    return spec


def service_specs(everywhere: bool, policy: st.SearchStrategy[Json | None] = policies) -> st.SearchStrategy[Json]:
    return st.builds(_spec, images, sizes, st.integers(1, 2), st.just(everywhere), configs, configs, policy)


Event = tuple[str, Any]
# What happens, and for how long nothing else happens then: with 0 not even a step is made in between.
Life = tuple[Event, float]


def events(specs_: st.SearchStrategy[Json]) -> st.SearchStrategy[Event]:
    update = st.tuples(st.just("update"), specs_)
    return st.one_of(
        update,
        update,  # twice, for most of what can go wrong begins with one
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("roll back"), st.none()),
        st.tuples(st.just("kill"), st.tuples(st.integers(0, 20), st.sampled_from([0, 1, 137]))),
        st.tuples(st.just("node"), st.tuples(st.sampled_from(NODES), st.sampled_from(["active", "pause", "drain"]))),
        st.tuples(st.just("node state"), st.tuples(st.sampled_from(NODES), st.sampled_from(["ready", "down"]))),
        st.tuples(st.just("restart manager"), st.none()),
    )


def lives(specs_: st.SearchStrategy[Json], most: int) -> st.SearchStrategy[list[Life]]:
    pauses = st.sampled_from([1.0, 0.0, 0.1, 0.3, 2.5, 8.0, 70.0])
    return st.lists(st.tuples(events(specs_), pauses), min_size=most // 2, max_size=most)


@dataclass
class History:
    """A simulation that is watched at every step and made to live through events."""

    seed: int
    first: Json
    checks: list[Callable[[Simulation, Step], None]]
    orders: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.healing = False
        self.kept = self.ever_kept = False
        self.sim = Simulation(
            script=self._script,
            nodes={name: single_node(name) for name in NODES},
            seed=self.seed,
            check=lambda sim, made: [check(sim, made) for check in self.checks] and None,
        )
        self.sim.create(self.first)
        self.note_order(self.first)

    def note_order(self, spec: Json) -> None:
        for config in (spec.get("UpdateConfig"), spec.get("RollbackConfig")):
            self.orders.add((config or {}).get("Order", "stop-first"))

    def _script(self, task: Task) -> Script:
        """Each task behaves as chance and its image say: the higher the tag the worse."""
        chance = random.Random(f"{self.seed} {task.id}")
        times = {
            "prepare": chance.choice([0, 0.2, 3]),
            "start": chance.choice([0.1, 1]),
            "stop": chance.choice([0, 2, 70]),
        }
        badness = 0 if self.healing else int(task.spec["ContainerSpec"]["Image"][-1]) - 1
        if chance.random() < badness * 0.3:
            ends = chance.choice([0.5, 3, 12])
            return Script(
                **times,
                fails_after=ends,
                exit_code=chance.choice([0, 1]),
                healthy=chance.random() < 0.6,
                rejected="no such image" if chance.random() < 0.2 else None,
            )
        return Script(**times)

    def live_through(self, lives_: list[Life]) -> None:
        """From a deployed service on, or one that is still being deployed."""
        self.sim.run_for(4)
        for event, pause in lives_:
            self.happen(event)
            if pause:
                self.sim.run_for(pause)

    def happen(self, event: Event) -> None:
        sim, (kind, what) = self.sim, event
        if kind == "update":
            sim.update("web", what)
            self.note_order(what)
        elif kind == "again":
            sim.update("web", dict(sim.services["web"].spec))
        elif kind == "roll back":
            sim.roll_back("web")
        elif kind == "kill":
            number, exit_code = what
            if sim.tasks:
                sim.kill(list(sim.tasks)[number % len(sim.tasks)], exit_code)
        elif kind == "node":
            sim.change_node(what[0], availability=what[1])
        elif kind == "node state":
            sim.change_node(what[0], state=what[1])
        else:
            assert kind == "restart manager"
            sim.restart_manager()

    def heal(self) -> None:
        """From now on nothing fails, and all nodes are back."""
        self.healing = True
        for name in NODES:
            self.sim.change_node(name, availability="active", state="ready")


# --- what must hold at every step ----------------------------------------------------------------------------------


def states_never_decrease(sim: Simulation, made: Step) -> None:
    for task in made.tasks:
        before = sim.tasks.get(task.id)
        if before is not None:
            assert task.desired >= before.desired
            assert task.status.state >= before.status.state
            assert (task.slot, task.spec, task.created_at) == (before.slot, before.spec, before.created_at)
            assert task.node_id == before.node_id or before.status.state < TaskState.ASSIGNED
        else:
            assert task.id not in made.removed_tasks


def nothing_alive_is_deleted(sim: Simulation, made: Step) -> None:
    changed = {task.id for task in made.tasks}
    for task_id in made.removed_tasks:
        task = sim.tasks[task_id]
        assert task_id not in changed
        assert task.status.state < TaskState.ASSIGNED or task.status.state > TaskState.RUNNING


def a_step_that_did_nothing_is_a_fixed_point(sim: Simulation, made: Step) -> None:
    """Up to the very last moment before ``wake_at``, which may be ``now`` itself: two deadlines can lie a rounding
    error apart, with no time between them. At ``wake_at`` something does happen, or waking up was for nothing."""
    if not made.empty:
        assert made.wake_at == sim.now
        return
    assert made.wake_at is None or made.wake_at > sim.now
    last = sim.now + 1e6 if made.wake_at is None else math.nextafter(made.wake_at, sim.now)
    for at in (sim.now, last):
        assert step(sim.snapshot(), made.memory, at, SeededChoices(0)) == made
    if made.wake_at is not None:
        assert step(sim.snapshot(), made.memory, made.wake_at, SeededChoices(0)) != made


def updates_keep_to_their_parallelism(sim: Simulation, made: Step) -> None:
    for update in made.memory.updates.values():
        assert len(update.workers) <= (update.config.parallelism or update.total)
        assert len({worker.slot for worker in update.workers}) == len(update.workers)
        assert update.workers or update.monitor_until is not None


def note_a_kept_update(history: History) -> Callable[[Simulation, Step], None]:
    """A rollback that finds an update at work with the very spec it goes back to lets it go on, as in Swarm: with the
    slots that it has, though the rollback has filled others instead of those that were given up, and if it has failed
    already, without an end: the rollback stays begun until somebody writes again."""

    def check(sim: Simulation, made: Step) -> None:
        service, update = sim.services["web"], made.memory.updates.get("web")
        going_back = sim.update_state("web") == "rollback_started"
        if not going_back:
            history.kept = False
        elif update is not None and made.empty:
            history.kept = update.service.update_status != service.update_status  # it began before the rollback
            history.ever_kept |= history.kept

    return check


def no_more_slots_than_replicas(history: History) -> Callable[[Simulation, Step], None]:
    """Judged when the orchestrator has settled."""

    def check(sim: Simulation, made: Step) -> None:
        if not made.empty or history.kept:
            return
        spec = sim.services["web"].spec
        slots = Counter((task.slot, task.node_id if task.slot == 0 else "") for task in sim.live("web"))
        assert len(slots) <= (specs.replicas(spec) if specs.mode(spec) == "Replicated" else len(NODES))

    return check


def one_task_per_slot(history: History) -> Callable[[Simulation, Step], None]:
    """As long as nothing was ever updated start-first, and no kept update revived what its rollback had refilled: the
    second pass that takes one away again may last. A global service may get two for a while when a node changes
    in the middle of an update: both replace the old task, and the update's second pass takes one away."""

    def check(sim: Simulation, made: Step) -> None:
        if made.empty and history.orders == {"stop-first"} and not history.ever_kept:
            slots = Counter(task.slot for task in sim.live("web") if task.slot)
            assert not slots or max(slots.values()) == 1

    return check


ALWAYS = [
    states_never_decrease,
    nothing_alive_is_deleted,
    a_step_that_did_nothing_is_a_fixed_point,
    updates_keep_to_their_parallelism,
]


def watched(seed: int, first: Json) -> History:
    history = History(seed, first, list(ALWAYS))
    history.checks += [note_a_kept_update(history), no_more_slots_than_replicas(history), one_task_per_slot(history)]
    return history


def usable(sim: Simulation) -> list[Node]:
    return [node for node in sim.nodes.values() if node.availability == "active" and node.state == "ready"]


# --- the properties ------------------------------------------------------------------------------------------------


@settings(max_examples=80 * EFFORT, suppress_health_check=SLOW)
@given(st.data(), st.integers(0, 999), st.booleans())
def test_whatever_happens_the_laws_hold_and_it_ends_quiet(data: st.DataObject, seed: int, everywhere: bool) -> None:
    some_spec = service_specs(everywhere)
    history = watched(seed, data.draw(some_spec))
    history.live_through(data.draw(lives(some_spec, 14)))
    history.heal()
    assert history.sim.run_until_quiet(history.sim.now + 10_000)
    assert history.sim.memory.updates == {} or _waits_for_a_place(history.sim)


def _waits_for_a_place(sim: Simulation) -> bool:
    return any(task.status.state == TaskState.PENDING for task in sim.live("web"))


@settings(max_examples=60 * EFFORT, suppress_health_check=SLOW)
@given(st.data(), st.integers(0, 999), st.booleans())
def test_when_nothing_fails_any_more_every_slot_runs(data: st.DataObject, seed: int, everywhere: bool) -> None:
    always = st.just({"Condition": "any", "Delay": SECOND})
    some_spec = service_specs(everywhere, always)
    history = watched(seed, data.draw(some_spec))
    history.live_through(data.draw(lives(some_spec, 14)))
    history.heal()
    sim = history.sim
    assert sim.run_until_quiet(sim.now + 10_000)
    wanted = len(usable(sim)) if everywhere else specs.replicas(sim.services["web"].spec)
    running = Counter((task.slot, task.node_id if everywhere else "") for task in sim.running("web"))
    assert len(running) == wanted
    assert (
        all(task.status.state == TaskState.RUNNING for task in sim.live("web")) or sim.update_state("web") == "paused"
    )
    assert history.kept or sim.update_state("web") not in ("updating", "rollback_started")


@settings(max_examples=40 * EFFORT, suppress_health_check=SLOW)
@given(st.data(), st.integers(0, 999))
def test_an_undisturbed_update_takes_no_more_slots_down_than_it_may(data: st.DataObject, seed: int) -> None:
    parallelism, size = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 6))
    order = data.draw(st.sampled_from(["stop-first", "start-first"]))
    undisturbed_update(seed, parallelism, size, order, data.draw(st.sampled_from([0, SECOND])))


def test_an_undisturbed_update_whose_deadlines_lie_a_rounding_error_apart() -> None:
    """A task runs at 5.3 s, and a worker's delay is over at the next number a float can hold."""
    undisturbed_update(676, 3, 4, "start-first", SECOND)


def undisturbed_update(seed: int, parallelism: int, size: int, order: str, delay: int) -> None:
    config = {"Parallelism": parallelism, "Delay": delay, "Order": order}
    allowed = 0 if order == "start-first" else parallelism

    def availability(sim: Simulation, made: Step) -> None:
        if sim.update_state("web") is not None:
            assert len({task.slot for task in sim.running("web")}) >= size - allowed

    history = watched(seed, _spec(1, size, 1, False, None, None, None))
    history.checks.append(availability)
    history.healing = True
    assert history.sim.run_until_quiet(1000)
    history.happen(("update", _spec(2, size, 1, False, config, None, None)))
    assert history.sim.run_until_quiet(10_000)
    assert history.sim.update_state("web") == "completed"
    assert {task.spec["ContainerSpec"]["Image"] for task in history.sim.running("web")} == {"app:2"}


@settings(max_examples=20 * EFFORT, suppress_health_check=SLOW)
@given(st.data(), st.integers(0, 999))
def test_the_same_choices_make_the_same_history(data: st.DataObject, seed: int) -> None:
    some_spec = service_specs(False)
    first, happened = data.draw(some_spec), data.draw(lives(some_spec, 10))
    timelines = []
    for _ in range(2):
        history = History(seed, first, [])
        history.live_through(happened)
        history.sim.run_for(60)
        timelines.append((history.sim.timeline, history.sim.statuses, history.sim.memory, history.sim.tasks))
    assert timelines[0] == timelines[1]
