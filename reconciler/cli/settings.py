"""What every command shares: reading reconciler.yaml, and naming one of its stacks."""

from __future__ import annotations

import os
from argparse import Namespace

from reconciler.config import Settings, StackSettings, read_settings
from stackc.cli.shell import USAGE, Shell, UserError
from stackc.report import diagnostics as report


def load(args: Namespace, shell: Shell) -> Settings:
    """Raises UserError with every finding at its line."""
    path = os.path.join(shell.cwd, args.config)  # noqa: PTH118
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
    except OSError as error:
        raise UserError(f"cannot read {args.config}: {error.strerror}; name the settings with --config FILE") from None
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    settings, diagnostics = read_settings(args.config, data, folder=folder, env=shell.env)
    if settings is None:
        source = {args.config: data.decode("utf-8", "replace")}
        raise UserError(f"the settings have errors\n{report.text(diagnostics, source)}".rstrip())
    return settings


def one_stack(settings: Settings, name: str | None) -> StackSettings:
    """The named stack, or the only one. Raises UserError."""
    names = [stack.name for stack in settings.stacks]
    if name is None and len(names) == 1:
        return settings.stacks[0]
    if name is None:
        raise UserError(f"name one of the stacks: {', '.join(names)}", USAGE)
    for stack in settings.stacks:
        if stack.name == name:
            return stack
    raise UserError(f"the settings have no stack '{name}'; they have: {', '.join(names)}", USAGE)
