"""`stackc logs STACK [SERVICE]`: what the tasks wrote, one line each, with the task's name in front."""

from __future__ import annotations

import json
import queue
import threading
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_format, add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.hints import Callable, NamedTuple


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    parser.add_argument("service", metavar="SERVICE", nargs="?", help="only this service")
    add_host(parser)
    add_format(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    parser.add_argument("--tail", metavar="N", default="all", help="only the last N lines of every task")
    parser.add_argument("--timestamps", "-t", action="store_true", help="json always has them")


class Line(NamedTuple):
    """A line of a log. ``service``: its name on the engine; ``task``, ``node``: ids; ``time``: RFC 3339, or ""."""

    service: str
    task: str
    node: str
    stream: str
    time: str
    message: str


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.engine import EngineError
    from reconciler.engine.frames import frames_of
    from reconciler.engine.observe import observe

    timestamps = args.timestamps or args.format == "json"
    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack, tasks=True)
        wanted = [n for n in observed.services if args.service in (None, n, n.removeprefix(f"{args.stack}_"))]
        if not wanted:
            known = ", ".join(n.removeprefix(f"{args.stack}_") for n in observed.services) or "none"
            raise UserError(f"stack {args.stack!r} has no service {args.service or ''!r}; its services: {known}")
        query = {
            "stdout": 1,
            "stderr": 1,
            "details": 1,
            "follow": int(args.follow),
            "timestamps": int(timestamps),
            "tail": args.tail,
        }
        lines: queue.SimpleQueue[Line | str | None] = queue.SimpleQueue()

        def read(name: str) -> None:
            try:
                for stream, raw in frames_of(client.service_logs(observed.services[name].id, query)):
                    lines.put(_line(name, stream, raw, timestamps))
            except EngineError as error:
                lines.put(error.message)
            lines.put(None)

        for name in wanted:
            threading.Thread(target=read, args=(name,), daemon=True).start()
        slots = {task.id: task.slot for task in observed.tasks}
        places = {t.id: f"{t.service.removeprefix(args.stack + '_')}.{t.slot or t.node}" for t in observed.tasks}
        if args.format == "json":
            return _show(lines, len(wanted), lambda line: _record(line, slots), shell)
        return _show(lines, len(wanted), lambda line: _named(line, places), shell)


def _show(lines: queue.SimpleQueue[Line | str | None], left: int, form: Callable[[Line], str], shell: Shell) -> int:
    """Lines as they come, until ``left`` readers have ended. 1 if one of them could not read on: a str says why."""
    exit_code = 0
    while left:
        line = lines.get()
        if line is None:
            left -= 1
        elif isinstance(line, str):
            shell.err.write(f"stackc: {line}\n")
            exit_code = 1
        else:
            shell.out.write(form(line) + "\n")
            shell.out.flush()
    return exit_code


def _line(service: str, stream: str, raw: bytes, timestamps: bool) -> Line:
    """``[TIME ]com.docker.swarm.…task.id=ID,… text`` taken apart."""
    text = raw.decode("utf-8", "replace").rstrip("\n")
    time = ""
    if timestamps:
        time, _, text = text.partition(" ")
    details, _, message = text.partition(" ")
    fields = dict(pair.partition("=")[::2] for pair in details.split(","))
    return Line(
        service=service,
        task=fields.get("com.docker.swarm.task.id", ""),
        node=fields.get("com.docker.swarm.node.id", ""),
        stream=stream,
        time=time,
        message=message,
    )


def _named(line: Line, places: dict[str, str]) -> str:
    """``[TIME ]place | text``, safe for a terminal."""
    time = f"{line.time} " if line.time else ""
    safe = "".join(c if c.isprintable() or c == "\t" else "�" for c in line.message)
    return f"{time}{places.get(line.task, line.task[:12])} | {safe}"


def _record(line: Line, slots: dict[str, int]) -> str:
    """One JSON object. ``slot`` is null for a task that is newer than the command, 0 in a global service."""
    return json.dumps(
        {
            "time": line.time,
            "service": line.service,
            "slot": slots.get(line.task),
            "task": line.task,
            "node": line.node,
            "stream": line.stream,
            "message": line.message,
        }
    )
