"""Draws docs/demo.svg: two real screens of `make demo`, taken from a terminal (needs tmux).

.venv/bin/python docs/picture.py
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS, LINES = 118, 40
SESSION = "stackc-demo-picture"
DEADLINE = 180.0  # seconds


def tmux(*arguments: str) -> str:
    return subprocess.run(["tmux", *arguments], check=True, capture_output=True, text=True).stdout


def screen() -> str:
    """What the terminal shows now, with its colours."""
    return tmux("capture-pane", "-p", "-e", "-t", SESSION).rstrip()


def wait_for(*signs: str) -> str:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        shown = screen()
        if all(sign in shown for sign in signs):
            return shown
        time.sleep(0.05)
    raise SystemExit(f"the demo never showed {signs}")


def main() -> int:
    command = f"{sys.executable} -m examples.hello; sleep 600"
    size = ("-x", str(COLUMNS), "-y", str(LINES))
    tmux("new-session", "-d", "-s", SESSION, *size, "-c", str(HERE.parent), command)
    try:
        middle = wait_for("push v3", "rollback_started")
        end = wait_for("everything was as it should be")
    finally:
        tmux("kill-session", "-t", SESSION)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ make demo", style="bold"))
    console.print(Text.from_ansi(middle))
    console.print(Text("\n⋮  half a minute later\n", style="dim"))
    console.print(Text.from_ansi(end[end.index("push v3") :]))
    picture = console.export_svg(title="make demo")
    # the reader's own monospace font will do; nothing is to be fetched for a picture
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (HERE / "demo.svg").write_text(picture.replace("Fira Code", "monospace"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
