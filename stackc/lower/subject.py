"""The service that is being lowered, and what the parts of it may look at."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.emit import NOTHING, Emitter
from stackc.lower.table import Filler, Table
from stackc.parse.nodes import Mapping, Node


class Subject:
    """``key``: of the service in the file. ``targets``: network of the file → engine name."""

    __slots__ = ("context", "filler", "key", "root", "service", "stack", "table", "targets")

    def __init__(
        self,
        stack: str,
        key: str,
        service: Mapping,
        root: Mapping,
        context: Context,
        table: Table,
        targets: dict[str, str],
    ) -> None:
        self.stack = stack
        self.key = key
        self.service = service
        self.root = root
        self.context = context
        self.table = table
        self.targets = targets
        self.filler = Filler(context, ("services", key))

    def report(self, code: str, message: str, at: Node | None, *path: str, hint: str = "") -> None:
        self.context.report(code, message, at, path=("services", self.key, *path), hint=hint)

    def number(self, emit: Emitter, node: Node | None, *path: str) -> int | None:
        """The number that an emitter makes of a node; None where there is none, or after a finding."""
        value = NOTHING if node is None else self.filler.emitted(emit, node, path)
        return value if isinstance(value, int) else None

    def fill(self, node: Node | None, path: str) -> dict[str, object]:
        """The body that the rows below ``path`` make of a node."""
        return self.filler.fill(node, self.table[path], {})
