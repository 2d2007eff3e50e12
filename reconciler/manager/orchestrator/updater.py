"""Rolling updates: Docker's updater, as a value that is moved forward.

The life of an update::

    begin ─► hand out dirty slots to workers ─► wait for the last workers ─► monitor ─► completed
                     │ too many failures                                         │
                     └──────────► paused / rolled back ◄─────────────────────────┘

What surprises people, and is repeated here because production does it:

* Only ``delay`` spaces slots out. A worker goes on as soon as the new task runs (and the delay is over), ``monitor``
  does not hold it back; workers do not wait for each other.
* ``delay`` also passes after the last slot, and then the monitor window, which is ``delay + 1`` s if that is longer.
* Failures are judged when they are read, not when they happen, and nobody reads while the last workers finish: a
  failure can grow too old to count in that time.
* Only tasks that this update created count, each once; what the restart supervisor puts in their place does not.
* A worker that is free and a failure that is unread at the same moment are a race in Docker. Here the worker always
  wins and takes its next slot: the outcome one should be prepared for.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from reconciler.manager import specs
from reconciler.manager.model import Service, Task, TaskState, UpdateStatus
from reconciler.manager.orchestrator.dirty import is_dirty
from reconciler.manager.orchestrator.draft import Draft
from reconciler.manager.orchestrator.memory import Update, Wait, Worker
from reconciler.manager.orchestrator.restart import delay_start
from reconciler.manager.orchestrator.slots import Slot

PAUSED = ("paused", "rollback_paused")
IN_PROGRESS = ("updating", "rollback_started")


# --- beginning and ending ------------------------------------------------------------------------------------------


def supervise(draft: Draft, service: Service, slots: Sequence[Slot]) -> None:
    """Have one update work towards ``service``; called whenever the service is reconciled.

    An update that already has this very spec as its goal goes on, whatever else was written to the service, and even
    if it has failed and only lets its last workers finish: a rollback to that spec then stays begun until the next
    write. With any other spec it is abandoned where it stands (tasks it made stay) and a new one begins over what is
    dirty now.
    """
    current = draft.updates.get(service.id)
    if current is not None:
        if current.service.spec == service.spec:
            return
        del draft.updates[service.id]
    update = _begin(draft, service, slots)
    if update is not None:
        draft.updates[service.id] = update


def _begin(draft: Draft, service: Service, slots: Sequence[Slot]) -> Update | None:
    state = service.update_status.state if service.update_status else None
    if state in PAUSED:
        return None
    dirty = tuple(slot for slot in slots if _is_slot_dirty(draft, service, slot))
    if not dirty:
        if state in IN_PROGRESS:
            _complete(draft, service.id)
        return None
    if state is None:
        status = UpdateStatus(state="updating", started_at=draft.now, message="update in progress")
        draft.write(replace(service, update_status=status))
    config = specs.UpdateConfig.of(service.spec, rollback=state == "rollback_started")
    return Update(service=service, config=config, total=len(dirty), queue=dirty)


def _is_slot_dirty(draft: Draft, service: Service, slot: Slot) -> bool:
    return len(slot) > 1 or is_dirty(service, slot[0], draft.node_of(slot[0]))


def _set_status(draft: Draft, service_id: str, state: str, message: str, completed_at: float | None = None) -> None:
    """Write the outcome, unless an API update has cleared the status meanwhile: then the update ends unrecorded."""
    service = draft.services[service_id]
    if service.update_status is None:
        return
    status = replace(service.update_status, state=state, message=message, completed_at=completed_at)
    draft.write(replace(service, update_status=status))


def _complete(draft: Draft, service_id: str) -> None:
    status = draft.services[service_id].update_status
    if status is not None and status.state == "rollback_started":
        _set_status(draft, service_id, "rollback_completed", "rollback completed", draft.now)
    else:
        _set_status(draft, service_id, "completed", "update completed", draft.now)


# --- moving on -----------------------------------------------------------------------------------------------------


def advance(draft: Draft, update: Update) -> Update | None:
    """Move ``update`` as far as it goes at this moment; None when it is over."""
    update = _note_ended_tasks(draft, update)
    while True:
        at = (update.workers, update.queue)
        update = _move_workers(draft, update)
        update = _hand_out(draft, update)
        if update.queue:
            update = _judge(draft, update, update.config.monitor)
        if (update.workers, update.queue) == at:
            break
    if update.workers or update.queue:
        return update
    return _monitor(draft, update)


def alarms(update: Update) -> list[float]:
    """When the update moves by the clock alone."""
    times = [worker.until for worker in update.workers if worker.wait is Wait.DELAY]
    return times if update.monitor_until is None else [*times, update.monitor_until]


def _move_workers(draft: Draft, update: Update) -> Update:
    busy: list[Worker] = []
    created = dict(update.created)
    for worker in update.workers:
        if worker.wait is Wait.START and worker.task_id not in draft.starts:
            worker = _rest(draft, update, worker)
        elif worker.wait is Wait.RUN and _has_run(draft, worker):
            created[worker.task_id] = draft.now
            _stop_replaced(draft, update, worker)
            worker = _rest(draft, update, worker)
        if worker.wait is not Wait.DELAY or worker.until > draft.now:
            busy.append(worker)
    return replace(update, workers=tuple(busy), created=created)


def _rest(draft: Draft, update: Update, worker: Worker) -> Worker:
    """The delay after a slot, whatever became of it."""
    return replace(worker, wait=Wait.DELAY, until=draft.now + update.config.delay)


def _has_run(draft: Draft, worker: Worker) -> bool:
    """The new task was allowed to start and is running, or past it. There is no time limit."""
    if worker.task_id in draft.starts:
        return False
    task = draft.tasks.get(worker.task_id)
    return task is None or task.status.state >= TaskState.RUNNING


def _stop_replaced(draft: Draft, update: Update, worker: Worker) -> None:
    """Start-first: the old tasks go once the new one is running, not if it has already ended."""
    new = draft.tasks.get(worker.task_id)
    if worker.old and new is not None and new.status.state == TaskState.RUNNING:
        _stop(draft, [task for task_id in worker.old if (task := draft.tasks.get(task_id)) is not None])


def _hand_out(draft: Draft, update: Update) -> Update:
    limit = update.config.parallelism or update.total
    while update.queue and len(update.workers) < limit:
        slot, rest = update.queue[0], update.queue[1:]
        update = _take(draft, replace(update, queue=rest), slot)
    return update


# --- one slot ------------------------------------------------------------------------------------------------------


def _take(draft: Draft, update: Update, slot: Slot) -> Update:
    """Put a worker on ``slot``. ``slot`` is as it was when the update began; its tasks may have ended since."""
    kept = _task_to_keep(draft, update.service, slot)
    if kept is not None:
        return _keep(draft, update, slot, kept)
    return _exchange(draft, update, slot)


def _task_to_keep(draft: Draft, service: Service, slot: Slot) -> Task | None:
    """An up-to-date task of the slot, if it has one: rather one that runs than one that is parked."""
    clean = [task for task in slot if not is_dirty(service, task, draft.node_of(task))]
    running = [task for task in clean if task.desired == TaskState.RUNNING]
    parked = [task for task in clean if task.desired < TaskState.RUNNING]
    return running[0] if running else parked[-1] if parked else None


def _keep(draft: Draft, update: Update, slot: Slot, kept: Task) -> Update:
    """Stop the slot's other tasks and start the kept one if it is parked; that it runs is not waited for."""
    others = [task for task in slot if task.id != kept.id]
    stopped = _stop(draft, others)
    worker = Worker(slot=draft.slot_of(kept), wait=Wait.START, task_id=kept.id)
    if kept.desired < TaskState.RUNNING and (stopped or not others):
        delay_start(draft, kept.id, delay=0.0, old=stopped)
        return _add(update, worker)
    return _add(update, _rest(draft, update, worker))


def _exchange(draft: Draft, update: Update, slot: Slot) -> Update:
    """Create the new task, parked. Start-first starts it at once; stop-first when the old one has stopped.

    Stop-first passes over a slot that lived when the update began and whose tasks have all been shut down meanwhile:
    the restart supervisor has replaced them, from the new spec already, or has given them up, and then the second
    pass that follows the update revives the slot.
    """
    key = draft.slot_of(slot[0])
    old = None if update.config.start_first else _stop(draft, slot)
    if old is None and not update.config.start_first and not _was_given_up(slot):
        return _add(update, _rest(draft, update, Worker(slot=key, wait=Wait.DELAY)))
    new = draft.create(update.service, slot=key.slot, node_id=key.node_id, desired=TaskState.READY)
    delay_start(draft, new.id, delay=0.0, old=old)
    replaced = tuple(task.id for task in slot) if update.config.start_first else ()
    worker = Worker(slot=key, wait=Wait.RUN, task_id=new.id, old=replaced)
    return replace(_add(update, worker), created={**update.created, new.id: None})


def _add(update: Update, worker: Worker) -> Update:
    return replace(update, workers=(*update.workers, worker))


def _was_given_up(slot: Slot) -> bool:
    """The slot was dead for good when the update began, and is revived by it."""
    return all(task.desired > TaskState.RUNNING for task in slot)


def _stop(draft: Draft, tasks: Sequence[Task]) -> Task | None:
    """Shut down what still lives. The answer is a task that this has stopped, None if all had been shut down."""
    stopped: Task | None = None
    for task in tasks:
        current = draft.tasks.get(task.id)
        if current is not None and current.desired <= TaskState.RUNNING:
            draft.want(task.id, TaskState.SHUTDOWN)
            stopped = draft.tasks[task.id]
    return stopped


# --- failures ------------------------------------------------------------------------------------------------------


def _note_ended_tasks(draft: Draft, update: Update) -> Update:
    """Ended is observed beyond RUNNING: completing early is a failure too. With ``continue`` nobody listens."""
    if update.config.failure_action == "continue" or update.stopped:
        return update
    ended = [
        task
        for task_id in update.created
        if task_id not in update.ended
        and (task := draft.tasks.get(task_id)) is not None
        and task.status.state > TaskState.RUNNING
    ]
    if not ended:
        return update
    in_order = [task.id for task in sorted(ended, key=lambda task: (task.status.timestamp, task.id))]
    return replace(update, ended=update.ended.union(in_order), unread=(*update.unread, *in_order))


def _judge(draft: Draft, update: Update, monitor: float) -> Update:
    """Read the failures: one counts if its task never ran, or was first seen running no longer than ``monitor`` ago."""
    while update.unread and not update.stopped:
        task_id, rest = update.unread[0], update.unread[1:]
        update = replace(update, unread=rest)
        ran_at = update.created[task_id]
        if ran_at is not None and draft.now - ran_at > monitor:
            continue
        update = replace(update, failures=update.failures + 1)
        if _float32(update.failures / update.total) > _float32(update.config.max_failure_ratio):
            _act_on_failure(draft, update, task_id)
            update = replace(update, stopped=True, queue=())
    return update


def _float32(value: float) -> float:
    """Docker keeps ratios in single precision; the comparison is strict, so the rounding shows."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _act_on_failure(draft: Draft, update: Update, task_id: str) -> None:
    status = draft.services[update.service.id].update_status
    reason = f"due to failure or early termination of task {task_id}"
    if status is None:
        return  # an identical API update cleared it: the update just stops, half-way and unrecorded
    if status.state == "rollback_started":
        # Never roll back a rollback. Docker words a rollback's pause like an update's.
        what = "rollback" if update.config.failure_action == "rollback" else "update"
        _set_status(draft, update.service.id, "rollback_paused", f"{what} paused {reason}")
    elif update.config.failure_action == "rollback":
        _roll_back(draft, update.service.id, f"update rolled back {reason}")
    else:
        _set_status(draft, update.service.id, "paused", f"update paused {reason}")


def _roll_back(draft: Draft, service_id: str, message: str) -> None:
    """Bring back the previous spec with its version, so that tasks not yet replaced are clean again as they stand.
    There is nothing before it to return to. The next reconcile abandons this update for one towards the old spec."""
    service = draft.services[service_id]
    if service.previous_spec is None:
        return
    version = service.previous_spec_version
    draft.write(
        replace(
            service,
            spec=service.previous_spec,
            spec_version=service.spec_version if version is None else version,
            previous_spec=None,
            previous_spec_version=None,
        )
    )
    _set_status(draft, service_id, "rollback_started", message)


def _monitor(draft: Draft, update: Update) -> Update | None:
    """No worker is busy. A stopped update ends here; otherwise all slots are done: read what failed, keep listening
    for the monitor window, and the update is complete."""
    delay, monitor = update.config.delay, update.config.monitor
    window = monitor if delay < monitor else delay + 1
    if update.monitor_until is None:
        update = replace(update, monitor_until=draft.now + window)
    update = _judge(draft, update, window)
    if update.stopped:
        return None
    if update.monitor_until is not None and draft.now < update.monitor_until:
        return update
    _complete(draft, update.service.id)
    return None
