"""What can go wrong between us and an engine, as one exception with a kind that callers can branch on."""

from __future__ import annotations


class EngineError(Exception):
    """An engine refused or could not be reached.

    ``kind``: ``unreachable`` (nothing was sent, or no answer came), ``not-manager`` (a node that cannot take
    orders), ``conflict`` (update out of sequence: read again, diff again), ``not-found``, ``exists``,
    ``in-use``, ``invalid`` (the request is wrong), ``failed`` (anything else). ``status`` is the HTTP status,
    0 without an answer. The text is the engine's own message, or one that says what to do next.
    ``retry_after``: seconds that the engine asks us to wait, 0 where it does not say. ``absent``: nobody listens
    at the engine's address, which may be so for a while when it is started anew.
    """

    def __init__(
        self, kind: str, message: str, status: int = 0, *, retry_after: float = 0.0, absent: bool = False
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.absent = absent

    @property
    def temporary(self) -> bool:
        """Whether the same request can succeed later, without anybody doing anything: the answer was lost, the engine
        is busy, starts, or its swarm looks for a leader. Of a write it says that it may have taken effect."""
        text = self.message.lower()
        if self.kind == "not-manager":
            return not any(words in text for words in _LASTING)
        if self.kind not in ("unreachable", "failed"):
            return False
        return self.kind == "unreachable" or self.status in _BUSY or any(words in text for words in _PASSING)

    @property
    def unclear(self) -> bool:
        """An answer that does not say what became of the request: an error of the engine's own, or no JSON. «conflict»
        says so to an update only."""
        return self.kind == "conflict" or (self.kind == "failed" and (self.status == 0 or self.status >= 500))

    @property
    def elsewhere(self) -> bool:
        """Nobody at this address takes orders now; other than a swarm without a leader, which elects one."""
        return self.kind == "not-manager" and "leader" not in self.message.lower()


_BUSY = (408, 425, 429, 502, 503, 504)
_LASTING = ("is encrypted", "is locked", "worker", "is in no swarm", "certificate")
_PASSING = (  # texts of a manager that loses its leader, or its connection to it, at that moment
    "no elected cluster leader",
    "lost leader status",
    "not yet part of the raft",
    "node is stopped",
    "code = unavailable",
    "code = deadlineexceeded",
    "deadline exceeded",
    "code = canceled",
    "context canceled",
    "transport is closing",
    "connection error",
    "connection refused",
    "connection reset",
)


def of_answer(status: int, message: str, retry_after: float = 0.0) -> EngineError:
    """Classify by text as well as by status: engines answer «update out of sequence» and a missing network
    with 500 (swarmkit returns plain errors), «in use» with 400."""
    text = message.lower()
    if "update out of sequence" in text:
        kind = "conflict"
    elif "not a swarm manager" in text or "swarm does not have a leader" in text or "swarm is encrypted" in text:
        kind = "not-manager"
    elif status == 404 or (status == 500 and "not found" in text):
        kind = "not-found"
    elif status == 409 or "name conflicts with an existing object" in text:
        kind = "exists"
    elif "is in use by" in text or "has active endpoints" in text:
        kind = "in-use"
    elif status in (400, 403, 501):
        kind = "invalid"
    else:
        kind = "failed"
    return EngineError(kind, message, status, retry_after=retry_after)
