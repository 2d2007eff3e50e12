"""The git source against servers: a real ``git http-backend`` on this machine, and servers that misbehave."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.sources.faults import Fault, GitError
from reconciler.sources.git import GitSource
from reconciler.sources.process import Access

SourceOf = Callable[..., GitSource]
BACKEND = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()


class GitHandler(http.server.BaseHTTPRequestHandler):
    """Smart HTTP for one folder of repositories, by git's own CGI program. ``server.mode`` makes it misbehave."""

    protocol_version = "HTTP/1.0"
    server: Any

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bytes) -> None:
        self.server.paths.append(self.path)
        if self.server.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere + self.path)
            self.end_headers()
            return
        if self.server.mode == "login":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.server.folder,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        out = subprocess.run(
            [f"{BACKEND}/git-http-backend"], env=environment, input=body, capture_output=True, check=False
        ).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.mode == "cut" and self.command == "POST" and b"PACK" in content:
            content = content[: content.index(b"PACK") + 40]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(folder: Path, mode: str = "", context: ssl.SSLContext | None = None, **more: str) -> Iterator[Any]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHandler)
    server.__dict__.update(folder=str(folder), mode=mode, paths=[], handle_error=lambda *_: None, **more)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def url_of(server: Any, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.server_address[1]}/upstream.git"


def fault_of(source: GitSource) -> Fault:
    with source.open() as session, pytest.raises(GitError) as caught:
        session.fetch(None)
    return caught.value.fault


def test_a_repository_over_http(upstream: Any, source_of: SourceOf) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    with serving(upstream.path.parent) as server, source_of(url_of(server)).open() as session:
        assert session.fetch(None).commit.id == commit
        assert session.reader(commit).read("stack.yml") == b"a: 1\n"


def test_a_redirect_is_not_followed(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    with serving(upstream.path.parent) as other:
        elsewhere = url_of(other).removesuffix("/upstream.git")
        with serving(upstream.path.parent, "redirect", elsewhere=elsewhere) as server:
            fault = fault_of(source_of(url_of(server)))
            assert fault.code == "remote-away"
            assert server.paths
        assert other.paths == []


def test_a_server_that_asks_for_a_password_gets_none(upstream: Any, source_of: SourceOf) -> None:
    upstream.commit({"stack.yml": "a: 1\n"})
    with serving(upstream.path.parent, "login") as server:
        fault = fault_of(source_of(url_of(server)))
    assert (fault.code, fault.temporary) == ("authentication", False)


def test_a_pack_that_is_cut_changes_nothing(upstream: Any, source_of: SourceOf) -> None:
    first = upstream.commit({"stack.yml": "a: 1\n"})
    with serving(upstream.path.parent) as server:
        source = source_of(url_of(server))
        with source.open() as session:
            session.fetch(None)
        second = upstream.commit({"stack.yml": "a: 2\n", "big": os.urandom(50_000)})
        server.mode = "cut"
        fault = fault_of(source)
        assert fault.temporary
        server.mode = ""
        with source.open() as session:
            assert session.reader(first).read("stack.yml") == b"a: 1\n"
            assert session.fetch(first).commit.id == second


def test_a_server_that_is_not_there_is_a_temporary_fault(source_of: SourceOf) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fault = fault_of(source_of(f"http://127.0.0.1:{unused.getsockname()[1]}/x.git"))
    assert (fault.code, fault.temporary) == ("remote-away", True)


def test_an_own_certificate_is_refused_unless_its_ca_is_named(
    upstream: Any, source_of: SourceOf, tmp_path: Path
) -> None:
    commit = upstream.commit({"stack.yml": "a: 1\n"})
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(upstream.path.parent, context=context) as server:
        fault = fault_of(source_of(url_of(server, "https")))
        assert (fault.code, fault.temporary) == ("certificate", False)
        assert server.paths == []
        with source_of(url_of(server, "https"), access=Access(ca_file=str(certificate))).open() as session:
            assert session.fetch(None).commit.id == commit


def self_signed(folder: Path) -> Path:
    """A PEM file with a key and a certificate for 127.0.0.1 that nobody else signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path = folder / "server.pem"
    path.write_bytes(pem)
    return path


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield listener.getsockname()[1]


def group_members(leader: int) -> list[int]:
    """Pids of the processes whose group is ``leader``."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_server_that_keeps_silent_runs_into_the_timeout_and_git_is_gone(source_of: SourceOf) -> None:
    with silent_server() as port:
        source = source_of(f"http://127.0.0.1:{port}/x.git", timeout=1.0)
        with source.open() as session:
            pid = session.pid
            with pytest.raises(GitError) as caught:
                session.fetch(None)
        assert (caught.value.fault.code, caught.value.fault.temporary) == ("timeout", True)
        wait_until(lambda: group_members(pid) == [])


def test_a_session_can_be_stopped_from_another_thread(source_of: SourceOf) -> None:
    with silent_server() as port, source_of(f"http://127.0.0.1:{port}/x.git").open() as session:
        timer = threading.Timer(0.3, session.kill)
        timer.start()
        with pytest.raises(GitError) as caught:
            session.fetch(None)
        timer.join()
    assert caught.value.fault.temporary


def test_kill_minus_9_of_the_reconciler_takes_its_git_along(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from reconciler.sources.address import parse_address
from reconciler.sources.git import GitSource
from reconciler.sources.process import Access, Workers
address = parse_address(sys.argv[1], folder="/", allow_http=True)
session = GitSource(address, "main", Path(sys.argv[2]), Workers(), access=Access()).open()
print(session.pid, flush=True)
session.fetch(None)
"""
    with silent_server() as port:
        command = [sys.executable, "-c", program, f"http://127.0.0.1:{port}/x.git", str(tmp_path / "s" / "mirror")]
        (tmp_path / "s").mkdir(mode=0o700)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            worker = int(process.stdout.readline())
            wait_until(lambda: len(group_members(worker)) >= 2)  # the worker and a git that waits
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: group_members(worker) == [])
