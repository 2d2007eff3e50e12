"""Each parser of foreign text, on bytes that hypothesis makes from the pieces that hurt."""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PIECES = [
    *"\n\t -:{}[],&*#!|>%@`\"'?$=~/.\\",
    *("a", "é", "\u202e", "\x1b[31m", "\0", "0", "1", "9" * 30, "1e9", "0x", "0o17", ".inf", "~", "null", "true"),
    *("services:", "\n  a:", "\n    image: x", "\n    ports:", "\n      - ", "80:80", "1-3:4-6", "/udp", "[::1]:1:1"),
    *("\n    volumes:", "/a:/b:ro", "v:/x", "c:\\x:/y", "\n    environment:", "\n    env_file: .env", "K=V", "${A}"),
    *(
        "${A:-",
        "${A:?m}",
        "$A-b",
        "$$",
        "<<: *a",
        "&a ",
        "*a",
        "!reset ",
        "!override ",
        "---\n",
        "include: [other.yml]",
    ),
    *("\n    extends: ", "{service: a, file: other.yml}", "\n    deploy: ", "10s", "1d", "64m", "0.5", "sha256:", "@"),
    *(
        "configs:",
        "\n  c: {file: .env}",
        "networks:",
        "profiles: [p]",
        "name: ",
        "version: '3.8'\n",
        "x-y: ",
        "# stackc: ",
    ),
]
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(lambda parts: "".join(parts).encode()),
)


@pytest.mark.parametrize("target", TARGETS)
def test_a_parser_reads_or_refuses(target: str) -> None:
    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(BYTES)
    def run(data: bytes) -> None:
        TARGETS[target](data)

    run()
