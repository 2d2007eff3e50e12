"""``environment`` and ``env_file`` of a service → one mapping of names to strings (or null: nothing is known)."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.template import TemplateError, expand_compose
from stackc.assemble.words import EnvLineError, dotenv, env_file
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, scalar
from stackc.parse.scalars import go_text


def environment(service: Mapping, context: Context) -> Mapping:
    """The service with its files read and its variables resolved. ``environment`` beats ``env_file``, a later file an
    earlier one. docker also fills a key whose value is *empty* from the process environment; Compose fills only
    keys without a value."""
    inline, files = service.get("environment"), service.get("env_file")
    if inline is None and files is None:
        return service
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    if isinstance(files, Sequence):
        for item in files.items:
            _read(item, entries, keys, context)
    if inline is not None:
        _inline(inline, entries, keys)
    resolved: dict[str, Node] = {}
    for name, node in entries.items():
        assert isinstance(node, Scalar)
        value = node.value
        if value is None or (value == "" and context.is_stack):
            value = context.environment.get(name, value if isinstance(value, str) else None)
            node = scalar(value, node)
        resolved[name] = node
    at = inline if inline is not None else files
    assert at is not None
    all_entries = {**service.entries, "environment": mapping(resolved, at, keys)}
    return Mapping(all_entries, service.keys, service.file, service.start, service.end)


def _inline(node: Node, entries: dict[str, Node], keys: dict[str, Scalar]) -> None:
    if isinstance(node, Mapping):
        for name, value in node.entries.items():
            assert isinstance(value, Scalar)
            entries[name] = (
                value if value.value is None or type(value.value) is str else scalar(go_text(value.value), value)
            )
            keys[name] = node.keys[name]
    elif isinstance(node, Sequence):
        for item in node.items:
            assert isinstance(item, Scalar)
            name, equals, text = go_text(item.value).partition("=")
            entries[name] = scalar(text if equals else None, item)
            keys[name] = item


def _read(item: Node, entries: dict[str, Node], keys: dict[str, Scalar], context: Context) -> None:
    path, required, raw = _file(item)
    if path is None:
        return
    at = path
    known = len(context.findings)
    data = context.read(str(path.value), at)
    if data is None:
        if not required and context.findings[known].code == "SC1001":
            del context.findings[known:]
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        context.report("SC1004", f"the env file {path.value} is not UTF-8", at)
        return
    try:
        pairs = env_file(text) if context.is_stack or raw else _expanded(text, entries, context)
    except EnvLineError as error:
        context.report("SC3007", f"{path.value}, line {error.line}: {error}", at, hint="write one KEY=value per line")
        return
    except TemplateError as error:
        context.report(error.code, f"{path.value}: {error.message}", at)
        return
    for name, value in pairs:
        if value is None and name not in context.environment:
            continue
        entries[name] = scalar(value, at)
        keys[name] = at


def _file(item: Node) -> tuple[Scalar | None, bool, bool]:
    """Path, whether it must exist, whether its lines are taken verbatim."""
    if isinstance(item, Scalar):
        return item, True, False
    if not isinstance(item, Mapping):
        return None, True, False
    path, required, form = item.get("path"), item.get("required"), item.get("format")
    is_required = not (isinstance(required, Scalar) and required.value is False)
    is_raw = isinstance(form, Scalar) and form.value == "raw"
    return (path if isinstance(path, Scalar) else None), is_required, is_raw


def _expanded(text: str, before: dict[str, Node], context: Context) -> list[tuple[str, str | None]]:
    """The lines of a dotenv file, variables in their values expanded from the environment and the lines above."""
    known = {name: str(node.value) for name, node in before.items() if isinstance(node, Scalar)}
    known.update(context.environment)
    pairs: list[tuple[str, str | None]] = []
    for name, value, expands in dotenv(text):
        if value is not None and expands and "$" in value:
            value = expand_compose(value, known).text
        if value is not None:
            known.setdefault(name, value)
        pairs.append((name, value))
    return pairs
