"""Specs and simulations that the orchestrator's tests share. One service, ``web``, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.manager.model import Json, Task, TaskState
from reconciler.manager.simulated import Script, Simulation, image_of

SECOND = 1_000_000_000
# Instant to prepare and to stop, so that a new task runs exactly `start` after its predecessor was told to stop.
QUICK = Script(prepare=0.0, start=1.0, stop=0.0)


def seconds(value: float) -> int:
    return int(value * SECOND)


def service(tag: str = "1", replicas: int = 4, *, name: str = "web", **parts: Any) -> Json:
    """A ServiceSpec; ``template=`` is merged into its TaskTemplate, everything else into the spec itself."""
    template = {"ContainerSpec": {"Image": f"app:{tag}"}, **parts.pop("template", {})}
    return {"Name": name, "TaskTemplate": template, "Mode": {"Replicated": {"Replicas": replicas}}, **parts}


def config(
    parallelism: int = 1, delay: float = 0, monitor: float = 5, action: str = "pause", ratio: float = 0, **more: Any
) -> Json:
    """An UpdateConfig or RollbackConfig."""
    return {
        "Parallelism": parallelism,
        "Delay": seconds(delay),
        "Monitor": seconds(monitor),
        "FailureAction": action,
        "MaxFailureRatio": ratio,
        **more,
    }


def deployed(
    spec: Json,
    scripts: dict[str, Script] | None = None,
    *,
    script: Callable[[Task], Script] | None = None,
    forever: bool = False,
    **options: Any,
) -> Simulation:
    """A simulation in which ``spec`` has been running since before 0 s, its clock at 0 and its timeline empty.

    ``forever``: it never becomes quiet.
    """
    by_tag = {"1": QUICK, "2": QUICK, "3": QUICK, **(scripts or {})}
    sim = Simulation(script=script or by_tag, now=-1000.0, **options)
    sim.create(spec)
    assert sim.run_until(0) != forever
    sim.timeline.clear()
    return sim


def tags(sim: Simulation, name: str = "web") -> list[str]:
    """The image tags of the live tasks, in slot order."""
    return [_tag(task) for task in sorted(sim.live(name), key=lambda task: (task.slot, task.created_at))]


def running_tags(sim: Simulation, name: str = "web") -> list[str]:
    return [_tag(task) for task in sorted(sim.running(name), key=lambda task: (task.slot, task.created_at))]


def _tag(task: Task) -> str:
    return image_of(task).rpartition(":")[2]


def ran_at(sim: Simulation, tag: str) -> list[float]:
    """When tasks of this image tag reached RUNNING."""
    return [m.time for m in sim.timeline if m.image == f"app:{tag}" and m.state == TaskState.RUNNING]


def created_at(sim: Simulation, tag: str) -> list[float]:
    """When tasks of this image tag were created (and put on a node, in the same step)."""
    return [m.time for m in sim.timeline if m.image == f"app:{tag}" and m.state <= TaskState.ASSIGNED]


def ended_with(sim: Simulation, state: TaskState) -> list[str]:
    return [m.task_id for m in sim.timeline if m.state == state]


def status_times(sim: Simulation, state: str, name: str = "web") -> list[float]:
    """When the service's UpdateStatus was written with this state."""
    return [time for time, service_id, written in sim.statuses if (service_id, written) == (name, state)]


def in_slot(sim: Simulation, slot: int, name: str = "web") -> list[Task]:
    return [task for task in sim.of(name) if task.slot == slot]
