"""After success: remove what pruning asked for, and the generations that nobody can return to any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.engine import Engine, EngineError
from stackc.diff import Bound, PlanDiff
from stackc.diff.bind import KEY_LABEL, own
from stackc.observed import RECORD_LABEL, Observed

_PATIENCE = 60  # looks at half a second: tasks of a removed service hold its networks until they have ended


def remove_orphans(
    engine: Engine, diff: PlanDiff, sleep: Callable[[float], None], hold: Callable[[], None]
) -> list[str]:
    """Services first, then, once their tasks are gone, networks. Returns what could not be removed, in words.

    ``hold`` is asked before each removal and raises when the stack is not ours to write any more."""
    problems: list[str] = []
    services = diff.of("service", "remove")
    for change in services:
        hold()
        _remove(lambda c=change: engine.remove_service(c.id), f"service {change.name}", problems)  # type: ignore[misc]
    ids = {change.id for change in services}
    if ids:
        wait_for_tasks(engine, diff.stack, ids, sleep)
    for change in diff.of("network", "remove"):
        hold()
        _remove(lambda c=change: remove_network(engine, c.id, sleep), f"network {change.name}", problems)  # type: ignore[misc]
    return problems


def remove_network(engine: Engine, identity: str, sleep: Callable[[float], None]) -> None:
    """Returns when it is gone: tasks that have been told to stop hold their network for a while, and an engine lists
    it as long as one of them is on its way out, also when the manager does not know it any more."""
    for left in reversed(range(_PATIENCE)):
        try:
            engine.remove("networks", identity)
        except EngineError as error:
            if error.kind not in ("in-use", "not-found") or (error.kind == "in-use" and not left):
                raise
        if not engine.read("networks", {"id": [identity]}):
            return
        sleep(0.5)


def wait_for_tasks(engine: Engine, stack: str, services: set[str], sleep: Callable[[float], None]) -> bool:
    """Until no task of these services is left in the manager's list. False when patience ended first."""
    for _ in range(_PATIENCE):
        tasks, _current = engine.tasks(stack)
        if not any(t.get("ServiceID") in services and _holds(t) for t in tasks):
            return True
        sleep(0.5)
    return False


def _holds(task: dict[str, object]) -> bool:
    status = task.get("Status")
    state = status.get("State") if isinstance(status, dict) else None
    return state not in ("complete", "shutdown", "failed", "rejected", "orphaned")


def superfluous(observed: Observed, bound: Bound, kept: Iterable[Bound], *, prune: bool) -> list[tuple[str, str]]:
    """(kind, id) of the own generations of configs and secrets that neither the stack, nor a kept revision, nor a
    running service refers to; with ``prune`` also of first generations, which bear docker's own names."""
    needed = [*kept, bound]
    found = []
    for kind, objects, references, key in (
        ("configs", observed.configs, "Configs", "ConfigName"),
        ("secrets", observed.secrets, "Secrets", "SecretName"),
    ):
        wanted = {name for b in needed for name in getattr(b, kind)}
        for service in observed.services.values():
            container = (service.spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
            wanted |= {r[key] for r in container.get(references) or ()}
        for name, object_ in objects.items():
            ours = own(object_.labels, bound.stack) and RECORD_LABEL not in object_.labels
            if ours and (prune or KEY_LABEL in object_.labels) and name not in wanted:
                found.append((kind, object_.id))
    return found


def collect_generations(engine: Engine, ids: Iterable[tuple[str, str]]) -> None:
    """Remove them. An engine refuses what a service's spec still names; such a refusal only postpones it."""
    for kind, identity in ids:
        try:
            engine.remove(kind, identity)
        except EngineError as error:
            if error.kind not in ("in-use", "not-found"):
                raise


def _remove(action: Callable[[], None], what: str, problems: list[str]) -> None:
    try:
        action()
    except EngineError as error:
        if error.temporary or error.kind == "lease":
            raise
        if error.kind != "not-found":
            problems.append(f"{what} could not be removed: {error.message}")
