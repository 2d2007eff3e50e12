"""The course of one rollout: intent, objects, services wave by wave, verdict; on failure the way back.

Decisions are made in ``machine``; here they are carried out, each write under the stack's lease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.engine import Engine, EngineError
from reconciler.engine.observe import by_id, observe, refresh
from reconciler.engine.patience import Patience
from reconciler.rollout import journal, lease, machine
from reconciler.rollout.cleanup import collect_generations, remove_orphans, superfluous
from reconciler.rollout.evidence import gather
from reconciler.rollout.journal import Attempt, LeaseLostError, Revision
from reconciler.rollout.machine import Item, Items
from reconciler.rollout.outcome import Outcome, Result
from reconciler.rollout.prepare import Prepared, Settings
from reconciler.rollout.progress import Progress, ServiceProgress
from reconciler.rollout.verdict import FAILED, GOOD
from stackc.diff import Bound
from stackc.diff.images import image_of, unpinned
from stackc.diff.networks import base_of, in_both
from stackc.observed import Observed
from stackc.plan import Json

PORT_PATIENCE = 3.0  # seconds in which a port may still be let go by whoever had it
TICK = 0.2  # seconds between two looks at an engine
CONFLICTS = 5  # tries to write a service that changes under us, where nothing is waited for


def new_attempt(
    prepared: Prepared, revision: Revision, settings: Settings, phase: str, reason: str, ended: float | None = None
) -> Attempt:
    last = prepared.history.last
    return Attempt(
        number=last.number + 1 if last else 1,
        bound=prepared.bound,
        revision=revision,
        phase=phase,
        reason=reason,
        started=settings.now(),
        ended=ended,
        actor=settings.actor,
        base={name: s.version for name, s in prepared.observed.services.items()},
        renewed=settings.now(),
    )


class Course:
    """The state of one run: the attempt's record, its items and the engine they are sent to."""

    def __init__(self, engine: Engine, prepared: Prepared, settings: Settings) -> None:
        self.engine = engine
        self.prepared = prepared
        self.bound = prepared.bound
        self.observed = prepared.observed
        self.settings = settings
        self.started = settings.now()
        self.phase = "preparing"
        self.attempt: Attempt | None = None
        good = prepared.history.last_good
        self.last_good: Bound | None = good.bound if good else None
        self.changed: list[str] = []
        self._told: dict[str, tuple[str, str]] = {}

    # -- the course ------------------------------------------------------------------------------------------

    def run(self, revision: Revision, open_attempt: Attempt | None) -> Outcome:
        base = {name: s.version for name, s in self.observed.services.items()}
        resumed = False
        same = open_attempt is not None and open_attempt.digest == self.bound.digest
        if open_attempt is not None and same:
            base, resumed = dict(open_attempt.base), True
        if open_attempt is not None and same and journal.same_record(open_attempt.bound, self.bound):
            taken = replace(open_attempt, actor=self.settings.actor, renewed=self.settings.now())
            self.attempt = journal.mark(self.engine, taken, take_over=True)
            self.note(f"going on with attempt {open_attempt.number}, which {lease.shown(open_attempt.actor)} left")
        else:
            # The same plan bound anew: what was to be generated, and was not yet, has other names now, and a record
            # that names what never came to be is no place to return to.
            if open_attempt is not None:
                self._supersede(open_attempt)
            attempt = replace(new_attempt(self.prepared, revision, self.settings, "applying", ""), base=base)
            try:
                self.attempt = journal.begin(self.engine, attempt)
            except EngineError as error:
                if error.kind != "exists":
                    raise
                raise LeaseLostError(
                    "another apply of this stack began at the same moment; nothing was written"
                ) from error
        items = self._items(base, resumed)
        if self.attempt.phase == "rolling-back":
            return self._back(items, self.attempt.reason)
        return self._forward(items)

    def _supersede(self, attempt: Attempt) -> None:
        ended = replace(
            attempt,
            phase="cancelled",
            reason="its process ended before the verdict; a newer plan took over",
            ended=self.settings.now(),
            actor=self.settings.actor,
        )
        journal.mark(self.engine, ended, take_over=True)

    def _items(self, base: Mapping[str, int], resumed: bool) -> Items:
        """What this rollout writes; on a resume also what the dead process had written already."""
        changes = {c.name: c for c in self.prepared.diff.of("service", "create", "update")}
        names = [n for wave in self.prepared.diff.waves for n in wave]
        before = self.last_good.services if self.last_good else {}
        items: Items = {}
        for name in names:
            change = changes.get(name)
            touched = resumed and self._touched(name, base)
            if change is None and not touched:
                continue
            live = self.observed.services.get(name)
            spec = change.spec if change is not None and change.spec is not None else self.bound.services[name]
            items[name] = Item(
                name=name,
                spec=spec,
                before=live.spec if live is not None else before.get(name) if touched else None,
                needs=self.bound.needs.get(name, {}),
                base=base.get(name, 0),
                wave=self.bound.waves.get(name, 0),
            )
        return items

    def _touched(self, name: str, base: Mapping[str, int]) -> bool:
        live = self.observed.services.get(name)
        return live is not None and live.version != base.get(name, 0)

    def _forward(self, items: Items) -> Outcome:
        refused = self._create_objects()
        if refused:
            self._close("failed", refused)
            text = f"{refused}; no service was touched"
            return Outcome(result=Result.FAILED, reason=text, failures=(refused,))
        self.phase = "applying"
        if self.settings.detach:
            return self._send_all(items)
        items, stopped = self._joined(items)
        if not stopped and not any(i.state == FAILED for i in items.values()):
            items, stopped = self._drive(items, back=False)
        if stopped == "cancelled":
            self._close("cancelled", "a newer revision took over")
            return Outcome(result=Result.CANCELLED, reason="a newer revision took over", changed=tuple(self.changed))
        failed = [i for i in items.values() if i.state == FAILED]
        if not failed and not stopped:
            return self._succeed()
        late = [i for i in items.values() if not i.settled] if stopped else []
        failures = tuple(f"{i.name}: {i.text}" for i in failed + late)
        reason = failures[0] if not stopped else f"not done within {self.settings.timeout:.0f} s: {failures[0]}"
        self.note(f"failed: {reason}")
        evidence = gather(self.engine, [i.name for i in failed + late if i.written], self.observed.tasks)
        return replace(self._back(items, reason, failures), evidence=evidence)

    def _joined(self, items: Items) -> tuple[Items, str]:
        """Before services leave a network for its next generation all of them are in both: nobody loses anybody."""
        stack = self.bound.stack
        bases = {name: base_of(network, stack) or name for name, network in self.observed.networks.items()}
        first: Items = {}
        for name, item in items.items():
            live = self.observed.services.get(name)
            spec = in_both(live.spec, item.spec, bases) if live is not None and item.spec is not None else None
            if live is not None and spec is not None:
                first[name] = replace(item, spec=spec, before=live.spec)
        if not first:
            return items, ""
        self.note("the services join the new network before they leave the old one")
        first, stopped = self._drive(first, back=False)
        if stopped or any(i.state == FAILED for i in first.values()):
            return {**items, **first}, stopped
        return {n: replace(i, before=first[n].spec, written=True) if n in first else i for n, i in items.items()}, ""

    def _send_all(self, items: Items) -> Outcome:
        """Without gates and without a verdict. The attempt stays open: the next apply takes it up and judges it."""
        self.observed = refresh(self.engine, self.observed)
        written = [self._send(item) for item in items.values()]
        conflict = "it was written by somebody else at the same moment; apply again"
        failures = tuple(f"{i.name}: {i.text if i.state == FAILED else conflict}" for i in written if not i.written)
        if failures:
            self._close("failed", failures[0])
            return Outcome(result=Result.FAILED, reason=failures[0], failures=failures, changed=tuple(self.changed))
        return Outcome(result=Result.APPLIED, reason="sent, not waited for", changed=tuple(self.changed))

    def _send(self, item: Item) -> Item:
        """A write that met with a conflict may have been ours: what is there now tells, and decides anew."""
        for _ in range(CONFLICTS):
            sent = self._write(item, back=False)
            if sent.written or sent.state == FAILED:
                return sent
            self.observed = refresh(self.engine, self.observed)
            live = self.observed.services.get(item.name)
            if live is not None and item.spec is not None and machine.is_written(live.spec, item.spec):
                return machine.sent(item, self.observed)
        return item

    def _succeed(self) -> Outcome:
        self.phase = "finishing"
        self.tell()
        problems = remove_orphans(self.engine, self.prepared.diff, self.settings.sleep, self._hold)
        self._close("applied", "applied")
        assert self.attempt is not None
        try:
            observed = observe(self.engine, self.bound.stack)
            clean_up(self.engine, self.prepared, observed, self.settings, self.attempt.number)
        except EngineError as error:  # it is applied, and the next apply cleans up
            problems.append(f"what is not needed any more is still there: {error.message}")
        return Outcome(result=Result.APPLIED, reason="applied", changed=tuple(self.changed), failures=tuple(problems))

    def _back(self, items: Items, reason: str, failures: tuple[str, ...] = ()) -> Outcome:
        """Return what this rollout changed to LastGood, once. A rollback that fails stops and says so."""
        changed = tuple(self.changed) or tuple(items)
        if self.last_good is None:
            self._close("failed", reason)
            text = f"{reason}; there is no earlier good revision to return to, the stack stays as it is"
            return Outcome(result=Result.FAILED, reason=text, failures=failures, changed=changed)
        assert self.attempt is not None
        self.phase = "rolling-back"
        self.attempt = journal.mark(self.engine, replace(self.attempt, phase="rolling-back", reason=reason))
        back, stopped = self._drive(machine.turned(items, self.last_good.services), back=True)
        bad = [i for i in back.values() if i.state != GOOD]
        if bad or stopped:
            lines = tuple(f"{i.name}: {i.text}" for i in bad)
            self._close("failed", f"{reason}; and the rollback failed: {'; '.join(lines)}")
            return Outcome(
                result=Result.FAILED,
                reason=f"{reason}; and the rollback failed too, the stack stays as it is",
                failures=failures + lines,
                changed=changed,
            )
        self._close("rolled-back", reason)
        return Outcome(result=Result.ROLLED_BACK, reason=reason, failures=failures, changed=changed)

    # -- carrying out ----------------------------------------------------------------------------------------

    def _create_objects(self) -> str:
        """Networks, configs and secrets. What the engine refused, in words; "" when all are there."""
        for change in self.prepared.diff.changes:
            if change.action != "create" or change.kind == "service":
                continue
            assert change.spec is not None
            self._hold()
            try:
                if change.kind == "network":
                    self.engine.create_network(change.spec)
                else:
                    create = self.engine.create_config if change.kind == "config" else self.engine.create_secret
                    create(change.spec, self.bound.data[change.kind, change.name])
            except EngineError as error:
                if error.temporary or error.kind == "lease":
                    raise
                if error.kind != "exists":  # somebody else has just made it, or an earlier run of this plan
                    return f"the engine refused the {change.kind} {change.name}: {error.message}"
            self.note(f"created {change.kind} {change.name}")
        self.observed = observe(self.engine, self.bound.stack)
        return ""

    def _drive(self, items: Items, *, back: bool) -> tuple[Items, str]:
        """Look, decide, write, until every item is settled, one has failed, time is up or a newer plan is there."""
        deadline = self.settings.now() + self.settings.timeout
        renewed = self.settings.now()
        while True:
            self.observed = refresh(self.engine, self.observed)
            items, writes = machine.advance(items, self.observed, self.settings.now(), back=back)
            for name in writes:
                items[name] = self._write(items[name], back=back)
            self.tell(items)
            if all(i.state == GOOD for i in items.values()):
                return (items if back else self._with_unserved(items)), ""
            if any(i.state == FAILED for i in items.values()):
                return items, ""
            if self.settings.now() > deadline:
                return items, "timeout"
            if not back and self.settings.cancelled():
                return items, "cancelled"
            if self.settings.now() - renewed > lease.RENEW:
                renewed = self.settings.now()
                assert self.attempt is not None
                self.attempt = journal.mark(self.engine, replace(self.attempt, renewed=renewed))
            if not writes:
                self.settings.sleep(TICK)

    def _with_unserved(self, items: Items) -> Items:
        """Tasks may be well and nobody can reach them: a published port that another program holds is a failure."""
        ports = {n: _published(i.spec) for n, i in items.items() if i.spec is not None}
        deadline = self.settings.now() + PORT_PATIENCE
        while True:
            problems = self.engine.unserved_ports()
            found = {n: p for n, numbers in ports.items() for p in numbers if p in problems}
            if not found:
                return items
            if self.settings.now() > deadline:
                failed = {n: f"published port {p}: {problems[p]}" for n, p in found.items()}
                return {
                    n: replace(i, state=FAILED, text=failed.get(n, i.text)) if n in failed else i
                    for n, i in items.items()
                }
            self.settings.sleep(TICK)

    def _write(self, item: Item, *, back: bool) -> Item:
        live = self.observed.services.get(item.name)
        refused = machine.writable(item, live, back=back)
        if refused:
            return replace(item, state=FAILED, text=refused, theirs=True)
        self._hold()
        try:
            if item.spec is None:
                if live is not None:
                    self.engine.remove_service(live.id)
            elif live is None:
                self.engine.create_service(by_id(item.spec, self.observed), self._auth(item.spec))
            else:
                spec = by_id(_same_force(item.spec, live.spec), self.observed)
                self.engine.update_service(live.id, live.version, spec, self._auth(item.spec))
        except EngineError as error:
            if error.kind == "conflict":
                return item  # read again, decide again; never a blind retry
            if error.temporary or error.kind == "lease":
                raise
            return replace(item, state=FAILED, text=f"the engine refused it: {error.message}", written=back)
        if item.name not in self.changed:
            self.changed.append(item.name)
        return machine.sent(item, self.observed)

    def _auth(self, spec: Json) -> str:
        return self.settings.registry_auth(unpinned(image_of(spec))) if self.settings.send_auth else ""

    def _hold(self) -> None:
        """Before each write: raises LeaseLostError when somebody else has taken this stack over."""
        if self.attempt is not None:  # before that there is nothing to be held
            journal.hold(self.engine, self.attempt)

    def patience(self) -> Patience:
        """A rollout that has begun waits also for an engine that is not there: it may be started anew."""
        return Patience(
            seconds=self.settings.outage,
            absent=True,
            now=self.settings.now,
            sleep=self.settings.sleep,
            tell=self.note,
            hold=self._hold,
        )

    def _close(self, phase: str, reason: str) -> None:
        assert self.attempt is not None
        self.attempt = journal.mark(
            self.engine, replace(self.attempt, phase=phase, reason=reason, ended=self.settings.now())
        )

    # -- telling ---------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        self.settings.progress(Progress(phase=self.phase, elapsed=self.settings.now() - self.started, note=text))

    def tell(self, items: Items | None = None) -> None:
        services = tuple(
            ServiceProgress(
                name=i.name,
                state=i.state,
                text=i.text,
                healthy=i.healthy,
                wanted=i.wanted,
                tasks=tuple(t for t in self.observed.tasks if t.service == i.name),
            )
            for i in (items or {}).values()
        )
        self.settings.progress(
            Progress(phase=self.phase, elapsed=self.settings.now() - self.started, services=services)
        )


def clean_up(engine: Engine, prepared: Prepared, observed: Observed, settings: Settings, current: int) -> None:
    """Remove generations and records that nobody can return to any more. ``current``: the number of the attempt that
    the stack is at."""
    applied = [a.bound for a in prepared.history.attempts if a.phase == "applied" and a.number != current]
    kept = applied[-max(settings.keep, 1) :]
    collect_generations(engine, superfluous(observed, prepared.bound, kept, prune=prepared.diff.prune))
    journal.forget(engine, prepared.history)


def _published(spec: Json) -> list[int]:
    ports = (spec.get("EndpointSpec") or {}).get("Ports") or ()
    return [port["PublishedPort"] for port in ports if port.get("PublishedPort")]


def _same_force(spec: Json, live: Json) -> Json:
    """ForceUpdate as it is live: a different one would restart every task. Where that is wanted, it is ahead."""
    wanted = spec["TaskTemplate"].get("ForceUpdate") or 0
    force = max(wanted, (live.get("TaskTemplate") or {}).get("ForceUpdate") or 0)
    return {**spec, "TaskTemplate": {**spec["TaskTemplate"], "ForceUpdate": force}}
