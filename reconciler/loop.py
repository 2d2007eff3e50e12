"""Carries out what ``reconciler.decide`` decides, for one stack: a thread with an inbox, and a thread for each effect.

No policy here. An effect ends as an event in the inbox; a failure is an event too, so nothing that a repository, a
stack file or a manager does can end the loop. The journal in the manager is the memory: after a ``kill -9`` a new
process reads it and goes on.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from reconciler import orders
from reconciler.config import StackSettings
from reconciler.decide import (
    Began,
    Cancel,
    Checked,
    Compile,
    Compiled,
    Decision,
    Deploy,
    Deployed,
    Effect,
    EngineFailed,
    Event,
    Fetch,
    Fetched,
    FetchFailed,
    HistoryRead,
    Ordered,
    Policy,
    ReadHistory,
    StackState,
    Stopping,
    Tip,
    Trial,
    Verdict,
    decide,
    fold,
    short,
)
from reconciler.engine import Engine, EngineError
from reconciler.rollout import History, Progress, Result, Revision, deploy, journal
from reconciler.rollout.progress import plain_lines
from reconciler.sources.commit import CommitInfo
from reconciler.sources.faults import Fault, GitError, printable
from reconciler.sources.git import GitSource, Session
from reconciler.status import Condition, RevisionStatus, StackStatus, conditions
from stackc.compile import compile_stack
from stackc.diagnostics import Diagnostic, Severity
from stackc.plan import StackPlan
from stackc.report import diagnostics as report

SHOWN_DIAGNOSTICS = 100
_UNTOLD = ("Compiling", "Stopping")  # verdicts that would say in the log what another line says


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world outside. ``log(stack, commit, event, text)``; ``report(status)`` must be quick; ``refresh_watches``
    sets the file watches anew."""

    connect: Callable[[], Engine]
    log: Callable[[str, str, str, str], None]
    report: Callable[[StackStatus], None]
    random: Callable[[], float]
    refresh_watches: Callable[[], None] = lambda: None
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(slots=True)
class Found:
    """What is known of a commit besides its id. ``plan`` once it was compiled without an error."""

    revision: Revision
    plan: StackPlan | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    text: str = ""


class _StoppedError(Exception):
    """Ends a rollout between two requests when the process stops; its attempt stays open for the next start."""


class StackLoop(threading.Thread):
    """One stack. ``wake`` from any thread; ``stop`` ends it, a running rollout at its next look."""

    def __init__(self, settings: StackSettings, interval: float, state: Path, source: GitSource, ports: Ports) -> None:
        super().__init__(name=f"stack-{settings.name}", daemon=True)
        self.settings = settings
        self._state_folder = state
        self._source = source
        self._ports = ports
        self._inbox: SimpleQueue[Event | None] = SimpleQueue()
        self._state = StackState(
            Policy(interval, settings.accept_force_push), next_look=ports.now(), next_engine=ports.now()
        )
        self._session: Session | None = None
        self._commits: dict[str, Found] = {}
        self._revisions: dict[str, Revision] = {}
        self._cancel = threading.Event()
        self._stopping = threading.Event()
        self._order: orders.Order | None = None
        self._told = ""
        self._key = os.urandom(16)
        self._fetched: float | None = None
        self._attempted: Revision | None = None
        self._progress = ""
        self._last_error = ""
        self.status = StackStatus(
            name=settings.name, source=printable(str(settings.repo.address)), branch=settings.repo.branch
        )

    def wake(self, event: Event | None = None) -> None:
        """With a fact, or only to look at the orders folder."""
        self._inbox.put(event)

    def stop(self) -> None:
        self._stopping.set()
        self._inbox.put(Stopping())
        session = self._session
        if session is not None:
            session.kill()

    # -- the loop --------------------------------------------------------------------------------------------

    def run(self) -> None:
        event: Event | None = None
        while True:
            if event is not None:
                self._state = fold(self._state, event, self._ports.now())
            self._take_order()
            decision = self._begin()
            self._tell(decision)
            self._put_away_session()
            if self._state.stopping and self._state.in_git is None and self._state.in_engine is None:
                return
            event = self._wait(decision.requeue_at)

    def _wait(self, until: float | None) -> Event | None:
        timeout = None if until is None else max(0.0, until - self._ports.now())
        try:
            return self._inbox.get(timeout=timeout)
        except Empty:
            return None

    def _begin(self) -> Decision:
        """Begin what is to be begun; the decision that begins nothing more."""
        while True:
            decision = decide(self._state, self._ports.now())
            if not decision.effects:
                return decision
            for effect in decision.effects:
                self._state = fold(self._state, Began(effect), self._ports.now())
                if isinstance(effect, Cancel):
                    self._log(decision, "stopping", f"the running rollout stops: {effect.reason}")
                    self._cancel.set()
                    continue
                if isinstance(effect, Deploy):
                    self._cancel.clear()
                threading.Thread(target=self._perform, args=(effect,), daemon=True).start()

    def _take_order(self) -> None:
        order = orders.waiting(self._state_folder, self.settings.name)
        if order is not None and order != self._order:
            self._order = order
            self._ports.log(self.settings.name, order.accept, "order", "an operator asks to look now")
            self._state = fold(self._state, Ordered(order.accept), self._ports.now())

    def _put_away_session(self) -> None:
        """One worker serves one sync. Ending it and warming up the next one is not on anybody's way."""
        if self._session is not None and self._state.in_git is None:
            session, self._session = self._session, None
            threading.Thread(target=self._close, args=(session,), daemon=True).start()

    def _close(self, session: Session) -> None:
        session.close()
        if not self._stopping.is_set():
            self._source.stand_by()

    # -- effects: each runs in a thread of its own and ends as one event -----------------------------------------

    def _perform(self, effect: Effect) -> None:
        try:
            event = self._event_of(effect)
        except GitError as error:
            event = self._git_failed(effect, error.fault)
        except EngineError as error:
            event = EngineFailed(printable(error.message), self._ports.random())
        except _StoppedError:
            event = EngineFailed("the reconciler stops", 0.0)
        except Exception as error:  # a defect of ours must not end the loop
            event = self._git_failed(effect, Fault("internal", True, f"internal error: {_place(error)}"))
        self._inbox.put(event)

    def _git_failed(self, effect: Effect, fault: Fault) -> Event:
        jitter = self._ports.random()
        if fault.code == "mirror":
            self._source.discard()
        if isinstance(effect, Fetch):
            return FetchFailed(fault, jitter)
        if isinstance(effect, Compile):
            return Compiled(Checked(effect.commit, problem=fault.message, interrupted=fault.temporary), jitter)
        return EngineFailed(fault.message, jitter)

    def _event_of(self, effect: Effect) -> Event:
        match effect:
            case Fetch(base):
                return self._fetch(base)
            case Compile(commit):
                return self._compile(commit)
            case ReadHistory():
                return self._read_history()
            case Deploy():
                return self._deploy(effect)
            case Cancel():
                raise AssertionError("a Cancel is no activity")

    def _open(self) -> Session:
        if self._session is None:
            self._session = self._source.open()
            if self._stopping.is_set():
                self._session.kill()
        return self._session

    def _fetch(self, base: str | None) -> Event:
        self._ports.refresh_watches()
        tip = self._open().fetch(base)
        if tip.commit.id not in self._commits:
            author = f" ({tip.commit.author})" if tip.commit.author else ""
            self._ports.log(self.settings.name, tip.commit.id, "fetched", tip.commit.message + author)
        self._remember(tip.commit)
        self._fetched = self._ports.wall()
        return Fetched(Tip(tip.commit.id, base, tip.descends))

    def _remember(self, info: CommitInfo) -> Found:
        revision = Revision(commit=info.id, message=info.message, author=info.author)
        self._revisions[info.id] = revision
        return self._commits.setdefault(info.id, Found(revision))

    def _compile(self, commit: str) -> Event:
        session = self._open()
        found = self._commits.get(commit) or self._remember(session.commit(commit))
        compiled = compile_stack(
            self.settings.files,
            session.reader(commit),
            stack=self.settings.name,
            environment=self.settings.environment,
        )
        found.plan, found.diagnostics = compiled.plan, compiled.diagnostics
        found.text = report.text(compiled.diagnostics[:SHOWN_DIAGNOSTICS], compiled.sources)
        if compiled.plan is not None:
            return Compiled(Checked(commit, compiled.plan.digest, self._content_of(compiled.plan)))
        errors = [d for d in compiled.diagnostics if d.severity is Severity.ERROR]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        place = f"{errors[0].span}: " if errors[0].span else ""
        return Compiled(Checked(commit, problem=printable(f"{place}{errors[0].message}{more}")))

    def _content_of(self, plan: StackPlan) -> str:
        """Tells plans apart that differ only in the bytes of secrets. Keyed: it says nothing outside this process."""
        hashed = hashlib.blake2b(key=self._key, digest_size=16)
        for name, secret in plan.secrets.items():
            data = secret.data or b""
            hashed.update(f"{name}\0{len(data)}\0".encode() + data)
        return hashed.hexdigest()

    def _read_history(self) -> Event:
        engine = self._ports.connect()
        try:
            history = journal.read(engine, self.settings.name)
        finally:
            engine.close()
        for attempt in history.attempts:
            if attempt.revision.commit:
                self._revisions.setdefault(attempt.revision.commit, attempt.revision)
        return HistoryRead(trials_of(history))

    def _deploy(self, effect: Deploy) -> Event:
        found = self._commits[effect.commit]
        assert found.plan is not None
        told: dict[str, tuple[str, int]] = {}

        def progress(look: Progress) -> None:
            if self._stopping.is_set():
                raise _StoppedError
            for line in plain_lines(look, told):
                self._ports.log(self.settings.name, effect.commit, look.phase, printable(line))
                self._progress = printable(line)
                self.wake()

        self._attempted = found.revision
        engine = self._ports.connect()
        try:
            outcome = deploy(
                engine,
                found.plan,
                revision=found.revision,
                progress=progress,
                cancelled=self._cancel.is_set,
                timeout=self.settings.timeout,
            )
        finally:
            engine.close()
        word, reason = outcome.result.value, printable(outcome.reason)
        if outcome.result is not Result.APPLIED:  # that one is told by the verdict
            self._ports.log(self.settings.name, effect.commit, word, reason)
        lines = "\n".join(printable(line) for line in outcome.failures)
        self._progress = ""
        self._last_error = "" if outcome.ok else f"{word}: {reason}" + (lines and f"\n{lines}")
        return Deployed(effect, replace(outcome, reason=reason), self._ports.random())

    # -- telling ---------------------------------------------------------------------------------------------

    def _tell(self, decision: Decision) -> None:
        verdict, state = decision.verdict, self._state
        said = f"{verdict.reason}: {verdict.message}"
        if said != self._told and verdict.reason not in _UNTOLD:
            self._told = said
            self._log(decision, verdict.reason, verdict.message)
        tip = self._commits.get(state.tip.commit) if state.tip else None
        if state.in_git is None:
            self._commits = {commit: found for commit, found in self._commits.items() if self._in_use(commit)}
        answered = self._answer()
        self.status = replace(
            self.status,
            conditions=self.status.conditions if state.stopping else self._conditions(verdict),
            tip=_shown(tip.revision) if tip else None,
            attempted_revision=_shown(self._attempted) if self._attempted else self._newest_trial(),
            applied_revision=_shown(self._revisions.get(state.base, Revision(commit=state.base)))
            if state.base
            else None,
            diagnostics=tuple(_diagnostics(tip)) if tip else (),
            diagnostics_text=tip.text if tip else "",
            last_error=self._last_error,
            progress=self._progress,
            fetched=self._fetched,
            answered=answered or self.status.answered,
        )
        self._ports.report(self.status)

    def _conditions(self, verdict: Verdict) -> tuple[Condition, ...]:
        return conditions(verdict, self.status.conditions, self._ports.wall())

    def _log(self, decision: Decision, event: str, text: str) -> None:
        self._ports.log(self.settings.name, self._state.tip.commit if self._state.tip else "", event, text)

    def _in_use(self, commit: str) -> bool:
        running = self._state.in_engine
        if isinstance(running, Deploy) and running.commit == commit:
            return True
        tip = self._state.tip
        return tip is None or tip.commit == commit or self._state.compiled(commit) is not None

    def _newest_trial(self) -> RevisionStatus | None:
        for trial in reversed(self._state.trials or ()):
            if trial.commit:
                return _shown(self._revisions.get(trial.commit, Revision(commit=trial.commit)))
        return None

    def _answer(self) -> str:
        """The id of the order that the present verdict answers: nothing is under way and nothing is waited for."""
        state = self._state
        if (
            self._order is None
            or state.in_git
            or state.in_engine
            or state.look
            or (state.reread and not state.engine_problem)
        ):
            return ""
        order, self._order = self._order, None
        with suppress(OSError):
            orders.done(self._state_folder, self.settings.name, order)
        return order.id


def trials_of(history: History) -> tuple[Trial, ...]:
    return tuple(Trial(a.revision.commit, a.digest, a.phase, printable(a.reason), a.cleared) for a in history.attempts)


def _shown(revision: Revision) -> RevisionStatus:
    return RevisionStatus(
        commit=revision.commit, message=printable(revision.message, 200), author=printable(revision.author, 100)
    )


def _diagnostics(found: Found) -> list[dict[str, object]]:
    """As ``stackc validate --format json`` has them; the file is ``<commit>:<path>``."""
    listed = report.as_json(found.diagnostics[:SHOWN_DIAGNOSTICS])["diagnostics"]
    before = short(found.revision.commit)
    return [{**one, "file": f"{before}:{one['file']}"} if "file" in one else one for one in listed]


def _place(error: BaseException) -> str:
    """Type and place of a defect: enough to find it, nothing of what was being worked on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
