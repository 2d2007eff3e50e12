"""The command line of the reconciler: argv → one library call → report → exit code.

Every command is a module of its own, imported when it is called; it has ``add_arguments(parser)`` and
``run(args, shell) -> int``, as in ``stackc.cli``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from stackc.cli.shell import USAGE, Shell, UserError, confess

COMMANDS = {
    "run": "keep the stacks of reconciler.yaml as git has them, until SIGTERM",
    "status": "how every stack is doing, as the reconciler wrote it last",
    "history": "the revisions of a stack that were applied, and how they ended",
    "sync": "look now; accept a force-push; wait for the verdict",
    "clear": "let a revision that failed be tried again",
}
"""Name to one-line help; the module is ``reconciler.cli.NAME``."""


def main(argv: Sequence[str] | None = None, shell: Shell | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 error or a stack that is not ready, 64 usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    shell = shell or Shell.of_process()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        shell.out.write(_overview())
        return 0 if arguments else USAGE
    name, rest = arguments[0], arguments[1:]
    if name in ("-V", "--version", "version"):
        from importlib.metadata import version

        shell.out.write(f"reconciler {version('stackc')}\n")
        return 0
    if name not in COMMANDS:
        from difflib import get_close_matches

        close = get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else " See 'reconciler --help'."
        shell.err.write(f"reconciler: '{name}' is not a command.{hint}\n")
        return USAGE
    return _run(name, rest, shell)


def _run(name: str, rest: Sequence[str], shell: Shell) -> int:
    import argparse

    module = import_module(f"reconciler.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"reconciler {name}", description=COMMANDS[name], allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", default="reconciler.yaml", help="default: reconciler.yaml")
    module.add_arguments(parser)
    try:
        args = parser.parse_args(rest)
    except SystemExit as stop:  # argparse has said what is wrong
        return USAGE if stop.code else 0
    try:
        return int(module.run(args, shell))
    except UserError as error:
        shell.err.write(f"reconciler: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        shell.err.write("reconciler: interrupted\n")
        return 130
    except Exception as defect:
        return confess("reconciler", defect, shell)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {help_}" for name, help_ in COMMANDS.items()]
    return "\n".join(
        [
            "usage: reconciler COMMAND [--config reconciler.yaml] [STACK]",
            "",
            "Watches git repositories and keeps stacks as their stack files say.",
            "",
            *lines,
            "",
            "'reconciler COMMAND --help' tells more.",
            "",
        ]
    )
