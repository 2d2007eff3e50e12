"""Time as an argument: whoever needs it is handed a Clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds: for timestamps, never for durations."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back: for durations."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
