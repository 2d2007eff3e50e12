"""What the demo shows: services and slots live on a terminal, plain lines anywhere else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from reconciler.rollout import Progress
from reconciler.rollout.progress import plain_lines
from stackc.cli.progress import picture


class Screen(AbstractContextManager["Screen"]):
    def __init__(self, *, live: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=not live)
        self._live = Live(console=self._console, refresh_per_second=10) if live else None
        self._told: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(Text(""))
            self._live.stop()

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))

    def show(self, progress: Progress, served: int, failed: int) -> None:
        """One look at the rollout and at the traffic."""
        if self._live:
            requests = Text(f"requests served {served}, failed {failed}", style="red" if failed else "green")
            self._live.update(Group(picture(progress), requests))
            return
        for line in plain_lines(progress, self._told):
            self._console.print(Text(f"  {progress.elapsed:5.1f}s  {line}"))

    def table(self, head: list[str], rows: list[list[str]]) -> None:
        if self._live:
            self._live.update(Text(""))
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for column in head:
            table.add_column(column, no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
