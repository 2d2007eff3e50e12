"""Writes the reference pages that are generated from the code's own tables.

.venv/bin/python docs/generate.py            # writes docs/diagnostics.md and docs/compose.md
.venv/bin/python docs/generate.py --check    # exit 1 when a page is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path

from stackc.report.attributes import compose_page
from stackc.report.reference import Example, diagnostics_page

HERE = Path(__file__).parent
CASES = HERE.parent / "tests" / "cases" / "checks"


def examples() -> dict[str, Example]:
    """The bad and the good case of each code of a check: folders ``CODE-words`` with ``bad`` and ``good`` in them."""
    found = {}
    for case in sorted(CASES.iterdir()):
        texts = [case / "bad" / "in.yml", case / "bad" / "expect.txt", case / "good" / "in.yml"]
        found[case.name.partition("-")[0]] = Example(*(path.read_text(encoding="utf-8") for path in texts))
    return found


PAGES = {"diagnostics.md": lambda: diagnostics_page(examples()), "compose.md": compose_page}


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path = HERE / name
        text = page()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} is out of date: run docs/generate.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
