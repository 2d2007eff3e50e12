"""Bare repository, manager, reconciler, traffic; then push after push, each held against what should happen."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from examples.hello.screen import Screen
from examples.hello.traffic import Counts, Traffic
from reconciler.engine import Engine, EngineError, connect
from reconciler.engine.observe import observe
from reconciler.rollout import Attempt, History, Progress, journal
from reconciler.rollout.progress import ServiceProgress
from reconciler.rollout.verdict import replicas
from stackc.observed import Observed

HERE = Path(__file__).parent
STACK = "hello"
PATIENCE = 90.0  # seconds for one push; a slow machine needs about twenty
FILES = ("compose.yaml", "server.py", "greeting.txt", "token.txt")


class NotAsExpectedError(Exception):
    """The demo's verdict on itself."""


@dataclass(frozen=True, slots=True)
class Push:
    """One line of the summary."""

    version: str
    outcome: str
    seconds: float
    counts: Counts
    replaced: int


class Demo(AbstractContextManager["Demo"]):
    def __init__(self, screen: Screen, *, keep: bool = False, host: str | None = None, traffic: bool = True) -> None:
        """``host``: another manager than a built-in one of the demo's own; ``traffic``: send requests."""
        self._screen = screen
        self._own_manager = host is None
        self._wants_traffic = traffic
        self._keep = keep
        self._folder = Path(tempfile.mkdtemp(prefix="stackc-hello-"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._port = _free_port()
        self._host = host or f"unix://{self._folder}/manager.sock"
        self._traffic = Traffic(self._port)
        self._traffic_runs = False
        self._engine: Engine | None = None
        self._seen: set[str] = set()
        self._pushes: list[Push] = []

    # -- the story -------------------------------------------------------------------------------------------

    def run(self) -> None:
        say = self._screen.say
        say(f"a bare git repository, a manager and a reconciler, all in {self._folder}", "dim")
        self._set_up()
        with self._screen:
            say("\npush v1: the first deploy", "bold")
            self._push("v1", healthy=True)
            self._start_traffic()
            say("\npush v2: a rolling update, two tasks at a time", "bold")
            self._push("v2", healthy=True)
            say("\npush v3: its health check will fail", "bold")
            self._push("v3", healthy=False)
            self._stays_quarantined()
            say("\npush v4: the fix", "bold")
            self._push("v4", healthy=True)
            self._stop_traffic()
            self._pushes[-1] = _with_more(self._pushes[-1], self._traffic.take())
        self._summary()

    def _start_traffic(self) -> None:
        if self._wants_traffic:
            self._traffic.start()
            self._traffic_runs = True
            self._screen.say(f"from here on a steady stream of requests to http://127.0.0.1:{self._port}/", "dim")
            time.sleep(1)

    def _stop_traffic(self) -> None:
        if self._traffic_runs:
            time.sleep(1)
            self._traffic.stop()

    def _push(self, version: str, *, healthy: bool) -> None:
        before = self._history()
        carried = self._traffic.take()
        if self._pushes:
            self._pushes[-1] = _with_more(self._pushes[-1], carried)
        self._seen |= {t.id for t in self._look().tasks}
        began = time.time()
        commit = self._commit(version, healthy=healthy)
        attempt = self._verdict(commit, began, len(before.attempts))
        took = time.time() - began
        observed = self._look()
        new = {t.id for t in observed.tasks} - self._seen
        self._expect(attempt, version, healthy=healthy, observed=observed)
        self._pushes.append(Push(version, attempt.phase, took, self._traffic.take(), len(new)))
        why = f": {attempt.reason}" if attempt.phase != "applied" else ""
        self._screen.say(f"{version} {attempt.phase} after {took:.1f} s{why}", "green" if healthy else "yellow")

    def _expect(self, attempt: Attempt, version: str, *, healthy: bool, observed: Observed) -> None:
        wanted = "applied" if healthy else "rolled-back"
        if attempt.phase != wanted:
            raise NotAsExpectedError(f"{version} should end {wanted}, it ended {attempt.phase}: {attempt.reason}")
        runs = version if healthy else self._pushes[-1].version
        for name, service in observed.services.items():
            env = service.spec["TaskTemplate"]["ContainerSpec"]["Env"]
            if f"VERSION={runs}" not in env:
                raise NotAsExpectedError(f"{name} should run {runs} now; its environment is {env}")

    def _stays_quarantined(self) -> None:
        """A revision that failed is not tried again by itself, however often the reconciler looks."""
        attempts = len(self._history().attempts)
        time.sleep(3)
        history = self._history()
        if len(history.attempts) != attempts or history.quarantined(history.attempts[-1].digest) is None:
            raise NotAsExpectedError("the failed revision was tried again")
        self._screen.say("v3 is quarantined: not tried again until git moves", "yellow")

    def _summary(self) -> None:
        rows = [
            [
                p.version,
                p.outcome,
                f"{p.seconds:.1f} s",
                str(p.counts.total),
                str(len(p.counts.failed)),
                str(p.replaced),
                ", ".join(f"{v}: {n}" for v, n in sorted(p.counts.served.items())) or "-",
            ]
            for p in self._pushes
        ]
        self._screen.say("")
        head = ["PUSH", "OUTCOME", "PUSH TO VERDICT", "SERVED", "FAILED", "NEW TASKS", "ANSWERED BY"]
        self._screen.table(head, rows)
        failed = [f"{p.version}: {why}" for p in self._pushes for why in p.counts.failed]
        if failed:
            raise NotAsExpectedError(f"{len(failed)} requests failed, the first: {failed[0]}")
        if any(p.counts.served["v3"] for p in self._pushes):
            raise NotAsExpectedError("a task of v3 that never was healthy got requests")
        total = sum(p.counts.total for p in self._pushes)
        if not total and self._wants_traffic:
            raise NotAsExpectedError("no request was served")
        self._screen.say(f"\n{total} requests, none failed; everything was as it should be.", "bold green")

    # -- looking ---------------------------------------------------------------------------------------------

    def _verdict(self, commit: str, began: float, known: int) -> Attempt:
        """Watch until the attempt for this commit has ended, drawing every look."""
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            observed = self._look()
            attempts = journal.of_configs(observed.configs.values()).attempts[known:]
            self._screen.show(_picture(observed, time.time() - began), *self._traffic.peek())
            for attempt in attempts:
                if attempt.revision.commit == commit and not attempt.open:
                    return attempt
            self._alive()
            time.sleep(0.15)
        raise NotAsExpectedError(f"no verdict on {commit[:10]} within {PATIENCE:.0f} s\n{self._log('reconciler')}")

    def _look(self) -> Observed:
        assert self._engine is not None
        return observe(self._engine, STACK, tasks=True)

    def _history(self) -> History:
        assert self._engine is not None
        return journal.read(self._engine, STACK)

    def _alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise NotAsExpectedError(f"the {name} has ended with code {process.returncode}\n{self._log(name)}")

    def _log(self, name: str) -> str:
        try:
            lines = (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {name}: {line}" for line in lines[-15:])

    # -- the surroundings ------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._folder / "hello.git"))
        self._git("clone", "--quiet", str(self._folder / "hello.git"), str(self._folder / "work"), quiet=True)
        self._git("-C", str(self._folder / "work"), "checkout", "--quiet", "-B", "main")
        if self._own_manager:
            socket_path = self._host.removeprefix("unix://")
            self._start("manager", "stackc", "manager", "--socket", socket_path, "--state", f"{self._folder}/state")
        self._engine = self._wait_for_manager()
        settings = self._folder / "reconciler.yaml"
        settings.write_text(
            f"""\
state: {self._folder}/reconciler
host: {self._host}
stacks:
  - name: {STACK}
    repo: {{url: {self._folder}/hello.git, branch: main}}
    files: [compose.yaml]
    environment: {{HELLO_PORT: "{self._port}"}}
""",
            encoding="utf-8",
        )
        self._start("reconciler", "reconciler", "run", "--config", str(settings))

    def _start(self, name: str, module: str, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "GIT_"))}
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def _wait_for_manager(self) -> Engine:
        deadline = time.time() + 20
        while True:
            try:
                engine = connect(self._host, {}, start=False)
                engine.manager()
                return engine
            except EngineError as error:
                self._alive()
                if time.time() > deadline:
                    raise NotAsExpectedError(f"the manager does not answer: {error}\n{self._log('manager')}") from error
                time.sleep(0.05)

    def _commit(self, version: str, *, healthy: bool) -> str:
        work = self._folder / "work"
        for name in FILES:
            shutil.copy(HERE / name, work / name)
        text = (HERE / "compose.yaml").read_text(encoding="utf-8")
        text = text.replace("process/hello:v1", f"process/hello:{version}").replace(
            "VERSION: v1", f"VERSION: {version}"
        )
        text = text if healthy else text.replace('HEALTHY: "yes"', 'HEALTHY: "no"')
        (work / "compose.yaml").write_text(text, encoding="utf-8")
        self._git("-C", str(work), "add", "--all")
        self._git("-C", str(work), "commit", "--quiet", "--message", f"hello {version}")
        self._git("-C", str(work), "push", "--quiet", "origin", "main")
        return self._git("-C", str(work), "rev-parse", "HEAD").strip()

    def _git(self, *arguments: str, quiet: bool = False) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "demo", f"GIT_{role}_EMAIL": "demo@example.com"}
        done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotAsExpectedError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
        return "" if quiet else done.stdout

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._traffic_runs:
            self._traffic.stop()
        if "reconciler" in self._processes:
            _end(self._processes["reconciler"])
        self._remove_stack()
        if "manager" in self._processes:
            _end(self._processes["manager"])
        if self._keep:
            self._screen.say(f"kept: {self._folder}", "dim")
        else:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _remove_stack(self) -> None:
        """Tasks outlive their manager on purpose, so they are removed while it is there."""
        if self._engine is None:
            return
        self._engine.close()
        command = [sys.executable, "-m", "stackc", "rm", "--yes", "--host", self._host, STACK]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _picture(observed: Observed, elapsed: float) -> Progress:
    """The state of the services as a rollout's progress shows it."""
    services = []
    for name, service in observed.services.items():
        tasks = tuple(t for t in observed.tasks if t.service == name)
        well = sum(t.live and t.current and t.state == "running" for t in tasks)
        wanted = replicas(service.spec)
        version = service.spec["TaskTemplate"]["ContainerSpec"]["Image"].rpartition(":")[2]
        state = "good" if well == wanted else "sent"
        text = f"{version} {service.update_state}".strip()
        services.append(ServiceProgress(name=name, state=state, text=text, healthy=well, wanted=wanted, tasks=tasks))
    return Progress(phase="", elapsed=elapsed, services=tuple(services))


def _with_more(push: Push, more: Counts) -> Push:
    counts = Counts(push.counts.served + more.served, push.counts.failed + more.failed)
    return Push(push.version, push.outcome, push.seconds, counts, push.replaced)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
