"""The page of diagnostics is the table of codes."""

from __future__ import annotations

import os
from pathlib import Path

from stackc.codes import CODES
from stackc.report.reference import diagnostics_page

PAGE = Path(__file__).parents[3] / "docs" / "diagnostics.md"


def test_the_page_is_up_to_date_and_has_every_code() -> None:
    if os.environ.get("STACKC_TEST_UPDATE"):
        PAGE.write_text(diagnostics_page())
    assert PAGE.read_text() == diagnostics_page(), "write it with STACKC_TEST_UPDATE=1"
    assert all(f"| {code} |" in diagnostics_page() for code in CODES)
