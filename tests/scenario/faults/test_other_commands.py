"""`rm`, `rollback` and `apply --detach` under the same faults."""

from __future__ import annotations

import pytest
from fault_rollout import APPLY, Rig
from fault_sweep import settled
from lab.faults import Fault

GENTLE = [Fault.CUT_BEFORE, Fault.CUT_AFTER]


def kill_when_told(rig: Rig, number: int, fault: Fault, *arguments: str) -> tuple[int, str]:
    """The command with a fault at this write. The exit code, -9 when it was killed, and what it said."""
    from queue import SimpleQueue

    victims: SimpleQueue[object] = SimpleQueue()

    def kill() -> None:
        victim = victims.get()
        victim.kill()  # type: ignore[attr-defined]
        victim.wait()  # type: ignore[attr-defined]

    rig.faults.arm(number, fault, kill, only_writes=True)
    process = rig.start(*arguments)
    victims.put(process)
    out, err = process.communicate(timeout=150)
    assert "Traceback" not in out + err, out + err
    return process.returncode, out + err


@pytest.mark.parametrize("fault", [*GENTLE, Fault.KILL_AFTER])
def test_rm(local: Rig, fault: Fault) -> None:
    for number in (1, 5, 8):
        local.write(local.step + 1)
        assert local.rollout(local.manager).ok
        code, said = kill_when_told(local, number, fault, "rm", "--yes", local.stack)
        assert local.faults.fired, said
        if fault is Fault.KILL_AFTER:
            assert code == -9
            again, said = local.cli("rm", "--yes", local.stack, through=local.manager)
            assert again == 0 or "there is no stack" in said, said
        else:
            assert (code, "is gone" in said) == (0, True), said
        state = local.state()
        assert not any((state["services"], state["networks"], state["configs"], state["secrets"], state["last"]))


@pytest.mark.parametrize("fault", [*GENTLE, Fault.KILL_AFTER])
def test_rollback(local: Rig, fault: Fault) -> None:
    """To the revision before; also when the command has to be given twice."""
    settled(local)
    first = local.step  # what each rollback returns to, the last one included
    for number in (1, 4, 7):
        local.write(first + number)
        assert local.rollout(local.manager).ok
        code, said = kill_when_told(local, number, fault, "rollback", local.stack, "--yes")
        if fault is Fault.KILL_AFTER and local.faults.fired:
            assert code == -9, said
            again, said = local.cli("rollback", local.stack, "--yes", through=local.manager)
            assert again == 0, said
        else:
            assert code == 0, said
        local.step = first
        state = local.state()
        assert state["services"]["S_web"]["env"] == ["V=N"], said
        assert state["services"]["S_web"]["configs"] == [True], said
        assert (state["open"], state["last"]) == ([], "applied"), said


@pytest.mark.parametrize("fault", [*GENTLE, Fault.KILL_AFTER, Fault.ERROR_500_AFTER])
def test_detached(local: Rig, fault: Fault) -> None:
    expected = settled(local)
    for number in (5, 7):
        local.write(local.step + 1)
        code, said = kill_when_told(local, number, fault, *APPLY, "--detach", local.stack)
        assert code == (-9 if fault is Fault.KILL_AFTER else 0), said
        code, said = local.apply(through=local.manager)
        assert code == 0, said
        assert local.state() == expected, said
