"""The loop: what the agent reports arrives, what cannot go on is tried again, a new manager takes over."""

from __future__ import annotations

import base64
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from served_manager import Served, service_spec

from reconciler.manager import daemon
from reconciler.manager.model import TaskState
from reconciler.manager.objects import Changes, combined
from reconciler.manager.store import Store


def test_tasks_are_made_run_and_removed(served: Served) -> None:
    served.create("web", Mode={"Replicated": {"Replicas": 3}})
    assert sorted(one["Slot"] for one in served.running("web", 3)) == [1, 2, 3]
    served.update("web", service_spec("web", Mode={"Replicated": {"Replicas": 1}}))
    served.wait(lambda: [one["Slot"] for one in served.tasks("web")] == [1], "scaled down, and nothing is left")
    served.call("DELETE", "/services/web")
    served.wait(lambda: not served.manager.state.tasks, "all tasks are gone")


def test_a_rolling_update_and_a_failing_one_with_rollback(served: Served) -> None:
    def spec(image: str) -> Any:
        update = {"Parallelism": 1, "Monitor": 200_000_000, "FailureAction": "rollback", "Order": "start-first"}
        mode = {"Replicated": {"Replicas": 2}}
        quick = {"RestartPolicy": {"Delay": 0}}
        return service_spec(
            "web", container={"Image": image}, Mode=mode, UpdateConfig=update, RollbackConfig=update, task=quick
        )

    def state() -> str:
        return str(served.call("GET", "/services/web").body.get("UpdateStatus", {}).get("State"))

    assert served.call("POST", "/services/create", spec("process/x:1")).status == 201
    served.running("web", 2)
    served.update("web", spec("process/x:2"))
    served.wait(lambda: state() == "completed", "update completed")
    assert {one["Spec"]["ContainerSpec"]["Image"] for one in served.running("web", 2)} == {"process/x:2"}
    played = served.agent._next

    def bad_image(task: Any) -> TaskState | None:
        wanted = played(task)
        bad = task.spec["ContainerSpec"]["Image"] == "process/x:3"
        return TaskState.FAILED if bad and wanted == TaskState.RUNNING else wanted

    served.agent._next = bad_image  # type: ignore[method-assign]
    served.update("web", spec("process/x:3"))
    served.wait(lambda: state() == "rollback_completed", "rolled back")
    assert {one["Spec"]["ContainerSpec"]["Image"] for one in served.running("web", 2)} == {"process/x:2"}
    assert "PreviousSpec" not in served.call("GET", "/services/web").body


def test_an_automatic_rollback_takes_the_published_ports_back_too(served: Served) -> None:
    def spec(image: str, port: int) -> Any:
        ports = {"Ports": [{"TargetPort": 80, "PublishedPort": port}]}
        mode = {"Replicated": {"Replicas": 1}}
        return service_spec("web", container={"Image": image}, Mode=mode, UpdateConfig=update, EndpointSpec=ports)

    update = {"Parallelism": 1, "Monitor": 200_000_000, "FailureAction": "rollback"}
    assert served.call("POST", "/services/create", spec("process/x:1", 41001)).status == 201
    served.running("web", 1)
    played = served.agent._next

    def bad_image(task: Any) -> TaskState | None:
        wanted = played(task)
        bad = task.spec["ContainerSpec"]["Image"] == "process/x:2"
        return TaskState.FAILED if bad and wanted == TaskState.RUNNING else wanted

    served.agent._next = bad_image  # type: ignore[method-assign]
    served.update("web", spec("process/x:2", 41002))

    def state() -> str:
        return str(served.call("GET", "/services/web").body.get("UpdateStatus", {}).get("State"))

    served.wait(lambda: state() == "rollback_completed", "rolled back")
    (port,) = served.call("GET", "/services/web").body["Endpoint"]["Ports"]
    assert port["PublishedPort"] == 41001


def test_observed_states_never_decrease(served: Served) -> None:
    served.create("web", Mode={"Replicated": {"Replicas": 1}})
    (found,) = served.running("web", 1)
    task = served.manager.state.tasks[found["ID"]]
    served.manager.report("unknown", task.status)
    served.manager.report(task.id, replace(task.status, message="newer"))
    served.wait(lambda: served.manager.state.tasks[task.id].status.message == "newer", "merged")
    seen = served.agent.updates
    served.manager.report(task.id, replace(task.status, state=TaskState.PREPARING, message="late"))
    served.wait(lambda: served.agent.updates > seen, "looked at")
    assert served.manager.state.tasks[task.id].status == replace(task.status, message="newer")


def test_a_new_manager_goes_on_with_what_is_there(folder: Path) -> None:
    first = Served(folder)
    try:
        first.create("web", Mode={"Replicated": {"Replicas": 2}})
        running = {one["ID"] for one in first.running("web", 2)}
        index = first.manager.state.index
        node = first.manager.state.identity.node_id
    finally:
        first.close()
    second = Served(folder)
    try:
        assert second.agent.recovered is not None
        assert set(second.agent.recovered) == running
        assert {one["ID"] for one in second.running("web", 2)} == running
        assert second.manager.state.index >= index
        assert second.manager.state.identity.node_id == node
        second.create("other")
        assert second.version("other") > index
    finally:
        second.close()


def test_a_failing_orchestrator_does_not_end_the_manager(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = threading.Event()
    real = daemon.step

    def step(*args: Any) -> Any:
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError("a bug")
        return real(*args)

    monkeypatch.setattr(daemon, "step", step)
    with caplog.at_level(logging.INFO):
        served.create("web", Mode={"Replicated": {"Replicas": 1}})
        served.running("web", 1)
    assert broken.is_set()
    assert "the loop could not go on" in caplog.text


def test_the_log_tells_what_happened(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        service_id = served.create("web", Mode={"Replicated": {"Replicas": 1}})
        (task,) = served.running("web", 1)
        served.agent.fail(served.manager.state.tasks[task["ID"]], "bad\x1b[31m luck")
        served.wait(lambda: "luck" in caplog.text, "logged")
        served.call("DELETE", "/services/web")
    messages = [record.getMessage() for record in caplog.records]
    assert f"service web created ({service_id})" in messages
    assert f"task web.1.{task['ID']} failed: bad?[31m luck" in messages
    assert "service web removed" in messages


def test_an_unchanged_manager_writes_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.create("web", Mode={"Replicated": {"Replicas": 1}})
    (task,) = served.running("web", 1)
    index = served.manager.state.index
    turns = served.agent.updates
    for _ in range(3):
        served.manager.report(task["ID"], served.manager.state.tasks[task["ID"]].status)
        served.wait(lambda seen=served.agent.updates: served.agent.updates > seen, "a turn")
    assert served.agent.updates >= turns + 3
    assert served.manager.state.index == index


def test_files_for_the_agent(served: Served) -> None:
    config = served.call("POST", "/configs/create", {"Name": "c", "Data": "aGk="}).body["ID"]
    secret = served.call("POST", "/secrets/create", {"Name": "s", "Data": "aG8="}).body["ID"]
    assert (served.files.config(config), served.files.secret(secret)) == (b"hi", b"ho")
    for read in (served.files.config, served.files.secret):
        with pytest.raises(KeyError):
            read("nope")


def test_consecutive_changes_become_one(served: Served) -> None:
    served.create("web", Mode={"Replicated": {"Replicas": 1}})
    (task_id,) = (one["ID"] for one in served.running("web", 1))
    task = served.manager.state.tasks[task_id]
    newer = replace(task, version=99)
    assert combined([Changes(tasks=(task,)), Changes(tasks=(newer,))]) == Changes(tasks=(newer,))
    gone = combined([Changes(tasks=(task,)), Changes(removed_tasks=(task.id,))])
    assert gone == Changes(removed_tasks=(task.id,))
    assert combined([gone, Changes(tasks=(newer,))]) == Changes(tasks=(newer,))
    assert not combined([])


def test_every_turn_is_on_disk_before_it_is_seen(folder: Path) -> None:
    served = Served(folder)
    committed: list[int] = []
    real = Store.commit

    def commit(store: Store, changes: Changes, index: int) -> None:
        assert served.manager.state.index < index, "published before it was written"
        real(store, changes, index)
        committed.append(index)

    served.manager.store.commit = commit.__get__(served.manager.store)  # type: ignore[method-assign]
    try:
        served.create("web", Mode={"Replicated": {"Replicas": 5}})
        served.running("web", 5)
    finally:
        served.close()
    assert committed == sorted(set(committed))
    store = Store.open(folder)
    try:
        assert store.load() == served.manager.state
    finally:
        store.close()


def test_a_secret_shows_nowhere(served: Served, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    canary = "4ebf9d02c6aa-canary"
    data = base64.b64encode(canary.encode()).decode()
    with caplog.at_level(logging.DEBUG):
        made = served.call("POST", "/secrets/create", {"Name": "s", "Data": data})
        again = served.call("POST", "/secrets/create", {"Name": "s", "Data": data})
        broken = served.call("POST", "/secrets/create", raw=f'{{"Name": "s", "Labels": 5, "Data": "{data}"}}'.encode())
        changed = served.call("POST", "/secrets/s/update?version=1", {"Name": "t", "Data": data})
        reference = {"SecretName": "s", "SecretID": made.body["ID"], "File": {"Name": "s"}}
        served.create("web", container={"Secrets": [reference]}, Mode={"Replicated": {"Replicas": 1}})
        served.running("web", 1)
        answers = [made, again, broken, changed]
        paths = ("secrets", "secrets/s", "services", "tasks", "info", f"events?since=0&until={time.time():.3f}")
        answers += [served.call("GET", f"/{path}") for path in paths]
    sinks = [repr(answers), caplog.text, repr(served.manager.state)]
    sinks += [path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.is_file()]
    for sink in sinks:
        for form in (canary, data, canary.encode().hex()):
            assert form not in sink
    assert served.files.secret(made.body["ID"]) == canary.encode()
