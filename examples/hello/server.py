"""A web service small enough to read: standard library only, the same program as a process and in a container.

server.py           serve HTTP on port 8080 of STACKC_ADDRESS (a process task's own address) or of all addresses
server.py --check   the health check: exit 0 when /health answers 200
server.py --work    a service without a port: say once a second that it is there
"""

import os
import signal
import socket
import sys
import time

ADDRESS = os.environ.get("STACKC_ADDRESS", "")
VERSION = os.environ.get("VERSION", "?")
PORT = 8080


def check() -> int:
    with socket.create_connection((ADDRESS or "127.0.0.1", PORT), timeout=3) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        status = connection.recv(64).split(b" ")[1:2]
    print("health check says", *(s.decode() for s in status))
    return 0 if status == [b"200"] else 1


def work() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        print(f"{VERSION} at work, slot {os.environ.get('STACKC_SLOT', '?')}", flush=True)
        time.sleep(1)


def serve() -> int:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    with open("greeting.txt", encoding="utf-8") as file:
        greeting = file.read().strip()
    with open("run/secrets/token", encoding="utf-8") as file:
        token_length = len(file.read().strip())
    healthy = os.environ.get("HEALTHY", "yes") == "yes"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/health":
                self.answer(200 if healthy else 503, "fine" if healthy else "not well")
            else:
                self.answer(200, f"{greeting} ({VERSION}, token of {token_length} characters)")

        def answer(self, status: int, text: str) -> None:
            body = f"{text}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Version", VERSION)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, template: str, *values: object) -> None:
            if self.path != "/health":
                print(template % values, flush=True)

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = False

    server = Server((ADDRESS, PORT), Handler)
    # The balancer sends nothing new once a task is told to stop, so ending at once loses no request.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"{VERSION} listens on {ADDRESS or '*'}:{PORT}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else work() if "--work" in sys.argv else serve())
