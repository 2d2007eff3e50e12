"""The decisions of a rollout: which service may be written now, which is good, which has failed. Pure.

The same machine goes forward (dependencies first) and back (dependents first); only the edges are turned.
It holds no clock and sends nothing: ``advance`` gets a look at the engine and the time, and names the writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.rollout import verdict
from reconciler.rollout.verdict import FAILED, GOOD, WAITING, Verdict
from stackc.diff.normal import normal
from stackc.observed import BROKEN, Observed, ObservedService, ObservedTask
from stackc.plan import Json

SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One service of a rollout.

    ``spec``: what it shall be, None for gone. ``before``: what it was when the plan was made, None for absent;
    a live service that is neither is somebody else's edit and is not overwritten. ``base``: its version index
    when the attempt began (0: absent). ``state``: waiting, sent, good or failed. ``wave``: it waits for all items of
    lower numbers.
    """

    name: str
    spec: Json | None
    before: Json | None
    needs: Mapping[str, str] = field(default_factory=dict)
    base: int = 0
    wave: int = 0
    state: str = WAITING
    text: str = "waiting for its turn"
    healthy: int = 0
    wanted: int = 0
    since: float | None = None
    baseline: frozenset[str] = frozenset()
    written: bool = False
    theirs: bool = False  # somebody else's edit was found: never overwritten, also not on the way back

    @property
    def settled(self) -> bool:
        return self.state in (GOOD, FAILED)


Items = dict[str, Item]


def advance(items: Items, observed: Observed, now: float, *, back: bool = False) -> tuple[Items, tuple[str, ...]]:
    """(the items as they stand now, names of the services to write next, in order)."""
    tasks: dict[str, list[ObservedTask]] = {}
    for task in observed.tasks:
        tasks.setdefault(task.service, []).append(task)
    result: Items = {}
    for name, item in items.items():
        result[name] = _look(item, observed.services.get(name), tasks.get(name, []), now, back)
    if any(i.state == FAILED for i in result.values()):
        return result, ()
    writes: list[str] = []
    wave = min((i.wave for i in result.values() if i.state != GOOD), default=0)
    for name, item in result.items():
        if item.state == WAITING:
            blocked = _blocked(item, result, observed, tasks)
            if not blocked and item.wave > wave:
                blocked = f"waiting for wave {abs(wave)}"
            if blocked:
                result[name] = replace(item, text=blocked)
            else:
                writes.append(name)
    return result, tuple(writes)


def sent(item: Item, observed: Observed) -> Item:
    """The item after its write: what was there before it is no evidence of how the new spec fares."""
    known = frozenset(t.id for t in observed.tasks if t.service == item.name)
    return replace(item, state=SENT, text="sent", baseline=known, since=None, written=True)


def _look(item: Item, live: ObservedService | None, tasks: list[ObservedTask], now: float, back: bool) -> Item:
    if item.settled:
        return item
    if item.state == WAITING:
        item = _taken_up(item, live, tasks, back)
        if item.state != SENT:
            return item
    if item.spec is None:
        gone = live is None and not any(t.live for t in tasks)
        return replace(item, state=GOOD if gone else SENT, text="removed" if gone else "waiting for its tasks to end")
    seen = verdict.judge(live, item.spec, tasks, now=now, since=item.since, baseline=item.baseline, back=back)
    if back and seen.state == FAILED and not item.written and live and live.update_state == "rollback_paused":
        return replace(item, state=WAITING, text=seen.text)  # the engine's own way back has failed: ours is left
    return _with(item, seen)


def _with(item: Item, seen: Verdict) -> Item:
    state = SENT if seen.state == WAITING else seen.state
    return replace(item, state=state, text=seen.text, healthy=seen.healthy, wanted=seen.wanted, since=seen.since)


def _taken_up(item: Item, live: ObservedService | None, tasks: list[ObservedTask], back: bool) -> Item:
    """An item that nobody wrote in this run may be written already: by the run before a crash, or by the
    engine, which goes back to the previous spec by itself."""
    if item.spec is None:
        return replace(item, state=SENT) if live is None else item
    if live is not None and is_written(live.spec, item.spec):
        if back and live.update_state == "rollback_paused":
            return item
        known = frozenset(t.id for t in tasks if not t.current or not t.live)
        return replace(item, state=SENT, baseline=known)
    if not back and live is not None and live.version > item.base > 0 and live.update_state.startswith("rollback"):
        why = verdict.cause(live, tasks, [t for t in tasks if t.state in BROKEN])
        return replace(item, state=FAILED, text=f"the engine rolled the update back: {why}")
    return item


def is_written(live: Json, spec: Json) -> bool:
    """The same spec; one that only counts ForceUpdate up has still to be sent."""
    counts = [(one.get("TaskTemplate") or {}).get("ForceUpdate") or 0 for one in (live, spec)]
    return normal(live) == normal(spec) and counts[0] >= counts[1]


def writable(item: Item, live: ObservedService | None, *, back: bool) -> str:
    """ "" when the service may be overwritten, else why not."""
    if back:
        # The engine may be anywhere between the two specs; while it is on its way back it is left alone.
        return ""
    if live is None:
        return "" if item.before is None else "it was removed by somebody else after the plan was made"
    if item.before is not None and normal(live.spec) == normal(item.before):
        return ""
    return "it was changed by somebody else after the plan was made; nothing was overwritten"


def _blocked(item: Item, items: Items, observed: Observed, tasks: Mapping[str, list[ObservedTask]]) -> str:
    """What the item waits for, or "" when it may go."""
    live = observed.services.get(item.name)
    if live is not None and live.update_state == "rollback_started" and item.spec is not None:
        return "waiting for the engine's own rollback to end"
    for name, condition in item.needs.items():
        other = items.get(name)
        if not _met(condition, other, observed.services.get(name), tasks.get(name, [])):
            return f"waiting for {name} ({condition})"
    return ""


def _met(condition: str, item: Item | None, live: ObservedService | None, tasks: list[ObservedTask]) -> bool:
    if item is not None and item.state == WAITING:
        return False
    if condition == "service_completed_successfully":
        return live is not None and verdict.completed(live.spec, tasks)
    if condition == "service_started":
        return _started(live, tasks)
    return item.state == GOOD if item is not None else _started(live, tasks)


def _started(live: ObservedService | None, tasks: list[ObservedTask]) -> bool:
    if live is None:
        return False
    return verdict.replicas(live.spec) == 0 or any(t.current and t.state in ("running", "complete") for t in tasks)


def turned(items: Items, last_good: Mapping[str, Json]) -> Items:
    """The way back: what this rollout changed, to what it was, dependents first. What it never wrote stays."""
    changed = [i for i in reversed(items.values()) if not i.theirs and (i.written or i.state in (SENT, GOOD, FAILED))]
    dependents: dict[str, dict[str, str]] = {i.name: {} for i in changed}
    for item in changed:
        for needed in item.needs:
            if needed in dependents:
                dependents[needed][item.name] = "service_healthy"
    result: Items = {}
    for item in changed:
        result[item.name] = Item(
            name=item.name,
            spec=last_good.get(item.name),
            before=item.spec,
            needs=dependents[item.name],
            base=item.base,
            wave=-item.wave,
        )
    return result
