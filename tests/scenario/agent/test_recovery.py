"""`kill -9` of the manager: its tasks go on, and the next manager finds them again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_rig import SECOND, Rig, alive, new_task, until

from reconciler.manager.model import Task, TaskState, TaskStatus

DRIVER = Path(__file__).with_name("agent_driver.py")


class FormerManager:
    """An agent in a child process."""

    def __init__(self, state: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER), str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.pids: dict[str, int] = {}

    def start(self, task_id: str, argv: Sequence[str], until_state: str = "RUNNING", **spec: Any) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([task_id, argv, spec]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            known, state, pid, _ = json.loads(line)
            if known == task_id and pid:
                self.pids[task_id] = pid
            if (known, state) == (task_id, until_state):
                return
        raise AssertionError(f"{task_id} never came to {until_state}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def former_manager(state: Path) -> Iterator[FormerManager]:
    manager = FormerManager(state)
    try:
        yield manager
    finally:
        manager.kill()


@contextmanager
def next_manager(state: Path, *tasks: Task) -> Iterator[Rig]:
    """A new agent on the same folder; ``tasks`` is what its store remembers."""
    rig = Rig(state)
    try:
        rig.tasks = {task.id: task for task in tasks}
        rig.agent.recover(rig.tasks)
        rig.update()
        yield rig
    finally:
        rig.close()


def remembered(task_id: str, argv: list[str], state: TaskState = TaskState.RUNNING, **spec: Any) -> Task:
    task = new_task(task_id, argv, **spec)
    return replace(task, status=TaskStatus(state=state, timestamp=1.0, message="started"))


COUNT = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"]


def test_a_running_task_survives_its_manager_and_is_managed_by_the_next(tmp_path: Path) -> None:
    with former_manager(tmp_path) as former:
        former.start("t1", COUNT)
    pid = former.pids["t1"]
    assert alive(pid)
    with next_manager(tmp_path, remembered("t1", COUNT)) as rig:
        seen = len(rig.lines("t1"))
        until(lambda: len(rig.lines("t1")) > seen, "its output goes on")
        assert [int(line) for line in rig.lines("t1")] == list(range(1, len(rig.lines("t1")) + 1))
        assert alive(pid)
        assert rig.states("t1") == []  # nothing to report: it was running and it is running
        rig.want("t1", TaskState.SHUTDOWN)
        assert rig.wait("t1", TaskState.SHUTDOWN).exit_code == 143
        assert not alive(pid)


def test_health_checks_go_on_and_a_task_that_was_starting_becomes_running(tmp_path: Path) -> None:
    check = {
        "Test": ["CMD-SHELL", "test -e good || { echo not yet; false; }"],
        "Interval": SECOND // 10,
        "Retries": 1000,
    }
    with former_manager(tmp_path) as former:
        former.start("t1", COUNT, "STARTING", Healthcheck=check)
        until(lambda: (tmp_path / "tasks/t1/pid").exists(), "it was started")
    with next_manager(tmp_path, remembered("t1", COUNT, TaskState.STARTING, Healthcheck=check)) as rig:
        until(lambda: (report := rig.agent.health("t1")) and report.output == "not yet", "a probe failed")
        (tmp_path / "tasks/t1/root/good").touch()
        rig.wait("t1", TaskState.RUNNING)
        assert rig.states("t1") == [TaskState.RUNNING]


def test_a_running_task_that_turns_ill_under_the_next_manager_is_ended(tmp_path: Path) -> None:
    check = {"Test": ["CMD", "test", "-e", "good"], "Interval": SECOND // 10, "Retries": 2, "StartPeriod": 20 * SECOND}
    argv = ["sh", "-c", "touch good; exec sleep 60"]
    with former_manager(tmp_path) as former:
        former.start("t1", argv, Healthcheck=check)
    with next_manager(tmp_path, remembered("t1", argv, Healthcheck=check)) as rig:
        (tmp_path / "tasks/t1/root/good").unlink()
        err = rig.wait("t1", TaskState.FAILED).err
        # 137 where the machine is so busy that the grace period passes before the signal is seen
        assert re.fullmatch(r"task: non-zero exit \((143|137)\): dockerexec: unhealthy container", err), err


@pytest.mark.parametrize(("code", "state"), [(0, TaskState.COMPLETE), (4, TaskState.FAILED)])
def test_a_task_that_ended_meanwhile_is_reported_as_it_ended(tmp_path: Path, code: int, state: TaskState) -> None:
    argv = ["sh", "-c", f"while ! test -e stop; do sleep 0.02; done; exit {code}"]
    with former_manager(tmp_path) as former:
        former.start("t1", argv)
    (tmp_path / "tasks/t1/root/stop").touch()
    until(lambda: (tmp_path / "tasks/t1/exit").exists(), "its end is written down")
    with next_manager(tmp_path, remembered("t1", argv)) as rig:
        assert rig.wait("t1", state).exit_code == code


def test_a_task_killed_together_with_its_shim_has_failed_and_nothing_of_it_stays(tmp_path: Path) -> None:
    argv = ["sh", "-c", "setsid sleep 1000 & echo $!; wait"]
    with former_manager(tmp_path) as former:
        former.start("t1", argv)
    log = tmp_path / "tasks/t1/log/00000001"
    until(lambda: log.exists() and log.read_bytes().endswith(b"\n"), "the grandchild's pid is known")
    grandchild = int(log.read_bytes().split()[-1])
    about = json.loads((tmp_path / "tasks/t1/pid").read_bytes())
    os.kill(about["shim"][0], signal.SIGKILL)
    os.kill(about["task"][0], signal.SIGKILL)
    with next_manager(tmp_path, remembered("t1", argv)) as rig:
        failed = rig.wait("t1", TaskState.FAILED)
        assert failed.err == "task: non-zero exit (137): the task's shim was killed"
        assert not alive(grandchild)


def test_the_same_is_noticed_at_once_by_a_living_manager(tmp_path: Path) -> None:
    with next_manager(tmp_path) as rig:
        rig.put(new_task("t1"))
        pid = rig.wait("t1", TaskState.RUNNING).pid
        assert pid is not None
        about = json.loads((tmp_path / "tasks/t1/pid").read_bytes())
        os.kill(about["shim"][0], signal.SIGKILL)
        assert rig.wait("t1", TaskState.FAILED).exit_code == 137
        assert not alive(pid)


def test_a_pid_that_now_belongs_to_someone_else_is_left_alone(tmp_path: Path) -> None:
    with former_manager(tmp_path) as former:
        former.start("t1", ["sleep", "60"])
    file = tmp_path / "tasks/t1/pid"
    about = json.loads(file.read_bytes())
    for who in ("shim", "task"):
        os.kill(about[who][0], signal.SIGKILL)
    until(lambda: not alive(about["shim"][0]), "the shim has ended")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        about["shim"][0] = about["task"][0] = stranger.pid  # as if the kernel had given the pid away again
        file.write_text(json.dumps(about))
        with next_manager(tmp_path, remembered("t1", ["sleep", "60"])) as rig:
            rig.wait("t1", TaskState.FAILED)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_after_a_restart_of_the_machine_the_task_has_failed_and_says_why(tmp_path: Path) -> None:
    with former_manager(tmp_path) as former:
        former.start("t1", ["sleep", "60"])
    file = tmp_path / "tasks/t1/pid"
    about = json.loads(file.read_bytes())
    os.kill(about["shim"][0], signal.SIGKILL)
    os.kill(about["task"][0], signal.SIGKILL)
    file.write_text(json.dumps({**about, "boot": "another"}))
    with next_manager(tmp_path, remembered("t1", ["sleep", "60"])) as rig:
        assert rig.wait("t1", TaskState.FAILED).err == "task: non-zero exit (137): the machine was restarted"


def test_a_task_of_which_nothing_is_left_has_failed(tmp_path: Path) -> None:
    with next_manager(tmp_path, remembered("t1", ["sleep", "60"])) as rig:
        assert rig.wait("t1", TaskState.FAILED).err == "task: non-zero exit (137): its remains are gone"


@pytest.mark.parametrize("state", [TaskState.ACCEPTED, TaskState.PREPARING, TaskState.READY, TaskState.STARTING])
def test_a_task_that_was_not_started_yet_is_started(tmp_path: Path, state: TaskState) -> None:
    with next_manager(tmp_path, remembered("t1", ["sleep", "60"], state)) as rig:
        rig.wait("t1", TaskState.RUNNING)


def test_a_stop_that_was_under_way_is_brought_to_its_end(tmp_path: Path) -> None:
    argv = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
    with former_manager(tmp_path) as former:
        former.start("t1", argv)
        log = tmp_path / "tasks/t1/log/00000001"
        until(lambda: log.exists() and b"ready" in log.read_bytes(), "the trap is set")
    task = replace(remembered("t1", argv, StopGracePeriod=SECOND), desired=TaskState.SHUTDOWN)
    with next_manager(tmp_path, task) as rig:
        assert rig.wait("t1", TaskState.SHUTDOWN).exit_code == 137


def test_tasks_that_the_store_does_not_know_are_ended_and_removed(tmp_path: Path) -> None:
    with former_manager(tmp_path) as former:
        former.start("t1", ["sleep", "60"])
        former.start("t2", ["sleep", "60"])
    with next_manager(tmp_path, remembered("t2", ["sleep", "60"])) as rig:
        until(lambda: not (tmp_path / "tasks/t1").exists(), "the unknown task's folder is gone")
        assert not alive(former.pids["t1"])
        assert alive(former.pids["t2"])
        assert rig.states("t2") == []
