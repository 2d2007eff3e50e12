"""Templates, quantities, words, ports, mounts and images: tables of what docker reads."""

from __future__ import annotations

import pytest

from stackc.assemble.dotenv import entries as dotenv
from stackc.assemble.mounts import Mount, parse_mount
from stackc.assemble.ports import parse_ports
from stackc.assemble.quantity import duration, duration_text, float32, nano_cpus, size
from stackc.assemble.template import LONGEST, TemplateError, expand_compose, expand_stack
from stackc.assemble.words import EnvLineError, env_file, split
from stackc.lower.image import familiar

ENV = {"A": "1", "E": "", "TAG": "2", "X": "x"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A${A}$$A", "11$A"),
        ("img:$TAG-alpine", "img:2"),
        ("img:$U-alpine", "img:alpine"),
        ("$X/$W-x/${Y}-z", "x/x/${Y}-z"),
        ("${A:?need a-b}", "b"),
        ("${A?x-y}", "y"),
        ("${U-a:-b}", "b"),
        ("${E:-d}${E-d}", "d"),
        ("${U:-${A}}", "${A}"),
        ("${U}", ""),
        # a fault is forgotten when a variable follows
        ("cost $5 at $A", "cost 5 at 1"),
        ("${U:?gone}-${E}", "-"),
        ("${A.B} ${U$A$$", "{A.B} {U1$"),
    ],
)
def test_the_stack_dialect_interpolates_as_docker_does(text: str, expanded: str) -> None:
    assert expand_stack(text, ENV).text == expanded


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("img:$TAG-alpine", "img:2-alpine"),
        ("${U:-${A}-${U:-x}}", "1-x"),
        ("${A:+set}${E:+set}${E+set}${U+set}", "setset"),
        ('${U:-{"a": 1}}', '{"a": 1}'),
        ('${A:-{"a": 1}}', "1"),
        ("${A:?need a-b}", "1"),
        ("$$A $${A}", "$A ${A}"),
        ("$ $1 $(x) a$.", "$ $1 $(x) a$."),
        ("${U:-a}b}${U:-c}", "ab}c"),
        ("${U:-{{.Name}}}", "{{.Name}}"),
        ("${U:-{}} x", "{} x"),
        ("$É ${a:-b}$$$A", "$É b$1"),
    ],
)
def test_the_compose_dialect_nests(text: str, expanded: str) -> None:
    assert expand_compose(text, ENV).text == expanded


def test_unset_variables_are_named_with_their_place() -> None:
    assert expand_compose("a $U ${V} ${W-x}", ENV).unset == (("U", 2), ("V", 5))
    assert expand_compose("${A:-$U}", ENV).unset == (("U", 5),)  # compose looks at words that are not used, too


@pytest.mark.parametrize("expand", [expand_stack, expand_compose])
@pytest.mark.parametrize("text", ["${}", "${A.B}", "${A", "${1A}", "${é}", "${A!}"])
def test_what_is_no_interpolation_is_refused(expand: object, text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        expand(text, ENV)  # type: ignore[operator]
    assert caught.value.code == "SC1201"


@pytest.mark.parametrize("text", ["$5", "a$", "$(x)"])
def test_a_dollar_before_something_else_is_refused_in_a_stack_only(text: str) -> None:
    with pytest.raises(TemplateError):
        expand_stack(text, ENV)
    assert expand_compose(text, ENV).text == text


def test_a_word_ends_at_the_end_of_its_line() -> None:
    assert expand_compose("${U:-a}\n${U:-b}", ENV).text == "a\nb"
    with pytest.raises(TemplateError, match=r"\$\{U:-a"):
        expand_compose("${U:-a\nb}", ENV)


def test_a_required_variable_is_required_in_a_word_that_is_not_used() -> None:
    with pytest.raises(TemplateError) as caught:
        expand_compose("${A:-${U:?unused}}", ENV)
    assert (caught.value.code, caught.value.offset) == ("SC1202", 5)


def test_a_required_variable_and_its_message() -> None:
    for expand in (expand_stack, expand_compose):
        with pytest.raises(TemplateError, match="R is not set: say it") as caught:
            expand("x ${R:?say it}", ENV)
        assert (caught.value.code, caught.value.offset) == ("SC1202", 2)


def test_a_value_of_megabytes_is_refused() -> None:
    huge = {"A": "x" * (LONGEST // 4)}
    for expand in (expand_stack, expand_compose):
        with pytest.raises(TemplateError) as caught:
            expand("${A}" * 5, huge)
        assert caught.value.code == "SC1205"


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("1h1m1s", 3661 * 10**9),
        ("1.5s", 15 * 10**8),
        ("500ms", 5 * 10**8),
        ("5µs", 5000),
        (".5m", 30 * 10**9),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "1d", "s", "1x", "1h1", "1e9h", "999999999h", "1s" * 20_000, "1 s", "."])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        duration(text)


def test_days_belong_to_compose() -> None:
    assert duration("1d12h", days=True) == 36 * 3600 * 10**9


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (90 * 10**9, "1m30s"), (3600 * 10**9, "1h0m0s"), (5000, "5µs"), (1_500_000, "1.5ms"), (1, "1ns")],
)
def test_duration_texts_are_gos(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1k", 1024),
        ("1KB", 1024),
        ("1kib", 1024),
        ("1.5g", 1610612736),
        ("1e3", 1000),
        ("64 m", 64 << 20),
        ("5", 5),
        ("7b", 7),
    ],
)
def test_sizes(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize("text", ["", "k", "-1", "1kk", "1 gg", "1x", "0x10", "1EB", "9" * 50, "1  g"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        size(text)


def test_cpus_are_exact() -> None:
    assert [nano_cpus(text) for text in ("0.5", "1/4", "1e-3", "1_0", "0.000000001")] == [
        500000000,
        250000000,
        1000000,
        10**10,
        1,
    ]
    for text in ("0.0000000001", "1/3", "x", "", "-1", "1/0", "1e999"):
        with pytest.raises(ValueError, match=r"."):
            nano_cpus(text)


def test_a_ratio_is_printed_as_a_32_bit_float() -> None:
    assert [float32(number) for number in (0.3, 0.123456789, 1, 0)] == [0.3, 0.12345679, 1, 0]


def test_command_lines() -> None:
    assert split('a "b \\" c" \'d "e\' f\\ g # rest\nh x#y') == ["a", 'b " c', 'd "e', "f g", "h", "x#y"]
    for text in ('"open', "'open", "end\\"):
        with pytest.raises(ValueError, match=r"."):
            split(text)


def test_env_files_are_read_verbatim_in_the_stack_dialect() -> None:
    text = '\ufeff# c\nA="q" # x \n  B=\nC\nD==\n'
    assert env_file(text) == [("A", '"q" # x '), ("B", ""), ("C", None), ("D", "=")]
    for bad, line in (("A=1\nexport B=2", 2), ("=v", 1), ("\n\nK =v", 3)):
        with pytest.raises(EnvLineError) as caught:
            env_file(bad)
        assert caught.value.line == line


def test_names_in_env_files_may_hold_odd_spaces() -> None:
    assert env_file("\u2003\u00a0\x85a\u00a0\vb\u2003=1\n\x1cc=\n\ufeffd\n\u3000\n") == [
        ("a\u00a0\vb\u2003", "1"),
        ("\x1cc", ""),
        ("\ufeffd", None),
    ]


def test_lines_of_env_files_have_a_longest_length() -> None:
    assert env_file(f"a={'x' * 65533}\nb")[1] == ("b", None)
    for long in (f"\na={'x' * 65534}", f"\na={'x' * 65533}\r\n", f"\na={'é' * 32767}"):
        with pytest.raises(EnvLineError, match="longer than 65535 bytes"):
            env_file(long)


def test_dotenv_files_know_quotes_comments_and_export() -> None:
    text = "export A=1 # c\nB='$A # x'\nC=\"a\\nb\"\nD=\nE\nF: yaml\nG=a#b\n"
    assert dotenv(text) == [
        ("A", "1", True, 1),
        ("B", "$A # x", False, 2),
        ("C", "a\nb", True, 3),
        ("D", "", True, 4),
        ("E", None, False, 5),
        ("F", "yaml", True, 6),
        ("G", "a#b", True, 7),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=#x\nB= #y\nC=a\t#b", {"A": "#x", "B": "#y", "C": "a\t#b"}),  # a comment starts at a space
        ("A=\"x\" B='y' C=1", {"A": "x", "B": "y", "C": "1"}),
        ('A="x\ny"\r\nB=1\r\n', {"A": "x\ny", "B": "1"}),
        (r"""A="q\"\\ \$ \0101 \x41 \c" B='q\'\n'""", {"A": 'q"\\ $$ A \\x41 \\c', "B": "q'\\n"}),
        ("export\tA=1\nexport=2\nÉ.B-C[0]=3", {"A": "1", "export": "2", "É.B-C[0]": "3"}),
        ("\ufeff\n \n# c\n  A : x \n\n", {"A": "x"}),
    ],
)
def test_dotenv_values_are_those_of_compose(text: str, values: dict[str, str]) -> None:
    assert {entry.name: entry.value for entry in dotenv(text)} == values


@pytest.mark.parametrize(
    ("text", "line"),
    [("\nA='open\nB=1", 2), ("A B=1", 1), ("A=1\nB$=2", 2), ("A='x\ny'\n=1", 3), ("B!", 1)],
)
def test_a_bad_line_of_a_dotenv_file_is_named(text: str, line: int) -> None:
    with pytest.raises(EnvLineError) as caught:
        dotenv(text)
    assert caught.value.line == line


def test_range_members_come_in_the_order_of_their_texts() -> None:
    assert [port.target for port in parse_ports("8-12")] == [10, 11, 12, 8, 9]
    assert [(port.published, port.target) for port in parse_ports("200-202:300")] == [
        (200, 300),
        (201, 300),
        (202, 300),
    ]
    assert parse_ports("[::1]:6000:6001/UDP")[0][:3] == (6001, 6000, "udp")


def test_volumes_split_as_docker_splits_them() -> None:
    assert parse_mount("data:/d:ro,nocopy") == Mount("volume", "data", "/d", True, True, "")
    assert parse_mount("v:/x") == Mount("volume", "", "v:/x", False, False, "")
    assert parse_mount("C:\\win:/c").type == "bind"
    assert parse_mount("./a:/b:rshared").propagation == "rshared"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1", "nginx:1"),
        ("process/hello:v1", "process/hello:v1"),
        ("localhost/x", "localhost/x:latest"),
        ("r.io:5000/a/b__c", "r.io:5000/a/b__c:latest"),
        ("a" * 64, "a" * 64),
        ("x@sha256:" + "0" * 64, "x@sha256:" + "0" * 64),
    ],
)
def test_images_have_a_familiar_name(image: str, name: str) -> None:
    assert familiar(image) == name


@pytest.mark.parametrize(
    "image", ["", "UPPER", "a:b:c", "x@sha256:short", "http://x", "a//b", "-a", "a:", "x" * 5000, "A/B", "é"]
)
def test_what_is_no_image(image: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        familiar(image)
