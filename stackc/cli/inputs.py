"""What the commands that read stack files share: -c, STACK, --env-file, --dialect, and how findings are shown."""

# pathlib costs 5 ms, and this is on the way of every command
# ruff: noqa: PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import gc
import os.path

from stackc.cli.shell import Shell, UserError
from stackc.compile import STDIN, STDIN_NAME, Compiled, assemble_files, checked, finished
from stackc.diagnostics import Diagnostic, Severity, Span
from stackc.disk import DiskReader
from stackc.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from stackc.plan import StackPlan

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
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
    parser.add_argument(
        "--profile", action="append", metavar="NAME", help="services of this profile too; * is all (Compose dialect)"
    )
    parser.add_argument("--dialect", choices=("stack", "compose"), help="default: stack if the file has a `version:`")
    parser.add_argument("--quiet", "-q", action="store_true", help="errors only")
    parser.add_argument("--no-color", action="store_true", help="no colours, also on a terminal")


class Inputs(NamedTuple):
    """Files as absolute paths (or ``-``), and how each is shown: as the user wrote it. ``stack``: the name that was
    given, or None. ``dotenv``: names and contents of the env files."""

    files: list[str]
    shown: dict[str, str]
    root: str
    cwd: str
    stack: str | None
    profiles: tuple[str, ...]
    dotenv: list[tuple[str, bytes]]
    stdin: bytes | None

    def compile_options(self, args: Namespace) -> dict[str, Any]:
        """What ``compile_stack`` and ``assemble_files`` take besides files, reader and environment."""
        return {
            "stack": self.stack,
            "dialect": args.dialect,
            "stdin": self.stdin,
            "dotenv": self.dotenv,
            "profiles": self.profiles,
        }


def find_inputs(args: Namespace, shell: Shell) -> Inputs:
    """What the arguments and, where they are silent, the ``COMPOSE_`` variables name. Raises UserError when there is no
    file to read."""
    given, dotenv = _given(args, shell)
    files = [file if file == STDIN else os.path.normpath(os.path.join(shell.cwd, file)) for file in given]
    if files.count(STDIN) > 1:
        raise UserError("stdin can be read only once: give -c - once", 64)
    shown = {path: file for path, file in zip(files, given, strict=True) if path != STDIN}
    first = next((path for path in files if path != STDIN), None)
    root = os.path.dirname(first) if first is not None else shell.cwd
    stdin = _stdin(shell) if STDIN in files else None
    dotenv += _beside(args, shell, root) if root != shell.cwd or args.file else []
    dotenv.reverse()  # of two the one that stands nearer to the user counts
    variables = _compose_variables(dotenv, shell)
    profiles = args.profile or _listed(variables.get("COMPOSE_PROFILES", ""), ",")
    stack = args.stack or variables.get("COMPOSE_PROJECT_NAME") or None
    return Inputs(files, shown, root, shell.cwd, stack, tuple(profiles), dotenv, stdin)


def project_folder(args: Namespace, shell: Shell) -> str:
    """Where relative paths begin: the folder of the first file, or the working folder for stdin alone."""
    first = next((name for name in _given(args, shell)[0] if name != STDIN), None)
    return shell.cwd if first is None else os.path.dirname(os.path.normpath(os.path.join(shell.cwd, first)))


def _given(args: Namespace, shell: Shell) -> tuple[list[str], list[tuple[str, bytes]]]:
    """The files as the user names them, and the env files that were read to find them out: those that are named, or,
    without -c, ``.env`` of the working folder, which may say ``COMPOSE_FILE``."""
    named = args.env_file or _listed(shell.env.get("COMPOSE_ENV_FILES", ""), ",")
    if named:
        dotenv = [_env_file(name, shell) for name in reversed(named)]
    else:
        dotenv = [] if args.file else _beside(args, shell, shell.cwd)
    if args.file:
        return args.file, dotenv
    variables = _compose_variables(dotenv, shell)
    separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return _listed(variables.get("COMPOSE_FILE", ""), separator) or default_files(shell.cwd), dotenv


def _listed(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _compose_variables(dotenv: list[tuple[str, bytes]], shell: Shell) -> Mapping[str, str]:
    """What may be said of the project in variables; faults of the env files are reported when the project is read."""
    if not any(b"COMPOSE_" in data for _, data in dotenv):
        return shell.env
    from stackc.assemble.variables import variables

    return {**variables(dotenv, shell.env, [], {}), **shell.env}


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


def _beside(args: Namespace, shell: Shell, folder: str) -> list[tuple[str, bytes]]:
    """``.env`` of a folder, where there is one and no env file is named."""
    disabled = shell.env.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in ("1", "t", "true")
    path = os.path.join(folder, ".env")
    if args.env_file or shell.env.get("COMPOSE_ENV_FILES") or disabled or not os.path.isfile(path):
        return []
    return [_env_file(os.path.relpath(path, shell.cwd), shell)]


def _env_file(name: str, shell: Shell) -> tuple[str, bytes]:
    try:
        with open(os.path.join(shell.cwd, name), "rb") as file:
            return name, file.read()
    except OSError as error:
        raise UserError(f"the env file {name} cannot be read: {error.strerror}") from None


def read_stack(args: Namespace, shell: Shell, *, digest: bool = True, last: bool = False) -> Compiled:
    """Compile what the arguments name; files in findings are named as the user wrote them. ``last``: nothing but output
    follows."""
    gc.disable()  # a tree is being built and nothing of it is garbage: collecting would take as long as the compile
    inputs = find_inputs(args, shell)
    reader = DiskReader(inputs.root, also=inputs.files)
    assembled = assemble_files(inputs.files, reader, environment=shell.env, **inputs.compile_options(args))
    if last:
        shell.keep(assembled)
    compiled = checked(assembled, inputs.stack)
    if digest:
        compiled = finished(compiled, inputs.stack)
    gc.enable()
    return rename(compiled, inputs)


def rename(compiled: Compiled, inputs: Inputs) -> Compiled:
    """The same findings with other names for the files: as the user wrote them, or from the working folder."""
    here = inputs.cwd.rstrip("/") + "/"
    names = {str(file): str(file).removeprefix(here) for file in compiled.sources if file.startswith(here)}
    names.update(inputs.shown)
    if not any(file != name for file, name in names.items()):
        return compiled

    def span(one: Span) -> Span:
        return one._replace(file=names.get(one.file, one.file))

    def diagnostic(one: Diagnostic) -> Diagnostic:
        message = one.message
        for path, name in names.items():
            message = message.replace(path, name)
        related = tuple(r._replace(span=span(r.span)) for r in one.related)
        return one._replace(span=one.span and span(one.span), message=message, related=related)

    return compiled._replace(
        diagnostics=[diagnostic(one) for one in compiled.diagnostics],
        sources={names.get(file, file): text for file, text in compiled.sources.items()},
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


def compile_inputs(args: Namespace, shell: Shell, *, last: bool = False) -> StackPlan | None:
    """The plan, or None after its errors were shown."""
    compiled = read_stack(args, shell, last=last)
    if compiled.diagnostics:
        show(compiled, args, shell)
    return compiled.plan


__all__ = ["STDIN_NAME", "add_inputs", "coloured", "compile_inputs", "find_inputs", "read_stack", "rename", "show"]
