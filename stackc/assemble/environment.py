"""``environment`` and ``env_file`` of a service → one mapping of names to strings (or null: nothing is known).

docker reads env files file by file (``environment``); Compose does so once, when the project is complete and its
inactive services are out, and reads label files as well (``resolve``).
"""

from __future__ import annotations

from stackc.assemble.context import MOST_GROWTH, MOST_VARIABLES, Context, explain
from stackc.assemble.dotenv import Lookup, Unset, read_into
from stackc.assemble.template import Variables
from stackc.assemble.words import EnvLineError, env_file
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar
from stackc.parse.scalars import go_text
from stackc.source import SourceError


def environment(service: Mapping, context: Context) -> Mapping:
    """docker's reading of one service: ``environment`` beats ``env_file``, a later file an earlier one, and a key whose
    value is empty or missing is filled from the process environment."""
    inline, files = service.get("environment"), service.get("env_file")
    if inline is None and files is None:
        return service
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for item in files.items if isinstance(files, Sequence) else ():
        if isinstance(item, Scalar):
            for name, value in _lines(item, context):
                entries[name] = scalar(value, item)
                keys[name] = item
    if inline is not None:
        _inline(inline, entries, keys)
    resolved: dict[str, Node] = {}
    for name, node in entries.items():
        assert isinstance(node, Scalar)
        if node.value is None or node.value == "":
            node = scalar(context.environment.get(name, node.value), node)
        resolved[name] = node
    at = inline if inline is not None else files
    assert at is not None
    return _with(service, "environment", mapping(resolved, at, keys))


def resolve(root: Mapping, context: Context) -> Mapping:
    """A complete Compose project with the variables of its services resolved and their env and label files read."""
    services = root.get("services")
    if not isinstance(services, Mapping):
        return root
    done: dict[str, Node] = {
        name: _resolved(service, context) if isinstance(service, Mapping) else service
        for name, service in services.items()
    }
    changed = Mapping(done, services.keys, services.file, services.start, services.end)
    return _with(root, "services", changed)


def _resolved(service: Mapping, context: Context) -> Mapping:
    entries = service.entries
    if "environment" in entries or "env_file" in entries:
        service = _with_environment(service, context)
    if "label_file" in entries:
        service = _with_labels(service, context)
    return service


def _with_environment(service: Mapping, context: Context) -> Mapping:
    """A key without a value is looked up in its own project's variables. Values of the files are expanded from the
    project's variables, then from the service's own, then from the lines above."""
    inline, files = service.get("environment"), service.get("env_file")
    own: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    if inline is not None:
        _inline(inline, own, keys)
    for name, node in own.items():
        if isinstance(node, Scalar) and node.value is None:
            found = context.scope(node).environment.get(name, context.environment.get(name))
            own[name] = node if found is None else scalar(found, node)
    known = {name: str(node.value) for name, node in own.items() if isinstance(node, Scalar) and node.value is not None}
    entries: dict[str, Node] = {}
    if files is not None:
        before = Lookup(context.environment, dict(known))
        _gather(files, known, before, context, entries, keys)
    entries.update(own)
    at = inline if inline is not None else files
    assert at is not None
    return _with(service, "environment", mapping(entries, at, keys))


def _with_labels(service: Mapping, context: Context) -> Mapping:
    """``labels`` beats ``label_file``, a later file an earlier one; values are expanded from the lines above."""
    inline, files = service.get("labels"), service.get("label_file")
    assert files is not None
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    _gather(files, {}, {}, context, entries, keys)
    if isinstance(inline, Mapping):
        entries.update(inline.entries)
        keys.update(inline.keys)
    return _with(service, "labels", mapping(entries, inline if inline is not None else files, keys))


def _gather(
    files: Node,
    known: dict[str, str],
    before: Variables,
    context: Context,
    entries: dict[str, Node],
    keys: dict[str, Scalar],
) -> None:
    """The variables of all files into ``entries``, each at the place where its file is named."""
    for item in files.items if isinstance(files, Sequence) else (files,):
        path, required, form = _file(item)
        text = None if path is None else _text(path, required, context)
        if path is None or text is None:
            continue
        try:
            if form == "raw":
                names = _raw(known, text, before)
            else:
                names = read_into(known, text, before, _warning(path, context))
        except EnvLineError as error:
            context.report(error.code, f"{path.value}, line {error.line}: {error}", path, hint=_hint(error))
            continue
        if not _is_counted([known[name] for name in names], path, context):
            return
        for name in names:
            entries[name] = scalar(known[name], path)
            keys[name] = path


def _raw(known: dict[str, str], text: str, before: Variables) -> list[str]:
    """Lines taken verbatim, as docker takes them."""
    names: list[str] = []
    for name, value in env_file(text):
        found = before.get(name) if value is None else value
        if found is not None:
            known[name] = found
            names.append(name)
    return names


def _warning(path: Scalar, context: Context) -> Unset:
    def unset(name: str, line: int) -> None:
        message = f"{path.value}, line {line}: the variable {name} is not set; it counts as empty"
        context.report("SC1203", message, path)

    return unset


def _hint(error: EnvLineError) -> str:
    return "write one KEY=value per line" if error.code == "SC3007" else ""


def _inline(node: Node, entries: dict[str, Node], keys: dict[str, Scalar]) -> None:
    if isinstance(node, Mapping):
        for name, value in node.entries.items():
            assert isinstance(value, Scalar)
            entries[name] = (
                value if value.value is None or type(value.value) is str else scalar(go_text(value.value), value)
            )
            keys[name] = node.keys.get(name, value)
    elif isinstance(node, Sequence):
        for item in node.items:
            assert isinstance(item, Scalar)
            name, equals, text = go_text(item.value).partition("=")
            entries[name] = scalar(text if equals else None, item)
            keys[name] = item


def _lines(path: Scalar, context: Context) -> list[tuple[str, str | None]]:
    """docker's reading of an env file, without the names that have no value anywhere."""
    text = _text(path, True, context)
    try:
        pairs = env_file(text) if text is not None else []
    except EnvLineError as error:
        context.report("SC3007", f"{path.value}, line {error.line}: {error}", path, hint=_hint(error))
        return []
    pairs = [(name, value) for name, value in pairs if value is not None or name in context.environment]
    return pairs if _is_counted([value or "" for _, value in pairs], path, context) else []


def _file(item: Node) -> tuple[Scalar | None, bool, str]:
    """Path, whether it must exist, and its format."""
    if isinstance(item, Scalar):
        return item, True, ""
    path, required, form = (item.get(key) if isinstance(item, Mapping) else None for key in _FILE_KEYS)
    is_required = not (isinstance(required, Scalar) and required.value is False)
    return (
        (path if isinstance(path, Scalar) else None),
        is_required,
        str(form.value) if isinstance(form, Scalar) else "",
    )


_FILE_KEYS = ("path", "required", "format")


def _text(path: Scalar, required: bool, context: Context) -> str | None:
    """The text of a file, or None after a finding; of one that may be missing without."""
    absolute = context.absolute(str(path.value), path)
    if context.variables > MOST_VARIABLES or context.growth > MOST_GROWTH:
        return None
    try:
        if absolute not in context.texts:
            context.texts[absolute] = context.reader.read(absolute).decode("utf-8")
        return context.texts[absolute]
    except SourceError as error:
        if required or error.kind != "missing":
            context.report(*explain(error, path.text), path)
    except UnicodeDecodeError:
        context.report("SC1004", f"the env file {path.value} is not UTF-8", path)
    return None


def _is_counted(values: list[str], path: Scalar, context: Context) -> bool:
    """Count what a file gave to a service; far too much ends the reading of env files."""
    before, context.variables = context.variables, context.variables + len(values)
    if context.variables > MOST_VARIABLES >= before:
        context.report("SC1307", f"the services have more than {MOST_VARIABLES} variables from files", path)
    return context.variables <= MOST_VARIABLES and not context.has_grown(sum(map(len, values)), path)


def _with(node: Mapping, key: str, value: Node) -> Mapping:
    return Mapping({**node.entries, key: value}, node.keys, node.file, node.start, node.end)
