"""From ``git push`` to a local repository to the first Engine call: ``python -m benchmarks.push``.

A bare repository, ``stackc manager`` and ``reconciler run`` as processes of their own; between the last two a relay
on a unix socket that notes when the first byte of a request passes. Each push changes one service. Exit code 1 when
the median is not below the budget.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BUDGET = 0.5  # seconds, from the start of `git push`
STACK = """\
services:
  web:
    image: process/web:v1
    command: ["sleep", "600"]
    environment: {{PUSH: "{push}"}}
    deploy: {{update_config: {{monitor: 100ms}}}}
"""


class Relay(threading.Thread):
    """Passes connections on to ``target``; ``first`` is when the first request after ``arm`` came through."""

    def __init__(self, path: str, target: str) -> None:
        super().__init__(daemon=True)
        self.first: float | None = 0.0
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(16)

    def arm(self) -> None:
        self.first = None

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._pass, args=(self._listener.accept()[0],), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._target)
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if ready is client and data and self.first is None:
                        self.first = time.perf_counter()
                    if not data:
                        return
                    (server if ready is client else client).sendall(data)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "DOCKER_"))},
            **{f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.folder / "work"), *arguments], env=self.environment, check=True)

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log, env=self.environment)
            )

    def set_up(self) -> Relay:
        (self.folder / "work").mkdir()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", f"{self.folder}/repo.git"], check=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", f"{self.folder}/repo.git")
        self.start("manager", "stackc", "manager", "--socket", f"{self.folder}/m.sock", "--state", f"{self.folder}/m")
        self.until(lambda: (self.folder / "m.sock").exists())
        relay = Relay(f"{self.folder}/r.sock", f"{self.folder}/m.sock")
        relay.start()
        (self.folder / "reconciler.yaml").write_text(
            f"state: {self.folder}/state\nhost: unix://{self.folder}/r.sock\ninterval: 1h\nstacks:\n"
            f"  - {{name: bench, repo: {{url: {self.folder}/repo.git, branch: main}}, files: [stack.yml]}}\n"
        )
        self.commit(0)
        self.git("push", "-q", "origin", "main")
        self.start("reconciler", "reconciler", "run", "--config", f"{self.folder}/reconciler.yaml")
        self.rest()
        return relay

    def commit(self, push: int) -> None:
        (self.folder / "work" / "stack.yml").write_text(STACK.format(push=push))
        self.git("add", "stack.yml")
        self.git("commit", "-q", "-m", f"push {push}")

    def rest(self) -> None:
        """Until the newest commit is applied and nothing is under way."""
        tip = subprocess.run(
            ["git", "-C", f"{self.folder}/work", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout[:10]
        applied = f"{tip} Applied:"
        self.until(lambda: applied in (self.folder / "reconciler.log").read_text())
        time.sleep(0.5)  # the next worker warms up

    def until(self, condition: object) -> None:
        deadline = time.monotonic() + 60
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                sys.exit((self.folder / "reconciler.log").read_text()[-2000:])
            time.sleep(0.02)

    def push(self, relay: Relay, number: int) -> tuple[float, float]:
        """Seconds from the start and from the end of `git push` to the first Engine call."""
        self.commit(number)
        relay.arm()
        start = time.perf_counter()
        self.git("push", "-q", "origin", "main")
        end = time.perf_counter()
        self.until(lambda: relay.first is not None)
        assert relay.first is not None
        self.rest()
        return relay.first - start, relay.first - end

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.push", description=__doc__)
    parser.add_argument("--pushes", type=int, default=10)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-push-", dir="/tmp"))  # short: it holds unix sockets
    bench = Bench(folder)
    try:
        relay = bench.set_up()
        times = [bench.push(relay, number) for number in range(1, args.pushes + 1)]
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    for title, values in (("start of the push", [t[0] for t in times]), ("end of the push", [t[1] for t in times])):
        print(
            f"{title} to the first Engine call: median {statistics.median(values) * 1000:.0f} ms, "
            f"fastest {min(values) * 1000:.0f} ms, slowest {max(values) * 1000:.0f} ms ({len(values)} pushes)"
        )
    return 0 if statistics.median(t[0] for t in times) < BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
