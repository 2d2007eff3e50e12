"""What to do next for one stack: facts and ``now`` in; effects, a verdict and the next wake-up out. Pure.

Two steps. ``fold`` takes a new fact into the StackState; ``decide`` looks at the state as it is, never at how it
came to be: lost, doubled or reordered hints change nothing (level-triggered). An effect runs in one of two lanes,
*git* (fetch, compile) and *engine* (read history, deploy), one at a time in each, so that commits are watched while a
rollout runs.

    state = fold(state, event, now)           # Fetched, Compiled, Deployed, Hint, …
    decision = decide(state, now)             # effects to begin, the verdict, when to look again
    state = fold(state, Began(effect), now)   # for each effect that was begun

The only retry loop of the reconciler is ``Decision.requeue_at``. Times are seconds of one monotonic clock;
``jitter`` in an event is a random number in [0, 1), drawn by whoever made the event.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.rollout.outcome import Outcome, Result
from reconciler.sources.faults import Fault

BACKOFF_BASE = 1.0
BACKOFF_CAP = 300.0


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after the n-th failure in a row: 1, 2, 4 … 300, each spread from half to one and a half of it."""
    return float(min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(max(failures - 1, 0), 20)) * (0.5 + jitter))


# Facts


@dataclass(frozen=True, slots=True)
class Policy:
    """``interval``: seconds between polls. ``accept_force_push``: a commit need not descend from the last one."""

    interval: float
    accept_force_push: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt of the manager's journal. ``phase`` as there; ``failed`` when it keeps its digest in quarantine."""

    commit: str
    digest: str
    phase: str
    reason: str = ""
    cleared: bool = False
    content: str = ""  # as in Checked, of attempts of this process

    @property
    def open(self) -> bool:
        return self.phase in ("applying", "rolling-back")

    @property
    def failed(self) -> bool:
        return self.phase in ("rolled-back", "failed") and not self.cleared


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest commit of the branch. ``descends``: from ``base``? None when ``base`` is None."""

    commit: str
    base: str | None
    descends: bool | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What compiling ``commit`` gave: a digest, or the problem. ``interrupted``: git failed, not the file.

    ``content`` differs where the bytes of a secret differ, which a digest does not show; comparable within one process.
    """

    commit: str
    digest: str = ""
    content: str = ""
    problem: str = ""
    interrupted: bool = False

    @property
    def good(self) -> bool:
        return bool(self.digest)


@dataclass(frozen=True, slots=True)
class Done:
    """The last good end of a deploy in this process."""

    commit: str
    digest: str
    result: Result


# Effects


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch the branch, and tell whether its tip descends from ``base``."""

    base: str | None


@dataclass(frozen=True, slots=True)
class Compile:
    commit: str


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read the stack's journal from the manager."""


@dataclass(frozen=True, slots=True)
class Deploy:
    commit: str
    digest: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Make the running deploy stop at its next safe point."""

    reason: str


Effect = Fetch | Compile | ReadHistory | Deploy | Cancel


# Events


@dataclass(frozen=True, slots=True)
class Began:
    effect: Effect


@dataclass(frozen=True, slots=True)
class Hint:
    """Somebody thinks that the branch moved, or asks us to look."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An operator's order: look now; ``accept`` a commit (its id or the beginning of it) in spite of a force-push."""

    accept: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    tip: Tip


@dataclass(frozen=True, slots=True)
class FetchFailed:
    fault: Fault
    jitter: float


@dataclass(frozen=True, slots=True)
class Compiled:
    checked: Checked
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class HistoryRead:
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """The manager could not be asked (``effect`` ReadHistory or Deploy)."""

    message: str
    jitter: float


@dataclass(frozen=True, slots=True)
class Deployed:
    deploy: Deploy
    outcome: Outcome
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class Stopping:
    """The process was asked to end."""


Event = Began | Hint | Ordered | Fetched | FetchFailed | Compiled | HistoryRead | EngineFailed | Deployed | Stopping


# State


@dataclass(frozen=True, slots=True)
class StackState:
    """All that is known of one stack. ``next_look`` and ``next_engine``: not before this time, but for a hint."""

    policy: Policy
    next_look: float = 0.0
    next_engine: float = 0.0
    look: bool = True
    tip: Tip | None = None
    checked: tuple[Checked, ...] = ()
    fault: Fault | None = None
    git_failures: int = 0
    trials: tuple[Trial, ...] | None = None
    reread: bool = False
    engine_problem: str = ""
    refused: bool = False  # engine_problem is a refusal of the plan, not an absent manager
    engine_failures: int = 0
    done: Done | None = None
    failed: tuple[Trial, ...] = ()  # seen to fail in this process
    accepted: str = ""
    in_git: Fetch | Compile | None = None
    in_engine: ReadHistory | Deploy | None = None
    cancelling: bool = False
    stopping: bool = False

    @property
    def base(self) -> str | None:
        """The commit that a new one must descend from: the last one that was applied."""
        if self.done is not None:
            return self.done.commit
        for trial in reversed(self.trials or ()):
            if trial.phase == "applied" and trial.commit:
                return trial.commit
        return None

    @property
    def unfinished(self) -> Trial | None:
        """An attempt whose process died; it must come to an end."""
        last = self.trials[-1] if self.trials else None
        return last if last is not None and last.open and last.commit else None

    def compiled(self, commit: str) -> Checked | None:
        return next((c for c in self.checked if c.commit == commit), None)

    def quarantine(self, checked: Checked) -> Trial | None:
        """The failed attempt because of which a plan is not tried again by itself.

        A plan whose secrets have other bytes than the one that was seen to fail is another plan.
        """
        seen = next((t for t in self.failed if t.digest == checked.digest), None)
        if seen is not None and seen.content != checked.content:
            return None
        if seen is not None and (self.reread or isinstance(self.in_engine, ReadHistory)):
            return seen  # newer than the journal as we know it
        for trial in (*reversed(self.trials or ()), *self.failed):
            if trial.digest == checked.digest and not trial.open:
                return (seen or trial) if trial.failed else None
        return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the decision is what it is. ``kind``: ready, reconciling, stalled or waiting; ``reason`` a CamelCase word."""

    kind: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """``requeue_at``: decide again then, whatever happens; None while only a running effect can change anything."""

    effects: tuple[Effect, ...]
    verdict: Verdict
    requeue_at: float | None = field(default=None)


def fold(state: StackState, event: Event, now: float) -> StackState:
    """``state`` with one more fact in it."""
    match event:
        case Began(effect):
            return _began(state, effect)
        case Hint():
            return replace(state, look=True)
        case Ordered(accept):
            return replace(state, look=True, reread=True, failed=(), accepted=accept or state.accepted, next_engine=now)
        case Fetched(tip):
            keep = {tip.commit, state.unfinished.commit if state.unfinished else ""}
            return replace(
                state,
                in_git=None,
                tip=tip,
                fault=None,
                git_failures=0,
                next_look=now + state.policy.interval,
                checked=tuple(c for c in state.checked if c.commit in keep and not c.interrupted),
            )
        case FetchFailed(fault, jitter):
            failures = state.git_failures + 1 if fault.temporary else 0
            wait = backoff(failures, jitter) if fault.temporary else state.policy.interval
            return replace(state, in_git=None, fault=fault, git_failures=failures, next_look=now + wait)
        case Compiled(checked, jitter):
            return _compiled(state, checked, jitter, now)
        case HistoryRead(trials):
            return replace(
                state, in_engine=None, trials=trials, reread=False, engine_problem="", refused=False, engine_failures=0
            )
        case EngineFailed(message, jitter):
            return _engine_failed(state, message, jitter, now, refused=False)
        case Deployed():
            return _deployed(state, event, now)
        case Stopping():
            return replace(state, stopping=True)


def _began(state: StackState, effect: Effect) -> StackState:
    match effect:
        case Fetch():
            return replace(state, in_git=effect, look=False)
        case Compile():
            return replace(state, in_git=effect)
        case ReadHistory():
            return replace(state, in_engine=effect, reread=False)
        case Deploy():
            return replace(state, in_engine=effect, cancelling=False)
        case Cancel():
            return replace(state, cancelling=True)


def _compiled(state: StackState, checked: Checked, jitter: float, now: float) -> StackState:
    known = (*(c for c in state.checked if c.commit != checked.commit), checked)
    state = replace(state, in_git=None, checked=known)
    if checked.interrupted:
        failures = state.git_failures + 1
        return replace(state, git_failures=failures, next_look=now + backoff(failures, jitter))
    if state.refused:  # what was refused was another plan
        return replace(state, refused=False, engine_problem="", engine_failures=0, next_engine=now)
    return state


def _engine_failed(state: StackState, message: str, jitter: float, now: float, *, refused: bool) -> StackState:
    failures = state.engine_failures + 1
    return replace(
        state,
        in_engine=None,
        engine_problem=message,
        refused=refused,
        engine_failures=failures,
        next_engine=now + backoff(failures, jitter),
        reread=True,
    )


def _deployed(state: StackState, event: Deployed, now: float) -> StackState:
    deploy, outcome = event.deploy, event.outcome
    idle = replace(state, in_engine=None, reread=True, engine_problem="", refused=False, engine_failures=0)
    match outcome.result:
        case Result.APPLIED | Result.UNCHANGED:
            accepted = "" if state.accepted and deploy.commit.startswith(state.accepted) else state.accepted
            return replace(idle, done=Done(deploy.commit, deploy.digest, outcome.result), accepted=accepted)
        case Result.ROLLED_BACK | Result.FAILED:
            phase, reason = outcome.result.value, outcome.reason
            trial = Trial(deploy.commit, deploy.digest, phase, reason, content=deploy.content)
            return replace(idle, failed=(*(t for t in state.failed if t.digest != deploy.digest), trial))
        case Result.CANCELLED if state.cancelling:
            return idle
        case _:
            refused = outcome.result is Result.REFUSED
            return _engine_failed(state, outcome.reason, event.jitter, now, refused=refused)


# The decision


def decide(state: StackState, now: float) -> Decision:
    """What to begin now. Never two effects in one lane; nothing new while stopping."""
    if state.stopping:
        return Decision((), Verdict("waiting", "Stopping", "the reconciler stops; its next start goes on from here"))
    wanted, verdict = _wanted(state)
    chosen = (_git_lane(state, wanted, now), _engine_lane(state, wanted, now))
    return Decision(tuple(e for e in chosen if e is not None), _told(state, verdict), _requeue_at(state, wanted))


def _held(state: StackState, tip: Tip) -> bool:
    """A commit that leaves the line of what is applied waits for an operator (P15)."""
    if state.base is None or tip.commit == state.base or state.policy.accept_force_push:
        return False
    if state.accepted and tip.commit.startswith(state.accepted):
        return False
    return tip.base == state.base and not tip.descends


def _settled(state: StackState, tip: Tip, digest: str) -> bool:
    """Was this very plan of this commit applied, and did git not move since?"""
    if state.done is not None:
        return (state.done.commit, state.done.digest) == (tip.commit, digest)
    for trial in reversed(state.trials or ()):
        if trial.commit == tip.commit:
            forward = tip.commit == state.base or bool(tip.descends)
            return trial.phase == "applied" and trial.digest == digest and forward
    return False


def _ancestry_open(state: StackState, tip: Tip) -> bool:
    """Is it not known yet whether the tip descends from what is applied?"""
    return state.base is not None and tip.base != state.base and tip.commit != state.base


def _wanted(state: StackState) -> tuple[Deploy | None, Verdict]:
    """The deploy that should run now, if any, and the verdict on the stack."""
    if state.trials is None:
        return None, _engine_verdict(state) or Verdict("reconciling", "Starting", "reading the stack's history")
    deploy, verdict = _wanted_tip(state)
    if deploy is None and verdict.kind != "ready" and (trial := state.unfinished) is not None:
        checked = state.compiled(trial.commit)
        if checked is not None and checked.good:
            return Deploy(trial.commit, checked.digest, checked.content), verdict
    return deploy, verdict


def _wanted_tip(state: StackState) -> tuple[Deploy | None, Verdict]:
    tip = state.tip
    if tip is None:
        return None, _source_verdict(state) or Verdict("reconciling", "Fetching", "fetching the branch")
    if _held(state, tip):
        return None, Verdict(
            "stalled",
            "ForcePush",
            f"commit {short(tip.commit)} does not descend from {short(state.base or '')}, which is applied and stays; "
            f"'reconciler sync --accept {short(tip.commit)} STACK' applies it",
        )
    checked = state.compiled(tip.commit)
    if _ancestry_open(state, tip) or checked is None:
        return None, _source_verdict(state) or Verdict(
            "reconciling", "Compiling", f"reading commit {short(tip.commit)}"
        )
    if not checked.good:
        reason = "SourceAway" if checked.interrupted else "BrokenCommit"
        kind = "reconciling" if checked.interrupted else "stalled"
        return None, Verdict(kind, reason, f"commit {short(tip.commit)}: {checked.problem}")
    if (trial := state.quarantine(checked)) is not None:
        return None, Verdict(
            "stalled",
            "Quarantined",
            f"commit {short(tip.commit)} was tried and is not tried again: {trial.reason or trial.phase}; "
            "push a fix, or 'reconciler clear STACK'",
        )
    if _settled(state, tip, checked.digest) and state.unfinished is None:
        return None, _source_verdict(state) or Verdict("ready", "Applied", f"commit {short(tip.commit)} is applied")
    if state.fault is not None and not state.fault.temporary:  # the branch is gone: what runs stays
        return None, _source_verdict(state) or Verdict("stalled", "Source", state.fault.message)
    verdict = Verdict("reconciling", "Deploying", f"commit {short(tip.commit)} is to be deployed")
    return Deploy(tip.commit, checked.digest, checked.content), verdict


def _told(state: StackState, verdict: Verdict) -> Verdict:
    """The verdict with what is under way in front."""
    if isinstance(state.in_engine, Deploy):
        stops = " (being stopped for a newer commit)" if state.cancelling else ""
        return Verdict("reconciling", "Deploying", f"commit {short(state.in_engine.commit)} is being deployed{stops}")
    if verdict.reason == "Deploying":
        return _engine_verdict(state) or verdict
    return verdict


def _source_verdict(state: StackState) -> Verdict | None:
    if state.fault is None:
        return None
    hint = f"; {state.fault.hint}" if state.fault.hint else ""
    stays = f"; commit {short(state.base)} stays" if state.base else ""
    word = "".join(part.capitalize() for part in state.fault.code.split("-"))
    return Verdict("reconciling" if state.fault.temporary else "stalled", word, state.fault.message + hint + stays)


def _engine_verdict(state: StackState) -> Verdict | None:
    if not state.engine_problem:
        return None
    return Verdict("reconciling", "Refused" if state.refused else "ManagerAway", state.engine_problem)


def _git_lane(state: StackState, wanted: Deploy | None, now: float) -> Effect | None:
    if state.in_git is not None:
        return None
    tip = state.tip
    if tip is not None and not (_ancestry_open(state, tip) or _held(state, tip)) and not state.compiled(tip.commit):
        return Compile(tip.commit)
    if state.look or now >= state.next_look or (tip is not None and state.fault is None and _ancestry_open(state, tip)):
        return Fetch(state.base)
    if wanted is None and (trial := state.unfinished) is not None and not state.compiled(trial.commit):
        return Compile(trial.commit)
    return None


def _engine_lane(state: StackState, wanted: Deploy | None, now: float) -> Effect | None:
    running = state.in_engine
    if isinstance(running, Deploy):
        newer = wanted is not None and wanted.digest != running.digest and wanted.commit != running.commit
        if newer and not state.cancelling and wanted is not None:
            return Cancel(f"commit {short(wanted.commit)} is newer")
        return None
    if running is not None or now < state.next_engine:
        return None
    if state.trials is None or state.reread:
        return ReadHistory()
    return wanted


def _requeue_at(state: StackState, wanted: Deploy | None) -> float | None:
    times = []
    if state.in_git is None:
        times.append(state.next_look)
    if state.in_engine is None and (state.trials is None or state.reread or wanted is not None):
        times.append(state.next_engine)
    return min(times, default=None)


def short(commit: str) -> str:
    """A commit id as people write it."""
    return commit[:10]
