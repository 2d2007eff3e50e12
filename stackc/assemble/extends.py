"""``extends``: a service over the one it extends, of the same file or of another one."""

from __future__ import annotations

from stackc.assemble.layers import Layers, is_null
from stackc.assemble.tags import Cuts
from stackc.attributes import ROOT, Place
from stackc.diagnostics import Related, Span
from stackc.hints import TYPE_CHECKING, NamedTuple
from stackc.parse.nodes import Mapping, Node, Scalar

if TYPE_CHECKING:
    from stackc.assemble.project import Project

DEEPEST = 100
"""So many services may extend each other in a row."""

_SERVICES = ROOT.children["services"]
_SERVICE: Place | None = _SERVICES.any


class Step(NamedTuple):
    """A service on the way from one that extends to the base: where it is defined, and where it is named."""

    file: str
    service: str
    at: Span


class Services:
    """The services of one document, or of all documents of an extended file. ``file``: its absolute path."""

    def __init__(self, services: Mapping, file: str, cuts: Cuts, project: Project) -> None:
        self.services = services
        self.file = file
        self._cuts = cuts.of_services()
        self.project = project
        self._done: dict[str, Node] = {}

    def extended(self) -> Mapping:
        """Every service with what it extends; ``extends`` itself is gone."""
        services = self.services
        entries = {name: self.one(name, ()) for name in services.entries}
        if all(entries[name] is node for name, node in services.items()):
            return services
        return Mapping(entries, services.keys, services.file, services.start, services.end)

    def one(self, name: str, way: tuple[Step, ...]) -> Node:
        """The service with what it extends. ``way``: the services that led here."""
        done = self._done.get(name)
        if done is not None:
            return done
        node = self.services.entries[name]
        if isinstance(node, Mapping) and "extends" in node.entries:
            own = _without_extends(node)
            node = self._over_base(name, own, node.entries["extends"], way)
        self._done[name] = node
        return node

    def _over_base(self, name: str, own: Mapping, extends: Node, way: tuple[Step, ...]) -> Node:
        project = self.project
        step = Step(self.file, name, self.services.key_span(name))
        base = self._base(name, extends, (*way, step))
        if base is None or is_null(base):
            return own
        if not isinstance(base, Mapping):
            return own
        if project.has_too_much(base, extends):
            return own
        layers = Layers(project.context)
        layers.tree = base
        layers.remove(self._cuts.get(name, []))
        return layers.lay(own, _SERVICE, ("services", name))

    def _base(self, name: str, extends: Node, way: tuple[Step, ...]) -> Node | None:
        """The service that ``extends`` names, with what it extends itself; None after a finding."""
        context = self.project.context
        service, file = _reference(extends)
        if service is None:
            message = f"`services.{name}.extends` does not say which service"
            hint = "write `extends: SERVICE`, or `extends:` with `service:` and `file:`"
            context.report("SC1302", message, extends, path=("services", name, "extends"), hint=hint)
            return None
        if len(way) > DEEPEST:
            message = f"more than {DEEPEST} services extend each other in a row"
            context.report("SC1307", message, extends, path=("services", name, "extends"))
            return None
        services = self if file is None else self.project.extended_file(file)
        if services is None:
            return None
        wanted = str(service.value)
        if wanted not in services.services.entries:
            where = f" in {file.value}" if file is not None else ""
            hint = _close(wanted, list(services.services.entries))
            message = f"`{name}` extends `{wanted}`, which is no service{where or ' of this file'}"
            context.report("SC1305", message, service, path=("services", name, "extends"), hint=hint)
            return None
        if any(step.file == services.file and step.service == wanted for step in way):
            self._report_circle(services.file, wanted, service, way)
            return None
        return services.one(wanted, way)

    def _report_circle(self, file: str, service: str, at: Scalar, way: tuple[Step, ...]) -> None:
        start = next(i for i, step in enumerate(way) if step.file == file and step.service == service)
        circle = way[start:]
        names = " → ".join([*(step.service for step in circle), service])
        related = tuple(Related(step.at, f"`{step.service}` is extended on the way") for step in circle)
        message = f"services extend each other in a circle: {names}"
        self.project.context.report("SC1304", message, at, path=("services", circle[0].service), related=related)


def _without_extends(node: Mapping) -> Mapping:
    entries = {key: child for key, child in node.entries.items() if key != "extends"}
    return Mapping(entries, node.keys, node.file, node.start, node.end)


def _reference(extends: Node) -> tuple[Scalar | None, Scalar | None]:
    """The service and the file that are named."""
    if isinstance(extends, Scalar):
        return (extends if isinstance(extends.value, str) else None), None
    if not isinstance(extends, Mapping):
        return None, None
    service, file = extends.get("service"), extends.get("file")
    named = service if isinstance(service, Scalar) and isinstance(service.value, str) else None
    return named, file if isinstance(file, Scalar) and isinstance(file.value, str) else None


def _close(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known[:1000], n=1)
    return f"did you mean `{close[0]}`?" if close else ""
