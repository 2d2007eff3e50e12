"""What a rollout tells while it goes on: a value per look, for the live view, plain lines and JSON alike."""

from __future__ import annotations

from dataclasses import dataclass

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
