"""`stackc validate -c FILE… [STACK]`: the findings and nothing else."""

from __future__ import annotations

from stackc.cli.inputs import add_inputs, coloured, read_stack
from stackc.cli.shell import Shell
from stackc.diagnostics import Severity
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from stackc.compile import Compiled


def add_arguments(parser: ArgumentParser) -> None:
    add_inputs(parser)
    parser.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text")


def run(args: Namespace, shell: Shell) -> int:
    """Findings on stdout, in the order of the files. Exit code 1 if one of them is an error."""
    compiled = read_stack(args, shell, digest=False, last=True)
    shell.out.write(_rendered(compiled, args, shell))
    return 1 if compiled.plan is None else 0


def _rendered(compiled: Compiled, args: Namespace, shell: Shell) -> str:
    if args.format == "text":
        return _text(compiled, args, shell)
    from stackc.report import diagnostics as report

    if args.format == "github":
        return report.github(compiled.diagnostics)
    if args.format == "json":
        return report.json_text(report.as_json(compiled.diagnostics))
    from importlib.metadata import version

    return report.json_text(report.sarif(compiled.diagnostics, version("stackc"), compiled.suppressed))


def _text(compiled: Compiled, args: Namespace, shell: Shell) -> str:
    wanted = [d for d in compiled.diagnostics if not args.quiet or d.severity is Severity.ERROR]
    plan = compiled.plan
    lines = ""
    if wanted:
        from stackc.report.diagnostics import summary, text

        lines = text(wanted, compiled.sources, colour=coloured(args, shell, err=False))
        if plan is None:
            return lines + f"\n{summary(compiled.diagnostics)}\n"
        lines += "\n"
    if plan is None or args.quiet:
        return lines
    count = len(compiled.diagnostics)
    noted = "" if not count else f", {count} warning{'s' if count > 1 else ''}"
    parts = [
        f"{len(found)} {name}{'s' if len(found) != 1 else ''}"
        for name, found in (
            ("service", plan.services),
            ("network", plan.networks),
            ("volume", plan.volumes),
            ("config", plan.configs),
            ("secret", plan.secrets),
        )
        if found
    ]
    return f"{lines}OK: {', '.join(parts) or 'nothing to deploy'}{noted}\n"
