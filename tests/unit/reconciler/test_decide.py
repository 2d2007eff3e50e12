"""Single decisions of ``reconciler.decide``: what is begun, what is told, when it is looked at again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.decide import (
    BACKOFF_CAP,
    Began,
    Cancel,
    Checked,
    Compile,
    Compiled,
    Deploy,
    Deployed,
    Effect,
    EngineFailed,
    Event,
    Fetch,
    Fetched,
    FetchFailed,
    Hint,
    HistoryRead,
    Ordered,
    Policy,
    ReadHistory,
    StackState,
    Stopping,
    Tip,
    Trial,
    backoff,
    decide,
    fold,
)
from reconciler.rollout.outcome import Outcome, Result
from reconciler.sources.faults import Fault

A, B, C = "a" * 40, "b" * 40, "c" * 40
AWAY = Fault("remote-away", True, "cannot fetch: no route")
GONE = Fault("branch-missing", False, "the branch does not exist", "push it")
APPLIED = Trial(A, "d-a", "applied")


def after(*events: Event, policy: Policy | None = None, now: float = 0.0) -> StackState:
    state = StackState(policy or Policy(30.0))
    for event in events:
        state = fold(state, event, now)
    return state


def effects(state: StackState, now: float = 1.0) -> tuple[Effect, ...]:
    return decide(state, now).effects


def told(state: StackState, now: float = 1.0) -> tuple[str, str]:
    verdict = decide(state, now).verdict
    return verdict.kind, verdict.reason


def good(commit: str, digest: str = "") -> Compiled:
    return Compiled(Checked(commit, digest or f"d-{commit[0]}"))


def looked(tip: Tip, *more: Event, trials: tuple[Trial, ...] = (APPLIED,), policy: Policy | None = None) -> StackState:
    """A state that has seen the history and the tip, with nothing under way."""
    first = (HistoryRead(trials), Began(Fetch(None)), Fetched(tip))
    return after(*first, *more, policy=policy)


def outcome(result: Result, reason: str = "why") -> Outcome:
    return Outcome(result=result, reason=reason)


def test_at_the_start_both_lanes_look() -> None:
    assert effects(after()) == (Fetch(None), ReadHistory())
    assert told(after()) == ("reconciling", "Starting")


def test_first_deploy() -> None:
    state = looked(Tip(A, None, None), trials=())
    assert effects(state) == (Compile(A),)
    state = fold(state, good(A), 1.0)
    assert effects(state) == (Deploy(A, "d-a"),)
    state = fold(fold(state, Began(Deploy(A, "d-a")), 1.0), Deployed(Deploy(A, "d-a"), outcome(Result.APPLIED)), 9.0)
    assert effects(state, 9.0) == (ReadHistory(),)
    state = fold(state, HistoryRead((APPLIED,)), 9.0)
    assert effects(state, 9.0) == ()
    assert told(state, 9.0) == ("ready", "Applied")


def test_after_a_restart_an_applied_commit_is_left_alone() -> None:
    state = looked(Tip(A, None, None), good(A))
    assert effects(state) == ()
    assert told(state) == ("ready", "Applied")


def test_another_plan_of_the_same_commit_is_deployed() -> None:
    """The environment in reconciler.yaml was changed."""
    assert effects(looked(Tip(A, None, None), good(A, "d-other"))) == (Deploy(A, "d-other"),)


def test_an_operators_rollback_is_respected_after_a_restart() -> None:
    trials = (APPLIED, Trial(B, "d-b", "applied"), replace(APPLIED))
    state = looked(Tip(B, A, True), good(B), trials=trials)
    assert effects(state) == ()


def test_ancestry_is_asked_for_before_a_new_commit_is_deployed() -> None:
    state = looked(Tip(B, None, None), good(B))
    assert effects(state) == (Fetch(A),)
    state = fold(fold(state, Began(Fetch(A)), 1.0), Fetched(Tip(B, A, True)), 1.0)
    assert effects(state) == (Deploy(B, "d-b"),)


def test_a_force_push_is_held_and_not_even_compiled() -> None:
    state = looked(Tip(B, A, False))
    assert effects(state) == ()
    assert told(state) == ("stalled", "ForcePush")
    assert "--accept bbbbbbbbbb" in decide(state, 1.0).verdict.message


def test_an_operator_accepts_a_force_push_by_its_commit_only() -> None:
    state = fold(looked(Tip(B, A, False), good(B)), Ordered(accept="cccccccc"), 1.0)
    state = fold(fold(state, Began(Fetch(A)), 1.0), HistoryRead((APPLIED,)), 1.0)
    state = fold(state, Fetched(Tip(B, A, False)), 1.0)
    assert told(state) == ("stalled", "ForcePush")
    state = fold(fold(state, Ordered(accept="bbbbbbbb"), 1.0), Began(Fetch(A)), 1.0)
    state = fold(fold(state, Fetched(Tip(B, A, False)), 1.0), HistoryRead((APPLIED,)), 1.0)
    assert effects(state) == (Deploy(B, "d-b"),)


def test_a_force_push_back_to_an_old_commit_is_deployed_again_once_accepted() -> None:
    trials = (APPLIED, Trial(B, "d-b", "applied"))
    state = looked(Tip(A, B, False), good(A), trials=trials, policy=Policy(30.0, accept_force_push=True))
    assert effects(state) == (Deploy(A, "d-a"),)


def test_a_broken_commit_changes_nothing_and_says_why() -> None:
    state = looked(Tip(B, A, True), Compiled(Checked(B, problem="stack.yml:3:1: unknown key")))
    assert effects(state) == ()
    assert told(state) == ("stalled", "BrokenCommit")
    assert "stack.yml:3:1" in decide(state, 1.0).verdict.message


def test_what_failed_is_not_tried_again_until_the_digest_changes_or_it_is_cleared() -> None:
    failed = Trial(B, "d-b", "rolled-back", "web: unhealthy")
    state = looked(Tip(B, A, True), good(B), trials=(APPLIED, failed))
    assert effects(state) == ()
    assert told(state) == ("stalled", "Quarantined")
    assert "web: unhealthy" in decide(state, 1.0).verdict.message
    same = looked(Tip(C, A, True), good(C, "d-b"), trials=(APPLIED, failed))
    assert told(same) == ("stalled", "Quarantined")
    assert effects(looked(Tip(C, A, True), good(C), trials=(APPLIED, failed))) == (Deploy(C, "d-c"),)
    cleared = looked(Tip(B, A, True), good(B), trials=(APPLIED, replace(failed, cleared=True)))
    assert effects(cleared) == (Deploy(B, "d-b"),)


def test_a_fix_that_changes_only_the_bytes_of_a_secret_is_deployed() -> None:
    deploy = Deploy(B, "d-b", "old bytes")
    failed = Trial(B, "d-b", "rolled-back", "web: unhealthy")
    ended = (Began(deploy), Deployed(deploy, outcome(Result.ROLLED_BACK)), HistoryRead((APPLIED, failed)))
    state = looked(Tip(B, A, True), Compiled(Checked(B, "d-b", "old bytes")), *ended)
    assert told(state) == ("stalled", "Quarantined")
    state = fold(fold(state, Fetched(Tip(C, A, True)), 1.0), Compiled(Checked(C, "d-b", "new bytes")), 1.0)
    assert effects(state) == (Deploy(C, "d-b", "new bytes"),)


@pytest.mark.parametrize("result", [Result.ROLLED_BACK, Result.FAILED])
def test_a_failure_is_remembered_even_when_the_journal_does_not_show_it(result: Result) -> None:
    deploy = Deploy(B, "d-b")
    state = looked(Tip(B, A, True), good(B), Began(deploy), Deployed(deploy, outcome(result)), HistoryRead((APPLIED,)))
    assert told(state) == ("stalled", "Quarantined")
    assert effects(state) == ()


def test_what_was_cleared_and_fails_again_is_in_quarantine_at_once() -> None:
    deploy = Deploy(B, "d-b")
    cleared = Trial(B, "d-b", "rolled-back", "first time", cleared=True)
    state = looked(Tip(B, A, True), good(B), trials=(APPLIED, cleared))
    state = fold(fold(state, Began(deploy), 1.0), Deployed(deploy, outcome(Result.ROLLED_BACK)), 1.0)
    assert told(state) == ("stalled", "Quarantined")
    assert effects(state) == (ReadHistory(),)
    assert told(fold(state, Began(ReadHistory()), 1.0)) == ("stalled", "Quarantined")


def test_a_newer_good_commit_stops_a_running_rollout() -> None:
    running = looked(Tip(B, A, True), good(B), Began(Deploy(B, "d-b")), Began(Fetch(A)), Fetched(Tip(C, A, True)))
    assert effects(running) == (Compile(C),)
    broken = fold(running, Compiled(Checked(C, problem="x")), 1.0)
    assert effects(broken) == ()
    same_plan = fold(running, good(C, "d-b"), 1.0)
    assert effects(same_plan) == ()
    newer = fold(running, good(C), 1.0)
    assert effects(newer) == (Cancel("commit cccccccccc is newer"),)
    newer = fold(newer, Began(Cancel("x")), 1.0)
    assert effects(newer) == ()
    ended = fold(newer, Deployed(Deploy(B, "d-b"), outcome(Result.CANCELLED)), 2.0)
    ended = fold(fold(ended, Began(ReadHistory()), 2.0), HistoryRead((APPLIED, Trial(B, "d-b", "cancelled"))), 2.0)
    assert effects(ended, 2.0) == (Deploy(C, "d-c"),)


def test_an_attempt_whose_process_died_is_finished_although_the_branch_is_broken_now() -> None:
    trials = (APPLIED, Trial(B, "d-b", "rolling-back"))
    state = looked(Tip(C, A, True), Compiled(Checked(C, problem="broken")), trials=trials)
    assert effects(state) == (Compile(B),)
    assert effects(fold(state, good(B), 1.0)) == (Deploy(B, "d-b"),)


def test_an_attempt_whose_process_died_is_ended_when_the_branch_went_back_to_what_is_applied() -> None:
    state = looked(Tip(A, A, True), good(A), trials=(APPLIED, Trial(B, "d-b", "applying")))
    assert effects(state) == (Deploy(A, "d-a"),)


def test_an_attempt_whose_process_died_is_finished_although_the_remote_is_away() -> None:
    trials = (APPLIED, Trial(B, "d-b", "applying"))
    state = after(HistoryRead(trials), Began(Fetch(None)), FetchFailed(AWAY, 0.5))
    assert effects(state, 0.1) == (Compile(B),)
    assert effects(fold(state, good(B), 0.1), 0.1) == (Deploy(B, "d-b"),)


def test_a_remote_that_is_away_is_asked_again_with_growing_pauses() -> None:
    state, waits = looked(Tip(A, None, None), good(A)), []
    for _ in range(12):
        state = fold(fold(state, Began(Fetch(A)), 0.0), FetchFailed(AWAY, 0.5), 0.0)
        waits.append(decide(state, 0.0).requeue_at)
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] == BACKOFF_CAP
    assert told(state) == ("reconciling", "RemoteAway")
    assert "commit aaaaaaaaaa stays" in decide(state, 1.0).verdict.message
    state = fold(state, Hint(), 0.0)
    assert effects(state, 0.0) == (Fetch(A),)


def test_a_branch_that_is_gone_holds_and_is_looked_at_at_the_interval() -> None:
    state = looked(Tip(A, None, None), good(A), Began(Fetch(A)), FetchFailed(GONE, 0.5))
    assert told(state) == ("stalled", "BranchMissing")
    assert decide(state, 1.0).requeue_at == 30.0
    new = looked(Tip(B, A, True), good(B), Began(Fetch(A)), FetchFailed(GONE, 0.5))
    assert effects(new) == ()  # what was fetched before is not deployed any more


def test_a_manager_that_is_away_is_asked_again() -> None:
    state = after(Began(ReadHistory()), EngineFailed("no socket", 0.5))
    assert told(state) == ("reconciling", "ManagerAway")
    decision = decide(fold(state, Began(Fetch(None)), 0.0), 0.5)
    assert decision.requeue_at == 1.0
    assert ReadHistory() in effects(state, 1.0)


def test_a_refusal_is_tried_again_later_but_another_plan_at_once() -> None:
    deploy = Deploy(B, "d-b")
    state = looked(Tip(B, A, True), good(B), Began(deploy), Deployed(deploy, outcome(Result.REFUSED, "held by eve")))
    assert told(state) == ("reconciling", "Refused")
    assert effects(state, 0.5) == ()
    assert decide(state, 0.5).requeue_at == 1.0
    state = fold(fold(state, Began(Fetch(A)), 0.5), Fetched(Tip(C, A, True)), 0.5)
    state = fold(fold(state, good(C), 0.5), HistoryRead((APPLIED,)), 0.5)
    assert effects(state, 0.5) == (Deploy(C, "d-c"),)


def test_an_empty_commit_is_deployed_to_see_that_nothing_changed() -> None:
    """Only the manager can tell: secrets count by their length in a digest."""
    state = looked(Tip(B, A, True), good(B, "d-a"))
    assert effects(state) == (Deploy(B, "d-a"),)
    done = fold(fold(state, Began(Deploy(B, "d-a")), 1.0), Deployed(Deploy(B, "d-a"), outcome(Result.UNCHANGED)), 1.0)
    done = fold(done, HistoryRead((APPLIED,)), 1.0)
    assert told(done) == ("ready", "Applied")
    assert done.base == B


def test_a_poll_is_never_forgotten() -> None:
    state = looked(Tip(A, None, None), good(A))
    assert decide(state, 1.0).requeue_at == 30.0
    assert effects(state, 30.0) == (Fetch(A),)


def test_nothing_is_begun_while_stopping() -> None:
    state = looked(Tip(B, A, True), good(B), Stopping())
    assert decide(state, 100.0).effects == ()


def test_backoff_is_spread_and_capped() -> None:
    assert [backoff(n, 0.5) for n in (1, 2, 3, 30, 10**6)] == [1, 2, 4, 300, 300]
    assert (backoff(1, 0.0), backoff(1, 0.999)) == (0.5, pytest.approx(1.5, abs=0.01))
