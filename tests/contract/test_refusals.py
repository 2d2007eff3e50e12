"""What the semantic checks say the engine refuses, the engine does refuse: the bad case of a code is deployed with
docker's own client, which hands it on as it is, and so is the good one."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.engine import Engine, LabError

# beside the other tests of the engine, so that it is started once
pytestmark = [pytest.mark.engine, pytest.mark.docker_cli, pytest.mark.xdist_group("contract-swarm")]
CASES = Path(__file__).parents[1] / "cases" / "checks"
REFUSED = {
    "SC3016": "unrecognized update failure action|invalid resolution mode|invalid RestartCondition",
    "SC4007": "duplicate published ports|already in use",
    "SC4009": "name must be valid as a DNS name component",
    "SC4012": "secret data must be larger than 0",
    "SC4013": "duplicate config target",
    "SC4015": "duplicate mount point",
    "SC4029": "cannot be used with services",
    "SC4032": "Must be at least",
    "SC4034": "can't be used with dnsrr mode",
    "SC4035": "update-maxfailureratio",
    "SC4036": "cannot be less than 1ms",
    "SC4038": "EOF",
    "SC4039": "expected one operator|is invalid",
    "SC4041": "Jobs may not have an update config",
    "SC4042": "update-delay cannot be negative",
}


@pytest.mark.parametrize("code", REFUSED)
def test_the_engine_refuses_the_bad_case_and_takes_the_good_one(code: str, engine: Engine) -> None:
    (case,) = CASES.glob(f"{code}-*")
    options = ("stack", "deploy", "--detach=true", "--resolve-image", "never", "-c")
    stack = f"refusal{code}"
    try:
        with pytest.raises(LabError) as refusal:
            engine.docker(*options, str(case / "bad" / "in.yml"), f"{stack}bad")
        assert any(part in str(refusal.value) for part in REFUSED[code].split("|")), refusal.value
        engine.docker("stack", "rm", f"{stack}bad", check=False)
        engine.docker(*options, str(case / "good" / "in.yml"), f"{stack}good")
    finally:
        engine.docker("stack", "rm", f"{stack}bad", f"{stack}good", check=False)


def test_names_differ_in_more_than_their_case(engine: Engine) -> None:
    create = ("service", "create", "--detach", "--replicas", "0", "--name")
    engine.docker(*create, "case_web", "process/box:v1")
    try:
        with pytest.raises(LabError, match="name conflicts with an existing object"):
            engine.docker(*create, "case_WEB", "process/box:v1")
    finally:
        engine.docker("service", "rm", "case_web")
