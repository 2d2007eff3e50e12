"""What the passes of ``assemble`` share for one compile: the dialect, the inputs, and where findings go."""

from __future__ import annotations

from posixpath import join, normpath

from stackc.codes import found
from stackc.diagnostics import Diagnostic, Path, Related, Span
from stackc.hints import Mapping as Variables
from stackc.hints import NamedTuple
from stackc.parse.nodes import Mapping, Node, Scalar
from stackc.source import Reader, SourceError

STACK, COMPOSE = "stack", "compose"
DIALECTS = (STACK, COMPOSE)
MOST_SERVICES = 10_000
MOST_GROWTH = 64 * 1024 * 1024
"""So many characters may variables and env files add to the project."""
MOST_PORTS = 70_000
"""So many ports may the ranges of all services be written out to: every port there is, and a few."""
MOST_VARIABLES = 1_000_000
"""So many variables and labels may all services have from files."""


class Scope(NamedTuple):
    """What a file's text may see. ``folder``: absolute; relative paths of the file start there. ``project``: the folder
    of its project, which is another one for an extended file. ``environment``: its variables. ``via``: how an included
    or extended file got into the project, the nearest place first."""

    folder: str
    project: str
    environment: Variables[str, str]
    via: tuple[Related, ...] = ()


class Origin(str):
    """The name of an included or extended file, as every node of it bears it, with the file's own scope."""

    __slots__ = ("scope",)
    scope: Scope

    def __new__(cls, name: str, scope: Scope) -> Origin:
        self = super().__new__(cls, name)
        self.scope = scope
        return self


class Context:
    """``folder``: the absolute folder of the first file; relative paths of the given files start there (of included
    and extended ones: their scope says). ``version``: of a stack file, normalised, such as ``3.13``; "" in the Compose
    dialect. ``inactive``: the canonical services that no active profile asked for, by name (Compose dialect).
    ``faulty``: values that could not be interpolated, by their place: what else is wrong with them would be no news.
    ``texts``: the env files that were read, by absolute path; ``variables``: how many came of them; ``growth``: how
    many characters; ``ports``: how many ports the ranges hold."""

    __slots__ = (
        "dialect", "environment", "faulty", "findings", "folder", "growth", "inactive", "ports", "reader", "texts",
        "variables", "version",
    )  # fmt: skip

    def __init__(
        self, dialect: str, version: str, environment: Variables[str, str], reader: Reader, folder: str
    ) -> None:
        self.dialect = dialect
        self.version = version
        self.environment = environment
        self.reader = reader
        self.folder = folder
        self.findings: list[Diagnostic] = []
        self.inactive: dict[str, Node] = {}
        self.faulty: set[tuple[str, int, int]] = set()
        self.texts: dict[str, str] = {}
        self.variables = 0
        self.growth = 0
        self.ports = 0

    @property
    def is_stack(self) -> bool:
        return self.dialect == STACK

    def report(
        self,
        code: str,
        message: str,
        at: Node | Span | None,
        *,
        path: Path = (),
        hint: str = "",
        related: tuple[Related, ...] = (),
    ) -> None:
        span = at.span if isinstance(at, Node) else at
        if self.faulty and isinstance(at, Scalar) and (at.file, at.start.line, at.start.column) in self.faulty:
            return
        self.findings.append(placed(found(code, message, span, path=path, hint=hint, related=related)))

    def has_grown(self, characters: int, at: Node) -> bool:
        """Count what a variable or an env file adds at ``at``; far too much is reported, once."""
        before, self.growth = self.growth, self.growth + characters
        if self.growth > MOST_GROWTH >= before:
            self.report("SC1205", f"variables and env files add more than {MOST_GROWTH} characters", at)
        return self.growth > MOST_GROWTH

    def has_too_many_ports(self, ports: int, at: Node) -> bool:
        """Count what a range of ports is written out to; more than a stack could publish is reported, once."""
        before, self.ports = self.ports, self.ports + ports
        if self.ports > MOST_PORTS >= before:
            self.report("SC4055", f"the ranges of the file hold more than {MOST_PORTS} ports", at)
        return self.ports > MOST_PORTS

    def scope(self, at: Node | None) -> Scope:
        """Folder and variables of the file that ``at`` stands in."""
        file = at.file if at is not None else ""
        return file.scope if isinstance(file, Origin) else Scope(self.folder, self.folder, self.environment)

    def absolute(self, path: str, at: Node | None = None) -> str:
        """``path`` as it stands at ``at``: absolute ones as they are, relative ones joined to the folder of that
        file and cleaned."""
        if path.startswith("/"):
            return path
        file = at.file if at is not None else ""
        return normpath(join(file.scope.folder if isinstance(file, Origin) else self.folder, path))

    def read(self, path: str, at: Scalar) -> bytes | None:
        """The bytes of a file that the stack names, or None after a finding at ``at``."""
        try:
            return self.reader.read(self.absolute(path, at))
        except SourceError as error:
            self.report(*explain(error, at.text), at)
            return None


def placed(diagnostic: Diagnostic) -> Diagnostic:
    """The finding; one in an included or extended file also says how that file got into the project."""
    file = diagnostic.span.file if diagnostic.span is not None else ""
    if isinstance(file, Origin):
        return diagnostic._replace(related=(*diagnostic.related, *file.scope.via))
    return diagnostic


def explain(error: SourceError, path: str) -> tuple[str, str]:
    """Code and message of a file that cannot be had."""
    if error.kind == "outside":
        return "SC1002", f"the file {path} stands outside the project folder"
    if error.kind == "too-large":
        return "SC1003", f"the file {path} is too large" + (f": {error.detail}" if error.detail else "")
    reason = {"missing": "does not exist", "directory": "is a folder"}.get(error.kind, "cannot be read")
    detail = f": {error.detail}" if error.detail and error.kind == "unreadable" else ""
    return "SC1001", f"the file {path} {reason}{detail}"


def is_crowded(root: Mapping, context: Context) -> bool:
    """Looked at before anything is done per service."""
    services = root.get("services")
    if not isinstance(services, Mapping) or len(services.entries) <= MOST_SERVICES:
        return False
    message = f"{len(services.entries)} services; at most {MOST_SERVICES} are deployed as one stack"
    context.report("SC4018", message, services.start_span)
    return True


def normal_name(name: str) -> str:
    """A project's name as Compose takes it: lower case, letters, digits, ``-`` and ``_``, no mark at the start."""
    kept = "".join(char for char in name.lower() if char.isascii() and (char.isalnum() or char in "-_"))
    return kept.lstrip("-_")
