"""Tasks that misbehave, disks that are full, reports that get lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from agent_rig import NODE, SECOND, Contents, Rig, alive, new_task, rig_at, until

from reconciler.manager.agent import Agent
from reconciler.manager.clock import SystemClock
from reconciler.manager.model import Cluster, TaskState, TaskStatus


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_at(tmp_path) as rig:
        yield rig


# -- health


def check(*test: str, retries: int = 2, **more: int) -> dict[str, object]:
    return {"Test": list(test), "Interval": SECOND // 20, "Retries": retries, **more}


def test_a_task_that_never_becomes_healthy_never_runs_and_fails(rig: Rig) -> None:
    rig.put(new_task("t1", Healthcheck=check("CMD-SHELL", "echo 'no \x1b[31mway'; exit 3")))
    failed = rig.wait("t1", TaskState.FAILED)
    assert failed.err == "task: non-zero exit (143): dockerexec: unhealthy container"
    assert failed.message == "unhealthy: no ?[31mway"
    assert TaskState.RUNNING not in rig.states("t1")


def test_an_unhealthy_task_that_exits_0_is_complete(rig: Rig) -> None:
    script = "trap 'exit 0' TERM; while :; do sleep 0.02; done"
    rig.put(new_task("t1", ["sh", "-c", script], Healthcheck=check("CMD", "false", retries=5)))
    assert rig.wait("t1", TaskState.COMPLETE).message == "finished"


def test_it_runs_from_its_first_healthy_probe_on(rig: Rig) -> None:
    script = "sleep 0.5; touch ready; exec sleep 60"
    rig.put(new_task("t1", ["sh", "-c", script], Healthcheck=check("CMD", "test", "-e", "ready", retries=1000)))
    rig.wait("t1", TaskState.RUNNING)
    assert (rig.state / "tasks/t1/root/ready").exists()
    report = rig.agent.health("t1")
    assert report is not None
    assert report.healthy


def test_failures_in_the_start_period_do_not_count(rig: Rig) -> None:
    script = "sleep 0.5; touch ready; exec sleep 60"
    probe = check("CMD", "test", "-e", "ready", retries=1, StartPeriod=30 * SECOND)
    rig.put(new_task("t1", ["sh", "-c", script], Healthcheck=probe))
    rig.wait("t1", TaskState.RUNNING)


def test_a_probe_that_hangs_is_ended_with_everything_it_started(rig: Rig) -> None:
    probe = check("CMD-SHELL", "sleep 1000 & echo $! >> pids; wait", retries=2, Timeout=SECOND // 4)
    rig.put(new_task("t1", Healthcheck=probe))
    until(lambda: (report := rig.agent.health("t1")) and report.streak, "a probe timed out")
    report = rig.agent.health("t1")
    assert report is not None
    assert report.output.startswith("Health check exceeded timeout (0.25s)")
    assert rig.wait("t1", TaskState.FAILED).err.endswith("dockerexec: unhealthy container")
    pids = [int(line) for line in (rig.state / "tasks/t1/root/pids").read_text().split()]
    assert pids
    until(lambda: not any(alive(pid) for pid in pids), "what the probes started has ended")


def test_a_probe_that_prints_without_end_does_no_harm(rig: Rig) -> None:
    rig.put(new_task("t1", Healthcheck=check("CMD-SHELL", "head -c 3000000 /dev/zero | tr '\\0' x", retries=1)))
    rig.wait("t1", TaskState.RUNNING)
    report = rig.agent.health("t1")
    assert report is not None
    assert 0 < len(report.output) <= 300


def test_a_probe_that_cannot_be_started_is_a_failed_one(rig: Rig) -> None:
    rig.put(new_task("t1", Healthcheck=check("CMD", "no-such-command", retries=1)))
    assert rig.wait("t1", TaskState.FAILED).message == "unhealthy: No such file or directory"


def test_probes_run_in_the_tasks_surroundings(rig: Rig) -> None:
    probe = check("CMD-SHELL", 'test "$PWD" = "$STACKC_ROOT/app" && test "$OWN" = 1', retries=1)
    rig.put(new_task("t1", Healthcheck=probe, Dir="/app", Env=["OWN=1"]))
    rig.wait("t1", TaskState.RUNNING)


# -- output


def test_output_is_kept_with_its_stream_and_a_last_line_needs_no_end(rig: Rig) -> None:
    before = time.time()
    rig.put(new_task("t1", ["sh", "-c", "echo one; echo two >&2; echo; printf 'no end'"]))
    rig.wait("t1", TaskState.COMPLETE)
    lines = list(rig.agent.logs("t1"))
    assert sorted((line.stream, line.text) for line in lines) == [
        ("stderr", b"two"),
        ("stdout", b""),
        ("stdout", b"no end"),
        ("stdout", b"one"),
    ]
    assert all(before - 1 < line.time < time.time() + 1 for line in lines)
    assert [line.text for line in rig.agent.logs("t1", tail=1)] == [lines[-1].text]
    assert list(rig.agent.logs("t1", tail=0)) == []
    assert list(rig.agent.logs("t1", since=time.time() + 10)) == []
    assert list(rig.agent.logs("unknown")) == list(rig.agent.logs("../t1")) == []


def test_following_ends_with_the_task(rig: Rig) -> None:
    rig.put(new_task("t1", ["sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"]))
    rig.wait("t1", TaskState.RUNNING)
    assert [line.text for line in rig.agent.logs("t1", follow=True)] == [b"1", b"2", b"3", b"4", b"5"]


def test_following_can_be_given_up(rig: Rig) -> None:
    rig.put(new_task("t1"))
    rig.wait("t1", TaskState.RUNNING)
    asked: list[int] = []
    assert list(rig.agent.logs("t1", follow=True, stopped=lambda: bool(asked) or asked.append(1) is not None)) == []


def test_output_without_end_is_bounded_and_the_newest_is_kept(rig: Rig) -> None:
    task = new_task("t1", ["sh", "-c", "seq 1 600000; head -c 100000 /dev/zero | tr '\\0' x; echo; echo last"])
    log = {"Name": "json-file", "Options": {"max-size": "1m", "max-file": "2"}}
    rig.put(replace(task, spec={**task.spec, "LogDriver": log}))
    rig.wait("t1", TaskState.COMPLETE, seconds=60)
    sizes = [path.stat().st_size for path in (rig.state / "tasks/t1/log").iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) < 4 << 20
    lines = rig.lines("t1")
    assert lines[-1] == b"last"
    assert b"600000" in lines
    assert b"1" not in lines
    assert max(len(line) for line in lines) == 16 << 10
    assert sum(line.count(b"x") for line in lines) == 100000


def test_a_follower_sees_every_line_across_rotations(rig: Rig) -> None:
    task = new_task("t1", ["sh", "-c", "for i in $(seq 1 40); do seq 1 1000; sleep 0.04; done"])
    log = {"Name": "json-file", "Options": {"max-size": "100k", "max-file": "5"}}
    rig.put(replace(task, spec={**task.spec, "LogDriver": log}))
    rig.wait("t1", TaskState.RUNNING)
    got = [int(line.text) for line in rig.agent.logs("t1", follow=True)]
    assert got == list(range(1, 1001)) * 40
    assert not (rig.state / "tasks/t1/log/00000001").exists()


# -- disks, reports, ends


def test_a_full_disk_rejects_the_task_with_the_reason(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare(1) for a small disk of its own")
    script = """
import sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from agent_rig import Contents, Rig, new_task, until
from reconciler.manager.model import TaskState
rig = Rig(Path(sys.argv[1]), Contents({"big": b"x" * 300_000, "small": b"x"}))
def config(id):
    return {"ConfigID": id, "ConfigName": id, "File": {"Name": id}}
rig.put(new_task("t1", Configs=[config("big")]))
print(rig.wait("t1", TaskState.REJECTED, TaskState.RUNNING).err)
rig.drop("t1")
until(lambda: not (rig.state / "tasks/t1").exists(), "there is room again")
rig.put(new_task("t2", ["sh", "-c", "head -c 400000 /dev/zero > fill; seq 1 50000; exit 5"], Configs=[config("small")]))
print(rig.wait("t2", TaskState.FAILED, TaskState.REJECTED).err)
print((rig.state / "tasks/t2/exit").exists())
rig.drop("t2")
until(lambda: not (rig.state / "tasks/t2").exists(), "there is room again")
rig.put(new_task("t3", ["true"], Configs=[config("small")]))
print(rig.wait("t3", TaskState.COMPLETE, TaskState.REJECTED).state.name)
rig.close()
"""
    here = Path(__file__)
    run_script = f'exec {sys.executable} -c "$0" {tmp_path} {here.parent} {here.parents[3]}'
    small = f"mount -t tmpfs -o size=200k none {tmp_path} && {run_script}"
    own = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if subprocess.run([*own, "sh", "-c", f"mount -t tmpfs none {tmp_path}"], capture_output=True).returncode:
        pytest.skip("may not make a mount namespace here")
    run = subprocess.run([*own, "sh", "-c", small, script], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == [
        "cannot write the task's folder (config target /big): No space left on device",
        "task: non-zero exit (5)",
        "True",  # and that is written down for the next manager, though nothing else could be written any more
        "COMPLETE",
    ], run.stderr


def test_a_report_that_got_lost_is_repeated_with_the_next_update(tmp_path: Path) -> None:
    seen: list[TaskState] = []

    def report(task_id: str, status: TaskStatus) -> None:
        seen.append(status.state)
        if len(seen) < 6:
            raise OSError("the store's disk is full")

    agent = Agent(node_id=NODE.id, state_dir=tmp_path, files=Contents(), report=report, clock=SystemClock())
    task = new_task("t1")
    try:
        cluster = Cluster(services={}, tasks={"t1": task}, nodes={NODE.id: NODE})

        def repeated() -> bool:
            agent.update(cluster)
            time.sleep(0.1)
            return len(seen) > 5

        until(repeated, "the state is reported again")
        assert seen[4:6] == [TaskState.RUNNING, TaskState.RUNNING]
    finally:
        until(lambda: seen and seen[-1] >= TaskState.RUNNING, "it runs")
        agent.update(Cluster(services={}, tasks={}, nodes={}))
        until(lambda: not list((tmp_path / "tasks").iterdir()), "it is gone")
        agent.close()


def test_an_update_returns_at_once_even_while_tasks_start_and_stop(rig: Rig) -> None:
    tasks = [new_task(f"t{number}", ["sleep", "60"]) for number in range(30)]
    started = time.monotonic()
    rig.put(*tasks)
    for _ in range(50):
        rig.update()
    assert time.monotonic() - started < 1.0  # 51 updates
    for task in tasks:
        rig.wait(task.id, TaskState.RUNNING)
    assert len({rig.tasks[task.id].status.address for task in tasks}) == len(tasks)


def test_a_task_that_is_stopped_while_it_is_being_prepared_is_never_started(rig: Rig) -> None:
    rig.put(*(replace(new_task(f"t{number}", ["touch", "ran"])) for number in range(10)))
    for number in range(10):
        rig.want(f"t{number}", TaskState.SHUTDOWN)
    for number in range(10):
        rig.wait(f"t{number}", TaskState.SHUTDOWN, TaskState.COMPLETE)


def test_closing_leaves_tasks_running(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.put(new_task("t1"))
    pid = rig.wait("t1", TaskState.RUNNING).pid
    assert pid is not None
    rig.agent.close()
    rig.agent.close()
    assert alive(pid)
    rig.start_agent().recover(rig.tasks)
    rig.update()
    rig.want("t1", TaskState.SHUTDOWN)
    rig.wait("t1", TaskState.SHUTDOWN)
    rig.close()
