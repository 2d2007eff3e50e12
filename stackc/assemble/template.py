"""``$NAME`` and ``${NAME…}`` in one string: two hand-written scanners, each linear in the text.

The stack dialect is docker CLI's: the operator part also works without braces and runs to the next ``}`` or to
the end, the operator is searched in the whole expression, nothing nests. The Compose dialect is compose-go's:
operators only in braces, words nest, ``+`` and ``:+`` exist, an unset variable is worth a warning.
"""

# annotations are evaluated here on purpose: as strings each would be compiled when the tuple class is made
from collections.abc import Callable, Mapping
from typing import NamedTuple

DEEPEST = 20
LONGEST = 1024 * 1024
"""No expanded string may be longer (characters)."""

_LETTERS = frozenset("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_STACK_LETTERS = _LETTERS | {"\u017f", "\u212a"}  # Go's (?i) folds the long s and the Kelvin sign
_DIGITS = frozenset("0123456789")
_OPERATORS = (":-", "-", ":?", "?")


class TemplateError(Exception):
    """``code``: SC1201 invalid, SC1202 required variable, SC1205 too long. ``offset``: where the ``$`` stands."""

    def __init__(self, code: str, message: str, offset: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset


class Expansion(NamedTuple):
    """``unset``: names without a value and without a default, with the offset of their ``$`` (Compose only)."""

    text: str
    unset: tuple[tuple[str, int], ...] = ()


Expand = Callable[[str, Mapping[str, str]], Expansion]


def _name_end(text: str, at: int, letters: frozenset[str]) -> int:
    if text[at : at + 1] not in letters or at >= len(text):
        return at
    at += 1
    while at < len(text) and (text[at] in letters or text[at] in _DIGITS):
        at += 1
    return at


def expand_stack(text: str, variables: Mapping[str, str]) -> Expansion:
    """As ``docker stack`` does. Raises TemplateError."""
    out: list[str] = []
    done, size = 0, 0
    while (at := text.find("$", done)) >= 0:
        piece = text[done:at]
        start = at + 1
        if text[start : start + 1] == "$":
            value, done = "$", start + 1
        else:
            expression, done = _stack_expression(text, at)
            value = _stack_value(expression, variables, at)
        out += (piece, value)
        size += len(piece) + len(value)
        if size > LONGEST:
            raise TemplateError("SC1205", f"the value grows beyond {LONGEST} characters", at)
    out.append(text[done:])
    return Expansion("".join(out))


def _stack_expression(text: str, at: int) -> tuple[str, int]:
    """The expression after the ``$`` at ``at`` and where the text goes on."""
    braced = text[at + 1 : at + 2] == "{"
    start = at + 2 if braced else at + 1
    end = _name_end(text, start, _STACK_LETTERS)
    if end == start:
        raise _invalid(text, at)
    after = end + 1 if text[end : end + 1] == ":" else end
    if text[after : after + 1] in ("-", "?"):
        close = text.find("}", after)
        end = len(text) if close < 0 else close
    if braced:
        if text[end : end + 1] != "}":
            raise _invalid(text, at)
        return text[start:end], end + 1
    return text[start:end], end


def _stack_value(expression: str, variables: Mapping[str, str], at: int) -> str:
    for operator in _OPERATORS:
        name, found, word = expression.partition(operator)
        if not found:
            continue
        value = variables.get(name)
        missing = value is None or (operator[0] == ":" and value == "")
        if not missing:
            return value or ""
        if operator[-1] == "-":
            return word
        raise TemplateError("SC1202", f"the required variable {name} is not set" + (f": {word}" if word else ""), at)
    return variables.get(expression, "")


def _invalid(text: str, at: int) -> TemplateError:
    shown = text[at : at + 20]
    return TemplateError("SC1201", f"`{shown}` is no valid interpolation", at)


def expand_compose(text: str, variables: Mapping[str, str]) -> Expansion:
    """As the Compose Specification says. Raises TemplateError."""
    scanner = _Compose(text, variables)
    value, _ = scanner.scan(0, 0, True)
    return Expansion(value, tuple(scanner.unset))


class _Compose:
    """One left-to-right pass; a word that is not used is scanned as well, but sets off nothing."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.text = text
        self.variables = variables
        self.unset: list[tuple[str, int]] = []
        self.size = 0

    def scan(self, at: int, depth: int, live: bool) -> tuple[str, int]:
        """The expansion from ``at`` to the end, or (in a word, depth > 0) to its closing brace, exclusive."""
        text = self.text
        out: list[str] = []
        start, braces = at, 0
        while at < len(text):
            char = text[at]
            if char == "$":
                out.append(text[start:at])
                value, at = self._dollar(at, depth, live)
                out.append(value)
                self.size += len(value)
                if self.size > LONGEST:
                    raise TemplateError("SC1205", f"the value grows beyond {LONGEST} characters", at)
                start = at
                continue
            if depth and char == "{":
                braces += 1
            elif depth and char == "}":
                if not braces:
                    break
                braces -= 1
            at += 1
        out.append(text[start:at])
        return "".join(out), at

    def _dollar(self, at: int, depth: int, live: bool) -> tuple[str, int]:
        text = self.text
        if text[at + 1 : at + 2] == "$":
            return "$", at + 2
        if text[at + 1 : at + 2] != "{":
            end = _name_end(text, at + 1, _LETTERS)
            if end == at + 1:
                raise _invalid(text, at)
            return self._plain(text[at + 1 : end], at, live), end
        end = _name_end(text, at + 2, _LETTERS)
        name = text[at + 2 : end]
        if not name:
            raise _invalid(text, at)
        if text[end : end + 1] == "}":
            return self._plain(name, at, live), end + 1
        operator = text[end : end + 2] if text[end : end + 1] == ":" else text[end : end + 1]
        if operator not in (":-", "-", ":?", "?", ":+", "+"):
            raise _invalid(text, at)
        if depth >= DEEPEST:
            raise TemplateError("SC1205", f"interpolations nested deeper than {DEEPEST} levels", at)
        value = self.variables.get(name)
        present = value is not None and (operator[0] != ":" or value != "")
        used = live and (present if operator[-1] == "+" else not present)
        word, end = self.scan(end + len(operator), depth + 1, used)
        if text[end : end + 1] != "}":
            raise _invalid(text, at)
        if operator[-1] == "+":
            return (word if present else ""), end + 1
        if present:
            return value or "", end + 1
        if operator[-1] == "?" and live:
            message = f"the required variable {name} is not set" + (f": {word}" if word else "")
            raise TemplateError("SC1202", message, at)
        return word, end + 1

    def _plain(self, name: str, at: int, live: bool) -> str:
        value = self.variables.get(name)
        if value is None:
            if live:
                self.unset.append((name, at))
            return ""
        return value
