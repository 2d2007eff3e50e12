"""``include``: the entries of the list, and the resources that an included project brings."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.layers import is_null
from stackc.diagnostics import Related
from stackc.hints import NamedTuple
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, mapping, plain

KINDS = ("services", "networks", "volumes", "configs", "secrets", "models")
"""What an included project brings; its name and its extensions stay behind."""

_KEYS = ("path", "project_directory", "env_file")


class Include(NamedTuple):
    """One entry. ``paths``: the project's files, later ones over earlier ones. ``folder``: its ``project_directory``.
    ``env_files``: None means its ``.env``."""

    paths: tuple[Scalar, ...]
    folder: Scalar | None
    env_files: tuple[Scalar, ...] | None
    at: Node


def includes(node: Node, context: Context) -> list[Include]:
    """The usable entries of the list; the others are reported."""
    if isinstance(node, Scalar) and node.value is None:
        return []
    if not isinstance(node, Sequence):
        message = f"`include` must be a list, not {node.kind}"
        context.report("SC1302", message, node, path=("include",), hint="write one `- FILE` per line")
        return []
    found = (_entry(item, context) for item in node.items)
    return [entry for entry in found if entry is not None]


def _entry(item: Node, context: Context) -> Include | None:
    if isinstance(item, Scalar) and _is_text(item):
        return Include((item,), None, None, item)
    if not isinstance(item, Mapping):
        _report(item, item.kind, context)
        return None
    for key in item.entries:
        if key not in _KEYS and not key.startswith("x-"):
            message, hint = f"unknown key `{key}` in `include`", f"known keys: {', '.join(_KEYS)}"
            context.report("SC2001", message, item.key_span(key), path=("include", key), hint=hint)
    paths, env_files = _texts(item.get("path")), _texts(item.get("env_file"))
    folder = item.get("project_directory")
    if not paths:
        _report(item, "an entry without `path`", context)
    elif env_files is None and "env_file" in item.entries:
        _report(item.entries["env_file"], "an entry with an `env_file` that is no name", context)
    elif folder is not None and not _is_text(folder):
        _report(folder, "an entry with a `project_directory` that is no name", context)
    else:
        return Include(paths, folder if isinstance(folder, Scalar) else None, env_files or None, item)
    return None


def _report(at: Node, what: str, context: Context) -> None:
    hint = "write the name of a file, or `path:` with `project_directory:` and `env_file:`"
    context.report("SC1302", f"{what} cannot be included", at, path=("include",), hint=hint)


def _is_text(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str) and node.value != ""


def _texts(node: Node | None) -> tuple[Scalar, ...] | None:
    """A name, or a list of names."""
    items = node.items if isinstance(node, Sequence) else [] if node is None else [node]
    texts = tuple(item for item in items if isinstance(item, Scalar) and _is_text(item))
    return texts if node is not None and len(texts) == len(items) else None


def take_in(root: Mapping, taken: list[tuple[Include, Mapping]], context: Context) -> Mapping:
    """``root`` with the resources of included projects. One that two of them define must be the same in both."""
    entries = dict(root.entries)
    for kind in KINDS:
        own = entries.get(kind)
        united: Mapping | None = None
        for entry, included in taken:
            brought = included.get(kind)
            if not isinstance(brought, Mapping) or not (own is None or is_null(own) or isinstance(own, Mapping)):
                continue
            if united is None:
                start = own if isinstance(own, Mapping) else mapping({}, brought)
                united = Mapping(dict(start.entries), dict(start.keys), start.file, start.start, start.end)
            _take(kind, united, brought, entry, context)
        if united is not None:
            entries[kind] = united
    return Mapping(entries, root.keys, root.file, root.start, root.end)


def _take(kind: str, united: Mapping, brought: Mapping, entry: Include, context: Context) -> None:
    for name, node in brought.items():
        if name not in united.entries:
            united.entries[name] = node
            if name in brought.keys:
                united.keys[name] = brought.keys[name]
        elif not _is_same(kind, united.entries[name], node, context):
            _report_conflict(kind, name, united, brought, entry, context)


def _is_same(kind: str, one: Node, other: Node, context: Context) -> bool:
    """Do both mean the same? The same text in another folder may mean other files."""
    if plain(one) != plain(other):
        return False
    if not isinstance(one, Mapping) or context.scope(one).folder == context.scope(other).folder:
        return True
    return not any(key in one.entries for key in _OF_FOLDER.get(kind, ()))


_OF_FOLDER = {
    "services": ("build", "develop", "env_file", "label_file", "volumes"),
    "configs": ("file",),
    "secrets": ("file",),
}


def _report_conflict(kind: str, name: str, own: Mapping, brought: Mapping, entry: Include, context: Context) -> None:
    message = f"the {kind[:-1]} `{name}` of an included file is defined here too, and in another way"
    related = (
        Related(brought.key_span(name), "defined here in the included file"),
        Related(entry.at.span, "included here"),
    )
    hint = "rename one of the two, or give the changes as a second file: include: [{path: [FILE, CHANGES]}]"
    context.report("SC1306", message, own.key_span(name), path=(kind, name), hint=hint, related=related)
