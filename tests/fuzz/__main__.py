"""``python -m tests.fuzz TARGET [atheris options]``: coverage-guided fuzzing of one parser, by hand.

.venv/bin/pip install atheris
.venv/bin/python -m tests.fuzz compose-file -max_total_time=600
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    from .targets import TARGETS

    if not arguments or arguments[0] not in TARGETS:
        print(f"usage: python -m tests.fuzz {'|'.join(TARGETS)} [atheris options]", file=sys.stderr)
        return 64
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: .venv/bin/pip install atheris", file=sys.stderr)
        return 1
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments[1:]], TARGETS[arguments[0]])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
