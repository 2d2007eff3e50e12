"""The last lines of a rollout: what happened, where, why, what to do next; and the exit code."""

from __future__ import annotations

import json

from stackc.cli.shell import Shell
from stackc.cli.table import plain
from stackc.hints import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from reconciler.rollout import Outcome
    from reconciler.rollout.outcome import Evidence

_HEALTH_LINES = 5
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
        from dataclasses import asdict

        record = {
            "event": "outcome",
            "result": outcome.result.value,
            "reason": outcome.reason,
            "failures": list(outcome.failures),
            "changed": list(outcome.changed),
            "evidence": [asdict(one) for one in outcome.evidence],
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
    for one in outcome.evidence:
        shell.err.write("".join(f"  {line}\n" for line in _account(one)))
    shell.err.write(f"  next: {_NEXT[outcome.result.value].format(stack)}\n")
    return 1


def _account(one: Evidence) -> Iterator[str]:
    """What a failed task left, for a person: where it ran, how it ended, its last words."""
    code = f", exit code {one.exit_code}" if one.exit_code is not None else ""
    yield plain(f"{one.task} on {one.node or 'no node'}: {one.state}{code}" + (f": {one.error}" if one.error else ""))
    if one.health:
        first, *rest = one.health.splitlines()
        yield plain(f"  health check: {first}")
        for line in rest[:_HEALTH_LINES]:
            yield plain(f"                {line}")
    for number, line in enumerate(one.log):
        yield plain(f"  {'last lines:' if number == 0 else '           '} {line}")
