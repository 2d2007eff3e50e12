"""The orchestrator of the built-in manager: Swarm's rules for services and tasks, as one pure function.

``step(cluster, memory, now, choices)`` looks at a snapshot and says what to change. Reading order:

=================  ====================================================================================
``step``           the order in which things are looked at
``memory``         what is remembered between steps, as values
``draft``          the working copy of a step; the laws of task states
``replicated``     how many slots, which are removed first
``global_``        one task per node
``slots``          which tasks of a slot an update has to do with
``dirty``          when a task is out of date
``updater``        the rolling update, failure actions, rollback
``restart``        the restart policy, delayed starts
``reaper``         history and deletion of tasks
``nodes``          tasks a node can no longer keep
``resume``         the first step after the manager has started
``revision``       what an API update or rollback does to a service object
=================  ====================================================================================

Where tasks go is decided by ``reconciler.manager.scheduler``.

Swarm's behaviour is repeated, its accidents included, because a deployment that was tried here must go the same way
there. On purpose different are only:

* Races are decided, for the worse: a free update worker takes its next slot before a failure is read.
* A task that no node has is shut down at once when it is given up, and a pending task is never dropped from the queue;
  Swarm can leave both pending for ever.
* An update of a global service without tasks completes; in Swarm its status stays as it is.
* ``FailureAction: rollback`` in a RollbackConfig pauses; Swarm writes that and then reports success.
* States change without Swarm's batching delays (50 to 250 ms each).
* Jobs are not run.
"""

from reconciler.manager.orchestrator.draft import Choices, Step
from reconciler.manager.orchestrator.memory import Memory
from reconciler.manager.orchestrator.step import step

__all__ = ["Choices", "Memory", "Step", "step"]
