"""What a rollout tells while it goes on: a value per look, for the live view, plain lines and JSON alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.rollout.verdict import FAILED
from stackc.observed import ObservedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProgress:
    """``state``: waiting, sent, good or failed; ``healthy`` of ``wanted`` slots are well."""

    name: str
    state: str
    text: str
    healthy: int
    wanted: int
    tasks: tuple[ObservedTask, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look. ``phase``: preparing, applying, rolling-back or finishing; ``note``: something that just happened;
    ``elapsed``: seconds since the rollout began."""

    phase: str
    elapsed: float
    services: tuple[ServiceProgress, ...] = ()
    note: str = ""


def plain_lines(progress: Progress, told: dict[str, tuple[str, int]]) -> Iterator[str]:
    """The lines worth printing for this look, given what was told before (updated in place)."""
    if progress.note:
        yield progress.note
    for service in progress.services:
        key = (_without_numbers(service.state + service.text), service.healthy)
        if told.get(service.name) != key:
            told[service.name] = key
            count = f" {service.healthy}/{service.wanted}" if service.wanted else ""
            yield f"{service.name}{count}  {'FAILED: ' if service.state == FAILED else ''}{service.text}"


def _without_numbers(text: str) -> str:
    return "".join(c for c in text if not c.isdigit())
