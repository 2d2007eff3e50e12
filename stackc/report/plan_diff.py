"""A PlanDiff for people (text, markdown) and for programs (json). Pure.

The bytes of secrets are in no PlanDiff; values of the environment are, and are shown only where ``env`` asks for it.
"""

from __future__ import annotations

import json

from stackc.diff import Change, FieldChange, PlanDiff
from stackc.diff.changes import FORMAT
from stackc.hints import Any, Iterator
from stackc.observed import ManagerInfo
from stackc.plan import Json

_SIGNS = {"create": "+", "update": "~", "remove": "-"}
_MASKED = "(masked)"
_WIDTH = 60  # characters of one value; longer ones are cut in the middle


def manager_line(manager: ManagerInfo) -> str:
    kind = "the built-in manager" if manager.builtin else f"the swarm manager {manager.name}"
    nodes = "1 node" if manager.nodes == 1 else f"{manager.nodes} nodes"
    return f"{kind} at {manager.host} ({nodes}, version {manager.version})"


def text(diff: PlanDiff, manager: ManagerInfo, *, env: bool = False) -> str:
    lines = [f"Plan for stack {diff.stack} on {manager_line(manager)}", ""]
    if diff.empty:
        services = len(diff.unchanged)
        lines.append(f"No changes: {services} service{'s' * (services != 1)} as the files say.")
    else:
        lines += list(_body(diff, env))
        lines.append(summary(diff))
    lines += [f"note: {note}" for note in diff.notes]
    if diff.kept:
        lines.append(f"in no file any more, kept (--prune on removes it): {', '.join(diff.kept)}")
    return "\n".join(lines) + "\n"


def summary(diff: PlanDiff) -> str:
    counts = {a: sum(c.action == a for c in diff.changes) for a in _SIGNS}
    restarted = sum(c.kind == "service" and c.action == "update" and c.restarts for c in diff.changes)
    parts = [f"{n} to {action}" for action, n in counts.items() if n]
    tail = f" ({restarted} of the services with new tasks)" if restarted else ""
    return f"{', '.join(parts)}, {len(diff.unchanged)} unchanged{tail}."


def _body(diff: PlanDiff, env: bool) -> Iterator[str]:
    for change in diff.changes:
        if change.kind != "service" and change.action == "create":
            yield f"  + {change.kind} {change.name}  ({change.reason})"
    services = {c.name: c for c in diff.of("service", "create", "update")}
    number = 0
    for wave in diff.waves:
        here = [services[name] for name in wave if name in services]
        if not here:
            continue
        number += 1
        yield f"  wave {number}"
        for change in here:
            yield from _service(change, env)
    for change in diff.changes:
        if change.action == "remove":
            yield f"  - {change.kind} {change.name}  ({change.reason})"
    yield ""


def _service(change: Change, env: bool) -> Iterator[str]:
    yield f"  {_SIGNS[change.action]} service {change.name}  ({change.reason})"
    if change.spec is not None:
        yield f"      {effect(change)}"
    for name, condition in sorted(change.needs.items()):
        yield f"      after {name} ({condition})"
    for field in change.fields:
        old, new = (shown(field.path, value, env) for value in (field.old, field.new))
        yield f"      {field.path}: {'another value ' + _MASKED if old == new == _MASKED else f'{old} → {new}'}"


def effect(change: Change) -> str:
    """What happens to the tasks, in words."""
    spec = change.spec or {}
    if "Global" in (spec.get("Mode") or {}):
        tasks = "one task on every node"
    else:
        n = ((spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas", 1)
        tasks = f"{n} task{'s' * (n != 1)}"
    if change.action == "create":
        return f"starts {tasks}"
    if not change.restarts:
        return "no task is restarted"
    return f"restarts {tasks}: {rollout(spec)}"


def rollout(spec: Json) -> str:
    """The rollout's parameters, with the engine's defaults filled in."""
    config = spec.get("UpdateConfig")
    given = config or {}
    parallelism = 1 if config is None else given.get("Parallelism", 0)
    at_a_time = "all at once" if not parallelism else f"{parallelism} at a time"
    monitor = (given.get("Monitor") or 5_000_000_000) / 1e9
    return ", ".join(
        [
            at_a_time,
            f"{(given.get('Delay') or 0) / 1e9:g} s apart",
            given.get("Order") or "stop-first",
            f"each watched for {monitor:g} s",
            f"on failure {given.get('FailureAction') or 'pause'}",
        ]
    )


def shown(path: str, value: Any, env: bool) -> str:
    """One value on one line; values of the environment only when asked for."""
    if value is None:
        return "(none)"
    if ".Env." in path and not env:
        return _MASKED
    if isinstance(value, list) and path.endswith(".Env") and not env:
        return "[" + " ".join(entry.partition("=")[0] for entry in value) + "]"
    line = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    line = "".join(c if c.isprintable() else "�" for c in line)
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH // 2]}…{line[-_WIDTH // 2 :]}"


def markdown(diff: PlanDiff, manager: ManagerInfo, *, env: bool = False) -> str:
    """For a pull request's comment."""
    lines = [f"### Plan for stack `{diff.stack}`", "", f"on {manager_line(manager)}", ""]
    if diff.empty:
        return "\n".join([*lines, "No changes.", ""])
    lines += ["| | object | why | effect |", "|---|---|---|---|"]
    for change in diff.changes:
        what = effect(change) if change.kind == "service" and change.spec is not None else ""
        lines.append(
            f"| {_SIGNS[change.action]} | {change.kind} `{_cell(change.name)}` | {_cell(change.reason)} | {what} |"
        )
    fields = [(c, f) for c in diff.changes for f in c.fields]
    if fields:
        lines += ["", "| service | field | from | to |", "|---|---|---|---|"]
        for change, field in fields:
            old, new = (_cell(shown(field.path, v, env)) for v in (field.old, field.new))
            lines.append(f"| `{_cell(change.name)}` | `{_cell(field.path)}` | {old} | {new} |")
    return "\n".join([*lines, "", summary(diff), ""])


def _cell(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("`", "'").replace("<", "&lt;")


def to_json(diff: PlanDiff, manager: ManagerInfo, *, env: bool = False) -> Json:
    return {
        "format": FORMAT,
        "stack": diff.stack,
        "manager": {"host": manager.host, "name": manager.name, "cluster": manager.cluster, "builtin": manager.builtin},
        "target": diff.target,
        "base": diff.base,
        "changes": [_change(c, env) for c in diff.changes],
        "waves": [list(wave) for wave in diff.waves],
        "unchanged": list(diff.unchanged),
        "kept": list(diff.kept),
        "notes": list(diff.notes),
    }


def _change(change: Change, env: bool) -> Json:
    return {
        "kind": change.kind,
        "action": change.action,
        "name": change.name,
        "reason": change.reason,
        "restarts": change.restarts if change.kind == "service" else False,
        "rollout": rollout(change.spec) if change.kind == "service" and change.spec is not None else "",
        "needs": dict(sorted(change.needs.items())),
        "fields": [_field(f, env) for f in change.fields],
    }


def _field(field: FieldChange, env: bool) -> Json:
    old, new = field.old, field.new
    if ".Env" in field.path and not env:
        old, new = (None if value is None else _MASKED for value in (old, new))
    return {"path": field.path, "old": old, "new": new, "restarts": field.restarts}
