"""`reconciler sync [STACK]`: ask the running reconciler to look now, and wait for what becomes of it."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from reconciler import orders
from reconciler.cli import clear
from reconciler.cli import status as shown
from reconciler.cli.settings import load, one_stack
from reconciler.status import running
from stackc.cli.shell import USAGE, Shell, UserError

LOOK_AGAIN = 0.1  # seconds


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", nargs="?", help="default: all, or the only one")
    parser.add_argument("--accept", metavar="COMMIT", default="", help="apply this commit in spite of a force-push")
    parser.add_argument("--retry", action="store_true", help="also try again what failed (as 'reconciler clear')")
    parser.add_argument("--wait", action="store_true", help="wait for the verdict; exit 1 when it is not good")
    parser.add_argument("--timeout", type=float, default=1800.0, metavar="SECONDS", help="of --wait; default 1800")


def run(args: Namespace, shell: Shell) -> int:
    settings = load(args, shell)
    state = Path(settings.state)
    accept = args.accept.lower()
    if accept and not orders.is_commit(accept):
        raise UserError("--accept takes a commit id: at least 7 hex digits", USAGE)
    one = args.stack or accept or args.retry
    names = [one_stack(settings, args.stack).name] if one else [stack.name for stack in settings.stacks]
    if args.retry:
        shell.out.write(clear.lift(settings, names[0], args, shell))
    before = answers(state)
    try:
        given = {name: orders.give(state, name, accept) for name in names}
    except OSError as error:
        raise UserError(f"cannot write to {state}: {error.strerror}; has 'reconciler run' been started?") from None
    if running(state) is None:
        shell.err.write("reconciler: none is running on this state folder; the order waits for the next start\n")
        return 1 if args.wait else 0
    if not args.wait:
        return 0
    for name, order in given.items():
        _wait(state, name, order, before.get(name, ""), time.monotonic() + args.timeout)
    stacks = [stack for stack in shown.read(state)["stacks"] if stack["name"] in given]
    shell.out.write("\n".join(shown.text(stack, time.time()) for stack in stacks))
    return 0 if all(shown.is_ready(stack) for stack in stacks) else 1


def answers(state: Path) -> dict[str, str]:
    """Stack to the id of the order that was answered last."""
    try:
        return {stack["name"]: stack["answered"] for stack in shown.read(state)["stacks"]}
    except UserError:
        return {}


def _wait(state: Path, name: str, order: orders.Order, before: str, deadline: float) -> None:
    """Until the order is answered, or a later one that took its place. Raises UserError."""
    while True:
        answered = answers(state).get(name, "")
        replaced = orders.waiting(state, name) != order and answered != before
        if answered == order.id or replaced:
            return
        if time.monotonic() > deadline:
            raise UserError(f"no verdict on {name} in time; see 'reconciler status'")
        if running(state) is None:
            raise UserError("the reconciler has ended; the order waits for its next start")
        time.sleep(LOOK_AGAIN)
