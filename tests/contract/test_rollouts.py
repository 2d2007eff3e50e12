"""Rolling updates with real tasks: order, parallelism, delay, failure actions, rollback, what restarts a task.

Scenarios are functions; those of one manager run side by side, because nearly all of their time is waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from lab.managers import ENDED, SECOND, Json, Manager, Scenario, brief, copy, service

SCENARIOS: list[Scenario] = []
QUICK = {"Parallelism": 1, "Monitor": SECOND, "FailureAction": "pause"}
# An update that is to fail does not wait its monitor window out: let it be long, so that a busy machine, on which
# the failure is noticed late, makes no difference. So with the delay, which the failure cuts short as well.
PATIENT = {"Parallelism": 1, "Monitor": 30 * SECOND, "Delay": 60 * SECOND, "FailureAction": "pause"}
# The delay of the last slot is slept through before failures are looked at: none where there is but one.
AT_ONCE = {**PATIENT, "Delay": 0}
FAILING = ("sh", "-c", "sleep 0.3; exit 3")
TASK_ID = r"[0-9a-z]{25}"


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda function: function.__name__)
def test_rollout(manager: Manager, scenario: Scenario, outcome: Callable[[Manager, Scenario], Future[None]]) -> None:
    outcome(manager, scenario).result()


def changed(spec: Json, *command: str, **update: Any) -> Json:
    """The same service with another environment, and another command if one is given."""
    made = copy(spec)
    made["TaskTemplate"]["ContainerSpec"].setdefault("Env", []).append("CHANGED=1")
    if command:
        made["TaskTemplate"]["ContainerSpec"]["Command"] = list(command)
    made.update(update)
    return made


def seconds(time: str) -> float:
    """Engine times have nanoseconds, which datetime does not read before Python 3.11 and cuts from then on."""
    return datetime.fromisoformat(time).timestamp()


def ids(tasks: list[Json]) -> set[str]:
    return {task["ID"] for task in tasks}


def fresh(manager: Manager, name: str) -> list[Json]:
    """Tasks of the new version, oldest first."""
    return [t for t in manager.tasks(name) if "CHANGED=1" in t["Spec"]["ContainerSpec"].get("Env", [])]


def watch(manager: Manager, name: str, *states: str) -> tuple[Json, list[list[Json]], list[Json]]:
    """Follows an update until its state is one of those given. The service, the task lists seen on the way, and the
    different UpdateStatus seen on the way."""
    lists: list[list[Json]] = []
    statuses: list[Json] = []

    def there() -> Json | None:
        lists.append(manager.tasks(name))
        found = manager.service(name)
        status = found.get("UpdateStatus", {})
        if status and (not statuses or statuses[-1] != status):
            statuses.append(status)
        return found if status.get("State") in states else None

    return manager.wait(there, lambda: [statuses, brief(manager.tasks(name))]), lists, statuses


def in_order(statuses: list[Json], *states: str) -> bool:
    """Whether the states were these; on a busy machine one that lasted a second may have been missed."""
    seen = [status["State"] for status in statuses]
    return seen == [state for state in states if state in seen] and seen[-1] == states[-1]


@scenario
def stop_first_replaces_slot_by_slot(manager: Manager, name: str) -> None:
    old = service(name, replicas=3, UpdateConfig={**QUICK, "Delay": SECOND // 2})
    manager.create(old)
    before = manager.running(name, 3)
    assert [task["Slot"] for task in before] == [1, 2, 3]
    assert "UpdateStatus" not in manager.service(name), "a creation is no update"
    assert "PreviousSpec" not in manager.service(name)
    stored = manager.service(name)["Spec"]

    manager.update(name, changed(old))
    found, lists, statuses = watch(manager, name, "completed")

    assert in_order(statuses, "updating", "completed")
    assert [status["Message"] for status in statuses] == ["update in progress", "update completed"]
    assert statuses[0]["StartedAt"] == statuses[1]["StartedAt"]
    assert "CompletedAt" not in statuses[0]
    assert seconds(statuses[1]["CompletedAt"]) > seconds(statuses[1]["StartedAt"])
    assert found["PreviousSpec"] == stored
    assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["CHANGED=1"]

    after = manager.running(name, 3)
    assert [task["Slot"] for task in after] == [1, 2, 3]
    assert not ids(before) & ids(after)
    for tasks in lists:
        live = [t for t in tasks if t["DesiredState"] in ("ready", "running")]
        assert len(live) == 3, brief(tasks)
        assert len([t for t in live if t["Status"]["State"] == "running"]) >= 2, brief(tasks)
    new = fresh(manager, name)
    assert len(new) == 3
    for earlier, later in pairwise(new):
        gap = seconds(later["CreatedAt"]) - seconds(earlier["Status"]["Timestamp"])
        assert gap >= 0.45, "the delay begins when the task runs"
    stopped = [t for t in manager.tasks(name) if t["ID"] in ids(before)]
    assert {(t["DesiredState"], t["Status"]["State"]) for t in stopped} == {("shutdown", "shutdown")}


@scenario
def start_first_keeps_every_replica(manager: Manager, name: str) -> None:
    old = service(name, replicas=2, UpdateConfig={**QUICK, "Order": "start-first"})
    manager.create(old)
    before = manager.running(name, 2)
    manager.update(name, changed(old))
    _, lists, _ = watch(manager, name, "completed")
    manager.running(name, 2)
    for tasks in lists:
        assert len([t for t in tasks if t["Status"]["State"] == "running"]) >= 2, brief(tasks)
        for new in tasks:
            if new["ID"] in ids(before) or new["Status"]["State"] == "running":
                continue
            held = [t for t in tasks if t["ID"] in ids(before) and t["Slot"] == new["Slot"]]
            assert held[0]["DesiredState"] == "running", "the old task stays until the new one runs"


@scenario
def parallelism_zero_is_all_at_once(manager: Manager, name: str) -> None:
    old = service(name, replicas=3, UpdateConfig={"Parallelism": 0, "Monitor": SECOND, "Delay": SECOND // 2})
    manager.create(old)
    manager.running(name, 3)
    manager.update(name, changed(old))
    manager.update_state(name, "completed")
    new = fresh(manager, name)
    assert len(new) == 3
    assert max(seconds(t["CreatedAt"]) for t in new) < min(seconds(t["Status"]["Timestamp"]) for t in new)


@scenario
def no_update_config_is_one_at_a_time(manager: Manager, name: str) -> None:
    old = service(name, replicas=2)
    manager.create(old)
    manager.running(name, 2)
    manager.update(name, changed(old))
    manager.wait(lambda: len([t for t in fresh(manager, name) if t["Status"]["State"] == "running"]) == 2)
    first, second = fresh(manager, name)
    assert seconds(second["CreatedAt"]) >= seconds(first["Status"]["Timestamp"])


@scenario
def failure_pauses_and_the_next_update_resumes(manager: Manager, name: str) -> None:
    old = service(name, replicas=2, restart={"Condition": "none"}, UpdateConfig=PATIENT)
    manager.create(old)
    before = manager.running(name, 2)
    manager.update(name, changed(old, *FAILING))
    found, _, statuses = watch(manager, name, "paused")
    assert in_order(statuses, "updating", "paused")
    message = found["UpdateStatus"]["Message"]
    matched = re.fullmatch(rf"update paused due to failure or early termination of task ({TASK_ID})", message)
    assert matched, message
    failed = manager.ok("GET", f"/tasks/{matched[1]}")
    assert failed["Status"]["State"] == "failed"
    assert failed["Status"]["Err"] == "task: non-zero exit (3)"
    assert "CompletedAt" not in found["UpdateStatus"]
    assert "PreviousSpec" in found
    kept = [t for t in manager.tasks(name) if t["DesiredState"] == "running" and t["ID"] in ids(before)]
    assert len(kept) == 1, "the other slot is not touched"

    fixed = changed(old)
    fixed["UpdateConfig"] = QUICK
    manager.update(name, fixed)
    found = manager.update_state(name, "completed")
    assert found["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Command"] == list(FAILING)
    assert [task["Slot"] for task in manager.running(name, 2)] == [1, 2]


@scenario
def failure_rolls_back(manager: Manager, name: str) -> None:
    # A rollback begins only when the workers of the update have slept through their delay: a short one here.
    update = {**PATIENT, "FailureAction": "rollback", "Delay": 5 * SECOND}
    old = service(name, replicas=2, UpdateConfig=update, RollbackConfig={"Parallelism": 1, "Monitor": 2 * SECOND})
    manager.create(old)
    before = manager.running(name, 2)
    stored = manager.service(name)["Spec"]
    manager.update(name, changed(old, *FAILING))
    found, _, statuses = watch(manager, name, "rollback_completed")
    assert in_order(statuses, "updating", "rollback_started", "rollback_completed")
    text = rf"update rolled back due to failure or early termination of task {TASK_ID}"
    assert all(re.fullmatch(text, s["Message"]) for s in statuses if s["State"] == "rollback_started"), statuses
    assert statuses[-1]["Message"] == "rollback completed"
    assert len({status["StartedAt"] for status in statuses}) == 1
    assert found["Spec"] == stored
    assert "PreviousSpec" not in found
    after = manager.running(name, 2)
    assert len(ids(before) & ids(after)) == 1, "the slot that was not touched keeps its task"
    again = manager.request(
        "POST", f"/services/{name}/update", {"version": found["Version"]["Index"], "rollback": "previous"}, old
    )
    assert again.status == 400
    assert again.body["message"].endswith("does not have a previous spec")


@scenario
def failing_rollback_pauses(manager: Manager, name: str) -> None:
    """The spec that is rolled back to needs a config that was deleted meanwhile; only current specs protect one."""
    config = manager.ok("POST", "/configs/create", None, {"Name": name, "Data": "eA=="})["ID"]
    file = {"Name": "/x", "UID": "0", "GID": "0", "Mode": 0o444}
    old = service(
        name,
        replicas=2,
        container={
            "Env": ["SLOT={{.Task.Slot}}"],
            "Configs": [{"ConfigID": config, "ConfigName": name, "File": file}],
        },
        restart={"Condition": "none"},
        UpdateConfig={**AT_ONCE, "Parallelism": 2, "FailureAction": "rollback"},
        RollbackConfig=AT_ONCE,
    )
    manager.create(old)
    manager.running(name, 2)
    new = changed(old, "sh", "-c", 'if [ "$SLOT" = 1 ]; then sleep 600; fi; sleep 1; exit 4')
    new["TaskTemplate"]["ContainerSpec"].pop("Configs")
    manager.update(name, new)
    manager.ok("DELETE", f"/configs/{config}")
    found, _, statuses = watch(manager, name, "rollback_paused", "rollback_completed", "completed")
    assert in_order(statuses, "updating", "rollback_started", "rollback_paused")
    text = rf"update paused due to failure or early termination of task {TASK_ID}"
    assert re.fullmatch(text, found["UpdateStatus"]["Message"]), statuses
    broken = [t["Status"] for t in manager.tasks(name)[4:] if t["Status"].get("Err")]
    assert {status["State"] for status in broken} <= {"failed", "rejected"}
    assert re.search(r"config \S+ not found", broken[0]["Err"]), broken


@scenario
def failure_is_ignored_when_told_to_continue(manager: Manager, name: str) -> None:
    update = {"Parallelism": 0, "Monitor": SECOND, "FailureAction": "continue"}
    old = service(name, replicas=2, restart={"Condition": "none"}, UpdateConfig=update)
    manager.create(old)
    manager.running(name, 2)
    manager.update(name, changed(old, *FAILING))
    found = manager.update_state(name, "completed", "paused", "rollback_started")
    assert found["UpdateStatus"]["Message"] == "update completed"


@scenario
def failure_ratio_is_exceeded_strictly(manager: Manager, name: str) -> None:
    """Four slots and 0.5: the third failure pauses."""
    update = {**PATIENT, "MaxFailureRatio": 0.5, "Delay": 2 * SECOND}
    old = service(name, replicas=4, restart={"Condition": "none"}, UpdateConfig=update)
    manager.create(old)
    before = manager.running(name, 4)
    manager.update(name, changed(old, *FAILING))
    manager.update_state(name, "paused")
    untouched = [t for t in manager.tasks(name) if t["ID"] in ids(before) and t["DesiredState"] == "running"]
    assert len(untouched) <= 1, brief(manager.tasks(name))  # 0 when the machine is slower than the delay


@scenario
def an_early_end_is_a_failure(manager: Manager, name: str) -> None:
    old = service(name, restart={"Condition": "none"}, UpdateConfig=AT_ONCE)
    manager.create(old)
    manager.running(name, 1)
    manager.update(name, changed(old, "sh", "-c", "sleep 0.3"))
    manager.update_state(name, "paused")
    assert manager.tasks(name)[-1]["Status"]["State"] == "complete"


@scenario
def a_rejected_task_is_a_failure(manager: Manager, name: str) -> None:
    old = service(name, UpdateConfig=AT_ONCE, restart={"Condition": "none"})
    manager.create(old)
    manager.running(name, 1)
    bad = changed(old)
    bad["TaskTemplate"]["ContainerSpec"]["Image"] = "absent/none:v1"
    manager.update(name, bad)
    manager.update_state(name, "paused")
    rejected = manager.tasks(name)[-1]["Status"]
    assert rejected["State"] == "rejected"
    assert rejected["Err"]


@scenario
def rollback_on_request_swaps_the_specs(manager: Manager, name: str) -> None:
    old = service(name, UpdateConfig=QUICK, RollbackConfig=QUICK)
    manager.create(old)
    manager.running(name, 1)
    first = manager.service(name)["Spec"]
    manager.update(name, changed(old))
    second = manager.update_state(name, "completed")["Spec"]
    for spec, previous in ((first, second), (second, first)):
        manager.update(name, old, rollback="previous")
        found, _, statuses = watch(manager, name, "rollback_completed")
        assert found["Spec"] == spec
        assert found["PreviousSpec"] == previous
        started = [status for status in statuses if status["State"] == "rollback_started"]
        assert [status["Message"] for status in started] == ["manually requested rollback"]
        running = manager.running(name, 1)
        assert running[0]["Spec"]["ContainerSpec"] == spec["TaskTemplate"]["ContainerSpec"]


@scenario
def an_identical_update_forgets_the_rollback_target(manager: Manager, name: str) -> None:
    old = service(name, UpdateConfig=QUICK)
    manager.create(old)
    manager.running(name, 1)
    manager.update(name, changed(old))
    manager.update_state(name, "completed")
    before, tasks = manager.service(name), manager.running(name, 1)
    manager.update(name, changed(old))
    after = manager.service(name)
    assert "UpdateStatus" not in after
    assert after["PreviousSpec"] == after["Spec"] == before["Spec"]
    assert after["Version"]["Index"] > before["Version"]["Index"]
    assert ids(manager.running(name, 1)) == ids(tasks)


def _set(*path: str, value: Any) -> Callable[[Json], None]:
    def apply(spec: Json) -> None:
        for key in path[:-1]:
            spec = spec[key]
        spec[path[-1]] = value

    return apply


CONTAINER = ("TaskTemplate", "ContainerSpec")
# From spec to spec: whether a task made from the first is still up to date.
CHANGES: dict[str, tuple[bool, Callable[[Json], None]]] = {
    "nothing": (True, lambda spec: None),
    "service label": (True, _set("Labels", value={"a": "b"})),
    "update config": (True, _set("UpdateConfig", value={"Parallelism": 2})),
    "rollback config": (True, _set("RollbackConfig", value={"Parallelism": 2})),
    "replicas": (True, _set("Mode", value={"Replicated": {"Replicas": 2}})),
    "forced": (False, _set("TaskTemplate", "ForceUpdate", value=1)),
    "container label": (False, _set(*CONTAINER, "Labels", value={"a": "b"})),
    "order of the environment": (False, _set(*CONTAINER, "Env", value=["B=2", "A=1"])),
    "grace period": (False, _set(*CONTAINER, "StopGracePeriod", value=SECOND)),
    "restart policy": (False, _set("TaskTemplate", "RestartPolicy", "MaxAttempts", value=3)),
    "empty resources": (False, _set("TaskTemplate", "Resources", value={})),
    "health check": (False, _set(*CONTAINER, "Healthcheck", value={"Test": ["NONE"]})),
    "endpoint mode": (False, _set("EndpointSpec", value={"Mode": "vip"})),
    "log driver": (False, _set("TaskTemplate", "LogDriver", value={"Name": "json-file"})),
    "image": (False, _set(*CONTAINER, "Image", value="process/box:v2")),
}


@scenario
def only_some_changes_replace_tasks(manager: Manager, name: str) -> None:
    """A service for each change, with a task that no node can take: the rule is the same, and nothing has to start.
    ``_up-to-date`` is the manager's own answer."""
    nowhere = {"Placement": {"Constraints": ["node.labels.nowhere==1"]}}
    base = service(name, container={"Env": ["A=1", "B=2"]}, task=nowhere)
    kept = {}
    for number, (case, (_, change)) in enumerate(CHANGES.items()):
        own = f"{name}-{number}"
        spec = copy({**base, "Name": own})
        manager.create(spec)
        before = ids(manager.wait(lambda own=own: manager.tasks(own)))
        change(spec)
        manager.update(own, spec)
        kept[case] = before <= ids(manager.tasks(own, **{"_up-to-date": "true"}))
        if kept[case]:
            assert "UpdateStatus" not in manager.service(own), f"{case}: nothing is replaced, so there is no status"
        else:
            manager.update_state(own, "updating")
    assert kept == {case: stays for case, (stays, _) in CHANGES.items()}


@scenario
def placement_that_still_holds_replaces_nothing(manager: Manager, name: str) -> None:
    base = service(name)
    manager.create(base)
    before = ids(manager.running(name, 1))
    for placement in ({"Constraints": ["node.role==manager"]}, {"MaxReplicas": 3}, {"Preferences": []}, {}):
        spec = copy(base)
        spec["TaskTemplate"]["Placement"] = placement
        manager.update(name, spec)
        assert ids(manager.running(name, 1)) == before
        assert "UpdateStatus" not in manager.service(name)


@scenario
def sending_back_the_defaults_replaces_tasks(manager: Manager, name: str) -> None:
    manager.create({"Name": name, "TaskTemplate": service(name)["TaskTemplate"]})
    before = ids(manager.running(name, 1))
    filled = manager.ok("GET", f"/services/{name}", {"insertDefaults": "true"})["Spec"]
    manager.update(name, filled)
    assert not before & ids(manager.tasks(name, **{"_up-to-date": "true"}))


@scenario
def scaling_adds_and_takes_slots(manager: Manager, name: str) -> None:
    spec = service(name, replicas=2)
    manager.create(spec)
    two = manager.running(name, 2)
    for replicas in (4, 1):
        manager.update(name, {**spec, "Mode": {"Replicated": {"Replicas": replicas}}})
        live = manager.running(name, replicas)
        assert [task["Slot"] for task in live] == list(range(1, replicas + 1))
        assert "UpdateStatus" not in manager.service(name)
    assert live[0]["ID"] == two[0]["ID"]
    manager.wait(lambda: len(manager.tasks(name)) == 1, lambda: brief(manager.tasks(name)))


@scenario
def a_newer_update_takes_over(manager: Manager, name: str) -> None:
    """While the first waits out its delay, the original spec comes: replaced slots go back, the others stay."""
    old = service(name, replicas=2, UpdateConfig={**QUICK, "Delay": 60 * SECOND})
    manager.create(old)
    before = manager.running(name, 2)
    manager.update(name, changed(old))
    manager.wait(lambda: [t for t in fresh(manager, name) if t["Status"]["State"] == "running"])
    manager.update(name, {**old, "UpdateConfig": QUICK})
    manager.update_state(name, "completed")
    after = manager.running(name, 2)
    assert not fresh(manager, name) or not ids(fresh(manager, name)) & ids(after)
    assert len(ids(before) & ids(after)) == 1


@scenario
def a_global_service_rolls_too(manager: Manager, name: str) -> None:
    old = service(name, UpdateConfig=QUICK)
    old["Mode"] = {"Global": {}}
    manager.create(old)
    (before,) = manager.running(name, 1)
    assert "Slot" not in before
    assert before["NodeID"] == manager.ok("GET", "/nodes")[0]["ID"]
    manager.update(name, changed(old))
    manager.update_state(name, "completed")
    (after,) = manager.running(name, 1)
    assert after["ID"] != before["ID"]
    assert after["NodeID"] == before["NodeID"]


@scenario
def the_update_waits_for_health(manager: Manager, name: str) -> None:
    """A new task that never becomes healthy: with start-first the old one stays, and the update ends paused."""
    check = {"Test": ["CMD-SHELL", "true"], "Interval": SECOND // 5, "Timeout": SECOND * 5, "Retries": 2}
    update = {**AT_ONCE, "Order": "start-first"}
    old = service(name, container={"Healthcheck": check}, restart={"Condition": "none"}, UpdateConfig=update)
    manager.create(old)
    before = manager.running(name, 1)
    bad = changed(old)
    bad["TaskTemplate"]["ContainerSpec"]["Healthcheck"]["Test"] = ["CMD-SHELL", "false"]
    manager.update(name, bad)
    manager.update_state(name, "paused")
    (new,) = fresh(manager, name)
    assert (new["Status"]["State"], new["Status"]["Err"]) == (
        "failed",
        "task: non-zero exit (137): dockerexec: unhealthy container",
    )
    still = [t for t in manager.tasks(name) if t["ID"] in ids(before)]
    assert still[0]["Status"]["State"] == "running"
    assert still[0]["DesiredState"] == "running"
    assert all(t["Status"]["State"] in ENDED or t["ID"] in ids(before) for t in manager.tasks(name))
