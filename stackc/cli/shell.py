"""What a command may touch of the process it runs in, handed in so that tests need no subprocess."""

from __future__ import annotations

import os
import sys

from stackc.hints import IO, Mapping, NamedTuple

USAGE = 64


class UserError(Exception):
    """Something the user can mend: printed as one line (or a block), no traceback. The text says what to do next."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Shell(NamedTuple):
    """Streams, environment and working directory of one run. ``kept``: what need not be taken apart before the process
    ends; None where it goes on."""

    stdin: IO[str]
    out: IO[str]
    err: IO[str]
    env: Mapping[str, str]
    cwd: str
    kept: list[object] | None = None

    @classmethod
    def of_process(cls) -> Shell:
        for stream in (sys.stdout, sys.stderr):  # a terminal that is not UTF-8 gets escapes, not a traceback
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            cwd = os.getcwd()  # noqa: PTH109 (pathlib costs 5 ms)
        except OSError as error:
            raise SystemExit(f"the current folder is gone ({error.strerror}): change to another one") from None
        return cls(sys.stdin, sys.stdout, sys.stderr, dict(os.environ), cwd, [])

    def keep(self, *things: object) -> None:
        if self.kept is not None:
            self.kept.extend(things)


def confess(program: str, defect: Exception, shell: Shell) -> int:
    """A defect of ours is said in two lines; who mends it asks for the traceback. The exit code."""
    if shell.env.get("STACKC_DEBUG"):
        raise defect
    text = "".join(c if c.isprintable() else " " for c in str(defect))[:200]
    shell.err.write(
        f"{program}: internal error: {type(defect).__name__}: {text}\n"
        "  this is a defect of stackc; what was applied so far stays. STACKC_DEBUG=1 shows where\n"
    )
    return 1
