"""A rollout as it goes on: a live picture on a terminal, plain lines or JSON lines anywhere else."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from types import TracebackType

from stackc.cli.shell import Shell
from stackc.cli.table import plain
from stackc.hints import TYPE_CHECKING, Any, Callable
from stackc.observed import BROKEN, ObservedTask

if TYPE_CHECKING:
    from reconciler.rollout import Progress
    from reconciler.rollout.progress import ServiceProgress

_COLOURS = {"waiting": "dim", "sent": "yellow", "good": "green", "failed": "red"}


def view(shell: Shell, form: str, *, colour: bool = True) -> AbstractContextManager[Callable[[Progress], None]]:
    """The view for this output: ``form`` is text or json."""
    if form == "json":
        return _JsonLines(shell)
    if colour and shell.out.isatty() and shell.env.get("TERM") != "dumb":
        return _Live(shell)
    return _Lines(shell)


class _Lines(AbstractContextManager["Callable[[Progress], None]"]):
    """One line for each thing that happened, with the seconds since the start."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._told: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Callable[[Progress], None]:
        return self._show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _show(self, progress: Progress) -> None:
        from reconciler.rollout.progress import plain_lines

        for line in plain_lines(progress, self._told):
            self._shell.out.write(f"{progress.elapsed:6.1f}s  {plain(line)}\n")
        self._shell.out.flush()


class _JsonLines(_Lines):
    def _show(self, progress: Progress) -> None:
        from reconciler.rollout.progress import plain_lines

        lines = list(plain_lines(progress, self._told))
        if not lines:
            return
        record = {
            "event": "progress",
            "phase": progress.phase,
            "elapsed": round(progress.elapsed, 3),
            "note": progress.note,
            "services": [
                {"name": s.name, "state": s.state, "text": s.text, "healthy": s.healthy, "wanted": s.wanted}
                for s in progress.services
            ],
        }
        self._shell.out.write(json.dumps(record) + "\n")
        self._shell.out.flush()


class _Live(AbstractContextManager["Callable[[Progress], None]"]):
    """Services with their slots, redrawn in place. Imports rich: only a terminal pays for it."""

    def __init__(self, shell: Shell) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=shell.out, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=8, transient=False)

    def __enter__(self) -> Callable[[Progress], None]:
        self._live.__enter__()
        return self._show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def _show(self, progress: Progress) -> None:
        if progress.note:
            self._live.console.print(f"{progress.elapsed:6.1f}s  {plain(progress.note)}", markup=False)
        if progress.services:
            self._live.update(picture(progress))


def picture(progress: Progress) -> Any:
    """A rich table: one row a service, one mark a slot."""
    from rich.table import Table
    from rich.text import Text

    rows = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        rows.add_column(no_wrap=True, overflow="ellipsis")
    for service in progress.services:
        rows.add_row(
            Text(plain(service.name), style="bold"),
            marks(service),
            f"{service.healthy}/{service.wanted}",
            Text(plain(service.text), style=_COLOURS.get(service.state, "")),
        )
    rows.add_row(Text(f"{progress.elapsed:.1f}s", style="dim"), Text(progress.phase, style="dim"), "", "")
    return rows


def marks(service: ServiceProgress) -> Any:
    """``●`` new and well, ``◐`` new and on its way, ``○`` of the former spec, ``✗`` broken, ``·`` nothing yet."""
    from rich.text import Text

    slots: dict[tuple[int, str], list[ObservedTask]] = {}
    for task in service.tasks:
        slots.setdefault((task.slot, "" if task.slot else task.node), []).append(task)
    result = Text()
    for place in sorted(slots):
        sign, colour = _mark(slots[place])
        result.append(sign, style=colour)
    result.append("·" * (service.wanted - len(slots)), style="dim")
    return result


def _mark(tasks: list[ObservedTask]) -> tuple[str, str]:
    live = [t for t in tasks if t.live]
    if any(t.current and t.state == "running" for t in live):
        return "●", "green"
    if any(t.current for t in live):
        broken = any(t.current and t.state in BROKEN for t in tasks)
        return ("✗", "red") if broken else ("◐", "yellow")
    if live:
        return "○", "cyan"
    return ("✗", "red") if tasks and tasks[-1].state in BROKEN else ("·", "dim")
