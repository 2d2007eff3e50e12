"""`reconciler clear STACK`: lift the quarantine of what failed, in the manager's journal, and look again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from reconciler import orders
from reconciler.cli.settings import load, one_stack
from reconciler.config import Settings
from stackc.cli.engine import engine
from stackc.cli.shell import Shell, UserError


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", nargs="?", help="default: the only stack of the settings")


def run(args: Namespace, shell: Shell) -> int:
    settings = load(args, shell)
    name = one_stack(settings, args.stack).name
    shell.out.write(lift(settings, name, args, shell))
    try:
        orders.give(Path(settings.state), name)
    except OSError as error:
        raise UserError(
            f"cannot write to {settings.state}: {error.strerror}; has 'reconciler run' been started?"
        ) from None
    return 0


def lift(settings: Settings, name: str, args: Namespace, shell: Shell) -> str:
    """Mark every failed attempt as cleared; what was done, one line each. Raises UserError."""
    from reconciler.rollout import journal

    args.host = settings.host
    lines = []
    with engine(args, shell, start=False) as client:
        for attempt in journal.read(client, name).attempts:
            if attempt.phase in ("rolled-back", "failed") and not attempt.cleared:
                journal.clear(client, attempt)
                what = f"commit {attempt.revision.commit[:10]}" if attempt.revision.commit else "a local file"
                lines.append(f"{name}: attempt {attempt.number} ({what}) may be tried again\n")
    return "".join(lines) or f"{name}: nothing is in quarantine\n"
