"""Ordinary command lines, read without argparse; argparse explains the others.

A command's ``add_arguments`` runs against a ``QuickParser``, which takes the same calls. Whatever it does not
understand (an unknown option, an abbreviation, ``--help``, a missing argument, a type that refuses) raises
NotQuick, and the caller asks argparse, whose import and set-up take longer than a whole compile of a small file.
"""

from __future__ import annotations

from stackc.hints import Any, Callable, Sequence


class NotQuick(Exception):  # noqa: N818  (nothing is wrong: argparse decides)
    """This command line is for argparse."""


class _Option:
    __slots__ = ("action", "choices", "convert", "default", "dest")

    def __init__(
        self, dest: str, action: str, choices: Any, convert: Callable[[str], Any] | None, default: Any
    ) -> None:
        self.dest = dest
        self.action = action
        self.choices = choices
        self.convert = convert
        self.default = default

    def value(self, text: str) -> Any:
        try:
            converted = self.convert(text) if self.convert is not None else text
        except (TypeError, ValueError) as error:
            raise NotQuick from error
        if self.choices is not None and converted not in self.choices:
            raise NotQuick
        return converted


class Arguments:
    """What argparse's Namespace is: the values as attributes."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is no argument {name}")


class QuickParser:
    """The part of ArgumentParser that the commands use."""

    def __init__(self) -> None:
        self.options: dict[str, _Option] = {}
        self.places: list[tuple[_Option, bool]] = []
        self.defaults: dict[str, Any] = {}

    def add_argument(self, *names: str, **spec: Any) -> None:
        unknown = set(spec) - {"action", "choices", "default", "dest", "help", "metavar", "nargs", "type"}
        action, nargs = spec.get("action", "store"), spec.get("nargs")
        if unknown or not names or action not in ("store", "append", "store_true"):
            raise NotQuick
        positional = not names[0].startswith("-")
        if nargs not in ((None, "?") if positional else (None,)) or (positional and action != "store"):
            raise NotQuick
        first = next((name for name in names if name.startswith("--")), names[0])
        dest = spec.get("dest") or first.lstrip("-").replace("-", "_")
        default = spec.get("default", False if action == "store_true" else None)
        if isinstance(default, str) and spec.get("type") is not None:
            raise NotQuick
        option = _Option(dest, action, spec.get("choices"), spec.get("type"), default)
        self.defaults[dest] = default
        if positional:
            self.places.append((option, nargs is None))
        for name in names if not positional else ():
            self.options[name] = option

    def __getattr__(self, name: str) -> Any:
        raise NotQuick(name)

    def parse(self, arguments: Sequence[str]) -> Arguments:
        """The values that argparse would give. Raises NotQuick."""
        values = dict(self.defaults)
        given: list[str] = []
        at = 0
        while at < len(arguments):
            text = arguments[at]
            at += 1
            if text == "-" or not text.startswith("-"):
                given.append(text)
                continue
            name, equals, inline = text.partition("=")
            option = self.options.get(name)
            if option is None or (equals and not name.startswith("--")):
                raise NotQuick
            if option.action == "store_true":
                if equals:
                    raise NotQuick
                values[option.dest] = True
                continue
            if not equals:
                if at >= len(arguments) or (arguments[at].startswith("-") and arguments[at] != "-"):
                    raise NotQuick
                inline = arguments[at]
                at += 1
            value = option.value(inline)
            values[option.dest] = [*(values[option.dest] or ()), value] if option.action == "append" else value
        self._take(given, values)
        return Arguments(values)

    def _take(self, given: list[str], values: dict[str, Any]) -> None:
        if len(given) > len(self.places) or len(given) < sum(required for _, required in self.places):
            raise NotQuick
        if len(given) < len(self.places) and any(not required for _, required in self.places[:-1]):
            raise NotQuick  # which of them is left out is argparse's to say
        for (option, _), text in zip(self.places, given, strict=False):
            values[option.dest] = option.value(text)
