"""`reconciler history STACK`: the journal in the manager, as `stackc history` shows it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from reconciler.cli.settings import load, one_stack
from stackc.cli import history
from stackc.cli.engine import add_format
from stackc.cli.shell import Shell


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", nargs="?", help="default: the only stack of the settings")
    add_format(parser)


def run(args: Namespace, shell: Shell) -> int:
    settings = load(args, shell)
    args.stack, args.host = one_stack(settings, args.stack).name, settings.host
    return history.run(args, shell)
