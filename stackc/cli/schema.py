"""`stackc schema [NAME]`: a JSON Schema that this version goes by, for editors and other tools."""

from __future__ import annotations

from stackc.cli.shell import Shell
from stackc.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

SCHEMAS = {
    "stack": "compose and stack files, and what stackc reads below `x-stackc`",
    "plan": "what `stackc compile --format json` prints",
    "reconciler": "settings of the reconciler",
}
"""Name to what it describes; the file is ``schemas/NAME.schema.json``."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", choices=tuple(SCHEMAS), default="stack", help="which one (default: stack)")
    parser.add_argument("--list", action="store_true", help="print the names of the schemas and what they describe")


def run(args: Namespace, shell: Shell) -> int:
    """The schema on stdout, as it stands in ``schemas/``."""
    if args.list:
        width = max(map(len, SCHEMAS))
        shell.out.write("".join(f"{name:<{width}}  {what}\n" for name, what in SCHEMAS.items()))
        return 0
    from stackc.disk import package_text

    shell.out.write(package_text(f"{args.name}.schema.json"))
    return 0
