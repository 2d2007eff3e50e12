"""A small HTTP server to run as a task, and clients that count what goes wrong."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import dataclass, field

# Answers with its version after a moment; ends at once on SIGTERM, as a careless program does.
SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.6)
        body = (sys.argv[1] + " " + os.environ["STACKC_TASK_ID"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1]); self.wfile.flush(); time.sleep(0.002); self.wfile.write(body[1:])
    def log_message(self, *arguments): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
Server((os.environ["STACKC_ADDRESS"], 8080), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stream:
    """Requests to a published port until ``stop``; ``keep_alive``: over one connection for as long as it lasts."""

    port: int
    keep_alive: bool
    pause: float = 0.0
    path: str = "/"
    answers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Stream:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._stop.is_set():
            try:
                client.request("GET", self.path)
                response = client.getresponse()
                body = response.read().decode()
                if response.status == 200 and len(body) > 2:
                    self.answers.append(body)
                else:
                    self.failures.append(f"{response.status} {body!r}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                client.close()
            if not self.keep_alive:
                client.close()
            time.sleep(self.pause)
        client.close()
