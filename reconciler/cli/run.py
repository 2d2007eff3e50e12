"""`reconciler run`: in the foreground, one line per event."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from reconciler.cli.settings import load
from stackc.cli.shell import Shell, UserError


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the log on stdout")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.daemon import Daemon, Log
    from reconciler.sources.faults import GitError
    from reconciler.status import AlreadyRunningError

    settings = load(args, shell)
    try:
        daemon = Daemon(settings, shell.env, Log(shell.out, args.format))
    except GitError as error:
        hint = f"; {error.fault.hint}" if error.fault.hint else ""
        raise UserError(error.fault.message + hint) from None
    except AlreadyRunningError as error:
        raise UserError(f"{error} ({settings.state})") from None
    except OSError as error:
        raise UserError(f"cannot use the state folder {settings.state}: {error.strerror}") from None
    try:
        daemon.run()
    finally:
        daemon.close()
    return 0
