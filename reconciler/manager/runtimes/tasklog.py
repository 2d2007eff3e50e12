"""Reading what a shim wrote down of its task's output."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

_STREAMS = {b"o": "stdout", b"e": "stderr"}
POLL_SECONDS = 0.1


class LogLine(NamedTuple):
    """One line of a task. ``time`` in Unix seconds; ``text`` without its line end, at most 16 KiB: a longer line
    comes in pieces."""

    time: float
    stream: str  # "stdout" or "stderr"
    text: bytes


def read_log(
    folder: Path, *, since: float = 0.0, tail: int | None = None, follow: Callable[[], bool] | None = None
) -> Iterator[LogLine]:
    """The lines of a task's log folder, oldest first; only the last ``tail`` of those from ``since`` on.

    ``follow``: called when there is nothing more to read; True waits for more, False ends after one last look.
    """
    with ExitStack() as stack:
        position = _Position(folder, stack)
        lines = (line for line in position.lines() if line.time >= since)
        yield from lines if tail is None else deque(lines, maxlen=tail)
        while follow is not None:
            wait = follow()
            yield from (line for line in position.lines() if line.time >= since)
            if not wait:
                return
            time.sleep(POLL_SECONDS)


class _Position:
    """Where a reader stands: an open file, so that a file removed by rotation is still read to its end."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._name = ""
        self._file: BinaryIO | None = None
        self._rest = b""

    def lines(self) -> Iterator[LogLine]:
        """Everything complete that was not read so far."""
        while True:
            newer = self._newer()  # looked up before the read: what a newer file follows is complete
            yield from self._read()
            if newer is None:
                return
            self._stack.close()
            try:
                self._file = self._stack.enter_context((self._folder / newer).open("rb"))
            except FileNotFoundError:
                self._file = None
            self._name, self._rest = newer, b""

    def _newer(self) -> str | None:
        try:
            names = sorted(path.name for path in self._folder.iterdir() if path.name > self._name)
        except FileNotFoundError:
            return None
        return names[0] if names else None

    def _read(self) -> Iterator[LogLine]:
        while self._file is not None and (data := self._file.read(1 << 16)):
            *complete, self._rest = (self._rest + data).split(b"\n")
            for record in complete:
                head, _, rest = record.partition(b" ")
                stream, space, text = rest.partition(b" ")
                if space and stream in _STREAMS:
                    yield LogLine(float(head), _STREAMS[stream], text)
