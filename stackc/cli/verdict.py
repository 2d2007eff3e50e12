"""The last lines of a rollout: what happened, where, why, what to do next; and the exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackc.cli.shell import Shell
from stackc.cli.table import plain

if TYPE_CHECKING:
    from reconciler.rollout import Outcome

_NEXT = {
    "rolled-back": "the stack is back at its last good revision; fix the cause and apply again ('stackc logs {0}' shows"
    " what the tasks wrote)",
    "failed": "see 'stackc ps {0} --all' and 'stackc logs {0}'; fix the cause and apply again",
    "refused": "nothing was written",
    "cancelled": "a newer revision goes on from here",
}


def tell(outcome: Outcome, stack: str, shell: Shell, form: str) -> int:
    """0 for applied and unchanged; a rollback is never success."""
    if form == "json":
        record = {
            "event": "outcome",
            "result": outcome.result.value,
            "reason": outcome.reason,
            "failures": list(outcome.failures),
            "changed": list(outcome.changed),
        }
        shell.out.write(json.dumps(record) + "\n")
        return 0 if outcome.ok else 1
    if outcome.ok:
        done = outcome.reason + (f": {', '.join(outcome.changed)}" if outcome.changed else "")
        shell.out.write(f"stack {stack}: {done}\n")
        for problem in outcome.failures:
            shell.err.write(f"warning: {plain(problem)}\n")
        return 0
    shell.err.write(f"stackc: stack {stack} {outcome.result.value}: {plain(outcome.reason)}\n")
    for failure in outcome.failures:
        if failure not in outcome.reason:
            shell.err.write(f"  {plain(failure)}\n")
    shell.err.write(f"  next: {_NEXT[outcome.result.value].format(stack)}\n")
    return 1
