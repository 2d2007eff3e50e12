"""The page of diagnostics is written from the table of codes, the checks and the golden cases."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

from stackc.checks import CHECKS
from stackc.codes import CODES
from stackc.report.reference import explanation

DOCS = Path(__file__).parents[3] / "docs"


def page() -> str:
    return str(runpy.run_path(str(DOCS / "generate.py"))["PAGES"]["diagnostics.md"]())


def test_the_page_is_up_to_date_and_has_every_code() -> None:
    text = page()
    if os.environ.get("STACKC_TEST_UPDATE"):
        (DOCS / "diagnostics.md").write_text(text)
    assert (DOCS / "diagnostics.md").read_text() == text, "write it with STACKC_TEST_UPDATE=1"
    for code in CODES:
        # the place that SARIF's helpUri leads to: a heading, or an anchor in the table
        assert f"\n### {code}\n" in text or f'<a id="{code.lower()}"></a>' in text


def test_every_code_of_a_check_is_explained_with_a_bad_and_a_good_example() -> None:
    text = page()
    for check in CHECKS:
        for code in check.codes:
            assert len(explanation(code)) > 80, code
            section = text.split(f"\n### {code}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
            assert f" {code}: " in section, "what the finding looks like"
            assert section.count("```yaml") == 2


def test_a_code_that_hides_the_line_has_a_section_without_the_secret() -> None:
    found = page().split("\n### SC4027\n", 1)[1].split("```text", 1)[1].split("```", 1)[0]
    assert "POSTGRES_PASSWORD" in found
    assert "correct-horse" not in found
    assert "sk_live" not in found
