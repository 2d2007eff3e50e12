"""What is repeated, how long, and what a lost answer to a write means."""

from __future__ import annotations

import pytest

from reconciler.engine import EngineError, patience
from reconciler.engine.errors import of_answer
from reconciler.engine.patience import Patience

LOST = EngineError("unreachable", "connection reset")
GONE = EngineError("unreachable", "nobody listens", absent=True)
EXISTS = of_answer(409, "name conflicts with an existing object")
CONFLICT = of_answer(500, "rpc error: code = Unknown desc = update out of sequence")
ODD = of_answer(500, "rpc error: code = Unknown desc = odd")
LOCKED = of_answer(503, "Swarm is encrypted and needs to be unlocked before it can be used.")


class World:
    """A clock that sleeping moves, and an engine that answers what it is told, the last answer for good."""

    def __init__(self, *answers: object) -> None:
        self.time = 0.0
        self.answers = list(answers)
        self.asked = 0
        self.told: list[str] = []
        self.held = 0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def hold(self) -> None:
        self.held += 1

    def patience(self, seconds: float = 10.0, *, absent: bool = True) -> Patience:
        return Patience(
            seconds=seconds,
            absent=absent,
            now=lambda: self.time,
            sleep=self.sleep,
            tell=self.told.append,
            hold=self.hold,
        )

    def ask(self) -> object:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def never() -> None:
    return None


def test_a_read_is_repeated_until_it_is_answered_and_people_are_told_once() -> None:
    world = World(*[LOST] * 6, "answer")
    assert patience.read(world.patience(), world.ask) == "answer"
    assert len(world.told) == 2
    assert world.told[0].startswith("waiting up to")
    assert world.told[1].startswith("the engine answers again")


def test_a_short_hiccup_is_not_told() -> None:
    world = World(LOST, "answer")
    assert patience.read(world.patience(), world.ask) == "answer"
    assert world.told == []


def test_patience_ends() -> None:
    world = World(LOST)
    with pytest.raises(EngineError, match="connection reset"):
        patience.read(world.patience(10), world.ask)
    assert 10 <= world.time <= 13


@pytest.mark.parametrize("error", [LOCKED, of_answer(400, "bad"), of_answer(404, "no"), CONFLICT, EXISTS])
def test_what_waiting_does_not_mend_is_told_at_once(error: EngineError) -> None:
    world = World(error)
    with pytest.raises(EngineError):
        patience.write(world.patience(), world.ask, never)
    assert (world.asked, world.time) == (1, 0.0)


def test_an_engine_that_is_not_there_is_waited_for_in_a_rollout_only() -> None:
    assert patience.read(World(GONE, 1).patience(), World(GONE, 1).ask) == 1
    world = World(GONE, 1)
    with pytest.raises(EngineError):
        patience.read(world.patience(absent=False), world.ask)


def test_an_error_of_the_engine_itself_is_believed_the_third_time() -> None:
    world = World(ODD)
    with pytest.raises(EngineError, match="odd"):
        patience.read(world.patience(), world.ask)
    assert world.asked == 3


def test_the_engine_says_how_long_to_wait() -> None:
    world = World(of_answer(429, "busy", 7.0), "answer")
    assert patience.read(world.patience(), world.ask) == "answer"
    assert world.time == 7.0
    world = World(of_answer(503, "busy", 700.0), "answer")
    with pytest.raises(EngineError):
        patience.read(world.patience(), world.ask)
    assert world.time == 0.0


def test_a_write_whose_effect_is_there_is_not_sent_again() -> None:
    world = World(LOST, "again")
    assert patience.write(world.patience(), world.ask, lambda: "found") == "found"
    assert world.asked == 1


def test_a_write_without_effect_is_sent_again_if_that_is_still_ours_to_do() -> None:
    world = World(LOST, "again")
    assert patience.write(world.patience(), world.ask, never) == "again"
    assert world.held == 1


def test_what_exists_after_a_lost_answer_may_be_ours() -> None:
    looks: list[object] = [None, "ours"]
    world = World(LOST, EXISTS)
    assert patience.write(world.patience(), world.ask, lambda: looks.pop(0)) == "ours"
    with pytest.raises(EngineError, match="name conflicts"):
        patience.write(World().patience(), World(LOST, EXISTS).ask, never)


def test_what_is_gone_after_a_lost_answer_was_removed_by_us() -> None:
    def remove(*answers: object) -> None:
        world = World(*answers)

        def send() -> None:
            world.ask()

        patience.remove(world.patience(), send)

    remove(LOST, of_answer(404, "not found"))
    with pytest.raises(EngineError, match="not found"):
        remove(of_answer(404, "not found"))
