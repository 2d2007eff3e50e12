"""The decisions of a rollout, on values: what may be written, what is good, what has failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.rollout import machine
from reconciler.rollout.machine import Item, advance, sent, turned
from stackc.observed import ManagerInfo, Observed, ObservedService, ObservedTask
from stackc.plan import Json

MANAGER = ManagerInfo(name="n", cluster="c", version="1", builtin=True, host="unix:///x")


def spec(name: str, tag: str = "v1", replicas: int = 2, **more: Any) -> Json:
    return {
        "Name": name,
        "TaskTemplate": {"ContainerSpec": {"Image": f"process/{name}:{tag}"}, "Placement": {}},
        "Mode": {"Replicated": {"Replicas": replicas}},
        "UpdateConfig": {"Monitor": 2_000_000_000},
        **more,
    }


def task(service: str, slot: int, state: str = "running", *, id: str = "", **more: Any) -> ObservedTask:  # noqa: A002
    values: dict[str, Any] = {"desired": "running", "current": True, "since": f"{slot:04d}", **more}
    return ObservedTask(id=id or f"{service}{slot}", service=service, slot=slot, node="n", state=state, **values)


def service(body: Json, version: int = 5, update: str = "", message: str = "") -> ObservedService:
    return ObservedService(id=body["Name"], version=version, spec=body, update_state=update, update_message=message)


def look(services: list[ObservedService], *tasks: ObservedTask) -> Observed:
    return Observed(stack="s", manager=MANAGER, services={s.name: s for s in services}, tasks=tasks)


def item(name: str, tag: str = "v2", **more: Any) -> Item:
    return Item(name=name, **{"spec": spec(name, tag), "before": spec(name), "base": 5, **more})


def test_a_dependent_waits_until_what_it_needs_is_good() -> None:
    items = {"a": item("a"), "b": item("b", needs={"a": "service_healthy"})}
    world = look([service(spec("a")), service(spec("b"))], task("a", 1), task("b", 1))
    items, writes = advance(items, world, 0)
    assert writes == ("a",)
    items["a"] = sent(items["a"], world)
    updating = look([service(spec("a", "v2"), update="updating"), service(spec("b"))], task("a", 1), task("a", 2))
    items, writes = advance(items, updating, 1)
    assert writes == ()
    assert items["b"].text == "waiting for a (service_healthy)"
    done = look(
        [service(spec("a", "v2"), update="completed"), service(spec("b"))],
        task("a", 1, id="n1"),
        task("a", 2, id="n2"),
        task("b", 1),
    )
    items, writes = advance(items, done, 2)
    assert items["a"].state == "good"
    assert writes == ("b",)


def test_service_started_needs_one_running_task_only() -> None:
    items = {"a": item("a"), "b": item("b", needs={"a": "service_started"})}
    items["a"] = sent(items["a"], look([]))
    world = look([service(spec("a", "v2"), update="updating"), service(spec("b"))], task("a", 1, id="n1"))
    assert advance(items, world, 0)[1] == ("b",)


def test_a_job_must_be_complete_in_every_slot() -> None:
    once = {"TaskTemplate": {**spec("a", "v2")["TaskTemplate"], "RestartPolicy": {"Condition": "none"}}}
    body = {**spec("a", "v2"), **once}
    items = {"a": item("a", spec=body), "b": item("b", needs={"a": "service_completed_successfully"})}
    items["a"] = sent(items["a"], look([]))
    half = look([service(body), service(spec("b"))], task("a", 1, "complete", desired="shutdown"), task("a", 2))
    assert advance(items, half, 0)[1] == ()
    whole = look(
        [service(body), service(spec("b"))],
        task("a", 1, "complete", desired="shutdown"),
        task("a", 2, "complete", desired="shutdown"),
    )
    assert advance(items, whole, 0)[1] == ("b",)


def test_new_tasks_are_watched_for_the_monitor_window() -> None:
    items = {"a": sent(item("a"), look([]))}
    world = look([service(spec("a", "v2"))], task("a", 1, id="n1"), task("a", 2, id="n2"))
    for now, state in ((10.0, "sent"), (11.9, "sent"), (12.0, "good")):
        items, _ = advance(items, world, now)
        assert items["a"].state == state, now


def test_flapping_starts_the_window_again() -> None:
    items = {"a": sent(item("a"), look([]))}
    well = look([service(spec("a", "v2"))], task("a", 1, id="n1"), task("a", 2, id="n2"))
    ill = look([service(spec("a", "v2"))], task("a", 1, id="n1"), task("a", 2, "starting", id="n3"))
    items, _ = advance(items, well, 0)
    items, _ = advance(items, ill, 1.5)
    items, _ = advance(items, well, 2.5)
    assert items["a"].state == "sent"
    items, _ = advance(items, well, 4.5)
    assert items["a"].state == "good"


def test_an_update_that_touches_no_task_is_good_at_once() -> None:
    world = look([service(spec("a"))], task("a", 1), task("a", 2))
    items = {"a": sent(item("a"), world)}
    after = look([service(spec("a", "v2"))], task("a", 1), task("a", 2))
    assert advance(items, after, 0)[0]["a"].state == "good"


@pytest.mark.parametrize("state", ["paused", "rollback_started", "rollback_completed", "rollback_paused"])
def test_an_engine_that_stopped_the_update_is_a_failure_with_the_tasks_reason(state: str) -> None:
    items = {"a": sent(item("a"), look([]))}
    world = look(
        [service(spec("a"), update=state)], task("a", 1, "failed", id="n1", err="unhealthy", desired="shutdown")
    )
    found = advance(items, world, 0)[0]["a"]
    assert found.state == "failed"
    assert "task a.1 failed: unhealthy" in found.text


def test_an_unknown_spec_is_a_failure() -> None:
    items = {"a": sent(item("a"), look([]))}
    found = advance(items, look([service(spec("a", "v9"))]), 0)[0]["a"]
    assert found.state == "failed"
    assert "somebody changed it" in found.text


def test_a_crash_loop_of_a_new_service_fails_after_the_third_task_of_a_slot() -> None:
    items = {"a": sent(item("a"), look([]))}
    dead = [task("a", 1, "failed", id=f"d{i}", desired="shutdown", err="exit 1", since=str(i)) for i in range(3)]
    two = look([service(spec("a", "v2"))], *dead[:2], task("a", 1, "starting", id="n"))
    items, _ = advance(items, two, 0)
    assert items["a"].state == "sent"
    three = look([service(spec("a", "v2"))], *dead, task("a", 1, "starting", id="n"))
    assert advance(items, three, 1)[0]["a"].state == "failed"


def test_failures_from_before_the_write_are_no_evidence() -> None:
    dead = [task("a", 1, "failed", id=f"d{i}", desired="shutdown") for i in range(4)]
    before = look([service(spec("a"))], *dead)
    items = {"a": sent(item("a"), before)}
    after = look([service(spec("a", "v2"), update="completed")], *dead, task("a", 1, id="n1"), task("a", 2, id="n2"))
    assert advance(items, after, 0)[0]["a"].state == "good"


def test_nothing_is_written_any_more_once_something_failed() -> None:
    items = {"a": sent(item("a"), look([])), "b": item("b")}
    world = look([service(spec("a"), update="paused"), service(spec("b"))])
    assert advance(items, world, 0)[1] == ()


def test_two_tasks_in_a_slot_are_not_settled() -> None:
    items = {"a": sent(item("a", spec=spec("a", "v2", 1)), look([]))}
    both = look([service(spec("a", "v2", 1))], task("a", 1, id="new"), task("a", 1, id="old", current=False))
    assert advance(items, both, 0)[0]["a"].state == "sent"
    assert advance(items, both, 100)[0]["a"].state == "sent"


def test_a_pending_task_says_why() -> None:
    items = {"a": sent(item("a"), look([]))}
    world = look([service(spec("a", "v2"))], task("a", 1, "pending", id="n", err="no suitable node (x)"))
    assert "no suitable node (x)" in advance(items, world, 0)[0]["a"].text


def test_the_way_back_visits_dependents_first_and_removes_what_was_new() -> None:
    items = {
        "a": item("a", state="good", written=True),
        "b": item("b", needs={"a": "service_healthy"}, state="failed", written=True),
        "new": item("new", before=None, base=0, state="good", written=True),
        "late": item("late", needs={"b": "service_healthy"}),
    }
    back = turned(items, {"a": spec("a"), "b": spec("b"), "late": spec("late")})
    assert list(back) == ["new", "b", "a"]
    assert back["new"].spec is None
    world = look([service(spec("a", "v2")), service(spec("b", "v2"), update="paused"), service(spec("new", "v2"))])
    back, writes = advance(back, world, 0, back=True)
    assert writes == ("new", "b")
    assert back["a"].text == "waiting for b (service_healthy)"


def test_the_engines_own_rollback_is_waited_for_and_not_repeated() -> None:
    back = turned({"a": item("a", state="failed", written=True)}, {"a": spec("a")})
    back, writes = advance(back, look([service(spec("a"), update="rollback_started")], task("a", 1)), 0, back=True)
    assert writes == ()
    done = look([service(spec("a"), update="rollback_completed")], task("a", 1), task("a", 2))
    back, writes = advance(back, done, 1, back=True)
    assert (writes, back["a"].state) == ((), "good")


def test_where_the_engines_rollback_is_stuck_ours_is_sent_once() -> None:
    back = turned({"a": item("a", state="failed", written=True)}, {"a": spec("a")})
    stuck = look([service(spec("a"), update="rollback_paused")], task("a", 1, "failed", desired="shutdown"))
    back, writes = advance(back, stuck, 0, back=True)
    assert writes == ("a",)
    back["a"] = sent(back["a"], stuck)
    back, writes = advance(back, stuck, 1, back=True)
    assert (writes, back["a"].state) == ((), "failed")


def test_somebody_elses_edit_is_not_overwritten_forward_or_back() -> None:
    mine = item("a")
    assert machine.writable(mine, service(spec("a")), back=False) == ""
    assert "changed by somebody else" in machine.writable(mine, service(spec("a", "v7")), back=False)
    assert "removed by somebody else" in machine.writable(mine, None, back=False)
    theirs = item("a", state="failed", theirs=True)
    assert turned({"a": theirs}, {"a": spec("a")}) == {}


def test_a_resumed_rollout_recognises_what_the_engine_rolled_back_meanwhile() -> None:
    world = look([service(spec("a"), version=9, update="rollback_completed")], task("a", 1), task("a", 2))
    items, writes = advance({"a": item("a")}, world, 0)
    assert writes == ()
    assert items["a"].state == "failed"
    fresh, writes = advance({"a": item("a", base=9)}, world, 0)  # that rollback was an earlier attempt's
    assert writes == ("a",)
    assert fresh["a"].state == "waiting"


def test_a_resumed_rollout_takes_up_what_was_written_already() -> None:
    world = look(
        [service(spec("a", "v2"), version=9, update="completed")], task("a", 1, id="n1"), task("a", 2, id="n2")
    )
    items, writes = advance({"a": item("a")}, world, 0)
    assert (writes, items["a"].state) == ((), "good")


def test_a_removed_service_is_good_when_its_tasks_have_ended() -> None:
    items = {"a": item("a", spec=None, state="sent", written=True)}
    items, _ = advance(items, look([]), 0, back=True)
    assert items["a"].state == "good"


def test_zero_replicas_are_well_without_tasks() -> None:
    items = {"a": sent(item("a", spec=spec("a", "v2", 0)), look([]))}
    assert advance(items, look([service(spec("a", "v2", 0))]), 0)[0]["a"].state == "good"


def test_an_unhealthy_task_that_obeyed_its_stop_signal_is_named_too() -> None:
    items = {"a": sent(item("a"), look([]))}
    message = "update rolled back due to failure or early termination of task n1"
    ended = task("a", 1, "complete", id="n1", desired="shutdown", exit_code=0)
    found = advance(items, look([service(spec("a"), update="rollback_started", message=message)], ended), 0)[0]["a"]
    assert "task a.1 ended (exit code 0) instead of staying up and healthy" in found.text


def test_a_job_of_the_engine_is_good_when_it_has_completed_often_enough() -> None:
    body = {**spec("a", "v2"), "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 2}}}
    items = {"a": sent(item("a", spec=body), look([])), "b": item("b", needs={"a": "service_completed_successfully"})}
    first = task("a", 0, "complete", id="j0", desired="complete")
    second = task("a", 1, "running", id="j1", desired="complete")
    items, writes = advance(items, look([service(body), service(spec("b"))], first, second), 0)
    assert (items["a"].state, items["a"].healthy, items["a"].wanted, writes) == ("sent", 1, 2, ())
    second = task("a", 1, "complete", id="j1", desired="complete")
    items, writes = advance(items, look([service(body), service(spec("b"))], first, second), 1)
    assert (items["a"].state, writes) == ("good", ("b",))


def test_a_wave_waits_for_all_of_lower_waves_and_the_way_back_is_turned() -> None:
    items = {"a": item("a"), "b": item("b"), "c": item("c", wave=1)}
    world = look([service(spec(n)) for n in "abc"], *(task(n, i) for n in "abc" for i in (1, 2)))
    items, writes = advance(items, world, 0)
    assert writes == ("a", "b")
    assert items["c"].text == "waiting for wave 0"
    items = {n: replace(i, state="good", written=True) if n in "ab" else i for n, i in items.items()}
    assert advance({**items, "b": replace(items["b"], state="sent")}, world, 1)[1] == ()
    items, writes = advance(items, world, 1)
    assert writes == ("c",)
    items["c"] = replace(items["c"], state="failed", written=True)
    back = turned(items, {n: spec(n) for n in "abc"})
    changed = look([service(spec(n, "v2"), 9) for n in "abc"], *(task(n, i) for n in "abc" for i in (1, 2)))
    assert advance(back, changed, 2, back=True)[1] == ("c",)
