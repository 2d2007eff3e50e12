"""What a failed service leaves to be read: its task, the node, the health check's last words, the last log lines.

Gathered before the way back begins, for that may remove the containers that hold it. Nothing here can make a
rollout fail: what cannot be had in time is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from reconciler.engine import Engine, EngineError
from reconciler.engine.frames import lines_of
from reconciler.rollout.outcome import Evidence
from reconciler.rollout.verdict import task_name
from stackc.observed import BROKEN, ObservedTask

LOG_LINES = 10
PATIENCE = 3.0  # seconds for the logs of one task; its node may be gone
MOST_SERVICES = 5
_SHOWN = 2_000  # characters of a health check's output


def gather(engine: Engine, services: Iterable[str], tasks: Iterable[ObservedTask]) -> tuple[Evidence, ...]:
    """One entry per service that has a task to show, in the order of ``services``."""
    found = []
    everything = list(tasks)
    nodes = _nodes(engine)
    for name in list(services)[:MOST_SERVICES]:
        task = culprit([t for t in everything if t.service == name])
        if task is not None:
            found.append(_of_task(engine, task, nodes))
    return tuple(found)


def culprit(tasks: list[ObservedTask]) -> ObservedTask | None:
    """The task that tells most: the latest broken one, else one that ended, else one that does not get on."""
    for states in (BROKEN, ("complete",), ("pending", "preparing", "starting")):
        here = [t for t in tasks if t.state in states and (t.current or t.state in BROKEN)]
        if here:
            return max(here, key=lambda t: (t.since, t.id))
    return None


def _of_task(engine: Engine, task: ObservedTask, nodes: dict[str, str]) -> Evidence:
    health = task.message.removeprefix("unhealthy: ") if task.message.startswith("unhealthy: ") else ""
    return Evidence(
        service=task.service,
        task=task_name(task),
        node=nodes.get(task.node, task.node),
        state=task.state,
        error=task.err,
        exit_code=task.exit_code,
        health=health or _health(engine, task.container),
        log=_log(engine, task.id),
    )


def _nodes(engine: Engine) -> dict[str, str]:
    try:
        return {n["ID"]: str((n.get("Description") or {}).get("Hostname") or n["ID"]) for n in engine.read("nodes")}
    except EngineError:
        return {}


def _health(engine: Engine, container: str) -> str:
    """The last probe's output; only the engine that runs the container knows it."""
    if not container:
        return ""
    try:
        state = engine.inspect_container(container).get("State") or {}
    except EngineError:
        return ""
    probes = (state.get("Health") or {}).get("Log") or [{}]
    return str(probes[-1].get("Output") or "").strip()[:_SHOWN]


def _log(engine: Engine, task: str) -> tuple[str, ...]:
    lines: list[str] = []

    def read() -> None:
        try:
            for line in lines_of(engine.task_logs(task, {"stdout": 1, "stderr": 1, "tail": LOG_LINES})):
                lines.append(line.decode("utf-8", "replace").rstrip("\n"))
        except EngineError:
            return

    reader = threading.Thread(target=read, name="evidence", daemon=True)
    reader.start()
    reader.join(PATIENCE)
    return tuple(lines[-LOG_LINES:])
