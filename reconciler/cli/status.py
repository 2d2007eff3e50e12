"""`reconciler status [STACK]`: what status.json says. Exit 1 when a stack is not ready."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler import status
from reconciler.cli.settings import load, one_stack
from stackc.cli.shell import Shell, UserError
from stackc.cli.table import ago, plain

Record = dict[str, Any]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", nargs="?", help="default: all")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: Namespace, shell: Shell) -> int:
    settings = load(args, shell)
    state = Path(settings.state)
    record = read(state)
    names = [one_stack(settings, args.stack).name] if args.stack else [s.name for s in settings.stacks]
    known = {s["name"]: s for s in record["stacks"]}
    pid = status.running(state)
    stacks = [known[name] for name in names if name in known]
    ready = len(stacks) == len(names) and all(is_ready(s) for s in stacks)
    if args.format == "json":
        shell.out.write(json.dumps({**record, "running": pid is not None, "stacks": stacks}, indent=2) + "\n")
        return 0 if ready else 1
    for name in names:
        shell.out.write(text(known[name], time.time()) if name in known else f"{name}: not looked at yet\n")
        shell.out.write("\n")
    written = datetime.fromtimestamp(record["written"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    shell.out.write(f"as of {written}; " + (f"running as process {pid}\n" if pid is not None else "not running\n"))
    return 0 if ready else 1


def read(state: Path) -> Record:
    """Raises UserError where there is no status that could be shown."""
    try:
        record = status.read(state)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the status in {state}: {error}") from None
    if record is None:
        raise UserError(f"there is no status in {state}: start 'reconciler run' first")
    return record


def is_ready(stack: Record) -> bool:
    return any(c["type"] == "Ready" and c["status"] for c in stack["conditions"])


def text(stack: Record, now: float) -> str:
    """A block for people."""
    lines = [f"{stack['name']}  {plain(stack['source'])} ({plain(stack['branch'])})"]
    for condition in stack["conditions"]:
        since = ago(now - condition["since"])
        told = (
            f"{plain(condition['reason'])}: {plain(condition['message'])}"
            if condition["status"] or len(lines) == 1
            else ""
        )
        lines.append(f"  {condition['type']:<12} {condition['status']!s:<5} for {since:<8} {told}".rstrip())
    for title, key in (("newest", "tip"), ("attempted", "attempted_revision"), ("applied", "applied_revision")):
        if stack[key]:
            lines.append(f"  {title:<12} {_revision(stack[key])}")
    if stack["fetched"] is not None:
        lines.append(f"  {'fetched':<12} {ago(now - stack['fetched'])} ago")
    if stack["progress"]:
        lines.append(f"  {'progress':<12} {plain(stack['progress'])}")
    for title, key in (("last error", "last_error"), ("diagnostics", "diagnostics_text")):
        if stack[key]:
            lines.append(f"  {title}")
            lines += [f"    {plain(line)}" for line in stack[key].splitlines()]
    return "\n".join(lines) + "\n"


def _revision(revision: Record) -> str:
    author = f" ({plain(revision['author'])})" if revision["author"] else ""
    return f"{plain(revision['commit'][:10])} {plain(revision['message'])}{author}"
