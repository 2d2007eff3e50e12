"""`stackc history STACK`: every attempt, newest first, and how it ended."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from stackc.cli.engine import add_format, add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.cli.table import ago, table


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    add_host(parser)
    add_format(parser)


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.rollout import journal
    from reconciler.rollout.lease import shown

    with engine(args, shell, start=False) as client:
        attempts = journal.read(client, args.stack).attempts
    if not attempts:
        raise UserError(f"stack {args.stack!r} has no history on the manager at {client.host}")
    if args.format == "json":
        records = [
            {
                "revision": a.number,
                "commit": a.revision.commit,
                "message": a.revision.message,
                "author": a.revision.author,
                "digest": a.digest,
                "phase": a.phase,
                "reason": a.reason,
                "started": a.started,
                "ended": a.ended,
                "actor": shown(a.actor),
            }
            for a in reversed(attempts)
        ]
        shell.out.write(json.dumps(records, indent=2) + "\n")
        return 0
    rows = [
        (
            a.number,
            datetime.fromtimestamp(a.started, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            a.revision.commit[:10] or "-",
            a.phase,
            ago(a.ended - a.started) if a.ended is not None else "-",
            shown(a.actor),
            a.reason if a.phase != "applied" else a.revision.message.partition("\n")[0],
        )
        for a in reversed(attempts)
    ]
    shell.out.write(table(("REVISION", "STARTED", "COMMIT", "OUTCOME", "TOOK", "BY", "WHY"), rows))
    return 0
