"""`stackc status STACK`: which revision runs, and how every service is doing. Exit 1 when something is not well."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_format, add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.cli.table import ago, plain, table
from stackc.observed import Observed
from stackc.plan import Json


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    add_host(parser)
    add_format(parser)


def run(args: Namespace, shell: Shell) -> int:
    import time

    from reconciler.engine.observe import observe
    from reconciler.rollout import journal
    from stackc.report.plan_diff import manager_line

    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack, tasks=True)
        history = journal.of_configs(observed.configs.values())
        where = manager_line(client.manager())
    if not observed.services and not history.attempts:
        raise UserError(f"there is no stack {args.stack!r} on {where}")
    services = [_service(name, observed) for name in observed.services]
    well = all(s["healthy"] for s in services)
    last, good = history.last, history.last_good
    if args.format == "json":
        record = {
            "stack": args.stack,
            "healthy": well,
            "services": services,
            "applied_revision": good.revision.commit if good else None,
            "last_attempt": {"number": last.number, "phase": last.phase, "reason": last.reason} if last else None,
        }
        shell.out.write(json.dumps(record, indent=2) + "\n")
        return 0 if well else 1
    shell.out.write(f"stack {args.stack} on {where}\n")
    if good is not None:
        commit = f" {good.revision.commit[:10]}" if good.revision.commit else ""
        shell.out.write(f"last good: revision {good.number}{commit}, applied {ago(time.time() - good.started)} ago\n")
    if last is not None and last is not good:
        commit = f" {last.revision.commit[:10]}" if last.revision.commit else ""
        shell.out.write(f"last attempt: revision {last.number}{commit} {last.phase}: {plain(last.reason)}\n")
    rows = [(s["name"], s["mode"], f"{s['running']}/{s['wanted']}", s["image"], s["text"]) for s in services]
    shell.out.write("\n" + table(("SERVICE", "MODE", "RUNNING", "IMAGE", "STATE"), rows))
    return 0 if well else 1


def _service(name: str, observed: Observed) -> Json:
    from reconciler.rollout.verdict import describe, replicas

    service = observed.services[name]
    tasks = [t for t in observed.tasks if t.service == name]
    running = sum(t.live and t.state == "running" for t in tasks)
    mode = next(iter(service.spec.get("Mode") or {"Replicated": {}})).lower()
    wanted = replicas(service.spec) if mode == "replicated" else observed.manager.nodes
    newest = {t.slot or t.node: t for t in tasks}
    text = service.update_state or ("running" if running >= wanted else "not all running")
    if running < wanted:
        text += "".join(f"; {line}" for line in [describe([t for t in newest.values() if t.err])] if line)
        text += "".join(f"; {t.err}" for t in tasks if t.live and t.state == "pending" and t.err)[:200]
    return {
        "name": name,
        "mode": mode,
        "running": running,
        "wanted": wanted,
        "image": service.spec["TaskTemplate"]["ContainerSpec"].get("Image", ""),
        "update": service.update_state,
        "text": text,
        "healthy": running >= wanted and "paused" not in service.update_state,
    }
