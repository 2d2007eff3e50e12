"""What the agent does next with one task: a pure function of where it is and where it should be."""

from __future__ import annotations

from enum import Enum

from reconciler.manager.model import TaskState


class Step(Enum):
    NONE = "nothing to do"
    ACCEPT = "take the task over"
    PREPARE = "build the task's folder"
    START = "start the task, or go on waiting for its first healthy probe"
    WAIT = "wait for the task to end"
    STOP = "stop the task"


def next_step(observed: TaskState, desired: TaskState) -> Step:
    """SwarmKit's agent step function (agent/exec/controller.go), one step per call.

    ``desired == READY`` parks a task at ready. Below ``ASSIGNED`` a task is not the agent's yet.
    """
    if observed < TaskState.ASSIGNED:
        return Step.NONE
    if desired >= TaskState.SHUTDOWN:
        return Step.NONE if observed >= TaskState.COMPLETE else Step.STOP
    if observed > desired:
        return Step.NONE
    if observed == TaskState.PREPARING:
        return Step.PREPARE  # even past desired: a half-built folder is of no use to anyone
    if observed == TaskState.STARTING:
        return Step.START
    if observed == TaskState.RUNNING:
        return Step.WAIT
    if observed >= desired:
        return Step.NONE
    if observed == TaskState.ASSIGNED:
        return Step.ACCEPT
    if observed == TaskState.ACCEPTED:
        return Step.PREPARE
    if observed == TaskState.READY:
        return Step.START
    return Step.NONE
