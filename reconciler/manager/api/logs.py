"""Logs as the engine sends them: pieces with an eight-byte head, or a raw stream for tasks with a TTY."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.manager.api.context import Context
from reconciler.manager.api.http import Request, Response
from reconciler.manager.api.render import fixed_timestamp
from reconciler.manager.control.refusal import Refused
from reconciler.manager.daemon import Manager
from reconciler.manager.model import Task
from reconciler.manager.runtimes.tasklog import LogLine

_HEARTBEAT = 0.5
_QUEUED = 1000  # lines; a reader that is slow holds the files, not the memory


class LogQuery(NamedTuple):
    stdout: bool
    stderr: bool
    follow: bool
    timestamps: bool
    details: bool
    since: float
    tail: int | None

    @classmethod
    def of(cls, request: Request) -> LogQuery:
        """Raises Refused in the engine's words."""
        if not (request.flag("stdout") or request.flag("stderr")):
            raise Refused(500, "Bad parameters: you must choose at least one stream")
        return cls(
            stdout=request.flag("stdout"),
            stderr=request.flag("stderr"),
            follow=request.flag("follow"),
            timestamps=request.flag("timestamps"),
            details=request.flag("details"),
            since=_since(request.query.get("since", "")),
            tail=_tail(request.query.get("tail", "")),
        )


def _since(text: str) -> float:
    whole, _, fraction = text.partition(".")
    digits = whole.removeprefix("-")
    if not text:
        return 0.0
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Refused(500, f'could not parse since timestamp: strconv.ParseInt: parsing "{whole}": invalid syntax')
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise Refused(500, f'could not parse since timestamp: strconv.ParseInt: parsing "{fraction}": invalid syntax')
    return float(f"{whole}.{fraction[:9] or '0'}")


def _tail(text: str) -> int | None:
    if text in ("", "all"):
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise Refused(500, 'tail value must be a positive integer or "all"')


def stream(context: Context, asked: LogQuery, *, service_id: str = "", task_id: str = "", tty: bool) -> Response:
    """The logs of one task or of all tasks of a service, those in its history included."""

    def tasks() -> list[Task]:
        state = context.manager.state
        if task_id:
            return [state.tasks[task_id]] if task_id in state.tasks else []
        return sorted(
            (one for one in state.tasks.values() if one.service_id == service_id),
            key=lambda one: (one.created_at, one.id),
        )

    if asked.follow:
        lines = _followed(context.manager, asked, tasks, until_gone=bool(task_id))
    else:
        lines = _merged(context.manager, asked, tasks())
    headers = (("Content-Type", "application/vnd.docker.raw-stream"),) if tty else ()
    return Response(200, _framed(lines, asked, raw=tty), headers)


Line = tuple[Task, LogLine]


def _merged(manager: Manager, asked: LogQuery, tasks: list[Task]) -> Iterator[Line | None]:
    """Oldest first across all tasks."""

    def lines(task: Task) -> Iterator[Line]:
        return ((task, line) for line in manager.agent.logs(task.id, since=asked.since, tail=asked.tail))

    yield from heapq.merge(*map(lines, tasks), key=lambda pair: pair[1].time)


def _followed(
    manager: Manager, asked: LogQuery, tasks: Callable[[], list[Task]], *, until_gone: bool
) -> Iterator[Line | None]:
    """What there is, then what comes, also of tasks that are new. A thread per task that is read."""
    arrived: queue.Queue[Line] = queue.Queue(_QUEUED)
    stopped = threading.Event()
    readers: dict[str, threading.Thread] = {}

    def read(task: Task) -> None:
        lines = manager.agent.logs(task.id, since=asked.since, tail=asked.tail, follow=True, stopped=stopped.is_set)
        for line in lines:
            while not stopped.is_set():
                try:
                    arrived.put((task, line), timeout=_HEARTBEAT)
                    break
                except queue.Full:
                    continue

    try:
        while True:
            for task in tasks():
                if task.id not in readers:
                    readers[task.id] = threading.Thread(target=read, args=(task,), name="logs", daemon=True)
                    readers[task.id].start()
            ended = until_gone and not any(reader.is_alive() for reader in readers.values())
            try:
                yield arrived.get(timeout=0 if ended else _HEARTBEAT)
                while True:
                    yield arrived.get_nowait()
            except queue.Empty:
                if ended:
                    return
                yield None
    finally:
        stopped.set()
        for reader in readers.values():
            reader.join(2)


def _framed(lines: Iterator[Line | None], asked: LogQuery, *, raw: bool) -> Iterator[bytes]:
    try:
        for found in lines:
            if found is None:
                yield b""
                continue
            task, line = found
            if (line.stream == "stdout" and not asked.stdout) or (line.stream == "stderr" and not asked.stderr):
                continue
            text = _prefix(task, line, asked) + line.text + b"\n"
            yield text if raw else _head(line.stream, len(text)) + text
    finally:
        close = getattr(lines, "close", None)
        if close is not None:
            close()


def _prefix(task: Task, line: LogLine, asked: LogQuery) -> bytes:
    parts = []
    if asked.timestamps:
        parts.append(fixed_timestamp(line.time))
    if asked.details:
        parts.append(
            f"com.docker.swarm.node.id={task.node_id},com.docker.swarm.service.id={task.service_id},"
            f"com.docker.swarm.task.id={task.id}"
        )
    return "".join(f"{part} " for part in parts).encode()


def _head(stream_name: str, length: int) -> bytes:
    return bytes((1 if stream_name == "stdout" else 2, 0, 0, 0)) + length.to_bytes(4, "big")
