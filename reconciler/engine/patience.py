"""How long an engine that does not answer, or cannot at the moment, is waited for; and when a request is repeated.

A read is repeated as it is. A write is never repeated blindly: its answer may be lost and its effect there. So each
write comes with the look that tells: a removed object is not there, a created one is found by its name and labels, an
updated one is not at its former version any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reconciler.engine.errors import EngineError

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds; each pause is twice the one before
UNCLEAR_REPEATS = 2  # of a request that was answered with an error of the engine's own, which may be a lasting one
TELL_AFTER = 1.0  # seconds after which somebody wants to know why nothing happens

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """``seconds``: how long one request may go on failing. ``absent``: whether an engine that is not there at all is
    waited for too, as in the middle of a rollout. ``tell`` gets a line for people; ``hold`` is asked before a write is
    sent again and raises when it must not be."""

    seconds: float = 5.0
    absent: bool = False
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda _: None
    hold: Callable[[], None] = lambda: None


class Turn:
    """The waiting for one request."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._began: float | None = None
        self._pause = FIRST_PAUSE
        self._unclear = 0
        self._told = False

    def wait(self, error: EngineError) -> None:
        """Returns when the request may be tried again; raises the error when that is of no use any more."""
        patience = self._patience
        now = patience.now()
        self._began = now if self._began is None else self._began
        if error.temporary:
            hopeless = not patience.absent and (error.absent or error.elsewhere)
        else:
            self._unclear += 1
            hopeless = not error.unclear or self._unclear > UNCLEAR_REPEATS
        pause = max(self._pause, error.retry_after)
        left = self._began + patience.seconds - now
        if hopeless or left <= 0 or error.retry_after > left:
            raise error
        if not self._told and now + pause - self._began >= TELL_AFTER:
            self._told = True
            patience.tell(f"waiting up to {left:.0f} s for the engine: {error.message}")
        patience.sleep(pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def done(self) -> None:
        """The request was answered."""
        if self._told and self._began is not None:
            self._patience.tell(f"the engine answers again, after {self._patience.now() - self._began:.0f} s")


def read(patience: Patience, ask: Callable[[], T]) -> T:
    """Raises EngineError."""
    turn = Turn(patience)
    while True:
        try:
            answer = ask()
        except EngineError as error:
            turn.wait(error)
        else:
            turn.done()
            return answer


def write(patience: Patience, send: Callable[[], T], effect: Callable[[], T | None]) -> T:
    """``effect``: what ``send`` would have answered, if a look at the engine shows that it was done; None if it was
    not. Raises EngineError, also what ``effect`` raises: «conflict» when the object was written by whomever."""
    turn = Turn(patience)
    doubtful = False
    while True:
        try:
            answer = send()
        except EngineError as error:
            decided = error.kind in ("exists", "conflict")
            if decided and not doubtful:
                raise
            if not decided:
                turn.wait(error)
            found = effect()
            if found is not None:
                turn.done()
                return found
            if decided:
                raise
            doubtful = True
            patience.hold()
        else:
            turn.done()
            return answer


def remove(patience: Patience, send: Callable[[], None]) -> None:
    """By id, and ids are never used again: once our removal may have happened, «not found» is its success."""
    turn = Turn(patience)
    doubtful = False
    while True:
        try:
            send()
        except EngineError as error:
            if doubtful and error.kind == "not-found":
                return
            turn.wait(error)
            doubtful = True
            patience.hold()
        else:
            turn.done()
            return
