"""A steady stream of HTTP requests on one port, each on a connection of its own, every answer counted."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

PER_SECOND = 80
WORKERS = 4
TIMEOUT = 10.0  # seconds for one request


@dataclass
class Counts:
    """What happened since the counts were last taken."""

    served: Counter[str] = field(default_factory=Counter)  # by the version that answered
    failed: list[str] = field(default_factory=list)  # why, one entry a request

    @property
    def total(self) -> int:
        return sum(self.served.values())


class Traffic:
    """Threads that ask until they are stopped."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._counts = Counts()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(WORKERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT)

    def take(self) -> Counts:
        with self._lock:
            taken, self._counts = self._counts, Counts()
        return taken

    def peek(self) -> tuple[int, int]:
        """(served, failed) since the counts were last taken."""
        with self._lock:
            return self._counts.total, len(self._counts.failed)

    def _ask_on(self) -> None:
        pause = WORKERS / PER_SECOND
        while not self._stop.is_set():
            began = time.monotonic()
            version, problem = self._ask()
            with self._lock:
                if problem:
                    self._counts.failed.append(problem)
                else:
                    self._counts.served[version] += 1
            self._stop.wait(max(pause - (time.monotonic() - began), 0))

    def _ask(self) -> tuple[str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                return "", f"status {answer.status}"
            return answer.headers.get("X-Version", "?"), ""
        except (OSError, http.client.HTTPException) as error:
            return "", f"{type(error).__name__}: {error}"
        finally:
            connection.close()
