"""``kill -9`` of the manager and a restart lose nothing: running tasks are found again, what died is replaced, what
was going on goes on."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from manager_process import ManagerProcess, alive, pid_of

SECOND = 1_000_000_000


def spec(name: str, *, replicas: int = 2, image: str = "process/x:1", **update: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TaskTemplate": {
            "ContainerSpec": {"Image": image, "Command": ["sleep", "600"], "StopGracePeriod": 2 * SECOND},
            "RestartPolicy": {"Condition": "any", "Delay": 0},
        },
        "Mode": {"Replicated": {"Replicas": replicas}},
        "UpdateConfig": {"Parallelism": 1, "Monitor": SECOND // 2, "FailureAction": "rollback", **update},
    }


def update_state(manager: ManagerProcess, service: str) -> str:
    return str(manager.get(f"/services/{service}").get("UpdateStatus", {}).get("State"))


def test_running_tasks_are_found_again_and_dead_ones_replaced(manager: ManagerProcess) -> None:
    manager.create(spec("web", replicas=3))
    before = manager.running("web", 3)
    pids = [pid_of(one) for one in before]
    manager.kill()
    assert all(alive(pid) for pid in pids), "tasks outlive their manager"
    os.kill(pids[1], signal.SIGKILL)
    manager.start()
    manager.wait(
        lambda: [one["Slot"] for one in manager.tasks("web") if one["Status"]["State"] == "failed"] == [2], "found"
    )
    after = manager.running("web", 3)
    assert [one["ID"] for one in after][::2] == [one["ID"] for one in before][::2]
    assert [pid_of(one) for one in after][::2] == pids[::2]
    assert after[1]["ID"] != before[1]["ID"]
    assert alive(pid_of(after[1]))
    # Those found again are as manageable as ever.
    manager.update("web", spec("web", replicas=0))
    manager.wait(lambda: not any(alive(pid) for pid in pids), "the processes have ended")


def test_an_update_in_flight_goes_on(manager: ManagerProcess) -> None:
    manager.create(spec("web", replicas=4))
    before = {one["ID"] for one in manager.running("web", 4)}
    manager.update("web", spec("web", replicas=4, image="process/x:2", Delay=SECOND // 2))
    manager.wait(lambda: any(one["ID"] not in before for one in manager.tasks("web")), "the first new task")
    manager.kill()
    manager.start()
    assert update_state(manager, "web") == "updating"
    manager.wait(lambda: update_state(manager, "web") == "completed", "the update is complete")
    after = manager.running("web", 4)
    assert {one["Spec"]["ContainerSpec"]["Image"] for one in after} == {"process/x:2"}
    assert not before & {one["ID"] for one in after}
    assert "PreviousSpec" in manager.get("/services/web")


def test_killed_again_and_again(manager: ManagerProcess) -> None:
    """At moments that come as they come, with writes going on: every acknowledged object is there afterwards."""
    acknowledged = []
    for turn in range(5):
        manager.create(spec(f"s{turn}", replicas=2))
        status, body = manager.call("POST", "/secrets/create", {"Name": f"x{turn}", "Data": "aGk="})
        assert status == 201, body
        acknowledged.append(turn)
        time.sleep(0.03 * turn)
        manager.kill()
        manager.start()
    assert {one["Spec"]["Name"] for one in manager.get("/services")} == {f"s{turn}" for turn in acknowledged}
    assert {one["Spec"]["Name"] for one in manager.get("/secrets")} == {f"x{turn}" for turn in acknowledged}
    pids = [pid_of(one) for turn in acknowledged for one in manager.running(f"s{turn}", 2)]
    assert len(set(pids)) == 10
    assert all(alive(pid) for pid in pids)
    indexes = [one["Version"]["Index"] for one in manager.get("/services")]
    assert len(set(indexes)) == len(indexes)


def test_sigterm_leaves_the_tasks_running(manager: ManagerProcess) -> None:
    manager.create(spec("web", replicas=1))
    (task,) = manager.running("web", 1)
    assert manager.terminate() == 0
    assert "its tasks keep running" in manager.log
    assert not manager.socket.exists()
    assert alive(pid_of(task))
    manager.start()
    assert [one["ID"] for one in manager.running("web", 1)] == [task["ID"]]
