"""``reconciler.decide`` against many small worlds on a virtual clock: pushes, force-pushes, broken and bad commits,
remotes and managers that go away, ``kill -9`` at any moment. The world keeps the rules of the journal; the decisions
are the real ones.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import decide as d
from reconciler.rollout.outcome import Outcome, Result
from reconciler.sources.faults import Fault

INTERVAL = 30.0


@dataclass
class World:
    """Git, manager and journal. A digest that begins with "bad" fails its rollout; an empty one is a broken file."""

    random: random.Random
    parents: dict[str, str | None] = field(default_factory=lambda: {"c0": None})
    digests: dict[str, str] = field(default_factory=lambda: {"c0": "good0"})
    branch: str | None = "c0"
    remote_up: bool = True
    engine_up: bool = True
    journal: list[d.Trial] = field(default_factory=list)
    live: str = ""
    names: count[int] = field(default_factory=lambda: count(1))

    def commit(self, parent: str | None, digest: str) -> str:
        name = f"c{next(self.names)}"
        self.parents[name], self.digests[name] = parent, digest
        return name

    def descends(self, commit: str, base: str) -> bool:
        at: str | None = commit
        while at is not None and at != base:
            at = self.parents[at]
        return at == base


class Run:
    """One process after another over one world."""

    def __init__(self, world: World, policy: d.Policy) -> None:
        self.world = world
        self.policy = policy
        self.now = 0.0
        self.timers: list[tuple[float, int, int, object]] = []
        self.order = count()
        self.process = 0
        self.deploys: list[d.Deploy] = []
        self.start()

    def start(self) -> None:
        self.process += 1
        self.cancel_running = False
        self.state = d.StackState(self.policy, next_look=self.now, next_engine=self.now)
        self.step()

    def kill(self) -> None:
        """kill -9: what the process knew is gone; an attempt under way stays open in the journal."""
        self.start()

    def after(self, seconds: float, what: object) -> None:
        heapq.heappush(self.timers, (self.now + seconds, next(self.order), self.process, what))

    def step(self, event: d.Event | None = None) -> None:
        if event is not None:
            self.state = d.fold(self.state, event, self.now)
        for _ in range(10):
            decision = d.decide(self.state, self.now)
            self.check(decision)
            for effect in decision.effects:
                self.state = d.fold(self.state, d.Began(effect), self.now)
                self.begin(effect)
            if not decision.effects:
                break
        else:
            raise AssertionError(f"decide never rests: {decision}")
        if decision.requeue_at is not None:
            self.after(max(0.0, decision.requeue_at - self.now), None)
        else:
            assert self.state.in_git is not None, "nothing would ever wake this stack again"

    def check(self, decision: d.Decision) -> None:
        state, world = self.state, self.world
        git = [e for e in decision.effects if isinstance(e, d.Fetch | d.Compile)]
        engine = [e for e in decision.effects if isinstance(e, d.ReadHistory | d.Deploy)]
        assert len(git) + (state.in_git is not None) <= 1
        assert len(engine) + (state.in_engine is not None) <= 1
        assert decision.verdict.kind in ("ready", "reconciling", "stalled")
        assert decision.verdict.message
        for effect in engine:
            if not isinstance(effect, d.Deploy):
                continue
            open_ = world.journal[-1] if world.journal and world.journal[-1].open else None
            resumed = open_ is not None and open_.commit == effect.commit
            assert effect.digest == world.digests[effect.commit]
            assert effect.digest, "a broken file was deployed"
            ended = [t for t in world.journal if t.digest == effect.digest and not t.open]
            assert not (ended and ended[-1].failed), "a quarantined plan was tried again"
            if not self.policy.accept_force_push and not resumed and state.base is not None:
                assert world.descends(effect.commit, state.base) or effect.commit == state.accepted

    def begin(self, effect: d.Effect) -> None:
        pause = self.world.random.choice([0.01, 0.2, 5.0])
        if isinstance(effect, d.Cancel):
            self.cancel_running = True
            return
        if isinstance(effect, d.Deploy):
            self.cancel_running = False
            self.deploys.append(effect)
            pause *= 4
            if self.world.engine_up:
                self.begin_attempt(effect)
        self.after(pause, effect)

    def begin_attempt(self, effect: d.Deploy) -> None:
        journal = self.world.journal
        if journal and journal[-1].open:
            if journal[-1].digest == effect.digest:
                return  # goes on with it
            ended = "rolled-back" if journal[-1].phase == "rolling-back" else "cancelled"
            journal[-1] = replace(journal[-1], phase=ended)
        if self.world.live != effect.digest:
            journal.append(d.Trial(effect.commit, effect.digest, "applying"))
            if effect.digest.startswith("bad") and self.world.random.random() < 0.5:
                journal[-1] = replace(journal[-1], phase="rolling-back")

    def tick(self) -> None:
        at, _, process, what = heapq.heappop(self.timers)
        self.now = max(self.now, at)
        if process != self.process:
            return  # of a process that was killed
        jitter = self.world.random.random()
        match what:
            case None:
                self.step()
            case d.Fetch(base):
                self.step(self.fetched(base, jitter))
            case d.Compile(commit):
                digest = self.world.digests[commit]
                if not self.world.remote_up and jitter < 0.3:
                    self.step(d.Compiled(d.Checked(commit, problem="git died", interrupted=True), jitter))
                else:
                    self.step(d.Compiled(d.Checked(commit, digest, "" if digest else "broken"), jitter))
            case d.ReadHistory():
                up = self.world.engine_up
                self.step(d.HistoryRead(tuple(self.world.journal)) if up else d.EngineFailed("away", jitter))
            case d.Deploy():
                self.step(self.deployed(what, jitter))

    def fetched(self, base: str | None, jitter: float) -> d.Event:
        world = self.world
        if not world.remote_up:
            return d.FetchFailed(Fault("remote-away", True, "away"), jitter)
        if world.branch is None:
            return d.FetchFailed(Fault("branch-missing", False, "gone"), jitter)
        descends = None if base is None else world.descends(world.branch, base)
        return d.Fetched(d.Tip(world.branch, base, descends))

    def deployed(self, effect: d.Deploy, jitter: float) -> d.Event:
        world = self.world
        trial = world.journal[-1] if world.journal else None
        if not world.engine_up:
            return d.EngineFailed("away", jitter)
        if trial is None or not trial.open:
            return d.Deployed(effect, Outcome(result=Result.UNCHANGED, reason=""), jitter)
        if trial.digest.startswith("bad") and (trial.phase == "rolling-back" or not self.cancel_running):
            world.journal[-1] = replace(trial, phase="rolled-back", reason="unhealthy")
            return d.Deployed(effect, Outcome(result=Result.ROLLED_BACK, reason="unhealthy"), jitter)
        if self.cancel_running:
            world.journal[-1] = replace(trial, phase="cancelled")
            return d.Deployed(effect, Outcome(result=Result.CANCELLED, reason="newer"), jitter)
        world.journal[-1] = replace(trial, phase="applied")
        world.live = trial.digest
        return d.Deployed(effect, Outcome(result=Result.APPLIED, reason=""), jitter)

    def until(self, time: float) -> None:
        while self.timers and self.timers[0][0] <= time:
            self.tick()
        self.now = max(self.now, time)


def happens(run: Run, what: str) -> None:
    world = run.world
    tip = world.branch or "c0"
    match what:
        case "push":
            world.branch = world.commit(tip, f"good{len(world.digests)}")
        case "push bad":
            world.branch = world.commit(tip, f"bad{len(world.digests)}")
        case "push broken":
            world.branch = world.commit(tip, "")
        case "push empty":
            world.branch = world.commit(tip, world.digests[tip])
        case "revert":
            world.branch = world.commit(tip, world.digests[world.parents[tip] or "c0"])
        case "force-push":
            world.branch = world.commit(world.parents[tip], f"good{len(world.digests)}")
        case "reset":
            world.branch = world.parents[tip] or tip
        case "delete branch":
            world.branch = None
        case "remote":
            world.remote_up = not world.remote_up
        case "engine":
            world.engine_up = not world.engine_up
        case "kill":
            run.kill()
        case "hint":
            run.step(d.Hint())
        case "accept":
            run.step(d.Ordered(accept=tip))


STEPS = ["push", "push", "push bad", "push broken", "push empty", "revert", "force-push", "reset", "delete branch"]
STEPS += ["remote", "engine", "kill", "kill", "hint", "accept"]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([0.0, 0.005, 0.1, 1.0, 20.0])), max_size=25),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_it_converges_and_never_does_what_it_must_not(
    steps: list[tuple[str, float]], seed: int, accept_force_push: bool
) -> None:
    run = Run(World(random.Random(seed)), d.Policy(INTERVAL, accept_force_push))
    for what, pause in steps:
        happens(run, what)
        run.until(run.now + pause)
    # Faults end, and a good commit on top of what is applied is pushed. No hint: every event may get lost.
    world = run.world
    world.remote_up = world.engine_up = True
    run.until(run.now + 2 * d.BACKOFF_CAP)
    assert not any(t.open for t in world.journal), "an attempt whose process died was left as it was"
    applied = [t.commit for t in world.journal if t.phase == "applied"]
    world.branch = world.commit((run.state.base or (applied[-1] if applied else "c0")), "good-final")
    run.until(run.now + 2 * INTERVAL + 60)
    assert world.live == "good-final"
    assert run.state.in_engine is None
    assert d.decide(run.state, run.now).verdict.reason == "Applied"
    # From here on nothing is written, whatever the polls see.
    before = list(run.deploys)
    run.until(run.now + 20 * INTERVAL)
    assert run.deploys == before


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.sampled_from([0.01, 0.3, 4.0, 31.0]), max_size=6))
def test_a_bad_commit_is_tried_once_and_the_fix_is_deployed(seed: int, kills: list[float]) -> None:
    run = Run(World(random.Random(seed)), d.Policy(INTERVAL))
    run.until(60)
    happens(run, "push bad")
    bad = run.world.branch
    for pause in kills:
        run.until(run.now + pause)
        run.kill()
    run.until(run.now + 1000 * INTERVAL)
    assert [t.phase for t in run.world.journal if t.commit == bad] == ["rolled-back"]
    assert d.decide(run.state, run.now).verdict.reason == "Quarantined"
    happens(run, "push")
    run.until(run.now + 2 * INTERVAL)
    assert run.world.live == run.world.digests[run.world.branch or ""]
