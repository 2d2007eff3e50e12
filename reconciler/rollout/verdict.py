"""Is a service what we sent, and is it well? The engine's UpdateStatus is evidence, not truth: tasks decide. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackc.diff.normal import normal
from stackc.observed import BROKEN, RUNNING, ObservedService, ObservedTask
from stackc.plan import Json

DEFAULT_MONITOR = 5.0  # seconds; an engine's own default
CRASHES = 3  # broken tasks of one slot after which a service counts as failed, whatever its restart policy says

WAITING, GOOD, FAILED = "waiting", "good", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``state``: waiting, good or failed. ``healthy`` of ``wanted`` slots are well; ``text`` says what is awaited
    or what is wrong. ``since``: when all slots were first seen well, Unix seconds."""

    state: str
    text: str
    healthy: int = 0
    wanted: int = 0
    since: float | None = None


def judge(
    service: ObservedService | None,
    sent: Json,
    tasks: Iterable[ObservedTask],
    *,
    now: float,
    since: float | None,
    baseline: frozenset[str],
    back: bool = False,
) -> Verdict:
    """``tasks`` are this service's; ``baseline`` are the ids of those that were there, ended or running, when we
    sent the spec. ``since`` is the last verdict's. ``back``: the spec is one that we return to."""
    if service is None:
        return Verdict(state=FAILED, text="the service is gone: somebody removed it meanwhile")
    found = sorted(tasks, key=lambda t: (t.slot, t.created_at, t.id))
    broken = [t for t in found if t.state in BROKEN and t.id not in baseline]
    engine_says = _engine(service, sent, cause(service, found, broken), back)
    if engine_says is not None:
        return engine_says
    wanted, healthy, unsettled = _slots(service.spec, found)
    stopped = _gave_up(service.spec, found, broken)
    if stopped:
        return Verdict(state=FAILED, text=stopped, healthy=healthy, wanted=wanted)
    if service.update_state in ("updating", "rollback_started") or healthy < wanted or unsettled:
        return Verdict(state=WAITING, text=_awaited(service, found), healthy=healthy, wanted=wanted)
    since = now if since is None else since
    untouched = all(t.id in baseline for t in found if t.live)
    hold = 0.0 if untouched or service.update_state.endswith("completed") else monitor(sent)
    if now - since < hold:
        text = f"all {wanted} running, watched for {hold - (now - since):.0f} s more"
        return Verdict(state=WAITING, text=text, healthy=healthy, wanted=wanted, since=since)
    return Verdict(state=GOOD, text=f"{healthy} of {wanted} running", healthy=healthy, wanted=wanted, since=since)


def cause(service: ObservedService, tasks: Iterable[ObservedTask], broken: list[ObservedTask]) -> str:
    """Why an engine stopped an update: the task it names, else the latest broken one, else its own words."""
    named = next((t for t in tasks if t.id in service.update_message), None)
    if named is not None and named.state == "complete":  # an unhealthy task that obeys its stop signal ends so
        return f"task {task_name(named)} ended (exit code {named.exit_code or 0}) instead of staying up and healthy"
    return describe([named] if named is not None else broken) or service.update_message


def _engine(service: ObservedService, sent: Json, why: str, back: bool) -> Verdict | None:
    """What the engine's own update machinery has already decided."""
    state = service.update_state
    if state in ("paused", "rollback_paused") or (state.startswith("rollback") and not back):
        words = {
            "paused": "the engine paused the update",
            "rollback_paused": "the engine's own rollback failed and is paused",
        }.get(state, "the engine rolled the update back")
        return Verdict(state=FAILED, text=f"{words}: {why}")
    if normal(service.spec) != normal(sent):
        return Verdict(state=FAILED, text="the service is not what was sent: somebody changed it meanwhile")
    return None


def _slots(spec: Json, tasks: list[ObservedTask]) -> tuple[int, int, bool]:
    """(wanted, healthy, whether a slot still has a task of another spec or one too many)."""
    if _is_job(spec):
        finished, total = _completions(spec, tasks)
        return total, finished, finished < total
    live = [t for t in tasks if t.live]
    places: dict[tuple[int, str], list[ObservedTask]] = {}
    replicated = "Replicated" in (spec.get("Mode") or {})
    for task in live:
        places.setdefault((task.slot, "" if replicated else task.node), []).append(task)
    done = {t.slot for t in tasks if t.state == "complete" and t.current} if _runs_to_completion(spec) else set()
    wanted = replicas(spec) if replicated else max(len(places), 1)
    well = {place for place, here in places.items() if len(here) == 1 and here[0].current and here[0].state == RUNNING}
    healthy = len(well) + len(done - {slot for slot, _ in places})
    unsettled = any(place not in well for place in places)
    return wanted, min(healthy, wanted) if not unsettled else len(well), unsettled or len(places) > wanted


def replicas(spec: Json) -> int:
    replicated = (spec.get("Mode") or {}).get("Replicated") or {}
    return int(replicated.get("Replicas", 1))


def monitor(spec: Json) -> float:
    return float((spec.get("UpdateConfig") or {}).get("Monitor") or DEFAULT_MONITOR * 1e9) / 1e9


def completed(spec: Json, tasks: Iterable[ObservedTask]) -> bool:
    """Whether a job, or a service that is not restarted after success, has done its work in every slot."""
    if not (_is_job(spec) or _runs_to_completion(spec)):
        return False
    done, total = _completions(spec, tasks)
    return done >= total


def _is_job(spec: Json) -> bool:
    return any(mode in (spec.get("Mode") or {}) for mode in ("ReplicatedJob", "GlobalJob"))


def _completions(spec: Json, tasks: Iterable[ObservedTask]) -> tuple[int, int]:
    """(completed, wanted). A job on every node counts nodes, others count slots."""
    mode = spec.get("Mode") or {}
    current = [t for t in tasks if t.current]
    if "GlobalJob" in mode:
        done = {t.node for t in current if t.state == "complete"}
        return len(done), max(len({t.node for t in current}), 1)
    job = mode.get("ReplicatedJob")
    total = replicas(spec) if job is None else int(job.get("TotalCompletions") or job.get("MaxConcurrent") or 1)
    return len({t.slot for t in current if t.state == "complete"}), total


def _runs_to_completion(spec: Json) -> bool:
    policy = (spec.get("TaskTemplate") or {}).get("RestartPolicy") or {}
    return policy.get("Condition") in ("none", "on-failure")


def _gave_up(spec: Json, tasks: list[ObservedTask], broken: list[ObservedTask]) -> str:
    """Why there is no use in waiting any longer; "" while there is."""
    per_slot: dict[tuple[int, str], int] = {}
    for task in broken:
        place = (task.slot, "" if task.slot else task.node)
        per_slot[place] = per_slot.get(place, 0) + 1
    if max(per_slot.values(), default=0) >= CRASHES:
        return f"tasks keep failing: {describe(broken)}"
    policy = (spec.get("TaskTemplate") or {}).get("RestartPolicy") or {}
    live = {t.slot for t in tasks if t.live}
    if policy.get("Condition") == "none" and any(t.slot not in live for t in broken):
        return f"a task failed and its restart policy is «none»: {describe(broken)}"
    return ""


def _awaited(service: ObservedService, tasks: list[ObservedTask]) -> str:
    for task in tasks:
        if task.live and task.current and task.state == "pending" and task.err:
            return f"task {task_name(task)} cannot be placed: {task.err}"
    starting = [t for t in tasks if t.live and t.current and t.state == "starting"]
    if starting:
        checked = (service.spec["TaskTemplate"]["ContainerSpec"].get("Healthcheck") or {}).get("Test") not in (
            None,
            [],
            ["NONE"],
        )
        return f"waiting for {task_name(starting[0])} to {'become healthy' if checked else 'start'}"
    under_way = service.update_state in ("updating", "rollback_started")
    return service.update_message if under_way and service.update_message else "waiting for tasks to run"


def describe(broken: list[ObservedTask]) -> str:
    """The latest broken task in a few words: which, how it ended, where."""
    if not broken:
        return ""
    task = max(broken, key=lambda t: t.since)
    code = f" (exit code {task.exit_code})" if task.exit_code and str(task.exit_code) not in task.err else ""
    return f"task {task_name(task)} {task.state}: {task.err or task.message}{code}"


def task_name(task: ObservedTask) -> str:
    """As `docker service ps` names it."""
    return f"{task.service}.{task.slot or task.node}"
