"""`stackc logs STACK [SERVICE]`: what the tasks wrote, one line each, with the task's name in front."""

from __future__ import annotations

import queue
import struct
import threading
from argparse import ArgumentParser, Namespace

from stackc.cli.engine import add_host, add_stack, engine
from stackc.cli.shell import Shell, UserError
from stackc.hints import Iterable, Iterator


def add_arguments(parser: ArgumentParser) -> None:
    add_stack(parser)
    parser.add_argument("service", metavar="SERVICE", nargs="?", help="only this service")
    add_host(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    parser.add_argument("--tail", metavar="N", default="all", help="only the last N lines of every task")
    parser.add_argument("--timestamps", "-t", action="store_true")


def run(args: Namespace, shell: Shell) -> int:
    from reconciler.engine import EngineError
    from reconciler.engine.observe import observe

    with engine(args, shell, start=False) as client:
        observed = observe(client, args.stack, tasks=True)
        wanted = [n for n in observed.services if args.service in (None, n, n.removeprefix(f"{args.stack}_"))]
        if not wanted:
            known = ", ".join(n.removeprefix(f"{args.stack}_") for n in observed.services) or "none"
            raise UserError(f"stack {args.stack!r} has no service {args.service or ''!r}; its services: {known}")
        places = {t.id: f"{t.service.removeprefix(args.stack + '_')}.{t.slot or t.node}" for t in observed.tasks}
        query = {
            "stdout": 1,
            "stderr": 1,
            "details": 1,
            "follow": int(args.follow),
            "timestamps": int(args.timestamps),
            "tail": args.tail,
        }
        lines: queue.SimpleQueue[str | EngineError | None] = queue.SimpleQueue()

        def read(name: str) -> None:
            try:
                for line in decode(client.service_logs(observed.services[name].id, query)):
                    lines.put(_named(line, places, args.timestamps))
            except EngineError as error:
                lines.put(error)
            lines.put(None)

        for name in wanted:
            threading.Thread(target=read, args=(name,), daemon=True).start()
        left = len(wanted)
        while left:
            line = lines.get()
            if line is None:
                left -= 1
            elif isinstance(line, EngineError):
                shell.err.write(f"stackc: {line.message}\n")
            else:
                shell.out.write(line)
                shell.out.flush()
    return 0


def decode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines out of the engine's multiplexed stream: 8 bytes of header (stream, length), then the payload."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            (size,) = struct.unpack(">I", buffer[4:8])
            if len(buffer) < 8 + size:
                break
            yield buffer[8 : 8 + size]
            buffer = buffer[8 + size :]


def _named(raw: bytes, places: dict[str, str], timestamps: bool) -> str:
    """``[TIME ]com.docker.swarm.…task.id=ID,… text`` → ``[TIME ]place | text``, safe for a terminal."""
    text = raw.decode("utf-8", "replace").rstrip("\n")
    time, details = "", text
    if timestamps:
        time, _, details = text.partition(" ")
        time += " "
    details, _, message = details.partition(" ")
    fields = dict(pair.partition("=")[::2] for pair in details.split(","))
    task = fields.get("com.docker.swarm.task.id", "")
    safe = "".join(c if c.isprintable() or c == "\t" else "�" for c in message)
    return f"{time}{places.get(task, task[:12])} | {safe}\n"
