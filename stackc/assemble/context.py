"""What the passes of ``assemble`` share for one compile: the dialect, the inputs, and where findings go."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import join, normpath

from stackc.codes import found
from stackc.diagnostics import Diagnostic, Path, Related, Span
from stackc.parse.nodes import Node, Scalar
from stackc.source import Reader, SourceError

STACK, COMPOSE = "stack", "compose"
DIALECTS = (STACK, COMPOSE)


class Context:
    """``folder``: the absolute folder of the first file; relative paths of all files start there.
    ``version``: of a stack file, normalised, such as ``3.13``; "" in the Compose dialect."""

    __slots__ = ("dialect", "environment", "findings", "folder", "reader", "version")

    def __init__(self, dialect: str, version: str, environment: Mapping[str, str], reader: Reader, folder: str) -> None:
        self.dialect = dialect
        self.version = version
        self.environment = environment
        self.reader = reader
        self.folder = folder
        self.findings: list[Diagnostic] = []

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
        self.findings.append(found(code, message, span, path=path, hint=hint, related=related))

    def absolute(self, path: str) -> str:
        """``path`` as docker resolves it: absolute ones as they are, relative ones joined and cleaned."""
        return path if path.startswith("/") else normpath(join(self.folder, path))

    def read(self, path: str, at: Scalar) -> bytes | None:
        """The bytes of a file that the stack names, or None after a finding at ``at``."""
        try:
            return self.reader.read(self.absolute(path))
        except SourceError as error:
            self.report(*explain(error, at.text), at)
            return None


def explain(error: SourceError, path: str) -> tuple[str, str]:
    """Code and message of a file that cannot be had."""
    if error.kind == "outside":
        return "SC1002", f"the file {path} stands outside the project folder"
    if error.kind == "too-large":
        return "SC1003", f"the file {path} is too large" + (f": {error.detail}" if error.detail else "")
    reason = {"missing": "does not exist", "directory": "is a folder"}.get(error.kind, "cannot be read")
    detail = f": {error.detail}" if error.detail and error.kind == "unreadable" else ""
    return "SC1001", f"the file {path} {reason}{detail}"
