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
"""

from reconciler.manager.orchestrator.draft import Choices, Step
from reconciler.manager.orchestrator.memory import Memory
from reconciler.manager.orchestrator.step import step

__all__ = ["Choices", "Memory", "Step", "step"]
