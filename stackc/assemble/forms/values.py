"""Single values and lists of them: commands, texts, durations, sizes, numbers, paths of files."""

from __future__ import annotations

from posixpath import normpath

from stackc.assemble.context import Context
from stackc.assemble.quantity import duration, size
from stackc.assemble.shellwords import split as compose_split
from stackc.assemble.words import split
from stackc.hints import Callable
from stackc.parse.nodes import Node, Scalar, Sequence, scalar, sequence
from stackc.parse.numerals import parse_float
from stackc.parse.scalars import go_text

Convert = Callable[[Node, Context, tuple[str, ...]], Node | None]
"""``(node, context, path)`` → the node in canonical form, or None where nothing is left of it. A value that cannot
be read is reported to the context and left out."""


def is_null(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is None


def scalar_text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, Scalar) and node.value is not None else ""


def keep(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    return None if is_null(node) else node


def _words_by(splitter: Callable[[str], list[str]]) -> Convert:
    def words(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
        if not isinstance(node, Scalar):
            return texts(node, context, path)
        if node.value is None:
            return None
        try:
            return sequence([scalar(word, node) for word in splitter(go_text(node.value))], node)
        except ValueError as error:
            context.report("SC3006", f"the command line {error}", node, path=path)
            return None

    return words


stack_words = _words_by(split)
compose_words = _words_by(compose_split)


def text(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """One scalar as a string; of a number as it was written."""
    if not isinstance(node, Scalar) or node.value is None or type(node.value) is str:
        return None if is_null(node) else node
    return Scalar(node.text, node.text, node.file, node.start, node.end)


def texts(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Sequence):
        return None
    items: list[Node] = []
    for item in node.items:
        if isinstance(item, Scalar) and item.value is not None:
            items.append(item if type(item.value) is str else scalar(go_text(item.value), item))
    return sequence(items, node)


def strings(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A string, or a list of strings."""
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([node], node)
    return node


def strings_given(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The same without empty strings."""
    given = strings(node, context, path)
    if not isinstance(given, Sequence):
        return given
    return sequence([item for item in given.items if scalar_text(item)], given)


def stack_duration(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """What a negative one means is the checks' to say."""
    return _nanoseconds(node, context, path, days=False)


def compose_duration(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """With days and weeks."""
    return _nanoseconds(node, context, path, days=True)


def _nanoseconds(node: Node, context: Context, path: tuple[str, ...], *, days: bool) -> Scalar | None:
    if not isinstance(node, Scalar) or node.value is None:
        return None
    try:
        nanoseconds = duration(go_text(node.value), days=days)
    except ValueError as error:
        context.report("SC3003", f"`{node.value}` {error}", node, path=path)
        return None
    return Scalar(nanoseconds, node.text, node.file, node.start, node.end)


def size_in_bytes(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if not isinstance(node, Scalar) or node.value is None:
        return None
    if not isinstance(node.value, str) and not context.is_stack:
        if isinstance(node.value, int):  # a number is a number of bytes
            if node.value >= 0:
                return node
            context.report("SC3004", f"`{node.text}` is negative", node, path=path)
            return None
        hint = "write a whole number of bytes, or a size in quotes"
        context.report("SC2101", f"`{node.text}` has no effect: no fractions are read here", node, path=path, hint=hint)
        return None
    try:
        return Scalar(size(go_text(node.value)), node.text, node.file, node.start, node.end)
    except ValueError as error:
        context.report("SC3004", f"`{node.value}` {error}", node, path=path)
        return None


def swap(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A size, or -1 for no limit."""
    return node if isinstance(node, Scalar) and node.value == -1 else size_in_bytes(node, context, path)


def cpus(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A number of CPUs as text, of a number as it was written."""
    made = text(node, context, path)
    if isinstance(made, Scalar):
        try:
            parse_float(str(made.value))
        except ValueError as error:
            context.report("SC3005", f"`{made.value}` {error}", node, path=path)
            return None
    return made


def whole(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A number from 0 that may have been written as 2.0; docker truncates."""
    return _within(node, context, path, 0, 2**64)


def stack_integer(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """The same, of any sign."""
    return _within(node, context, path, -(2**63), 2**63)


def stack_mode(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A file mode."""
    return _within(node, context, path, 0, 2**32)


def _within(node: Node, context: Context, path: tuple[str, ...], least: int, end: int) -> Node | None:
    """What does not fit into the field's bits is refused; docker wraps it around."""
    if not isinstance(node, Scalar) or not isinstance(node.value, (int, float)):
        return None
    if not -(2**63) <= node.value < end:
        context.report("SC3010", f"`{node.text}` is too large", node, path=path)
        return None
    if node.value < least:
        context.report("SC3010", f"`{node.text}` is negative", node, path=path)
        return None
    return Scalar(int(node.value), node.text, node.file, node.start, node.end)


def integer(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A whole number of any sign; a fraction is cut off."""
    if not isinstance(node, Scalar) or not isinstance(node.value, float):
        return None if is_null(node) else node
    if not -(2.0**63) <= node.value < 2.0**63:
        context.report("SC3010", f"`{node.text}` is too large", node, path=path)
        return None
    return Scalar(int(node.value), node.text, node.file, node.start, node.end)


def test(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    if isinstance(node, Scalar):
        return None if node.value is None else sequence([scalar("CMD-SHELL", node), node], node)
    return node


def mode(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A file mode as a number; in quotes it is octal."""
    if not isinstance(node, Scalar) or node.value is None:
        return None
    digits = node.value
    if isinstance(digits, int):
        return whole(node, context, path)
    if not isinstance(digits, str) or not digits or not set(digits) <= set("01234567") or len(digits) > 20:
        hint = 'write it in octal digits, such as "0440"'
        context.report("SC3010", f"`{node.text}` is no file mode", node, path=path, hint=hint)
        return None
    return Scalar(int(digits, 8), node.text, node.file, node.start, node.end)


def path_of(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A path of this machine: absolute, ``~`` is the home folder."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
        return None if is_null(node) else node
    return Scalar(
        context.absolute(with_home(node.value, context, node), node), node.text, node.file, node.start, node.end
    )


def with_home(path: str, context: Context, at: Node) -> str:
    """``~`` and what follows it, joined to the home folder where one is known."""
    home = context.scope(at).environment.get("HOME", "")
    return normpath(f"{home}/{path[1:]}") if path.startswith("~") and home else path


def context_path(node: Node, context: Context, path: tuple[str, ...]) -> Node | None:
    """A build context: URLs, references to git and to services stay as they are."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return None if is_null(node) else node
    if "://" in node.value or node.value.startswith(("github.com/", "git@", "service:")):
        return node
    return path_of(node, context, path)
