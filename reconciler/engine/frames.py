"""The engine's multiplexed log stream."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

STREAMS = {1: "stdout", 2: "stderr"}


def frames_of(chunks: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """(stdout or stderr, a line) of each frame: 8 bytes of header with stream and length, then the line. A cut-off
    frame is left out."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            (size,) = struct.unpack(">I", buffer[4:8])
            if len(buffer) < 8 + size:
                break
            yield STREAMS.get(buffer[0], ""), buffer[8 : 8 + size]
            buffer = buffer[8 + size :]


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of both streams."""
    return (line for _, line in frames_of(chunks))
