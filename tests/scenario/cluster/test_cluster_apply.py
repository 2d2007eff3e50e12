"""`stackc apply` on a swarm of five nodes while nodes, cables and managers fail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from apply_bench import Bench
from lab.cluster import SWITCH, Cluster

from reconciler.engine import connect

pytestmark = pytest.mark.engine
ROLLING = """\
services:
  web:
    image: process/box:v1
    command: [sleep, "600"]
    environment: {{V: "{version}"}}
    stop_signal: SIGKILL
    deploy: {{replicas: 4, update_config: {{parallelism: 1, delay: 500ms, monitor: 1s}}, restart_policy: {{delay: 0s}}}}
"""


def write(bench: Bench, text: str) -> None:
    (bench.folder / "compose.yaml").write_text(text)


def running(bench: Bench) -> list[dict[str, Any]]:
    """Tasks of the stack that are meant to run and do, as the manager has them."""
    engine = connect(bench.host, {})
    tasks, _ = engine.tasks(bench.stack)
    engine.close()
    return [t for t in tasks if t["DesiredState"] == "running" and t["Status"]["State"] == "running"]


def version_of(task: dict[str, Any]) -> str:
    return str(task["Spec"]["ContainerSpec"]["Env"][0]).removeprefix("V=")


def new_tasks(bench: Bench, version: str) -> int:
    return sum(version_of(task) == version for task in running(bench))


def roll(cluster: Cluster, bench: Bench) -> Any:
    """Version 1 is there; version 2 is being rolled out and its first task runs: the process."""
    write(bench, ROLLING.format(version=1))
    bench.apply()
    write(bench, ROLLING.format(version=2))
    process = bench.start("apply", "--yes", bench.stack)
    cluster.wait(lambda: new_tasks(bench, "2") >= 1, "the rollout is under way")
    assert process.poll() is None
    return process


def finished(bench: Bench, process: Any) -> str:
    """What it said; ending in a clear error is allowed, in a traceback never. A second run then finishes the job."""
    out, err = process.communicate(timeout=150)
    assert "Traceback" not in out + err, out + err
    if process.returncode:
        assert process.returncode == 1
        assert err.startswith("stackc"), err
    return str(out + err)


def whole(cluster: Cluster, bench: Bench, replicas: int = 4) -> None:
    """Version 2 and nothing else; an apply finds nothing to do."""
    assert "no changes" in bench.apply()
    assert [version_of(task) for task in running(bench)] == ["2"] * replicas
    assert bench.history()[0]["phase"] == "applied"
    cluster.settle()


def test_an_image_of_the_registry_on_every_node(cluster: Cluster, bench: Bench) -> None:
    image = cluster.registry.push("process/box:v1", "spread:1", cluster.nodes[0])
    write(
        bench,
        f"services:\n  web:\n    image: {image}\n    command: [sleep, '600']\n    stop_signal: SIGKILL\n"
        "    deploy: {mode: global, update_config: {monitor: 500ms}}\n",
    )
    assert "applied" in bench.apply()
    tasks = running(bench)
    assert len({task["NodeID"] for task in tasks}) == 5
    assert all(task["Spec"]["ContainerSpec"]["Image"].startswith(f"{image}@sha256:") for task in tasks)
    bench.host = cluster.followers()[0].host
    assert "no changes" in bench.apply()
    follower = cluster.followers()[-1]
    assert bench.stack in follower.docker("stack", "ls")
    shown = follower.docker("stack", "ps", "--format", "{{.Node}} {{.CurrentState}}", bench.stack)
    assert sorted(re.findall(r"^(node-\d) Running", shown, re.MULTILINE)) == [node.name for node in cluster.nodes]


@pytest.mark.soak
def test_an_image_that_one_node_cannot_pull(cluster: Cluster, bench: Bench) -> None:
    image = cluster.registry.push("process/box:v1", "partly:1", cluster.nodes[0])
    blind = cluster.workers[1]
    blind.bar(SWITCH)
    blind.docker("rmi", "--force", image, check=False)
    for tag in ("process/box:v1", f"{SWITCH}:5000/box:v1"):  # the layers would be enough
        blind.docker("rmi", "--force", tag, check=False)
    write(
        bench,
        f"services:\n  web:\n    image: {image}\n    command: [sleep, '600']\n    stop_signal: SIGKILL\n"
        "    deploy: {mode: global, restart_policy: {delay: 0s}, update_config: {monitor: 500ms}}\n",
    )
    try:
        said = bench.apply("--timeout", "40", code=1)
        assert "not all is well since" in bench.apply(code=1), "the same again is no success while nothing has changed"
    finally:
        blind.allow(SWITCH)
        blind.docker("pull", "--quiet", f"{SWITCH}:5000/box:v1")
        blind.docker("tag", f"{SWITCH}:5000/box:v1", "process/box:v1")
    assert re.search(rf"{bench.stack}_web\.\S+ on {blind.name}: rejected", said), said
    assert "No such image" in said, said
    cluster.wait(lambda: len(running(bench)) == 5, "the node has got its image")
    assert "no changes" in bench.apply()


def test_a_task_that_no_node_may_take(bench: Bench) -> None:
    write(
        bench,
        "services:\n  web:\n    image: process/box:v1\n    command: [sleep, '600']\n"
        "    deploy: {placement: {constraints: [node.labels.zone == nowhere]}}\n",
    )
    said = bench.apply("--timeout", "5", code=1)
    assert f"task {bench.stack}_web.1 cannot be placed" in said
    assert "scheduling constraints not satisfied on 5 nodes" in said


@pytest.mark.soak
def test_the_leader_dies_in_the_middle_of_a_rollout(cluster: Cluster, bench: Bench) -> None:
    bench.host = cluster.followers()[0].host
    process = roll(cluster, bench)
    cluster.leader().kill()
    said = finished(bench, process)
    if process.returncode:
        cluster.leader()
        said = bench.apply()
    assert "applied" in said
    whole(cluster, bench)


@pytest.mark.soak
def test_the_manager_that_is_talked_to_dies_and_comes_back(cluster: Cluster, bench: Bench) -> None:
    asked, other = cluster.followers()
    bench.host = asked.host
    process = roll(cluster, bench)
    asked.kill()
    bench.host = other.host
    assert "has been applying this stack" in bench.apply(code=1)
    asked.start()
    said = finished(bench, process)
    assert process.returncode == 0, said
    whole(cluster, bench)


@pytest.mark.soak
def test_two_applies_from_two_managers_at_once(cluster: Cluster, bench: Bench) -> None:
    process = roll(cluster, bench)
    bench.host = cluster.followers()[0].host
    said = bench.apply(code=1)
    assert re.search(rf"\S+@\S+ pid {process.pid} has been applying this stack for \d+ s; nothing was written", said)
    finished(bench, process)
    assert process.returncode == 0
    whole(cluster, bench)


@pytest.mark.soak
def test_two_applies_that_begin_at_the_same_moment(cluster: Cluster, bench: Bench) -> None:
    write(bench, ROLLING.format(version=2))
    processes = []
    for manager in cluster.managers:
        bench.host = manager.host
        processes.append(bench.start("apply", "--yes", bench.stack))
    said = [finished(bench, process) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1, 1], said
    for process, words in zip(processes, said, strict=True):
        assert process.returncode == 0 or "nothing was written" in words, words
    whole(cluster, bench)


@pytest.mark.soak
def test_without_a_quorum_nothing_is_claimed(cluster: Cluster, bench: Bench) -> None:
    """The rollout waits; a new apply is told what is wrong; with the managers back the job is finished."""
    process = roll(cluster, bench)
    survivor = next(node for node in cluster.managers if node.host == bench.host)
    lost = [node for node in cluster.managers if node is not survivor]
    for manager in lost:
        manager.kill()
    cluster.wait(lambda: not survivor.docker("node", "ls", check=False), "the survivor knows of no leader")
    refused = bench.run("apply", "--yes", bench.stack, code=1)
    assert "The swarm does not have a leader" in refused, refused
    assert process.poll() is None
    cluster.settle()
    finished(bench, process)
    bench.apply()
    whole(cluster, bench)


@pytest.mark.soak
def test_a_worker_dies_in_the_middle_of_a_rollout(cluster: Cluster, bench: Bench) -> None:
    process = roll(cluster, bench)
    cluster.workers[0].kill()
    said = finished(bench, process)
    assert process.returncode == 0, said
    whole(cluster, bench)
