"""YAML text → positioned node tree. Pure: bytes and a name in, a Document and Diagnostics out; never raises.

libyaml's events are composed here, not by ``yaml.compose``: that one recurses in C and a deeply nested file ends
the process. Budgets are checked while the events arrive, so a hostile file costs no more than its first excess.
"""

from __future__ import annotations

from stackc.codes import found
from stackc.diagnostics import Diagnostic, Span
from stackc.hints import NamedTuple
from stackc.parse.compose import Composer, Document, Refused

__all__ = ["Document", "Limits", "parse", "parse_all"]


class Limits(NamedTuple):
    """``nodes`` counts what stands in the text, ``expanded`` what it means with every alias written out."""

    bytes: int = 16 * 1024 * 1024
    depth: int = 64
    nodes: int = 1_000_000
    expanded: int = 2_000_000
    anchors: int = 10_000
    alias_growth: int = 100_000


LIMITS = Limits()


RECOVERED = frozenset({"SC1008", "SC1009"})
"""Findings after which the rest of the tree is as it was written: the entry in question is left out."""


def parse(file: str, data: bytes, limits: Limits = LIMITS) -> tuple[Document | None, list[Diagnostic]]:
    """``data`` as a tree whose top is a mapping. The Document is None if and only if the text cannot be read on; with
    a key twice, or one that is no string, the rest is read, so that one run tells all."""
    try:
        text = _decode(file, data, limits)
        composer = Composer(file, limits)
        document = composer.compose(text)
    except Refused as refused:
        return None, [refused.diagnostic]
    return document, composer.diagnostics


def parse_all(file: str, data: bytes, limits: Limits = LIMITS) -> tuple[list[Document] | None, list[Diagnostic]]:
    """As ``parse``, but every document of the text, as the Compose Specification has it. The budgets are those of one
    file for all of them together."""
    try:
        text = _decode(file, data, limits)
        composer = Composer(file, limits)
        documents = composer.compose_all(text)
        if not documents:
            raise Refused(found("SC1006", "the file is empty", Span(file, 1, 1, 1, 1)))
    except Refused as refused:
        return None, [refused.diagnostic]
    return documents, composer.diagnostics


def _decode(file: str, data: bytes, limits: Limits) -> str:
    if len(data) > limits.bytes:
        message = f"the file has {len(data)} bytes; at most {limits.bytes} are read"
        raise Refused(found("SC1003", message, Span(file, 1, 1, 1, 1)))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(found("SC1004", "the file is UTF-16, not UTF-8", Span(file, 1, 1, 1, 1)))
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        span = _span_after(file, good)
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        raise Refused(found("SC1004", message, span)) from None
    if "\ufeff" in text:
        _refuse_inner_marks(file, text)
    nul = text.find("\0")
    if nul >= 0:
        raise Refused(found("SC1017", "a NUL character stands here", _span_after(file, text[:nul])))
    return text


def _refuse_inner_marks(file: str, text: str) -> None:
    """libyaml skips a byte order mark at the start of any line, docker takes it for a part of the key or word there."""
    at = text.find("\ufeff")
    while at >= 0:
        if at == 0 or text[at - 1] in "\n\r\x85\u2028\u2029":
            raise Refused(found("SC1017", "a byte order mark stands here", _span_after(file, text[:at])))
        at = text.find("\ufeff", at + 1)


def _span_after(file: str, before: str) -> Span:
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Span(file, line, column, line, column + 1)
