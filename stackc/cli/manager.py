"""``stackc manager``: the built-in manager in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime

from stackc.cli.shell import Shell, UserError
from stackc.hints import IO

HELP = "run the built-in manager in the foreground"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", metavar="S", help="where to listen (default: manager.sock in the runtime folder)")
    parser.add_argument("--state", metavar="DIR", help="the state folder (default: $XDG_STATE_HOME/stackc)")
    parser.add_argument(
        "--publish-address",
        metavar="A",
        default="127.0.0.1",
        help="the address published ports are bound to (default: 127.0.0.1; 0.0.0.0 opens them to the network)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="of the log: text on stderr (default), or one JSON object a line on stdout",
    )


def run(args: argparse.Namespace, shell: Shell) -> int:
    """Runs until SIGTERM or SIGINT. Raises UserError when the state or the socket cannot be had."""
    import ipaddress
    import signal
    from importlib.metadata import version

    from reconciler.manager.clock import SystemClock
    from reconciler.manager.foreground import SocketError, StoreError, open_manager, process_agents
    from reconciler.manager.paths import PathError, Paths

    try:
        address = str(ipaddress.ip_address(args.publish_address))
    except ValueError:
        raise UserError(f"--publish-address {args.publish_address!r} is no IP address", 64) from None
    _log_to(shell, args.format)
    clock = SystemClock()
    try:
        paths = Paths.of(shell.env, state=args.state, socket=args.socket)
        running = open_manager(
            paths,
            version=version("stackc"),
            make_agent=process_agents(paths.state, address, clock),
            address=address,
            clock=clock,
        )
    except (PathError, StoreError, SocketError) as error:
        raise UserError(str(error)) from None
    try:
        signal.set_wakeup_fd(running.wakeup, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # the wake-up is what counts
        if args.format == "text" and shell.err.isatty():
            shell.err.write(f"For docker and stackc in another terminal: export DOCKER_HOST={paths.host}\n")
        running.run()
    finally:
        signal.set_wakeup_fd(-1)
        running.close()
    return 0


def _log_to(shell: Shell, form: str) -> None:
    if form == "json":
        logging.basicConfig(handlers=[JsonLines(shell.out)], level=logging.INFO, force=True)
    else:
        line = "%(asctime)s %(levelname)-7s %(message)s"
        logging.basicConfig(stream=shell.err, level=logging.INFO, format=line, force=True)


class JsonLines(logging.Handler):
    """One JSON object per record: time, level, logger, message, and the traceback of a defect. A closed pipe is no
    error: the manager outlives whoever read its log."""

    def __init__(self, out: IO[str]) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        with suppress(OSError, ValueError):
            self._out.write(json.dumps(fields) + "\n")
            self._out.flush()
