"""The engine itself ends in the middle of a rollout and comes back; and comes back locked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from fault_rollout import Rig
from lab import images
from lab.engine import Engine, LabError, new_engine, unavailable
from lab.faults import Fault

from reconciler.rollout import Outcome


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """One that may be killed."""
    if reason := unavailable():
        pytest.skip(f"engine: {reason}")
    try:
        engine = new_engine()
    except LabError as error:
        pytest.skip(f"engine: {error}")
    try:
        images.provide(engine, "box", "process/box:v1")
        yield engine
    finally:
        engine.remove()


@pytest.mark.soak  # on a busy machine 20.10 rejects the first tasks after a restart, and its update then pauses
@pytest.mark.engine
def test_a_rollout_outlives_its_engine(own_engine: Engine) -> None:
    rig = Rig(own_engine.host, "restart")
    try:
        rig.write(1)
        assert rig.rollout(rig.manager).ok
        expected = rig.state()
        rig.write(2)
        reached, killed = threading.Event(), threading.Event()

        def cut() -> None:
            reached.set()
            killed.wait(60)

        rig.faults.arm(6, Fault.KILL_AFTER, cut, only_writes=True)
        outcomes: list[Outcome | Exception] = []

        def roll() -> None:
            try:
                outcomes.append(rig.rollout(rig.faults.host))
            except Exception as error:
                outcomes.append(error)

        rollout = threading.Thread(target=roll)
        rollout.start()
        assert reached.wait(60)
        own_engine.kill()
        killed.set()
        time.sleep(2)
        own_engine.start()
        rollout.join(120)
        assert outcomes
        assert isinstance(outcomes[0], Outcome), outcomes
        assert outcomes[0].ok, outcomes
        assert any(note.startswith("waiting up to") for note in rig.notes), rig.notes
        assert any(note.startswith("the engine answers again") for note in rig.notes), rig.notes
        found = rig.state()
        assert {k: found[k] for k in ("services", "networks", "open", "last")} == {
            k: expected[k] for k in ("services", "networks", "open", "last")
        }

        own_engine.docker("swarm", "update", "--autolock=true")
        own_engine.kill()
        own_engine.start()
        code, said = rig.apply()
        assert code == 1
        assert "docker swarm unlock" in said
    finally:
        rig.close()
