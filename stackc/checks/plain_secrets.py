"""A secret in plain environment."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Span
from stackc.parse.nodes import Mapping, Node, Scalar
from stackc.parse.read import field

EXPLANATION = """\
A password in `environment:` stands in the file and its history, in the service (`docker service inspect` shows it to
everybody who may talk to the engine), in crash reports, and in the environment of every process that the program
starts. A secret reaches only the tasks that need it, as a file in memory.

Define a secret and let the program read the file: many images take `NAME_FILE: /run/secrets/…` beside `NAME`. Only the
name and a literal value make this finding: a value that comes from a variable is not looked at, nor one that is a path.
"""

_WORDS = ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIALS")
_ENDS = (*_WORDS, "PASS", "PWD", "KEY", "KEY_BASE")
_NOT_SECRET = frozenset(
    ("PUBLIC", "PUB", "SITE", "CACHE", "PARTITION", "ROUTING", "SORT", "PRIMARY", "FOREIGN", "HOST")
)
_SETTINGS = frozenset(("true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"))


def check(key: str, service: Node, context: Context) -> None:
    environment = field(service, "environment")
    if not isinstance(environment, Mapping):
        return
    for name, node in environment.items():
        if not is_secret_name(name) or not isinstance(node, Scalar):
            continue
        written = _written(name, environment.keys.get(name), node)
        if is_literal(written):
            message = f"`{name}` of `{key}` looks like a secret, and its value stands in the file"
            path = ("services", key, "environment", name)
            context.report("SC4027", message, _place(name, environment.keys[name]), path=path)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret: its last word says so, as in DB_PASSWORD or apiKey."""
    words = _words(name) if name.upper().endswith(_ENDS) else []
    if not words:
        return False
    last = words[-1]
    if last == "KEY":
        return len(words) > 1 and words[-2] not in _NOT_SECRET
    return (
        (last in ("PASS", "PWD") and len(words) > 1) or last.endswith(_WORDS) or words[-3:] == ["SECRET", "KEY", "BASE"]
    )


def _words(name: str) -> list[str]:
    spaced = ""
    for at, char in enumerate(name):
        starts = char.isupper() and at > 0 and name[at - 1].islower()
        spaced += f" {char}" if starts else char if char.isalnum() else " "
    return spaced.upper().split()


def _written(name: str, key: Scalar | None, node: Scalar) -> str:
    """The value as it stands in the file, before variables; "" for one that comes from an env file or elsewhere."""
    if key is None or type(node.value) is not str:
        return ""
    if key.value == name:
        return node.text
    return key.text.removeprefix(f"{name}=") if key.text.startswith(f"{name}=") else ""


def is_literal(value: str) -> bool:
    """Whether a value is given away by the file: no variable, no template, no path, no switch, not empty."""
    if not value or "{{" in value or "$" in value.replace("$$", ""):
        return False
    return value[0] not in "/~" and not value.startswith(("./", "../")) and value.lower() not in _SETTINGS


def _place(name: str, key: Scalar) -> Span:
    """The name alone, also where the value stands in the same word."""
    span = key.span
    if key.value == name or span.line != span.end_line:
        return span
    start = span.column + (1 if span.end_column - span.column == len(key.text) + 2 else 0)
    return span._replace(column=start, end_column=start + len(name))
