"""`stackc compile -c FILE… STACK`: the StackPlan."""

from __future__ import annotations

from stackc.cli.inputs import add_inputs, compile_inputs
from stackc.cli.shell import Shell
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser)
    parser.add_argument("--format", choices=("json", "yaml"), default="json")


def run(args: Namespace, shell: Shell) -> int:
    """The plan on stdout, findings on stderr. The same input gives the same bytes."""
    plan = compile_inputs(args, shell, last=True)
    if plan is None:
        return 1
    from stackc.plan import to_json

    if args.format == "yaml":
        from stackc.report.yaml import dump

        shell.out.write(dump(to_json(plan)))
    else:
        from stackc.json_text import indented

        shell.out.write(indented(to_json(plan)) + "\n")
    return 0
