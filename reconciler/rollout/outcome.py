"""What became of a rollout: values shared by the rollout, the reconciler and both command lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    """Only ``APPLIED`` and ``UNCHANGED`` are success; a rollback is never success."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"  # nothing to go back to, or the rollback failed too
    REFUSED = "refused"  # nothing was written
    CANCELLED = "cancelled"  # pre-empted by a newer revision; the next rollout goes on from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one failed service left to be read. ``health``: the last health check's output, ``log``: the last lines
    of its task; both are foreign text, and "" or empty where they could not be had."""

    service: str
    task: str
    node: str
    state: str
    error: str
    exit_code: int | None
    health: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``reason`` is a sentence for a person; ``failures`` name service, task and engine error, one line each."""

    result: Result
    reason: str
    failures: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # engine service names that were written
    evidence: tuple[Evidence, ...] = ()

    @property
    def ok(self) -> bool:
        return self.result in (Result.UNCHANGED, Result.APPLIED)
