"""`stackc rm STACK`: remove what is the stack's own, and return when it is really gone. Volumes stay."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_format, add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.hints import TYPE_CHECKING, Iterable, Sequence

if TYPE_CHECKING:
    from reconciler.engine import Engine
    from stackc.observed import Observed, ObservedObject, ObservedService


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    add_host(parser)
    add_format(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.engine.observe import observe
    from reconciler.engine.patience import Patience
    from reconciler.rollout.prepare import OUTAGE
    from stackc.cli.ask import confirmed
    from stackc.cli.table import plain
    from stackc.diff.bind import own

    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack)
        networks = [o for o in observed.networks.values() if own(o.labels, args.stack)]
        if not (observed.services or networks or observed.configs or observed.secrets):
            raise UserError(f"there is no stack {args.stack!r} on the manager at {client.host}")
        if args.format == "text":
            for name in (*observed.services, *(n.name for n in networks)):
                shell.out.write(f"  - {name}\n")
        if not confirmed(args, shell, f"Remove stack {args.stack} ({len(observed.services)} services)?"):
            return 1

        def tell(text: str) -> None:
            shell.err.write(f"note: {plain(text)}\n")

        with client.waiting(Patience(seconds=OUTAGE, absent=True, tell=tell)):
            removed, failures = _remove(client, observed, networks)
    return _tell(args, removed, failures, shell)


def _remove(
    client: Engine, observed: Observed, networks: Sequence[ObservedObject]
) -> tuple[dict[str, list[str]], list[str]]:
    """(names of what is gone, by kind; what is not, and why).

    Records of attempts go first: an apply under way loses its lease with them, and so does not put back what is removed
    here. Then services, and the rest once their tasks have ended."""
    from reconciler.engine import EngineError
    from reconciler.rollout.cleanup import remove_network, wait_for_tasks
    from stackc.observed import RECORD_LABEL

    removed: dict[str, list[str]] = {"services": [], "networks": [], "configs": [], "secrets": []}
    failures: list[str] = []

    def remove(kind: str, objects: Iterable[ObservedObject | ObservedService]) -> None:
        for one in objects:
            try:
                remove_network(client, one.id, time.sleep) if kind == "networks" else client.remove(kind, one.id)
            except EngineError as error:
                if error.temporary:
                    raise
                if error.kind != "not-found":
                    failures.append(f"{one.name}: {error.message}")
                    continue
            removed[kind].append(one.name)

    configs = list(observed.configs.values())
    remove("configs", [o for o in configs if RECORD_LABEL in o.labels])
    remove("services", observed.services.values())
    if not wait_for_tasks(client, observed.stack, {s.id for s in observed.services.values()}, time.sleep):
        failures.append("some tasks have not ended yet")
    remove("networks", networks)
    remove("configs", [o for o in configs if RECORD_LABEL not in o.labels])
    remove("secrets", observed.secrets.values())
    return removed, failures


def _tell(args: Namespace, removed: dict[str, list[str]], failures: list[str], shell: Shell) -> int:
    reason = f"stack {args.stack} is not gone yet; run the command again" if failures else f"stack {args.stack} is gone"
    if args.format == "json":
        record = {
            "event": "outcome",
            "result": "unfinished" if failures else "removed",
            "reason": reason,
            "failures": failures,
            "removed": removed,
        }
        shell.out.write(json.dumps(record) + "\n")
        return 1 if failures else 0
    if failures:
        raise UserError("\n  ".join([f"{reason}:", *failures]))
    shell.out.write(f"{reason}\n")
    return 0
