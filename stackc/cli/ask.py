"""Ask before something is written: only a terminal can answer; a script says --yes."""

from __future__ import annotations

from argparse import Namespace

from stackc.cli.shell import Shell, UserError


def confirmed(args: Namespace, shell: Shell, question: str = "Apply these changes?") -> bool:
    if args.yes:
        return True
    if not shell.stdin.isatty():
        raise UserError("there is nobody to ask: give --yes to go on without a question")
    shell.out.write(f"{question} [y/N] ")
    shell.out.flush()
    if shell.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    shell.out.write("nothing was written\n")
    return False
