"""`stackc ps STACK`: the tasks, newest first in every slot, with what went wrong."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from stackc.cli.engine import add_format, add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.cli.table import table


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    add_host(parser)
    add_format(parser)
    parser.add_argument("--all", "-a", action="store_true", help="also tasks that have ended")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.engine.observe import observe
    from reconciler.rollout.verdict import task_name

    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack, tasks=True)
        nodes = {n["ID"]: n["Description"]["Hostname"] for n in client.read("nodes")}
    tasks = [t for t in observed.tasks if args.all or t.live or (not args.all and t.err and t.desired == "running")]
    if not observed.services and not observed.tasks:
        raise UserError(f"there is no stack {args.stack!r} on the manager at {observed.manager.host}")
    if args.format == "json":
        shell.out.write(json.dumps([asdict(t) for t in tasks], indent=2) + "\n")
        return 0
    tasks.sort(key=lambda t: t.created_at, reverse=True)
    tasks.sort(key=lambda t: (t.service, t.slot, t.node if not t.slot else ""))
    rows = [
        (
            t.id[:12],
            task_name(t),
            nodes.get(t.node, t.node),
            t.desired,
            t.state,
            t.err or t.message,
        )
        for t in tasks
    ]
    shell.out.write(table(("ID", "TASK", "NODE", "DESIRED", "STATE", "WHY"), rows))
    return 0
