"""The agent's one thread: file descriptors, timers and calls from other threads, no polling."""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.manager.clock import Clock


@dataclass(order=True, slots=True)
class Timer:
    """A call at a time of the monotonic clock; ``cancel()`` may be called at any time, also after it fired."""

    when: float
    number: int
    call: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Everything but ``soon`` and ``close`` is called on the loop's own thread only.

    ``on_error`` gets whatever a call raises; the loop goes on.
    """

    def __init__(self, clock: Clock, on_error: Callable[[Exception], None], *, name: str) -> None:
        self._clock, self._on_error = clock, on_error
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain_wakeups)
        self._calls: deque[Callable[[], None]] = deque()
        self._timers: list[Timer] = []
        self._timer_number = 0
        self._closing = False
        self._waking = threading.Lock()  # nothing may be written to a descriptor that is no longer ours
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def soon(self, call: Callable[[], None]) -> None:
        """Run ``call`` on the loop's thread. From any thread; ignored once the loop is closed."""
        with self._waking:
            if self._wake_write < 0:
                return
            self._calls.append(call)
            with contextlib.suppress(BlockingIOError):  # a full pipe wakes just as well
                os.write(self._wake_write, b"w")

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self._timer_number += 1
        timer = Timer(self._clock.monotonic() + max(0.0, seconds), self._timer_number, call)
        heapq.heappush(self._timers, timer)
        return timer

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call whenever ``descriptor`` is readable, until ``unwatch``."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def close(self, last: Callable[[], None]) -> None:
        """Run ``last`` on the loop's thread, end it and wait for it. From any other thread."""

        def stop() -> None:
            self._closing = True
            last()

        self.soon(stop)
        self._thread.join()
        self._selector.close()
        with self._waking:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_write = -1

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._patience()):
                self._guarded(key.data)
            for _ in range(len(self._calls)):
                self._guarded(self._calls.popleft())
            now = self._clock.monotonic()
            while self._timers and self._timers[0].when <= now:
                timer = heapq.heappop(self._timers)
                if timer.call is not None:
                    self._guarded(timer.call)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            self._on_error(error)

    def _patience(self) -> float | None:
        if self._calls:
            return 0.0
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0].when - self._clock.monotonic()) if self._timers else None

    def _drain_wakeups(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._wake_read, 4096)) == 4096:
                pass
