"""The agent with real processes: from assigned to the end, and what the store is told on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from agent_rig import SECOND, Rig, alive, new_task, rig_at, until

from reconciler.manager.model import TaskState


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_at(tmp_path) as rig:
        yield rig


def test_every_state_is_reported_in_order_up_to_running_and_then_shutdown(rig: Rig) -> None:
    rig.put(new_task("t1", ["sleep", "60"]))
    running = rig.wait("t1", TaskState.RUNNING)
    assert running.message == "started"
    assert running.pid is not None
    assert alive(running.pid)
    assert running.address.startswith("127.")
    rig.want("t1", TaskState.SHUTDOWN)
    ended = rig.wait("t1", TaskState.SHUTDOWN)
    assert (ended.message, ended.exit_code, ended.err) == ("shutdown", 143, "")
    assert not alive(running.pid)
    assert rig.states("t1") == [
        TaskState.ACCEPTED,
        TaskState.PREPARING,
        TaskState.READY,
        TaskState.STARTING,
        TaskState.RUNNING,
        TaskState.SHUTDOWN,
    ]


def test_a_task_that_is_only_wanted_ready_is_parked_and_then_started(rig: Rig) -> None:
    rig.put(replace(new_task("t1"), desired=TaskState.READY))
    rig.wait("t1", TaskState.READY)
    rig.want("t1", TaskState.RUNNING)
    rig.wait("t1", TaskState.RUNNING)


def test_exit_0_is_complete_and_anything_else_is_failed(rig: Rig) -> None:
    rig.put(
        new_task("good", ["true"]), new_task("bad", ["sh", "-c", "exit 3"]), new_task("ill", ["sh", "-c", "kill -9 $$"])
    )
    assert rig.wait("good", TaskState.COMPLETE).message == "finished"
    failed = rig.wait("bad", TaskState.FAILED)
    assert (failed.message, failed.err, failed.exit_code) == ("started", "task: non-zero exit (3)", 3)
    assert rig.wait("ill", TaskState.FAILED).err == "task: non-zero exit (137)"


def test_a_task_that_left_the_cluster_is_stopped_and_its_folder_removed(rig: Rig) -> None:
    rig.put(new_task("t1"))
    pid = rig.wait("t1", TaskState.RUNNING).pid
    assert pid is not None
    rig.drop("t1")
    until(lambda: not (rig.state / "tasks/t1").exists(), "the folder is gone")
    assert not alive(pid)
    rig.put(new_task("t1"))
    rig.wait("t1", TaskState.RUNNING)  # the same id again meets nothing of the first


def test_a_task_that_ignores_its_stop_signal_is_killed_after_the_grace_period(rig: Rig) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    rig.put(new_task("t1", ["sh", "-c", script], StopGracePeriod=1_900_000_000))
    rig.wait("t1", TaskState.RUNNING)
    until(lambda: rig.lines("t1") == [b"ready"], "the trap is set")
    rig.want("t1", TaskState.SHUTDOWN)
    assert rig.wait("t1", TaskState.SHUTDOWN).exit_code == 137


def test_the_stop_signal_of_the_spec_is_the_one_that_is_sent(rig: Rig) -> None:
    script = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done"
    rig.put(new_task("t1", ["sh", "-c", script], StopSignal="SIGUSR1", StopGracePeriod=20 * SECOND))
    until(lambda: rig.lines("t1") == [b"ready"], "the trap is set")
    rig.want("t1", TaskState.SHUTDOWN)
    assert rig.wait("t1", TaskState.SHUTDOWN).exit_code == 7


def test_whatever_a_task_started_ends_with_it(rig: Rig) -> None:
    # A grandchild that ignores signals, has a session of its own and holds the output open.
    script = "trap '' HUP TERM; setsid sh -c 'trap \"\" HUP TERM; echo $$; while :; do sleep 1; done' & sleep 0.3"
    rig.put(new_task("t1", ["sh", "-c", script]))
    rig.wait("t1", TaskState.COMPLETE)
    (pid,) = rig.lines("t1")
    assert not alive(int(pid))
