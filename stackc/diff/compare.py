"""Bound × Observed × LastGood → PlanDiff."""

from __future__ import annotations

from stackc.diff.bind import DIGEST_LABEL, KEY_LABEL, SALT_LABEL, Bound, own
from stackc.diff.changes import Change, FieldChange, PlanDiff
from stackc.diff.fields import restarts
from stackc.diff.images import moved
from stackc.diff.networks import base_of
from stackc.diff.normal import normal
from stackc.hints import Any, Iterator
from stackc.lower.order import waves as in_waves
from stackc.observed import Observed, ObservedService
from stackc.plan import Json


def diff(bound: Bound, observed: Observed, last_good: Bound | None = None, *, prune: bool = False) -> PlanDiff:
    """What has to be written so that ``observed`` becomes ``bound``.

    ``last_good`` only explains: the same difference is «file changed» when the live service is what we last
    applied, «drift» when the file is, and «adopted» when we never applied it. With ``prune`` own services and
    networks that no file names any more are removed, last.
    """
    objects = list(_objects(bound, observed))
    services: list[Change] = []
    unchanged: list[str] = []
    for name, spec in bound.services.items():
        change = _service(name, spec, bound, observed, last_good)
        if change is None:
            unchanged.append(name)
        else:
            services.append(change)
    waves = in_waves(bound.needs, bound.waves)
    services = _followed(services, waves, bound, observed)
    written = {change.name for change in services}
    unchanged = [name for name in unchanged if name not in written]
    rank = {name: i for i, wave in enumerate(waves) for name in wave}
    services.sort(key=lambda c: (rank[c.name], c.name))
    removals = list(_removals(bound, observed))
    replaced = [
        Change(kind="network", action="remove", name=name, reason="replaced", id=observed.networks[name].id)
        for name in _replaced(bound, observed)
    ]
    return PlanDiff(
        stack=bound.stack,
        target=bound.digest,
        base=observed.fingerprint(),
        changes=tuple(objects + services + (removals if prune else []) + replaced),
        waves=waves,
        unchanged=tuple(unchanged),
        prune=prune,
        kept=() if prune else tuple(f"{c.kind} {c.name}" for c in removals),
        notes=(*bound.notes, *_notes(bound, observed)),
    )


def _objects(bound: Bound, observed: Observed) -> Iterator[Change]:
    for kind, wanted, existing in (
        ("network", bound.networks, observed.networks),
        ("config", bound.configs, observed.configs),
        ("secret", bound.secrets, observed.secrets),
    ):
        for name, spec in wanted.items():
            if name not in existing:
                again = "options changed" if kind == "network" else "content changed"
                reason = again if KEY_LABEL in (spec.get("Labels") or {}) else "new"
                yield Change(kind=kind, action="create", name=name, reason=reason, spec=spec)


def _service(name: str, spec: Json, bound: Bound, observed: Observed, last_good: Bound | None) -> Change | None:
    needs = bound.needs.get(name, {})
    live = observed.services.get(name)
    if live is None:
        return Change(kind="service", action="create", name=name, reason="new", spec=spec, needs=needs)
    fields = field_changes(live.spec, spec)
    if not fields:
        return None
    before = last_good.services.get(name) if last_good else None
    return Change(
        kind="service",
        action="update",
        name=name,
        reason="image moved" if _is_moved(fields) else _reason(spec, live, before),
        spec=to_send(spec, live.spec),
        id=live.id,
        version=live.version,
        fields=fields,
        needs=needs,
    )


def _followed(
    changes: list[Change], waves: tuple[tuple[str, ...], ...], bound: Bound, observed: Observed
) -> list[Change]:
    """Also those whose tasks are to be replaced after the ones of a dependency (``depends_on: … restart: true``)."""
    known = {change.name: change for change in changes}
    restarting = {change.name for change in changes if change.action == "update" and change.restarts}
    for name in (name for wave in waves for name in wave):
        cause = next((one for one in bound.follows.get(name, ()) if one in restarting), None)
        live = observed.services.get(name)
        if cause is not None and live is not None and name not in restarting:
            known[name] = _forced(known.get(name), live, bound, cause)
            restarting.add(name)
    return list(known.values())


def _forced(change: Change | None, live: ObservedService, bound: Bound, cause: str) -> Change:
    """The same spec with ForceUpdate counted up, which replaces every task."""
    name = live.name
    spec = change.spec if change is not None and change.spec is not None else to_send(bound.services[name], live.spec)
    task = spec["TaskTemplate"]
    count = int(task["ForceUpdate"])
    forced = FieldChange(path="TaskTemplate.ForceUpdate", old=count, new=count + 1, restarts=True)
    return Change(
        kind="service",
        action="update",
        name=name,
        reason=change.reason if change is not None else f"restarts after {cause}",
        spec={**spec, "TaskTemplate": {**task, "ForceUpdate": count + 1}},
        id=live.id,
        version=live.version,
        fields=(*(change.fields if change is not None else ()), forced),
        needs=bound.needs.get(name, {}),
    )


def _is_moved(fields: tuple[FieldChange, ...]) -> bool:
    """Nothing but the digest behind a tag (and with it, perhaps, the platforms) is new."""
    images = [f for f in fields if f.path == "TaskTemplate.ContainerSpec.Image"]
    rest = [f for f in fields if f not in images and f.path != "TaskTemplate.Placement.Platforms"]
    return not rest and any(moved(f.old, f.new) for f in images)


def _reason(spec: Json, live: ObservedService, before: Json | None) -> str:
    if before is None:
        return "adopted: deployed by other means, and different from the file"
    if normal(before) == normal(spec):
        return "drift: changed outside stackc since the last apply"
    if normal(before) == normal(live.spec):
        return "file changed"
    return "file changed, and drift: also changed outside stackc"


def to_send(spec: Json, live: Json) -> Json:
    """The body of an update: ForceUpdate is the live one's (else tasks restart), Placement is always there
    (an update that drops it crashes managers before 29.7)."""
    task = {**spec["TaskTemplate"], "ForceUpdate": (live.get("TaskTemplate") or {}).get("ForceUpdate") or 0}
    task["Placement"] = task.get("Placement") or {}
    return {**spec, "TaskTemplate": task}


def field_changes(old: Json, new: Json) -> tuple[FieldChange, ...]:
    """Field by field, in path order; empty when an engine would see no difference."""
    before, after = normal(old), normal(new)
    if before == after:
        return ()
    changes = _walk("", before, after)
    return tuple(FieldChange(path=p, old=o, new=n, restarts=restarts(p)) for p, o, n in changes)


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _walk(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif path.endswith(".Env") and isinstance(old or [], list) and isinstance(new or [], list):
        yield from _environment(path, old or [], new or [])
    else:
        yield path, old, new


def _environment(path: str, old: list[str], new: list[str]) -> Iterator[tuple[str, Any, Any]]:
    before, after = (dict(_pair(entry) for entry in entries) for entries in (old, new))
    if before == after:
        yield path, old, new  # only the order differs, and order restarts tasks
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"{path}.{key}", before.get(key), after.get(key)


def _pair(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition("=")
    return key, value


def _removals(bound: Bound, observed: Observed) -> Iterator[Change]:
    for name, live in sorted(observed.services.items()):
        if name not in bound.services and own(live.spec.get("Labels") or {}, bound.stack):
            yield Change(
                kind="service", action="remove", name=name, reason="in no file", id=live.id, version=live.version
            )
    replaced = set(_replaced(bound, observed))
    for name, network in sorted(observed.networks.items()):
        if name not in bound.networks and name not in replaced and own(network.labels, bound.stack):
            yield Change(kind="network", action="remove", name=name, reason="in no file", id=network.id)


def _replaced(bound: Bound, observed: Observed) -> Iterator[str]:
    """Networks of which the stack uses another generation now."""
    families = {(body.get("Labels") or {}).get(KEY_LABEL) or name for name, body in bound.networks.items()}
    for name, network in sorted(observed.networks.items()):
        if name not in bound.networks and base_of(network, bound.stack) in families:
            yield name


def _notes(bound: Bound, observed: Observed) -> Iterator[str]:
    for name in bound.secrets:
        existing = observed.secrets.get(name)
        if existing is not None and not {SALT_LABEL, DIGEST_LABEL} & set(existing.labels):
            yield f"secret {name}: was not made by stackc, so its content cannot be compared; it is used as it is"
