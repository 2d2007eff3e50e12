"""One rollout from the first read to the verdict."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.engine import Engine, EngineError
from reconciler.engine.observe import refresh
from reconciler.rollout import journal, lease
from reconciler.rollout.course import Course, clean_up, new_attempt
from reconciler.rollout.journal import Attempt, LeaseLostError, Revision
from reconciler.rollout.outcome import Outcome, Result
from reconciler.rollout.prepare import TIMEOUT, Prepared, Settings, prepare
from reconciler.rollout.progress import Progress
from reconciler.rollout.verdict import GOOD, judge
from stackc.plan import StackPlan


def deploy(
    engine: Engine,
    plan: StackPlan,
    *,
    revision: Revision,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    timeout: float = TIMEOUT,
    prune: bool = False,
) -> Outcome:
    """Look, compare, carry out. Raises EngineError when the engine cannot be reached (any more)."""
    settings = Settings(timeout=timeout, prune=prune, progress=progress, cancelled=cancelled)
    return carry_out(engine, prepare(engine, plan, settings), revision, settings)


def carry_out(engine: Engine, prepared: Prepared, revision: Revision, settings: Settings) -> Outcome:
    """Write what ``prepared`` found and wait for the verdict.

    Never raises for a rollout that fails: the Outcome says so. Raises EngineError when the engine cannot be
    reached any more; calling again then goes on where this run stopped.
    """
    impossible = (*prepared.bound.missing, *prepared.bound.dropped)
    if impossible:
        return Outcome(result=Result.REFUSED, reason="; ".join(impossible))
    removed = prepared.diff.of("service", "remove")
    budget = prepared.diff.budget if settings.max_removals is None else settings.max_removals
    if len(removed) > budget:
        reason = f"{len(removed)} services would be removed, and at most {budget} may be; nothing was written"
        return Outcome(result=Result.REFUSED, reason=reason, failures=tuple(f"would remove {c.name}" for c in removed))
    open_attempt = prepared.unfinished
    if open_attempt is not None and _held_elsewhere(open_attempt, settings):
        since = settings.now() - open_attempt.started
        holder = lease.shown(open_attempt.actor)
        reason = f"{holder} has been applying this stack for {since:.0f} s; nothing was written"
        return Outcome(result=Result.REFUSED, reason=reason)
    if open_attempt is None and prepared.diff.empty:
        return _unchanged(engine, prepared, revision, settings)
    course = Course(engine, prepared, settings)
    try:
        with engine.waiting(course.patience()):
            return course.run(revision, open_attempt)
    except LeaseLostError as lost:
        result = Result.CANCELLED if course.changed else Result.REFUSED
        return Outcome(result=result, reason=str(lost), changed=tuple(course.changed))
    except EngineError as error:
        if course.attempt is None:
            raise
        raise EngineError(error.kind, f"{error.message}\n{_half_way(course.attempt)}", error.status) from error


def _half_way(attempt: Attempt) -> str:
    if not attempt.open:
        return f"  attempt {attempt.number} of stack {attempt.bound.stack} has ended before: {attempt.phase}"
    return (
        f"  the rollout of stack {attempt.bound.stack} stopped half-way and its attempt {attempt.number} stays open:"
        f" do the same again, and it goes on from there (from another machine after {lease.TTL:.0f} s)"
    )


def _held_elsewhere(attempt: Attempt, settings: Settings) -> bool:
    if attempt.actor == settings.actor:
        return False
    return not lease.abandoned(attempt.actor, attempt.renewed, settings.now())


def _unchanged(engine: Engine, prepared: Prepared, revision: Revision, settings: Settings) -> Outcome:
    """Nothing differs. What other means deployed becomes LastGood, once; what a run that was interrupted at its very
    end left behind is cleaned up; else nothing is written at all."""
    unwell = _unwell(engine, prepared, settings.now())
    if unwell:
        reason = f"nothing differs, but the last attempt failed, and not all is well since: {unwell[0]}"
        return Outcome(result=Result.FAILED, reason=reason, failures=unwell)
    good = prepared.history.last_good
    if good is not None and good is prepared.history.last:
        clean_up(engine, prepared, prepared.observed, settings, good.number)
    if good is None and prepared.bound.services:
        now = settings.now()
        journal.begin(engine, new_attempt(prepared, revision, settings, "applied", "adopted as it runs", ended=now))
    return Outcome(result=Result.UNCHANGED, reason="no changes")


def _unwell(engine: Engine, prepared: Prepared, now: float) -> tuple[str, ...]:
    """After a failed attempt of the same plan: the services that do not run as they should at this look. Three reads,
    none when the last attempt did not fail."""
    last = prepared.history.last
    if last is None or last.phase != "failed" or last.digest != prepared.bound.digest:
        return ()
    observed = refresh(engine, prepared.observed)
    found = []
    for name, spec in prepared.bound.services.items():
        tasks = [t for t in observed.tasks if t.service == name]
        known = frozenset(t.id for t in tasks)
        seen = judge(observed.services.get(name), spec, tasks, now=now, since=now, baseline=known)
        if seen.state != GOOD:
            found.append(f"{name}: {seen.text}")
    return tuple(found)
