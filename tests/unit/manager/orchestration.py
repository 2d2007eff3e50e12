"""Specs and simulations that the orchestrator's tests share. One service, ``web``, unless a test says otherwise."""

from __future__ import annotations

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


def deployed(spec: Json, scripts: dict[str, Script] | None = None, **options: Any) -> Simulation:
    """A simulation in which ``spec`` runs, with the clock set back to 0 s since it was quiet."""
    sim = Simulation(script={"1": QUICK, "2": QUICK, "3": QUICK, **(scripts or {})}, **options)
    sim.create(spec)
    assert sim.run_until_quiet(100)
    return sim


def tags(sim: Simulation, name: str = "web") -> list[str]:
    """The image tags of the live tasks, in slot order."""
    live = sorted(sim.live(name), key=lambda task: (task.slot, task.created_at))
    return [image_of(task).rpartition(":")[2] for task in live]


def running_tags(sim: Simulation, name: str = "web") -> list[str]:
    live = sorted(sim.running(name), key=lambda task: (task.slot, task.created_at))
    return [image_of(task).rpartition(":")[2] for task in live]


def ran_at(sim: Simulation, tag: str) -> list[float]:
    """When tasks of this image tag reached RUNNING."""
    return [m.time for m in sim.timeline if m.image == f"app:{tag}" and m.state == TaskState.RUNNING]


def created_at(sim: Simulation, tag: str) -> list[float]:
    return [m.time for m in sim.timeline if m.image == f"app:{tag}" and m.state <= TaskState.ASSIGNED]


def in_slot(sim: Simulation, slot: int, name: str = "web") -> list[Task]:
    return [task for task in sim.of(name) if task.slot == slot]
