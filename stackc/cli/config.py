"""`stackc config -c FILE…`: the files as one, interpolated, in long syntax, as `docker stack config` prints them, and
those of the Compose dialect as `docker compose config` does."""

from __future__ import annotations

import gc
import os.path

from stackc.cli.inputs import Inputs, add_inputs, find_inputs, rename, show
from stackc.cli.shell import Shell, UserError
from stackc.compile import Assembled, Compiled, assemble_files, own_name
from stackc.disk import DiskReader
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_LISTS = ("services", "networks", "volumes", "configs", "secrets", "images", "profiles")


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser)
    parser.add_argument("--format", choices=("yaml", "json"), default="yaml", help="json: Compose dialect only")
    for name in _LISTS:
        parser.add_argument(f"--{name}", action="store_true", help=f"only the names of the {name}, one per line")


def run(args: Namespace, shell: Shell) -> int:
    """The text on stdout, findings on stderr. As with docker, names that are not defined are an error in the Compose
    dialect only."""
    gc.disable()  # a tree is being built and nothing of it is garbage
    inputs = find_inputs(args, shell)
    compiled, assembled = _read(args, shell, inputs)
    if compiled.diagnostics:
        show(compiled, args, shell)
    if assembled is None:
        return 1
    shell.out.write(_text(args, shell, assembled, inputs.stack))
    gc.enable()
    return 0


def _read(args: Namespace, shell: Shell, inputs: Inputs) -> tuple[Compiled, Assembled | None]:
    """The findings (without a plan), and what the files make; None when there are errors."""
    from stackc.checks import settled
    from stackc.diagnostics import has_errors

    reader = DiskReader(inputs.root, also=inputs.files)
    assembled = assemble_files(inputs.files, reader, environment=shell.env, **inputs.compile_options(args))
    shell.keep(assembled)
    context = assembled.context
    if assembled.root is not None and not context.is_stack:
        from stackc.checks.consistency import check_project

        check_project(assembled.root, context)
    findings, _ = settled(context, assembled.sources, complete=False)
    compiled = rename(Compiled(None, findings, assembled.sources), inputs)
    return compiled, None if assembled.root is None or has_errors(findings) else assembled


def _text(args: Namespace, shell: Shell, assembled: Assembled, stack: str | None) -> str:
    context, root = assembled.context, assembled.root
    assert root is not None
    name = stack or own_name(root) or _folder_name(context.folder)
    wanted = [kind for kind in _LISTS if getattr(args, kind)]
    if wanted:
        from stackc.report.compose_config import names

        return "".join(f"{line}\n" for kind in wanted for line in names(root, kind, name))
    if context.is_stack:
        from stackc.report.config import stack_config

        if args.format == "json":
            raise UserError("--format json is for the Compose dialect: a stack file is printed as YAML", 64)
        return stack_config(root, context.version)
    from stackc.report.compose_config import compose_config

    text = compose_config(root, name, json=args.format == "json")
    return text if text.endswith("\n") or not shell.out.isatty() else f"{text}\n"


def _folder_name(folder: str) -> str:
    """As compose calls a project that nobody gave a name."""
    from stackc.assemble.context import normal_name

    return normal_name(os.path.basename(folder)) or "default"  # noqa: PTH119  (pathlib costs 5 ms)
