"""A realistic file of any number of services: about 62 lines and 1.7 KB each, all common sections, anchors, merges."""

from __future__ import annotations

_HEAD = """\
x-logging: &logging
  driver: json-file
  options:
    max-size: 10m
    max-file: "3"
    tag: "{{.Name}}"

x-deploy: &deploy
  update_config: &update
    parallelism: 2
    delay: 10s
    monitor: 60s
    failure_action: rollback
    order: stop-first
  rollback_config:
    <<: *update
    failure_action: pause
  restart_policy:
    condition: on-failure
    delay: 5s
    max_attempts: 3
    window: 60s

services:
"""

_SERVICE = """\
  service{n}:  # what team {team} runs
    image: registry.example.com/team{team}/service{n}:1.{n}.0
    command: ["serve", "--port", "{port}", "--workers", "4"]
    hostname: service{n}
    user: "1000:1000"
    working_dir: /app
    environment:
      DATABASE_URL: postgres://app@database/service{n}?sslmode=require
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
      REGION: eu-west-1
      TIMEOUT: 30
      FEATURES: search,export,audit
      RELEASE: "1.{n}.0"
    networks:
      - front
      - back
    ports:
      - "{port}:8080"
      - target: 9090
        published: {metrics}
        protocol: tcp
        mode: host
    volumes:
      - data{n}:/var/lib/app
      - /etc/localtime:/etc/localtime:ro
      - type: tmpfs
        target: /tmp
        tmpfs:
          size: 67108864
    configs:
      - source: app
        target: /etc/app/service{n}.toml
        mode: 0440
    secrets:
      - token
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8080/health"]
      interval: 10s
      timeout: 3s
      retries: 3
      start_period: 20s
    labels:
      com.example.team: team{team}
      com.example.tier: backend
      com.example.docs: "https://docs.example.com/service{n}"
    logging: *logging
    stop_grace_period: 30s
    deploy:
      <<: *deploy
      replicas: 3
      resources:
        limits:
          cpus: "0.50"
          memory: 256M
        reservations:
          memory: 64M
      placement:
        constraints:
          - node.role == worker
          - node.labels.zone == {zone}
      labels:
        traefik.http.routers.service{n}.rule: Host(`service{n}.example.com`)
"""

_TAIL = """\
networks:
  front:
    driver: overlay
  back:
    driver: overlay
    internal: true
configs:
  app:
    external: true
secrets:
  token:
    external: true
volumes:
"""


def stack_file(services: int, version: str = "3.8") -> str:
    """The text of a file with that many services (at most 20,000, so that every port is another); without a
    ``version`` it is one of the Compose Specification."""
    assert services <= 20_000
    body = "".join(
        _SERVICE.format(n=n, team=n % 7, zone="abc"[n % 3], port=20_000 + n, metrics=40_000 + n)
        for n in range(services)
    )
    head = f'version: "{version}"\n\n' if version else ""
    volumes = "".join(f"  data{n}: {{}}\n" for n in range(services))
    return f"{head}{_HEAD}{body}{_TAIL}{volumes}"
