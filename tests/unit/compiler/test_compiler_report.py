"""How findings are shown."""

from __future__ import annotations

import json

from stackc.codes import CODES, found
from stackc.diagnostics import Related, Span, sort
from stackc.report.diagnostics import as_json, github, sarif, summary, text, visible

SOURCE = {"a.yml": "one: two\n\tthree: fo\x1bur # \u202e\nlong: " + "x" * 400 + "\n"}


def test_carets_stand_below_what_is_meant_and_nothing_reaches_the_terminal_raw() -> None:
    one = found("SC2001", "unknown key `a\x1b[31mb`\n", Span("a.yml", 2, 2, 2, 7), hint="a\rb")
    shown = text([one], SOURCE)
    assert shown == (
        "a.yml:2:2: error SC2001: unknown key `a\\x1b[31mb`\\n\n"
        "  2 |  three: fo\\x1bur # \\u202e\n"
        "    |  ^^^^^\n"
        "  hint: a\\rb\n"
    )


def test_an_escaped_character_before_the_caret_moves_it() -> None:
    shown = text([found("SC2001", "x", Span("a.yml", 2, 12, 2, 14), hint="-")], SOURCE)
    line, carets = shown.splitlines()[1:3]
    assert line[carets.index("^") :].startswith("ur")


def test_a_long_line_is_cut_around_the_place() -> None:
    shown = text([found("SC2001", "x", Span("a.yml", 3, 300, 3, 400), hint="-")], SOURCE)
    assert max(map(len, shown.splitlines())) < 180
    assert shown.splitlines()[2].endswith("^")


def test_colours_only_when_asked() -> None:
    one = [found("SC4011", "x", Span("a.yml", 1, 1, 1, 4))]
    assert "\x1b" not in text(one, SOURCE)
    assert "\x1b[33;1mwarning SC4011\x1b[0m" in text(one, SOURCE, colour=True)


def test_a_place_without_its_source_or_beyond_it_is_shown_without_a_snippet() -> None:
    for span in (Span("b.yml", 1, 1, 1, 2), Span("a.yml", 99, 1, 99, 2), Span("a.yml", 1, 99, 1, 120)):
        assert text([found("SC2001", "x", span, hint="-")], SOURCE).startswith(f"{span}: error SC2001: x\n")


def test_github_escapes_what_would_end_a_command() -> None:
    span = Span("dir,a:b%.yml", 1, 2, 1, 5)
    related = (Related(Span("b.yml", 3, 1, 3, 2), "here"),)
    line = github([found("SC2001", "50% a\nb::c,d\x1b", span, hint="h", related=related)])
    assert line == (
        "::error file=dir%2Ca%3Ab%25.yml,line=1,endLine=1,col=2,endColumn=5,title=SC2001"
        "::50%25 a%0Ab::c,d\\x1b%0Ahint: h%0Ab.yml:3:1: here\n"
    )
    assert github([found("SC4010", "no name", None)]).startswith("::error title=SC4010::no name")


def test_sarif_has_rules_levels_and_regions() -> None:
    findings = [
        found("SC2001", "x", Span("a b.yml", 1, 2, 1, 5)),
        found("SC4011", "y", Span("a.yml", 3, 1, 4, 2), related=(Related(Span("a.yml", 1, 1, 1, 2), "z"),)),
        found("SC4010", "no place", None),
    ]
    log = json.loads(json.dumps(sarif(findings, "1.0")))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["SC2001", "SC4010", "SC4011"]
    assert [(one["ruleIndex"], one["level"]) for one in run["results"]] == [(0, "error"), (2, "warning"), (1, "error")]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.yml"
    assert place["region"] == {"startLine": 1, "startColumn": 2, "endLine": 1, "endColumn": 5}
    assert run["results"][2]["locations"] == []


def test_json_has_everything() -> None:
    shape = as_json([found("SC2001", "m", Span("a.yml", 1, 2, 3, 4), path=("services", "a", 0), hint="h")])
    assert shape["errors"] == 1
    assert shape["diagnostics"] == [
        {
            "code": "SC2001",
            "severity": "error",
            "message": "m",
            "file": "a.yml",
            "line": 1,
            "column": 2,
            "endLine": 3,
            "endColumn": 4,
            "path": ["services", "a", 0],
            "hint": "h",
            "related": [],
        }
    ]


def test_findings_are_sorted_by_place_and_each_stands_once() -> None:
    late, early = found("SC2001", "b", Span("a", 2, 1, 2, 2)), found("SC2001", "a", Span("a", 1, 9, 1, 10))
    nowhere = found("SC4010", "n", None)
    assert sort([late, early, late, nowhere]) == [nowhere, early, late]
    assert summary([late, early, found("SC4011", "w", None)]) == "2 errors, 1 warning"


def test_every_code_says_what_it_means() -> None:
    for code, meaning in CODES.items():
        assert code[:2] == "SC"
        assert code[2:].isdigit()
        assert meaning.summary
        assert not meaning.summary.endswith(".")
        assert visible(meaning.summary + meaning.hint) == meaning.summary + meaning.hint
