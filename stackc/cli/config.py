"""`stackc config -c FILE…`: the files as one, interpolated, in long syntax, as `docker stack config` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackc.cli.inputs import add_inputs, read_config, show
from stackc.cli.shell import Shell

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser)


def run(args: Namespace, shell: Shell) -> int:
    """The YAML on stdout, findings on stderr. As with docker, names that are not defined are no error here."""
    compiled, text = read_config(args, shell)
    if compiled.diagnostics:
        show(compiled, args, shell)
    if text is None:
        return 1
    shell.out.write(text)
    return 0
