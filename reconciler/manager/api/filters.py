"""The ``filters`` of a query: ``{"name": ["web"], "label": ["a=b"]}``, also in its older form with maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.manager.control.refusal import Refused
from reconciler.manager.gojson import BodyError, load

Filters = Mapping[str, tuple[str, ...]]


def read_filters(text: str, accepted: Iterable[str] | None) -> Filters:
    """The values by name, in order. Raises Refused as the engine does: 400 for JSON that is broken, and for a name
    that is not ``accepted`` (None accepts all)."""
    if not text:
        return {}
    try:
        raw = load(text.encode())
    except BodyError as error:
        raise Refused(400, str(error)) from None
    if not isinstance(raw, dict):
        raise Refused(400, "invalid filter: it must be an object with lists of strings")
    filters: dict[str, tuple[str, ...]] = {}
    allowed = None if accepted is None else frozenset(accepted)
    for name, values in raw.items():
        if allowed is not None and name not in allowed:
            raise Refused(400, f"Invalid filter '{name}'")
        if isinstance(values, dict):
            values = [value for value, wanted in values.items() if wanted]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Refused(400, "invalid filter: it must be an object with lists of strings")
        filters[name] = tuple(values)
    return filters


def any_of(filters: Filters, name: str, matches: Callable[[str], bool]) -> bool:
    """True if the filter is absent, or one of its values matches."""
    values = filters.get(name)
    return not values or any(matches(value) for value in values)


def labels_match(filters: Filters, name: str, labels: Mapping[str, str]) -> bool:
    """``key`` or ``key=value``; all values must match."""
    for wanted in filters.get(name, ()):
        key, equals, value = wanted.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True
