"""Every key of the Compose Specification that is compiled down, on real managers: accepted, and stored as planned."""

from __future__ import annotations

import json

import pytest
from apply_bench import Bench
from lab.engine import Engine

from reconciler.engine import connect
from reconciler.engine.observe import observe
from stackc.compile import compile_stack
from stackc.diff.compare import field_changes
from stackc.disk import DiskReader
from stackc.plan import Json

COMMON = """\
    image: process/box:v1
    stop_signal: SIGKILL
    entrypoint: [sleep]
    command: ["600"]
"""

EVERYTHING = f"""\
services:
  all:
{COMMON}
    scale: 1
    annotations: {{ignored: "yes"}}
    attach: false
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    cpus: 0.5
    configs:
      - inline
      - {{source: variable, target: /etc/variable, uid: "1", gid: "1", mode: "0440"}}
    deploy:
      endpoint_mode: vip
      labels: {{tier: front}}
      update_config: {{parallelism: 1, delay: 1s, failure_action: pause, max_failure_ratio: 0.3, order: stop-first}}
      rollback_config: {{parallelism: 0, order: stop-first}}
      restart_policy: {{condition: on-failure, delay: 1s, max_attempts: 2, window: 5s}}
      placement:
        constraints: [node.role==manager]
        preferences: [{{spread: node.labels.zone}}]
        max_replicas_per_node: 1
      resources: {{reservations: {{memory: 8m, cpus: 0.01}}}}
    dns: 127.0.0.11
    dns_opt: [timeout:1]
    dns_search: [example.com]
    environment: {{A: 1, B: null}}
    env_file: [{{path: ./more.env}}]
    extra_hosts: {{many: [10.0.0.1, 10.0.0.2]}}
    group_add: ["1000"]
    healthcheck: {{test: "true", interval: 10s, timeout: 5s, retries: "2", start_period: 1s}}
    hostname: "{{{{.Service.Name}}}}"
    init: false
    label_file: ./more.labels
    labels: [own=label]
    logging: {{driver: json-file, options: {{max-size: 1m}}}}
    mem_limit: 64m
    mem_reservation: 8m
    networks:
      net: {{aliases: [other]}}
    pids_limit: 100
    platform: linux/amd64
    ports:
      - {{target: 80, published: "18765", name: web, mode: host}}
      - "18766-18767:90"
    read_only: true
    restart: always
    secrets: [token]
    security_opt: ["label=type:app_t"]
    shm_size: 8m
    stdin_open: true
    stop_grace_period: 5s
    sysctls: {{net.core.somaxconn: 256}}
    tmpfs: ["/run:size=1m,mode=1777", /scratch]
    tty: true
    ulimits: {{nofile: {{soft: 100, hard: 200}}, nproc: 50}}
    user: "1000:1000"
    volumes:
      - data:/data:nocopy
      - /etc/hostname:/etc/host-hostname:ro,rprivate
      - {{type: bind, source: /usr/share, target: /share, read_only: true, bind: {{recursive: disabled}}}}
      - {{type: tmpfs, target: /small, tmpfs: {{size: 1m, mode: 0o700}}}}
      - {{type: volume, target: /anonymous, volume: {{labels: {{a: b}}}}}}
    working_dir: /tmp
  near:
{COMMON}
    network_mode: host
    cpu_quota: 50000
    cpu_period: 100000
networks:
  net:
    attachable: true
    driver_opts: {{com.docker.network.driver.mtu: 1400}}
    labels: [net=label]
    ipam:
      config:
        - subnet: 10.213.0.0/24
          gateway: 10.213.0.1
          ip_range: 10.213.0.128/25
          aux_addresses: {{kept: 10.213.0.9}}
volumes:
  data: {{driver: local, labels: {{vol: label}}}}
configs:
  inline: {{content: "inline\\n"}}
  variable: {{environment: SETTINGS}}
secrets:
  token: {{environment: TOKEN}}
"""

YOUNG = f"""\
services:
  web:
{COMMON}
    oom_score_adj: 100
    security_opt: [no-new-privileges]
"""


def written(bench: Bench, text: str) -> None:
    (bench.folder / "compose.yaml").write_text(text)
    (bench.folder / "more.env").write_text("C=3\n")
    (bench.folder / "more.labels").write_text("from=file\n")
    bench.env |= {"SETTINGS": "s=1", "TOKEN": "t"}


@pytest.mark.engine
def test_every_key_is_accepted_and_stored(engine: Engine, swarm: Bench) -> None:
    """And the task runs: nothing of it is refused on the node."""
    written(swarm, EVERYTHING)
    assert "applied" in swarm.apply()
    assert "No changes" in swarm.run("plan", swarm.stack, "--detailed-exitcode")

    plan = compile_stack(
        ["compose.yaml"], DiskReader(str(swarm.folder)), stack=swarm.stack, environment=swarm.env, dialect="compose"
    ).plan
    assert plan is not None
    client = connect(engine.host, {})
    observed = observe(client, swarm.stack, plan)
    client.close()
    for name, planned in plan.services.items():
        assert field_changes(observed.services[name].spec, planned.spec) == ()
    network = observed.networks[f"{swarm.stack}_net"].spec
    [subnet] = network["IPAM"]["Config"]
    assert subnet["Gateway"] == "10.213.0.1"
    assert subnet["IPRange"] == "10.213.0.128/25"
    assert network["Options"]["com.docker.network.driver.mtu"] == "1400"

    [task] = [one for one in engine.docker("ps", "-q", "--filter", f"name={swarm.stack}_all.1").splitlines() if one]
    seen = json.loads(engine.docker("inspect", task))[0]
    check_container(seen)


def check_container(seen: Json) -> None:
    host, config = seen["HostConfig"], seen["Config"]
    assert host["NanoCpus"] == 500_000_000
    assert host["Memory"] == 64 * 1024 * 1024
    assert host["PidsLimit"] == 100
    assert host["Sysctls"] == {"net.core.somaxconn": "256"}
    assert host["GroupAdd"] == ["1000"]
    assert host["DnsOptions"] == ["timeout:1"]
    assert config["Hostname"] == config["Labels"]["com.docker.swarm.service.name"]
    assert config["Labels"]["from"] == "file"
    assert "C=3" in config["Env"]
    mounts = {mount["Target"]: mount for mount in host["Mounts"]}
    assert mounts["/dev/shm"]["TmpfsOptions"]["SizeBytes"] == 8 * 1024 * 1024
    assert mounts["/run"]["TmpfsOptions"] == {"SizeBytes": 1024 * 1024, "Mode": 0o1777}
    assert mounts["/share"]["BindOptions"]["NonRecursive"] is True


def test_a_key_that_the_engine_is_too_old_for_stops_the_plan(bench: Bench) -> None:
    written(bench, YOUNG)
    said = bench.run("plan", bench.stack, code=1)
    assert "services.web.oom_score_adj needs Engine API 1.46" in said
    assert "services.web.security_opt needs Engine API 1.44" in said
    assert "1.41" in said
    assert "update the engines" in said
    bench.apply(code=1)
    assert bench.services() == []


FOLLOWING = """\
services:
  db: {{image: "process/box:v1", stop_signal: SIGKILL, command: [sleep, "600"], environment: {{V: "{version}"}}}}
  web:
    image: process/box:v1
    stop_signal: SIGKILL
    command: [sleep, "600"]
    depends_on: {{db: {{condition: service_started, restart: true}}}}
"""


def test_a_service_restarts_after_its_dependency(bench: Bench) -> None:
    def live(key: str) -> set[str]:
        client = connect(bench.host, {})
        observed = observe(client, bench.stack, tasks=True)
        client.close()
        return {task.id for task in observed.tasks if task.live and task.service == f"{bench.stack}_{key}"}

    written(bench, FOLLOWING.format(version=1))
    bench.apply()
    first = live("web")
    assert len(first) == 1
    assert "No changes" in bench.run("plan", bench.stack, "--detailed-exitcode")

    written(bench, FOLLOWING.format(version=2))
    assert f"restarts after {bench.stack}_db" in bench.run("plan", bench.stack)
    bench.apply()
    second = live("web")
    assert len(second) == 1
    assert second != first
    assert "No changes" in bench.run("plan", bench.stack, "--detailed-exitcode")
