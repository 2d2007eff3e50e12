"""What can go wrong between us and an engine, as one exception with a kind that callers can branch on."""

from __future__ import annotations


class EngineError(Exception):
    """An engine refused or could not be reached.

    ``kind``: ``unreachable`` (nothing was sent, or no answer came), ``not-manager`` (a node that cannot take
    orders), ``conflict`` (update out of sequence: read again, diff again), ``not-found``, ``exists``,
    ``in-use``, ``invalid`` (the request is wrong), ``failed`` (anything else). ``status`` is the HTTP status,
    0 without an answer. The text is the engine's own message, or one that says what to do next.
    """

    def __init__(self, kind: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status

    @property
    def temporary(self) -> bool:
        """Whether asking again later can help."""
        return self.kind in ("unreachable", "conflict") or self.status in (429, 502, 503, 504)


def of_answer(status: int, message: str) -> EngineError:
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
    return EngineError(kind, message, status)
