"""What the commands that read stack files share: -c, STACK, --env-file, --dialect, and how findings are shown."""

# pathlib costs 5 ms, and this is on the way of every command
# ruff: noqa: PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import gc
import os.path
from typing import TYPE_CHECKING, NamedTuple

from stackc.cli.shell import Shell, UserError
from stackc.compile import STDIN, STDIN_NAME, Compiled, check_stack, compile_stack
from stackc.diagnostics import Diagnostic, Severity, Span
from stackc.disk import DiskReader
from stackc.plan import StackPlan

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


def add_inputs(
    parser: ArgumentParser,
    *,
    stack_required: bool = False,
    metavar: str = "STACK",
    stack_help: str = "the stack's name (default: `name:` of the file)",
) -> None:
    """The arguments that ``compile_inputs`` reads."""
    parser.add_argument("stack", nargs=None if stack_required else "?", metavar=metavar, help=stack_help)
    parser.add_argument(
        "-c", "--compose-file", dest="file", action="append", metavar="FILE", help="may repeat; - is stdin"
    )
    parser.add_argument(
        "--env-file", action="append", metavar="FILE", help="variables, instead of .env (Compose dialect)"
    )
    parser.add_argument("--dialect", choices=("stack", "compose"), help="default: stack if the file has a `version:`")
    parser.add_argument("--quiet", "-q", action="store_true", help="errors only")
    parser.add_argument("--no-color", action="store_true", help="no colours, also on a terminal")


class Inputs(NamedTuple):
    """Files as absolute paths (or ``-``), and how each is shown: as the user wrote it."""

    files: list[str]
    shown: dict[str, str]
    root: str
    dotenv: list[tuple[str, bytes]]
    stdin: bytes | None


def find_inputs(args: Namespace, shell: Shell) -> Inputs:
    """Raises UserError when there is no file to read."""
    given: list[str] = args.file or default_files(shell.cwd)
    files = [file if file == STDIN else os.path.normpath(os.path.join(shell.cwd, file)) for file in given]
    if files.count(STDIN) > 1:
        raise UserError("stdin can be read only once: give -c - once", 64)
    shown = {path: file for path, file in zip(files, given, strict=True) if path != STDIN}
    first = next((path for path in files if path != STDIN), None)
    root = os.path.dirname(first) if first is not None else shell.cwd
    stdin = _stdin(shell) if STDIN in files else None
    return Inputs(files, shown, root, _dotenv(args, shell, root), stdin)


def project_folder(args: Namespace, shell: Shell) -> str:
    """Where relative paths begin: the folder of the first file, or the working folder for stdin alone."""
    first = next((name for name in args.file or default_files(shell.cwd) if name != STDIN), None)
    return shell.cwd if first is None else os.path.dirname(os.path.normpath(os.path.join(shell.cwd, first)))


def default_files(cwd: str) -> list[str]:
    """As compose finds them: in the folder or the nearest one above, with its override file. Raises UserError."""
    folder = cwd
    while True:
        for name in DEFAULT_FILES:
            if os.path.isfile(os.path.join(folder, name)):
                names = [name, *(o for o in OVERRIDES if os.path.isfile(os.path.join(folder, o)))][:2]
                return [os.path.relpath(os.path.join(folder, one), cwd) for one in names]
        if folder == (folder := os.path.dirname(folder)):
            break
    wanted = ", ".join(DEFAULT_FILES)
    raise UserError(f"there is no stack file here: give one with -c FILE, or create one of {wanted}")


def _stdin(shell: Shell) -> bytes:
    buffer = getattr(shell.stdin, "buffer", None)
    if buffer is not None:
        data: bytes = buffer.read()
        return data
    return shell.stdin.read().encode("utf-8", "surrogateescape")


def _dotenv(args: Namespace, shell: Shell, root: str) -> list[tuple[str, bytes]]:
    """Name and content of the env files; ``.env`` beside the first file only when none is named."""
    names = args.env_file
    if not names:
        path = os.path.join(root, ".env")
        if not os.path.isfile(path):
            return []
        names = [os.path.relpath(path, shell.cwd)]
    found = []
    for name in names:
        try:
            with open(os.path.join(shell.cwd, name), "rb") as file:
                found.append((name, file.read()))
        except OSError as error:
            raise UserError(f"the env file {name} cannot be read: {error.strerror}") from None
    return found


def read_stack(args: Namespace, shell: Shell, *, digest: bool = True) -> Compiled:
    """Compile what the arguments name; files in findings are named as the user wrote them."""
    gc.disable()  # a tree is being built and nothing of it is garbage: collecting would take as long as the compile
    inputs = find_inputs(args, shell)
    function = compile_stack if digest else check_stack
    compiled = function(
        inputs.files,
        DiskReader(inputs.root, also=inputs.files),
        stack=args.stack,
        environment=shell.env,
        dialect=args.dialect,
        stdin=inputs.stdin,
        dotenv=inputs.dotenv,
    )
    gc.enable()
    return rename(compiled, inputs.shown)


def rename(compiled: Compiled, shown: dict[str, str]) -> Compiled:
    """The same findings with other names for the files."""

    def span(one: Span | None) -> Span | None:
        return None if one is None else one._replace(file=shown.get(one.file, one.file))

    def diagnostic(one: Diagnostic) -> Diagnostic:
        message = one.message
        for path, name in shown.items():
            message = message.replace(path, name)
        related = tuple(r._replace(span=r.span._replace(file=shown.get(r.span.file, r.span.file))) for r in one.related)
        return one._replace(span=span(one.span), message=message, related=related)

    sources = {shown.get(file, file): text for file, text in compiled.sources.items()}
    return compiled._replace(
        diagnostics=[diagnostic(one) for one in compiled.diagnostics],
        sources=sources,
        suppressed=tuple(one._replace(diagnostic=diagnostic(one.diagnostic)) for one in compiled.suppressed),
    )


def coloured(args: Namespace, shell: Shell, *, err: bool = True) -> bool:
    """Colours: only on a terminal, and not with --no-color or NO_COLOR."""
    stream = shell.err if err else shell.out
    return not args.no_color and not shell.env.get("NO_COLOR") and stream.isatty()


def show(compiled: Compiled, args: Namespace, shell: Shell) -> None:
    """The findings as text on stderr; with --quiet errors only."""
    from stackc.report.diagnostics import text

    wanted = [d for d in compiled.diagnostics if not args.quiet or d.severity is Severity.ERROR]
    shell.err.write(text(wanted, compiled.sources, colour=coloured(args, shell)))


def compile_inputs(args: Namespace, shell: Shell) -> StackPlan | None:
    """The plan, or None after its errors were shown."""
    compiled = read_stack(args, shell)
    if compiled.diagnostics:
        show(compiled, args, shell)
    return compiled.plan


__all__ = ["STDIN_NAME", "add_inputs", "coloured", "compile_inputs", "find_inputs", "read_stack", "rename", "show"]
