"""``$NAME`` and ``${NAME…}`` in one string: two hand-written scanners, each linear in the text.

The stack dialect is docker CLI's: the operator part also works without braces and runs to the next ``}`` or to
the end, the operator is searched in the whole expression, nothing nests. The Compose dialect is compose-go's:
operators only in braces, words nest, ``+`` and ``:+`` exist, a ``$`` before anything else than a name or a brace is
an ordinary character, an unset variable is worth a warning.
"""

from __future__ import annotations

from stackc.hints import Callable, Mapping, NamedTuple, Protocol

DEEPEST = 20
LONGEST = 1024 * 1024
"""No expanded string may be longer (characters)."""

_LETTERS = frozenset("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FOLDED_LETTERS = _LETTERS | {"\u017f", "\u212a"}  # Go's (?i) folds the long s and the Kelvin sign
_DIGITS = frozenset("0123456789")
_OPERATORS = (":-", "-", ":?", "?")
_COMPOSE_OPERATORS = frozenset((*_OPERATORS, ":+", "+"))


class TemplateError(Exception):
    """``code``: SC1201 invalid, SC1202 required variable, SC1205 too long. ``offset``: where the ``$`` stands."""

    def __init__(self, code: str, message: str, offset: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset


class Expansion(NamedTuple):
    """``unset``: names without a value and without a default, with the offset of their ``$``. ``odd``: what docker
    stack reads otherwise than it looks, in words, with the same offset."""

    text: str
    unset: tuple[tuple[str, int], ...] = ()
    odd: tuple[tuple[str, int], ...] = ()


class Variables(Protocol):
    """All that an expansion asks of its variables."""

    def get(self, name: str, /) -> str | None: ...


Expand = Callable[[str, Mapping[str, str]], Expansion]


def _name_end(text: str, at: int, letters: frozenset[str]) -> int:
    if text[at : at + 1] not in letters or at >= len(text):
        return at
    at += 1
    while at < len(text) and (text[at] in letters or text[at] in _DIGITS):
        at += 1
    return at


def expand_stack(text: str, variables: Mapping[str, str]) -> Expansion:
    """As ``docker stack`` does, also in this: a fault is forgotten when a variable follows that has none. Raises
    TemplateError."""
    out: list[str] = []
    unset: list[tuple[str, int]] = []
    odd: list[tuple[str, int]] = []
    done, size = 0, 0
    last = text.rfind("}")
    fault: TemplateError | None = None
    while (at := text.find("$", done)) >= 0:
        piece = text[done:at]
        start = at + 1
        if text[start : start + 1] == "$":
            value, done = "$", start + 1
        else:
            value, done = "", start
            try:
                expression, done = _stack_expression(text, at, last)
                value = _stack_value(expression, variables, at)
            except TemplateError as error:
                fault = fault or error
            else:
                if fault is not None:
                    odd.append((f"{fault.message}, which docker forgets, as a variable follows", fault.offset))
                    fault = None
                plain = _name_end(expression, 0, _FOLDED_LETTERS) == len(expression)
                if plain and not value and variables.get(expression) is None:
                    unset.append((expression, at))
                elif not plain and (words := _misread(expression, braced=text[start] == "{")):
                    odd.append((words, at))
        out += (piece, value)
        size += len(piece) + len(value)
        if size > LONGEST:
            raise TemplateError("SC1205", f"the value grows beyond {LONGEST} characters", at)
    if fault is not None:
        raise fault
    out.append(text[done:])
    return Expansion("".join(out), tuple(unset), tuple(odd))


def _misread(expression: str, *, braced: bool) -> str:
    """How docker understands an expression with an operator, where that is hardly what was meant; else ""."""
    operator = next(one for one in _OPERATORS if one in expression)
    name, _, word = expression.partition(operator)
    what = "its default" if operator[-1] == "-" else "an error text"
    if not braced:
        return f"`${expression}` is read as `${{{expression}}}`: without braces `{word}` is {what}, not what follows"
    if _name_end(name, 0, _FOLDED_LETTERS) != len(name):
        return f"`${{{expression}}}` is read as a variable called `{name}`, of which `{word}` is {what}"
    if "$" in word:
        return f"`{word}` stays as it is: nothing nests, `${{{expression}}}` ends here"
    return ""


def _stack_expression(text: str, at: int, last: int) -> tuple[str, int]:
    """The expression after the ``$`` at ``at`` and where the text goes on. ``last``: the last closing brace."""
    braced = text[at + 1 : at + 2] == "{"
    start = at + 2 if braced else at + 1
    end = _name_end(text, start, _FOLDED_LETTERS)
    if end == start:
        raise _invalid(text, at)
    after = end + 1 if text[end : end + 1] == ":" else end
    if text[after : after + 1] in ("-", "?"):
        close = text.find("}", after) if after <= last else -1
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


def expand_compose(text: str, variables: Variables) -> Expansion:
    """As ``docker compose`` does. A ``$`` that starts nothing stays; a word ends at the brace that compose-go takes for
    its end, and is expanded also where it is not used: what is wrong in it is wrong. Raises TemplateError."""
    unset: list[tuple[str, int]] = []
    return Expansion(_Compose(text, variables, unset).expand(0, len(text), 0), tuple(unset))


class _Compose:
    """Stretches of one text, left to right; a word is a stretch of its own, one level deeper."""

    __slots__ = ("size", "text", "unset", "variables")

    def __init__(self, text: str, variables: Variables, unset: list[tuple[str, int]]) -> None:
        self.text = text
        self.variables = variables
        self.unset = unset
        self.size = 0

    def expand(self, at: int, end: int, depth: int) -> str:
        text = self.text
        out: list[str] = []
        line = (0, 0)  # the last closing brace of the line that was looked at, and where that line ends
        while (dollar := text.find("$", at, end)) >= 0:
            out.append(text[at:dollar])
            char = text[dollar + 1 : dollar + 2] if dollar + 1 < end else ""
            if char == "$":
                value, at = "$", dollar + 2
            elif char == "{":
                if line[1] <= dollar:
                    stop = text.find("\n", dollar, end)
                    stop = end if stop < 0 else stop
                    line = (text.rfind("}", dollar, stop), stop)
                value, at = self._braced(dollar, line[0], depth)
            else:
                at = min(_name_end(text, dollar + 1, _FOLDED_LETTERS), end)
                value = self._plain(text[dollar + 1 : at], dollar) if at > dollar + 1 else "$"
            out.append(value)
            self.size += len(value)
            if self.size > LONGEST:
                raise TemplateError("SC1205", f"the value grows beyond {LONGEST} characters", dollar)
        out.append(text[at:end])
        return "".join(out)

    def _braced(self, at: int, last: int, depth: int) -> tuple[str, int]:
        """The value of the ``${`` at ``at`` and where the text goes on. ``last``: the last brace of the line."""
        text = self.text
        name_end = _name_end(text, at + 2, _FOLDED_LETTERS)
        name = text[at + 2 : name_end]
        if not name or last < name_end:
            raise _invalid(text, at)
        if text[name_end] == "}":
            return self._plain(name, at), name_end + 1
        word = name_end + 2 if text[name_end] == ":" else name_end + 1
        operator = text[name_end:word]
        if operator not in _COMPOSE_OPERATORS or last < word:
            raise _invalid(text, at)
        if depth >= DEEPEST:
            raise TemplateError("SC1205", f"interpolations nested deeper than {DEEPEST} levels", at)
        end = self._closing(at, last)
        content = self.expand(word, end, depth + 1)
        value = self.variables.get(name)
        present = value is not None and (operator[0] != ":" or value != "")
        if operator[-1] == "+":
            return (content if present else value or ""), end + 1
        if present:
            return value or "", end + 1
        if operator[-1] == "?":
            message = f"the required variable {name} is not set" + (f": {content}" if content else "")
            raise TemplateError("SC1202", message, at)
        return content, end + 1

    def _closing(self, at: int, last: int) -> int:
        """The brace that ends a word. compose-go counts braces but does not look at the character behind an opening
        one; where it finds no end, the last brace of the line is the end."""
        text, depth, at = self.text, 1, at + 3
        while at <= last:
            if text[at] == "}":
                depth -= 1
                if depth == 0:
                    return at
            elif text[at] == "{":
                depth += 1
                at += 1
            at += 1
        return last

    def _plain(self, name: str, at: int) -> str:
        value = self.variables.get(name)
        if value is None:
            self.unset.append((name, at))
            return ""
        return value
