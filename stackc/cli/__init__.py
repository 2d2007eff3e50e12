"""The command line: argv → one library call → report → exit code.

Every command is a module of its own, imported when it is called, so that ``stackc --help`` stays instant.
A command module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(args, shell) -> int``.
"""

from __future__ import annotations

import gc
import os
import sys

from stackc.cli.options import NotQuick, QuickParser
from stackc.cli.shell import USAGE, Shell, UserError, confess
from stackc.hints import Any, Sequence

COMMANDS = {
    "config": "print the canonical YAML, as `docker stack config` does",
    "validate": "check files and print diagnostics only",
    "compile": "print the StackPlan",
    "plan": "show what an apply would change, and why",
    "apply": "apply the changes, wave by wave, and wait for the verdict",
    "status": "how a stack and its services are doing",
    "ps": "the tasks of a stack",
    "logs": "the logs of a stack or of one service",
    "history": "the revisions of a stack that were applied, and how they ended",
    "rollback": "go back to the last good revision, or to a given one",
    "rm": "remove a stack and wait until it is gone",
    "schema": "print the JSON Schema of compose and stack files, of plans or of the reconciler's settings",
    "manager": "run the built-in manager in the foreground",
}
"""Name to one-line help; the module is ``stackc.cli.NAME``. Kept here so that --help imports no command."""


def main(argv: Sequence[str] | None = None, shell: Shell | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 error, 2 changes pending (plan --detailed-exitcode), 64 usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if shell is not None:
        return _dispatch(arguments, shell)
    gc.disable()  # what is imported stays
    shell = Shell.of_process()
    exit_code = _dispatch(arguments, shell)
    if shell.kept:
        _leave(shell, exit_code)
    gc.freeze()  # the process ends: its last collection would look at everything once more, for 5 ms
    return exit_code


def _leave(shell: Shell, exit_code: int) -> None:
    """End the process as it is. To free a tree node by node takes a tenth of the time of a large compile."""
    try:
        shell.out.flush()
        shell.err.flush()
    except BrokenPipeError:
        exit_code = exit_code or 1
    os._exit(exit_code)


def _dispatch(arguments: list[str], shell: Shell) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        shell.out.write(_overview())
        return 0 if arguments else USAGE
    name, rest = arguments[0], arguments[1:]
    if name in ("-V", "--version", "version"):
        from importlib.metadata import version

        shell.out.write(f"stackc {version('stackc')}\n")
        return 0
    if name not in COMMANDS:
        from difflib import get_close_matches

        close = get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else " See 'stackc --help'."
        shell.err.write(f"stackc: '{name}' is not a command.{hint}\n")
        return USAGE
    return _run(name, rest, shell)


def _run(name: str, rest: Sequence[str], shell: Shell) -> int:
    module = __import__(f"stackc.cli.{name}", fromlist=["run"])  # importlib would warm up warnings first
    args = _parsed(name, module, rest)
    if isinstance(args, int):
        return args
    gc.enable()
    try:
        return int(module.run(args, shell))
    except UserError as error:
        shell.err.write(f"stackc: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        shell.err.write("stackc: interrupted\n")
        return 130
    except Exception as defect:
        return confess("stackc", defect, shell)


def _parsed(name: str, module: Any, rest: Sequence[str]) -> Any:
    """The arguments as a namespace, or the exit code where argparse has had its say (usage, --help)."""
    quick = QuickParser()
    try:
        module.add_arguments(quick)
        return quick.parse(rest)
    except NotQuick:
        pass
    import argparse

    parser = argparse.ArgumentParser(prog=f"stackc {name}", description=COMMANDS[name], allow_abbrev=False)
    module.add_arguments(parser)
    try:
        return parser.parse_args(rest)
    except SystemExit as stop:  # argparse has said what is wrong
        return USAGE if stop.code else 0


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {help_}" for name, help_ in COMMANDS.items()]
    return "\n".join(
        [
            "usage: stackc COMMAND [-c FILE]... [STACK]",
            "",
            "A compiler from compose and stack files to a plan, and the tool that applies it.",
            "",
            *lines,
            "",
            "'stackc COMMAND --help' tells more.",
            "",
        ]
    )
