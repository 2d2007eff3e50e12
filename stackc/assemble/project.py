"""A Compose project: its files, what they include and extend, and the profiles → one canonical tree.

Every document is a layer: its variables are replaced, its services get what they extend, what it includes is taken in,
its ``!reset`` and ``!override`` tags cut away what lies below, and it is laid over the others. Then the whole is
checked against the schema, brought into long form, and what no profile asks for is put aside.
"""

from __future__ import annotations

from posixpath import dirname, join, normpath

from stackc.assemble.canonical import canonical
from stackc.assemble.complete import complete
from stackc.assemble.context import Context, Origin, Scope, explain, is_crowded, normal_name, placed
from stackc.assemble.environment import resolve
from stackc.assemble.interpolate import interpolate
from stackc.assemble.layers import Layers, is_null
from stackc.assemble.profiles import put_aside
from stackc.assemble.tags import NOTHING, Cuts, cut
from stackc.assemble.template import TemplateError, Variables, expand_compose
from stackc.assemble.unique import unique, unique_ports
from stackc.attributes import ROOT
from stackc.diagnostics import Related, has_errors
from stackc.hints import TYPE_CHECKING, NamedTuple, Protocol
from stackc.hints import Mapping as Environment
from stackc.hints import Sequence as Names
from stackc.parse import RECOVERED, Document, parse_all
from stackc.parse.nodes import Mapping, Node, Scalar
from stackc.schema import Acceptor
from stackc.schema_file import schema_document
from stackc.source import SourceError

if TYPE_CHECKING:
    from stackc.assemble.extends import Services
    from stackc.assemble.include import Include

MOST_FILES = 1_000
MOST_BYTES = 64 * 1024 * 1024
MOST_VALUES = 2_000_000
"""So many values may included files bring, and services get from those they extend."""
DEEPEST = 32
"""So deep may included files include others."""


class Text(Protocol):
    """A given file as it was read. ``path``: absolute; "" of stdin."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Wanted(NamedTuple):
    """What the caller asks for besides the files. ``stack``: the name, where it is known. ``dotenv``: names and
    contents of env files; None: ``.env`` beside the first file. ``profiles``: whose services are wanted."""

    stack: str | None
    dotenv: Names[tuple[str, bytes]] | None
    profiles: tuple[str, ...]


class File(NamedTuple):
    """A file of the project and its documents. ``path``: absolute, "" of stdin."""

    path: str
    documents: list[Document]


class Reading(NamedTuple):
    """Which files are being read. ``chain``: the paths of those that included each other on the way here."""

    scope: Scope
    chain: tuple[str, ...] = ()


def assemble(
    given: Names[tuple[Text, Document]], context: Context, sources: dict[str, str], wanted: Wanted
) -> Mapping | None:
    """The project of the given files, each with its first document. ``sources`` gets the text of every further file.
    None when a file could not be used; the findings are in the context."""
    project = Project(context, sources, relative=not any(text.name.startswith("/") for text, _ in given))
    files = [File(text.path, project.all_documents(text, document)) for text, document in given]
    context.environment = project.variables(files, wanted)
    root = project.merged(files, Reading(context.scope(None)))
    if root is None or project.exhausted or is_crowded(root, context):
        return None
    acceptor = Acceptor(schema_document(), context.dialect, context.version)
    root = unique(root, context) if project.layered else root
    if not acceptor.accepts(root):
        from stackc.explain import explain as explain_schema

        root = explain_schema(root, acceptor, context)
    root = unique_ports(canonical(root, context), context)
    root = complete(resolve(put_aside(root, wanted.profiles, context), context), context)
    return root if project.complete else None


class Project:
    """One load: the budgets, the extended files that were read, and where findings go. ``complete``: every file that
    is named was read. ``layered``: something lies over something else. ``exhausted``: a budget is used up."""

    def __init__(self, context: Context, sources: dict[str, str], *, relative: bool) -> None:
        self.context = context
        self.sources = sources
        self.relative = relative
        self.complete = True
        self.layered = False
        self.exhausted = False
        self._files = 0
        self._bytes = 0
        self._values = 0
        self._sizes: dict[int, tuple[Node, int]] = {}
        self._extended: dict[tuple[str, int], Services | None] = {}

    def all_documents(self, text: Text, first: Document) -> list[Document]:
        """Every document of a given file; the text is read again only if there are several."""
        documents: list[Document] | None = [first]
        if first.more is not None:
            documents, findings = parse_all(text.name, text.data)
            known = set(self.context.findings)
            self.context.findings.extend(one for one in findings if one not in known)
            self.complete = self.complete and documents is not None
        for document in documents or ():
            note_tags(document, self.context)
        return documents or []

    def variables(self, files: Names[File], wanted: Wanted) -> dict[str, str]:
        """What interpolation sees: the env files under the environment, and the name of the project."""
        context = self.context
        dotenv = self._default_env_file(context.folder, None) if wanted.dotenv is None else wanted.dotenv
        known = self._read_variables(dotenv, context.environment) if dotenv else {}
        known.update(context.environment)
        name = wanted.stack or own_name(files, known)
        if name:
            known["COMPOSE_PROJECT_NAME"] = name
        return known

    def merged(self, files: Names[File], reading: Reading) -> Mapping | None:
        """The files as one tree, in the form they are written in. None without any document."""
        layers = Layers(self.context)
        for file in files:
            within = reading._replace(chain=(*reading.chain, file.path))
            for document in file.documents:
                self._lay(document, file, within, layers)
        assert layers.tree is None or isinstance(layers.tree, Mapping)
        return layers.tree

    def _lay(self, document: Document, file: File, reading: Reading, layers: Layers) -> None:
        root, cuts = cut(document)
        root = unique(interpolate(root, self.context, reading.scope.environment), self.context, report=True)
        services = root.get("services")
        if services is not None and is_null(services) and layers.tree is not None:
            self.context.report("SC2002", "`services` must be a mapping, not null", services, path=("services",))
        if isinstance(services, Mapping) and any(_extends(service) for service in services.entries.values()):
            from stackc.assemble.extends import Services

            root = _with(root, "services", Services(services, file.path, cuts, self).extended())
            self.layered = True
        missing = layers.remove(list(cuts.paths))
        self._note_idle(cuts, missing, services)
        if "include" in root.entries:
            root = self._with_included(root, reading)
            self.layered = True
        self.layered = self.layered or layers.tree is not None
        layers.lay(root, ROOT)

    def _note_idle(self, cuts: Cuts, missing: list[tuple[str, ...]], services: Node | None) -> None:
        """A ``!reset`` of nothing is most likely misspelt. One in an extension may be an anchor for others, and one in
        a service that extends another takes away what comes from there."""
        gone = set(missing)
        known = services.entries if isinstance(services, Mapping) else {}
        for path, span in cuts.resets:
            extending = path[0] == "services" and len(path) > 2 and _extends(known.get(path[1]))
            if path in gone and not extending and not path[0].startswith("x-"):
                message = f"there is no `{'.'.join(path)}` that !reset could take away"
                self.context.report("SC1308", message, span, path=path)

    # what is included

    def _with_included(self, root: Mapping, reading: Reading) -> Mapping:
        """The layer with what it includes; ``include`` itself is gone."""
        from stackc.assemble.include import includes, take_in

        listed = root.entries["include"]
        entries = {key: node for key, node in root.items() if key != "include"}
        root = Mapping(entries, root.keys, root.file, root.start, root.end)
        read = ((entry, self._included(entry, reading)) for entry in includes(listed, self.context))
        return take_in(root, [(entry, one) for entry, one in read if one is not None], self.context)

    def _included(self, entry: Include, reading: Reading) -> Mapping | None:
        """The project of one entry of ``include``, or None after findings."""
        chain, folder = reading.chain, reading.scope.folder
        paths = [normpath(join(folder, str(path.value))) for path in entry.paths]
        for node, path in zip(entry.paths, paths, strict=True):
            if self._is_refused(node, "included"):
                return None
            if path in chain:
                names = " → ".join(self._name(one) for one in (*chain[chain.index(path) :], path))
                self._fail("SC1304", f"files include each other in a circle: {names}", node)
                return None
        if len(chain) > DEEPEST:
            self._fail("SC1307", f"files include each other more than {DEEPEST} deep", entry.at)
            return None
        own = dirname(paths[0]) if entry.folder is None else normpath(join(folder, str(entry.folder.value)))
        via = (Related(entry.at.span, "included here"), *reading.scope.via)
        known = self._environment(entry, own, reading.scope)
        environment = {**known, **reading.scope.environment} if known else reading.scope.environment
        scope = Scope(own, own, environment, via)
        files = []
        for node, path in zip(entry.paths, paths, strict=True):
            documents = self._documents(path, node, scope)
            if documents is not None:
                files.append(File(path, documents))
        return self.merged(files, Reading(scope, chain))

    def _environment(self, entry: Include, own: str, outer: Scope) -> dict[str, str]:
        """The variables of an included project's env files; by default of the ``.env`` in its own folder."""
        given: list[tuple[str, bytes]] = []
        if entry.env_files is None:
            given = self._default_env_file(own, entry.at)
        for node in entry.env_files or ():
            path = normpath(join(outer.folder, str(node.value)))
            if path == "/dev/null":
                continue
            data = self._read(path, node)
            if data is not None:
                given.append((self._name(path), data))
        return self._read_variables(given, outer.environment) if given else {}

    def _read_variables(self, files: Names[tuple[str, bytes]], environment: Environment[str, str]) -> dict[str, str]:
        from stackc.assemble.variables import variables

        return variables(files, environment, self.context.findings, self.sources)

    def _default_env_file(self, folder: str, at: Node | None) -> list[tuple[str, bytes]]:
        path = join(folder, ".env")
        try:
            return [(self._name(path), self.context.reader.read(path))]
        except SourceError as error:
            if error.kind not in ("missing", "directory", "outside"):
                self._fail(*explain(error, self._name(path)), at)
            return []

    # what is extended

    def extended_file(self, file: Scalar) -> Services | None:
        """The services of the file that ``extends.file`` names, or None after a finding. Each file is read once."""
        scope = self.context.scope(file)
        path = normpath(join(scope.folder, str(file.value)))
        key = (path, id(scope.environment))
        if key not in self._extended:
            self._extended[key] = self._open_extended(path, file, scope)
        return self._extended[key]

    def _open_extended(self, path: str, file: Scalar, scope: Scope) -> Services | None:
        from stackc.assemble.extends import Services

        if self._is_refused(file, "extended"):
            return None
        via = (Related(file.span, "extended here"), *scope.via)
        documents = self._documents(path, file, Scope(dirname(path), scope.project, scope.environment, via))
        if documents is None:
            return None
        layers, all_cuts = Layers(self.context), NOTHING
        for document in documents:
            root, cuts = cut(document)
            layers.remove(list(cuts.paths))
            layers.lay(interpolate(root, self.context, scope.environment), ROOT)
            all_cuts = Cuts((*all_cuts.paths, *cuts.paths), ())
        services = layers.tree.get("services") if isinstance(layers.tree, Mapping) else None
        if not isinstance(services, Mapping):
            self._fail("SC1305", f"{file.value} has no services that could be extended", file)
            return None
        return Services(services, path, all_cuts, self)

    def has_too_much(self, node: Node, at: Node) -> bool:
        """Count what ``at`` brings into the project; far too much of it, and the load is given up."""
        before, self._values = self._values, self._values + self._size(node)
        if self._values > MOST_VALUES >= before:
            message = f"with what is included and extended the project has more than {MOST_VALUES} values"
            self._fail("SC1307", message, at)
        self.exhausted = self._values > MOST_VALUES
        return self.exhausted

    def _size(self, node: Node) -> int:
        if isinstance(node, Scalar):
            return 1
        known = self._sizes.get(id(node))
        if known is None:
            below = node.entries.values() if isinstance(node, Mapping) else node.items  # type: ignore[attr-defined]
            known = self._sizes[id(node)] = (node, 1 + sum(self._size(child) for child in below))
        return known[1]

    # files

    def _is_refused(self, node: Scalar, what: str) -> bool:
        if not _is_remote(str(node.value)):
            return False
        hint = "commit a copy of the file to the project and name that"
        message = f"`{node.value}` would have to be fetched: what is {what} must be a file of the project"
        self.context.report("SC1303", message, node, hint=hint)
        self.complete = False
        return True

    def _documents(self, path: str, at: Scalar, scope: Scope) -> list[Document] | None:
        """The documents of a file that ``at`` names, or None after a finding."""
        self._files += 1
        if self._files > MOST_FILES:
            if not self.exhausted:
                self._fail("SC1307", f"the project has more than {MOST_FILES} files", at)
            self.exhausted = True
            return None
        data = self._read(path, at)
        if data is None:
            return None
        name = Origin(self._name(path), scope)
        self.sources[name] = data.decode("utf-8", "replace").removeprefix("\ufeff")
        documents, findings = parse_all(name, data)
        self.context.findings.extend(placed(one) for one in findings)
        if has_errors([one for one in findings if one.code not in RECOVERED]):
            self.complete = False
        for document in documents or ():
            note_tags(document, self.context)
            if self.has_too_much(document.root, at):
                return None
        return documents

    def _read(self, path: str, at: Scalar) -> bytes | None:
        try:
            data = self.context.reader.read(path)
        except SourceError as error:
            self._fail(*explain(error, str(at.value)), at)
            return None
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self._fail("SC1003", f"the files of the project have more than {MOST_BYTES} bytes together", at)
            return None
        return data

    def _fail(self, code: str, message: str, at: Node | None) -> None:
        self.context.report(code, message, at)
        self.complete = False

    def _name(self, path: str) -> str:
        """As findings name the file: from the root of the project where the given files are named so too."""
        top = self.context.reader.root.rstrip("/") + "/"
        return path[len(top) :] if self.relative and path.startswith(top) else path


def note_tags(document: Document, context: Context) -> None:
    """A tag that means nothing is refused: it is most likely a misspelt ``!reset``."""
    for tag, span in document.tags:
        if tag not in ("!reset", "!override"):
            context.report("SC1015", f"the tag `{tag}` is not supported", span)


def _extends(service: Node | None) -> bool:
    return isinstance(service, Mapping) and "extends" in service.entries


def _is_remote(path: str) -> bool:
    """Does ``path`` name something that would have to be fetched?"""
    return "://" in path or path.startswith(("git@", "github.com/"))


def _with(node: Mapping, key: str, value: Node) -> Mapping:
    return Mapping({**node.entries, key: value}, node.keys, node.file, node.start, node.end)


def own_name(files: Names[File], environment: Variables) -> str:
    """The last ``name:`` of the files, with its variables replaced; "" without a usable one."""
    name = ""
    for document in (document for file in files for document in file.documents):
        node = document.root.get("name")
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
            name = node.value
    try:
        return normal_name(expand_compose(name, environment).text)
    except TemplateError:
        return ""  # it is reported where it stands
