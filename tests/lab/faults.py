"""An HTTP proxy on a unix socket in front of an engine, which does harm at one API call that it is told.

Calls are counted from 1. Whatever is not harmed is handed on byte for byte, streams (events, logs) included.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any


class Fault(Enum):
    """What happens at the call. ``…_AFTER``: the engine has done what it was asked."""

    CUT_BEFORE = "cut-before"
    CUT_AFTER = "cut-after"
    CUT_IN_HEAD = "cut-in-head"
    CUT_IN_BODY = "cut-in-body"
    LATE = "late"  # the engine has done it, the answer comes after ``Faults.delay`` seconds
    CONFLICT = "conflict"
    ERROR_500 = "error-500"
    ERROR_500_AFTER = "error-500-after"
    ERROR_503 = "error-503"
    ERROR_503_AFTER = "error-503-after"
    BUSY = "busy"  # 429 with Retry-After
    NO_LEADER = "no-leader"
    OUTAGE = "outage"  # from this call on nothing gets through for ``Faults.delay`` seconds
    ALWAYS_500 = "always-500"  # from this call on every one is refused
    KILL_BEFORE = "kill-before"  # ``victim`` is called; it ends the client
    KILL_AFTER = "kill-after"


_ANSWERS = {
    Fault.CONFLICT: (500, "rpc error: code = Unknown desc = update out of sequence"),
    Fault.ERROR_500: (500, "rpc error: code = Unknown desc = something else went wrong"),
    Fault.ERROR_500_AFTER: (500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    Fault.ERROR_503: (503, "service temporarily unavailable"),
    Fault.ERROR_503_AFTER: (503, "rpc error: code = Unavailable desc = transport is closing"),
    Fault.BUSY: (429, "too many requests"),
    Fault.NO_LEADER: (
        503,
        "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few",
    ),
    Fault.ALWAYS_500: (500, "rpc error: code = Unknown desc = something else went wrong"),
}
_AFTER = (
    Fault.CUT_AFTER,
    Fault.CUT_IN_HEAD,
    Fault.CUT_IN_BODY,
    Fault.LATE,
    Fault.ERROR_500_AFTER,
    Fault.ERROR_503_AFTER,
    Fault.KILL_AFTER,
)


class Faults:
    """The proxy. ``arm`` it, run something against ``host``, then look at ``calls`` and ``fired``."""

    def __init__(self, engine: str, path: Path, delay: float = 1.0) -> None:
        self.engine = engine.removeprefix("unix://")
        self.host = f"unix://{path}"
        self.delay = delay
        self.calls: list[str] = []  # "METHOD /path", without version and query
        self.fired = False
        self.harmed = ""  # the call that was, as in ``calls``
        self._at = 0
        self._counted = 0
        self._only_writes = False
        self._fault: Fault | None = None
        self._victim: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        self._server = _Server(str(path), _Handler)
        self._server.faults = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def arm(
        self,
        at: int = 0,
        fault: Fault | None = None,
        victim: Callable[[], None] = lambda: None,
        *,
        only_writes: bool = False,
    ) -> None:
        """Count anew from 1 and harm the call with this number; none at all for 0."""
        with self._lock:
            self.calls, self.fired, self.harmed, self._quiet_until = [], False, "", 0.0
            self._at, self._fault, self._victim = at, fault, victim
            self._counted, self._only_writes = 0, only_writes

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self, call: str) -> Fault | None:
        """What is to happen to this call, which is counted."""
        with self._lock:
            self.calls.append(call)
            self._counted += not (self._only_writes and call.startswith("GET "))
            if self._fault is Fault.OUTAGE and self.fired:
                return Fault.OUTAGE if time.monotonic() < self._quiet_until else None
            if self._fault is Fault.ALWAYS_500 and self.fired:
                return Fault.ALWAYS_500
            if self.fired or self._counted != self._at:
                return None
            self.fired, self.harmed = True, call
            self._quiet_until = time.monotonic() + self.delay
            return self._fault

    def kill(self) -> None:
        self._victim()


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    faults: Faults


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one to the engine."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        path = path[path.index("/", 1) :] if path.startswith("/v1.") else path
        faults = self.server.faults
        fault = faults.next(f"{self.command} {path}")
        if fault in (Fault.CUT_BEFORE, Fault.OUTAGE, Fault.KILL_BEFORE):
            if fault is Fault.KILL_BEFORE:
                faults.kill()
            self.close_connection = True
            return
        if fault is not None and fault not in _AFTER:
            self._refuse(fault)
            return
        if path.endswith(("/logs", "/events")):
            self._stream(body)
            return
        response = self._forward(body)
        raw = response.read()
        if fault is Fault.KILL_AFTER:
            faults.kill()
        if fault in (Fault.KILL_AFTER, Fault.CUT_AFTER):
            self.close_connection = True
        elif fault in (Fault.ERROR_500_AFTER, Fault.ERROR_503_AFTER):
            self._refuse(fault)
        else:
            if fault is Fault.LATE:
                time.sleep(faults.delay)
            self._hand_on(response, raw, fault)

    do_GET = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _forward(self, body: bytes) -> http.client.HTTPResponse:
        if self._upstream is None:
            self._upstream = http.client.HTTPConnection("engine", timeout=120)
            self._upstream.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._upstream.sock.connect(self.server.faults.engine)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("content-length", "connection")}
        self._upstream.request(self.command, self.path, body or None, headers)
        return self._upstream.getresponse()

    def _hand_on(self, response: http.client.HTTPResponse, raw: bytes, fault: Fault | None) -> None:
        left_out = ("transfer-encoding", "content-length", "connection")
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [f"{k}: {v}" for k, v in response.headers.items() if k.lower() not in left_out]
        if response.status not in (204, 304):
            lines.append(f"Content-Length: {len(raw)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        whole = head + raw
        if fault is Fault.CUT_IN_HEAD:
            whole = whole[: whole.index(b"\r\n") + 2]
        elif fault is Fault.CUT_IN_BODY:
            whole = whole[: len(head) + len(raw) // 2] if raw else whole[: len(head) // 2]
        self.wfile.write(whole)
        self.wfile.flush()
        if fault in (Fault.CUT_IN_HEAD, Fault.CUT_IN_BODY) or response.will_close:
            self.close_connection = True
            if self._upstream is not None:
                self._upstream.close()
                self._upstream = None

    def _refuse(self, fault: Fault) -> None:
        status, message = _ANSWERS[fault]
        body = json.dumps({"message": message}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if fault in (Fault.BUSY, Fault.ERROR_503):
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, body: bytes) -> None:
        response = self._forward(body)
        self.close_connection = True
        self.send_response(response.status)
        for name in ("Content-Type",):
            if response.headers.get(name):
                self.send_header(name, response.headers[name])
        self.send_header("Connection", "close")
        self.end_headers()
        while chunk := response.read1(65536):
            self.wfile.write(chunk)
            self.wfile.flush()
