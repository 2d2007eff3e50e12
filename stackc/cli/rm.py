"""`stackc rm STACK`: remove what is the stack's own, and return when it is really gone. Volumes stay."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    add_host(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.engine import EngineError
    from reconciler.engine.observe import observe
    from reconciler.rollout.cleanup import wait_for_tasks
    from stackc.cli.ask import confirmed
    from stackc.diff.bind import own

    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack)
        networks = [o for o in observed.networks.values() if own(o.labels, args.stack)]
        if not (observed.services or networks or observed.configs or observed.secrets):
            raise UserError(f"there is no stack {args.stack!r} on the manager at {client.host}")
        for name in (*observed.services, *(n.name for n in networks)):
            shell.out.write(f"  - {name}\n")
        if not confirmed(args, shell, f"Remove stack {args.stack} ({len(observed.services)} services)?"):
            return 1
        for service in observed.services.values():
            client.remove_service(service.id)
        gone = wait_for_tasks(client, args.stack, {s.id for s in observed.services.values()}, time.sleep)
        problems = []
        for kind, objects in (
            ("networks", networks),
            ("configs", observed.configs.values()),
            ("secrets", observed.secrets.values()),
        ):
            for object_ in objects:
                try:
                    client.remove(kind, object_.id)
                except EngineError as error:
                    if error.kind != "not-found":
                        problems.append(f"{object_.name}: {error.message}")
    if problems or not gone:
        raise UserError("\n  ".join([f"stack {args.stack} is not gone yet; run the command again:", *problems]))
    shell.out.write(f"stack {args.stack} is gone\n")
    return 0
