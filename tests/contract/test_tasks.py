"""The life of a task: restart policies, health, placement, files, removal. Scenarios run side by side."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from lab.managers import ENDED, SECOND, Json, Manager, Scenario, brief, service

SCENARIOS: list[Scenario] = []
CHECK = {"Interval": SECOND // 5, "Timeout": 5 * SECOND, "Retries": 2}
UNHEALTHY = "task: non-zero exit (137): dockerexec: unhealthy container"


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda function: function.__name__)
def test_task(manager: Manager, scenario: Scenario, outcome: Callable[[Manager, Scenario], Future[None]]) -> None:
    outcome(manager, scenario).result()


def all_ended(manager: Manager, name: str, count: int) -> list[Json]:
    """Waits until so many tasks exist and none of them lives."""

    def there() -> list[Json]:
        tasks = manager.tasks(name)
        done = len(tasks) == count and all(t["Status"]["State"] in ENDED for t in tasks)
        done = done and all(t["DesiredState"] == "shutdown" for t in tasks)  # written a moment later
        return tasks if done else []

    return manager.wait(there, lambda: brief(manager.tasks(name)))


def state(task: Json) -> tuple[str, str, str, int]:
    status = task["Status"]
    return (
        status["State"],
        status.get("Message", ""),
        status.get("Err", ""),
        status.get("ContainerStatus", {}).get("ExitCode", 0),
    )


FAILED = ("failed", "started", "task: non-zero exit (3)", 3)
COMPLETE = ("complete", "finished", "", 0)


@scenario
def restart_none(manager: Manager, name: str) -> None:
    for suffix, code, expected in (("-ok", 0, COMPLETE), ("-bad", 3, FAILED)):
        manager.create(service(name + suffix, "sh", "-c", f"exit {code}", restart={"Condition": "none"}))
        (task,) = all_ended(manager, name + suffix, 1)
        assert state(task) == expected


@scenario
def restart_on_failure(manager: Manager, name: str) -> None:
    policy = {"Condition": "on-failure", "Delay": 0, "MaxAttempts": 2}
    manager.create(service(name + "-ok", "true", restart=policy))
    manager.create(service(name + "-bad", "sh", "-c", "exit 3", restart=policy))
    first = manager.wait(lambda: manager.tasks(name + "-bad"))[0]
    (only,) = all_ended(manager, name + "-ok", 1)
    assert state(only) == COMPLETE
    three = all_ended(manager, name + "-bad", 3)
    assert three[0]["ID"] == first["ID"], "there was no fourth: the history would have dropped the first for it"
    assert [state(task) for task in three] == [FAILED] * 3
    assert {task["Slot"] for task in three} == {1}


@scenario
def restart_any(manager: Manager, name: str) -> None:
    manager.create(service(name, "true", restart={"Condition": "any", "Delay": 0, "MaxAttempts": 1}))
    first = manager.wait(lambda: manager.tasks(name))[0]
    two = all_ended(manager, name, 2)
    assert [state(task) for task in two] == [COMPLETE] * 2
    assert two[0]["ID"] == first["ID"], "there was no third"


@scenario
def restart_waits_its_delay_with_a_prepared_task(manager: Manager, name: str) -> None:
    policy = {"Condition": "any", "Delay": 600 * SECOND}
    manager.create(service(name, "sh", "-c", "sleep 1; exit 3", restart=policy))

    def parked() -> list[Json]:
        tasks = manager.tasks(name)
        return tasks if len(tasks) == 2 and tasks[1]["Status"]["State"] == "ready" else []

    old, new = manager.wait(parked, lambda: brief(manager.tasks(name)))
    assert (old["DesiredState"], new["DesiredState"]) == ("shutdown", "ready")
    assert new["Status"]["Message"] == "prepared"


@scenario
def history_keeps_five_tasks(manager: Manager, name: str) -> None:
    manager.create(service(name, "sh", "-c", "exit 3"))
    seen: set[str] = set()

    def enough() -> bool:
        tasks = manager.tasks(name)
        seen.update(task["ID"] for task in tasks)
        assert len(tasks) <= 6, brief(tasks)
        return len(seen) >= 8

    manager.wait(enough)


@scenario
def a_program_that_is_not_there(manager: Manager, name: str) -> None:
    manager.create(service(name, "/no/such/program", restart={"Condition": "none"}))
    (task,) = all_ended(manager, name, 1)
    assert task["Status"]["State"] in ("failed", "rejected")
    assert "/no/such/program" in task["Status"]["Err"]


@scenario
def health_decides_when_a_task_runs(manager: Manager, name: str) -> None:
    check = {**CHECK, "Test": ["CMD-SHELL", "test -e ok"], "StartPeriod": 60 * SECOND}
    manager.create(service(name, "sh", "-c", "sleep 1.5; touch ok; exec sleep 600", container={"Healthcheck": check}))
    seen: list[str] = []

    def runs() -> bool:
        for task in manager.tasks(name):
            if task["Status"]["State"] not in seen:
                seen.append(task["Status"]["State"])
        return "running" in seen

    manager.wait(runs)
    assert "starting" in seen
    assert len(manager.tasks(name)) == 1, "failures within the start period do not count"


@scenario
def unhealthy_is_a_failure(manager: Manager, name: str) -> None:
    """At the start, and later on; with the exit code of the stop signal."""
    none = {"Condition": "none"}
    never = {"Healthcheck": {**CHECK, "Test": ["CMD-SHELL", "exit 1"]}}
    manager.create(service(name + "-a", container=never, restart=none))
    later = {"Healthcheck": {**CHECK, "Test": ["CMD", "test", "!", "-e", "bad"]}}
    manager.create(
        service(name + "-b", "sh", "-c", "sleep 2; touch bad; exec sleep 600", container=later, restart=none)
    )
    for suffix in ("-a", "-b"):
        (task,) = all_ended(manager, name + suffix, 1)
        assert (task["Status"]["State"], task["Status"]["Err"]) == ("failed", UNHEALTHY)


@scenario
def unhealthy_with_a_clean_exit_is_complete(manager: Manager, name: str) -> None:
    container = {"Healthcheck": {**CHECK, "Test": ["CMD-SHELL", "false"]}, "StopSignal": "SIGTERM"}
    restart = {"Condition": "on-failure", "Delay": 0}
    program = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    manager.create(service(name, "sh", "-c", program, container=container, restart=restart))
    (task,) = all_ended(manager, name, 1)
    assert task["Status"]["State"] == "complete"


@scenario
def a_task_that_ignores_its_signal_is_killed(manager: Manager, name: str) -> None:
    container = {"StopSignal": "SIGTERM", "StopGracePeriod": SECOND}
    spec = service(name, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", container=container)
    manager.create(spec)
    (task,) = manager.running(name, 1)
    spec["TaskTemplate"]["ForceUpdate"] = 1
    manager.update(name, spec)
    manager.wait(lambda: manager.ok("GET", f"/tasks/{task['ID']}")["Status"]["State"] == "shutdown")
    manager.running(name, 1)


@scenario
def no_node_fits(manager: Manager, name: str) -> None:
    """Pending, with the reason; a label set on the node later lets the task start."""
    spec = service(name, task={"Placement": {"Constraints": [f"node.labels.{name}==yes"]}})
    manager.create(spec)

    def why() -> str:
        tasks = manager.tasks(name)
        return str(tasks[0]["Status"].get("Err", "")) if tasks else ""

    assert manager.wait(why) == "no suitable node (scheduling constraints not satisfied on 1 node)"
    assert manager.tasks(name)[0]["Status"]["State"] == "pending"
    label(manager, name, "yes")
    try:
        manager.running(name, 1)
    finally:
        label(manager, name, None)


def label(manager: Manager, key: str, value: str | None) -> None:
    def done() -> bool:
        node = manager.ok("GET", "/nodes")[0]
        labels = {**node["Spec"]["Labels"], **({key: value} if value else {})}
        if not value:
            labels.pop(key, None)
        query = {"version": node["Version"]["Index"]}
        answer = manager.request("POST", f"/nodes/{node['ID']}/update", query, {**node["Spec"], "Labels": labels})
        return answer.status == 200

    manager.wait(done)


@scenario
def reservations_that_do_not_fit(manager: Manager, name: str) -> None:
    resources = {"Reservations": {"MemoryBytes": 1 << 50}}
    manager.create(service(name, task={"Resources": resources}))
    manager.wait(lambda: manager.tasks(name) and manager.tasks(name)[0]["Status"].get("Err"))
    assert manager.tasks(name)[0]["Status"]["Err"] == "no suitable node (insufficient resources on 1 node)"


@scenario
def configs_and_environment_reach_the_program(manager: Manager, name: str) -> None:
    content = base64.b64encode(b"hello").decode()
    config = manager.ok("POST", "/configs/create", None, {"Name": name, "Data": content})["ID"]
    secret = manager.ok("POST", "/secrets/create", None, {"Name": name, "Data": content})["ID"]
    file = {"UID": "0", "GID": "0", "Mode": 0o440}
    container = {
        "Env": ["GREETING=hello", "TASK={{.Service.Name}}.{{.Task.Slot}}"],
        "Configs": [{"ConfigID": config, "ConfigName": name, "File": {"Name": "app.conf", **file}}],
        "Secrets": [{"SecretID": secret, "SecretName": name, "File": {"Name": "token", **file}}],
    }
    program = f'test "$GREETING" = hello && test "$TASK" = {name}.1 && test "$(cat app.conf)" = hello'
    program += ' && test "$(cat "${STACKC_ROOT:-}/run/secrets/token")" = hello'
    manager.create(service(name, "sh", "-c", program, container=container, restart={"Condition": "none"}))
    (task,) = all_ended(manager, name, 1)
    assert state(task) == COMPLETE


@scenario
def a_removed_service_is_gone_at_once(manager: Manager, name: str) -> None:
    """Its name is free although its task still stops; nothing is left of it in the end."""
    container = {"StopSignal": "SIGTERM", "StopGracePeriod": 2 * SECOND}
    stubborn = service(name, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", container=container)
    first = manager.create(stubborn)
    manager.running(name, 1)
    manager.ok("DELETE", f"/services/{name}")
    assert manager.request("GET", f"/services/{first}").status == 404
    assert manager.request("GET", "/tasks", {"filters": {"service": [first]}}).status == 404
    second = manager.create(service(name))
    assert second != first
    manager.running(name, 1)
    manager.wait(lambda: not [t for t in manager.ok("GET", "/tasks") if t["ServiceID"] == first])


@scenario
def a_task_has_what_clients_read(manager: Manager, name: str) -> None:
    identity = manager.create(service(name, Labels={"a": "b"}, container={"Labels": {"c": "d"}}))
    (task,) = manager.running(name, 1)
    assert {"ID", "Version", "CreatedAt", "UpdatedAt", "Spec", "ServiceID", "Slot"} <= set(task)
    assert {"NodeID", "Status", "DesiredState"} <= set(task)
    assert task["ServiceID"] == identity
    assert task["Spec"]["ContainerSpec"]["Labels"] == {"c": "d"}
    assert task["Spec"]["ForceUpdate"] == 0
    assert task["Labels"] == {}
    status = task["Status"]
    assert (status["State"], status["Message"]) == ("running", "started")
    assert status["ContainerStatus"]["PID"] > 0
    assert status["PortStatus"] == {}
    for prefix in (4, 12):
        assert manager.ok("GET", f"/tasks/{task['ID'][:prefix]}")["ID"] == task["ID"]
    for key, value in (
        ("name", f"{name}.1"),
        ("node", task["NodeID"]),
        ("id", task["ID"]),
        ("desired-state", "running"),
    ):
        found = manager.ok("GET", "/tasks", {"filters": {"service": [name], key: [value]}})
        assert [t["ID"] for t in found] == [task["ID"]], key
    assert manager.ok("GET", "/tasks", {"filters": {"service": [name], "desired-state": ["shutdown"]}}) == []


@scenario
def logs_are_kept_for_each_task(manager: Manager, name: str) -> None:
    program = "echo to-out; echo to-err >&2; exec sleep 600"
    manager.create(service(name, "sh", "-c", program))
    (task,) = manager.running(name, 1)

    def read(path: str, **query: str) -> bytes:
        return b"".join(manager.transport.stream(path, query))

    both = {"stdout": "1", "stderr": "1"}
    manager.wait(lambda: read(f"/services/{name}/logs", **both).count(b"to-") == 2)
    got = read(f"/services/{name}/logs", stdout="1", details="1")
    kind, size, line = got[0], int.from_bytes(got[4:8], "big"), got[8:]
    assert kind == 1
    assert size == len(line)
    details, text = line.decode().split(" ", 1)
    assert text == "to-out\n"
    attributes = dict(pair.split("=", 1) for pair in details.split(","))
    assert attributes["com.docker.swarm.task.id"] == task["ID"]
    assert attributes["com.docker.swarm.node.id"] == task["NodeID"]
    assert attributes["com.docker.swarm.service.id"] == task["ServiceID"]
    assert read(f"/tasks/{task['ID']}/logs", stderr="1")[8:] == b"to-err\n"
    refused = manager.request("GET", f"/services/{name}/logs")
    assert (refused.status, refused.body) == (
        500,
        {"message": "Bad parameters: you must choose at least one stream"},
    )
