"""Findings in every form, with hostile names, values and file names in them; carets under wide characters; SARIF."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stackc.cli import main
from stackc.cli.shell import Shell
from stackc.codes import CODES, found
from stackc.compile import compile_stack
from stackc.diagnostics import Related, Span, Suppressed, sort
from stackc.disk import MemoryReader
from stackc.report.diagnostics import FORMATS, as_json, json_text, sarif, text

SCHEMA = json.loads((Path(__file__).parent / "sarif_required.json").read_text())
HOSTILE = [
    *("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\u202eb", "\u2066x\u2069", "\u200b", "a\x7fb", "\x9b31m", "a\x85b"),
    *("line\u2028end", "\ufeff", "::error::x", "%0A::set-output name=x::y", "a,b:c%d", "\t\t", "\U000e0041"),
]


def run(folder: Path, *argv: str) -> str:
    """What a command writes, both streams."""
    out, err = io.StringIO(), io.StringIO()
    main(argv, Shell(io.StringIO(), out, err, {}, str(folder)))
    return out.getvalue() + err.getvalue()


def raw(shown: str) -> list[str]:
    """What a terminal would not show as it is. The escapes of our own colours are not asked for here."""
    return sorted({char for char in shown if not char.isprintable() and char != "\n"})


def quoted(value: str) -> str:
    return json.dumps(value).replace("\x7f", "\\u007f")


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_a_file_reaches_the_terminal_raw(value: str, form: str, tmp_path: Path) -> None:
    texts = [
        f"services: {{{quoted(value)}: {{image: x}}}}\n",
        f"services: {{a: {{image: {quoted(value)}, {quoted(value)}: x}}}}\n",
        f"services: {{a: {{image: x, depends_on: [{quoted(value)}], networks: [{quoted(value)}]}}}}\n",
        f"services: {{a: {{image: x, environment: {{PASSWORD: {quoted(value)}}}, working_dir: {quoted(value)}}}}}\n",
        f"services: {{a: {{image: x, deploy: {{placement: {{constraints: [{quoted(value)}]}}}}}}}}\n",
        f"services: {{a: {{image: x}}}}  # stackc: ignore {value.replace(chr(9), '')} -- {value}\n",
        f"{value}: [\n",
    ]
    for content in texts:
        (tmp_path / "f.yml").write_bytes(content.encode("utf-8", "surrogatepass"))
        shown = run(tmp_path, "validate", "-c", "f.yml", "--format", form)
        assert shown
        assert raw(shown) == []
        if form == "github":
            assert all(line.startswith(("::error ", "::warning ")) for line in shown.splitlines())


@pytest.mark.parametrize("name", ["\x1b[31m.yml", "a\nb.yml", "a\u202e.yml", "50%,a:b.yml", "\udcff.yml", "\x7f.yml"])
@pytest.mark.parametrize("form", FORMATS)
def test_nor_does_the_name_of_a_file(name: str, form: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("services: {a: {image: x, imag: y}}\n")
    shown = run(tmp_path, "validate", "-c", name, "--format", form)
    assert "SC2001" in shown
    assert raw(shown) == []
    shown.encode()


@pytest.mark.parametrize("value", HOSTILE)
def test_nor_do_values_in_a_plan_that_is_printed(value: str, tmp_path: Path) -> None:
    lines = f"{{image: x:1, environment: {{A: {quoted(value)}}}, labels: {{{quoted(value)}: {quoted(value)}}}}}"
    (tmp_path / "f.yml").write_text(f"services: {{a: {lines}}}\n", encoding="utf-8")
    assert raw(run(tmp_path, "compile", "-c", "f.yml", "s")) == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("\t\tx: wrong", "wrong"),
        ("äöü: wrong", "wrong"),
        ("漢字: wrong", "wrong"),
        ("x: 漢字 # y", "漢字"),
        ("e\u0301e\u0301: wrong", "wrong"),
        ("🐳🐳: wrong", "wrong"),
        ("\u202e\x1b: wrong", "wrong"),
        ("ｆｕｌｌ: wrong", "wrong"),
    ],
)
def test_carets_stand_below_what_is_meant(line: str, word: str) -> None:
    start = line.index(word)
    one = found("SC2001", "x", Span("a", 1, start + 1, 1, start + 1 + len(word)), hint="-")
    shown, carets = text([one], {"a": line}).splitlines()[1:3]
    assert columns(shown[: shown.index(word)]) == carets.index("^")
    assert columns(word) == carets.count("^")


def columns(shown: str) -> int:
    """As a terminal counts; written down here for the characters of these tests."""
    wide = "漢字🐳ｆｕｌ"
    return sum(2 if char in wide else 0 if char == "\u0301" else 1 for char in shown)


def test_a_code_that_hides_shows_nothing_of_the_line_but_the_name() -> None:
    source = {"a": "services: {a: {environment: {ONE_TOKEN: first, PASSWORD: hunter2, X: y}}}"}
    start = source["a"].index("PASSWORD") + 1
    related = (Related(Span("a", 1, 1, 1, 9), "here"),)
    shown = text([found("SC4027", "m", Span("a", 1, start, 1, start + 8), related=related)], source)
    assert "… PASSWORD …\n" in shown
    assert not [word for word in ("first", "hunter2", "ONE_TOKEN") if word in shown]
    assert [code for code, meaning in CODES.items() if meaning.hides] == ["SC4027"]


def test_no_form_shows_a_secret_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text(
        'services:\n  a:\n    image: x\n    environment: {A_TOKEN: hunter1, PASSWORD: "hunter2"}\n'
        '  b:\n    image: x:1\n    environment:\n      - API_KEY=hunter3\n      - "MY_SECRET=hunter4"\n'
    )
    for form in FORMATS:
        shown = run(tmp_path, "validate", "-c", "f.yml", "--format", form)
        assert shown.count("looks like a secret") == 4
        assert "hunter" not in shown


def test_sarif_is_what_the_format_asks_for(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text(
        "services:\n  a: {image: x}  # stackc: ignore SC4023 -- the \u202elast\n  b:\n    image: y\n"
        "    ports: ['80:80', '80:81']\n    imag: z\n    depends_on: [c]\n",
    )
    log = json.loads(run(tmp_path, "validate", "-c", "./f.yml", "--format", "sarif"))
    jsonschema.validate(log, SCHEMA)
    (results, rules) = (log["runs"][0]["results"], log["runs"][0]["tool"]["driver"]["rules"])
    assert [rules[one["ruleIndex"]]["id"] for one in results] == [one["ruleId"] for one in results]
    assert {one["helpUri"].rpartition("#")[2] for one in rules} == {one["id"].lower() for one in rules}
    assert all(one["help"]["markdown"] for one in rules)
    assert {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results} == {"f.yml"}
    (hidden,) = [one for one in results if "suppressions" in one]
    assert hidden["suppressions"] == [{"kind": "inSource", "justification": "the \\u202elast"}]
    assert hidden["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    for form in ("text", "json", "github"):
        assert "f.yml:2" not in run(tmp_path, "validate", "-c", "f.yml", "--format", form)


def test_sarif_of_every_code_and_of_odd_places() -> None:
    places = [Span("/abs/a b.yml", 3, 1, 4, 1), Span("./x.yml", 1, 5, 1, 2), Span("<stdin>", 1, 1, 1, 1), None]
    related = (Related(Span("x", 1, 1, 1, 2), "twice"),) * 2
    findings = [found(code, "m", places[n % 4], related=related) for n, code in enumerate(sorted(CODES))]
    log = json.loads(json_text(sarif(findings, "1", [Suppressed(findings[0], "r")])))
    jsonschema.validate(log, SCHEMA)
    uris = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in log["runs"][0]["results"]
        if one["locations"]
    }
    assert uris == {"file:///abs/a%20b.yml", "x.yml", "%3Cstdin%3E"}


def test_the_schema_of_this_test_refuses_what_is_wrong() -> None:
    good = sarif([found("SC4023", "m", Span("a", 1, 1, 1, 2))], "1")
    jsonschema.validate(good, SCHEMA)
    for path, value in (("version", "2.0.0"), ("runs", [{}]), ("extra", 1)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, path: value}, SCHEMA)
    region = good["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    region["startLine"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good, SCHEMA)


def test_paths_of_numbers_and_names_sort() -> None:
    span = Span("a", 1, 1, 1, 2)
    two = [found("SC4023", "m", span, path=("a", 1)), found("SC4023", "m", span, path=("a", "b"))]
    assert sort(two) == sort(two[::-1]) == two


def test_json_has_exact_paths_and_visible_messages() -> None:
    (one,) = as_json([found("SC2001", "a\x1bb", Span("f\x1b", 1, 1, 1, 2), path=("x\x1b",), hint="\x07")])[
        "diagnostics"
    ]
    assert (one["message"], one["hint"], one["file"], one["path"]) == ("a\\x1bb", "\\x07", "f\x1b", ["x\x1b"])


def test_the_order_is_that_of_the_source_on_every_run() -> None:
    names = [f"s{n}" for n in range(40)]
    content = "services:\n" + "".join(f"  {name}: {{image: x, depends_on: [z], networks: [n]}}\n" for name in names)
    reader = MemoryReader({"f.yml": content.encode()})
    runs: list[Any] = [compile_stack(["f.yml"], reader, stack="s", environment={}).diagnostics for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    lines = [(one.span.line, one.span.column) for one in runs[0]]
    assert lines == sorted(lines)
    assert len(lines) == 120


def test_files_come_in_the_order_in_which_they_were_given() -> None:
    files = {"b.yml": b"services: {b: {image: x}}\n", "a.yml": b"services: {a: {image: x}}\n"}
    compiled = compile_stack(["b.yml", "a.yml"], MemoryReader(files), stack=None, environment={})
    assert [(one.code, str(one.span)) for one in compiled.diagnostics] == [
        ("SC4010", "None"),
        ("SC4023", "b.yml:1:23"),
        ("SC4023", "a.yml:1:23"),
    ]
