"""A realistic stack file of any number of services: about 43 lines each, all common sections, anchors, merges."""

from __future__ import annotations

_HEAD = """\
version: "3.8"

x-logging: &logging
  driver: json-file
  options:
    max-size: 10m
    max-file: "3"

x-update: &update
  parallelism: 2
  delay: 10s
  monitor: 15s
  failure_action: rollback
  order: start-first

services:
"""

_SERVICE = """\
  service{n}:
    image: registry.example.com/team/service{n}:1.{n}.0
    command: ["serve", "--port", "80{nn}", "--workers", "4"]
    user: "1000:1000"
    working_dir: /app
    environment:
      DATABASE_URL: postgres://app@db/service{n}
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
      REGION: eu-west-1
      TIMEOUT: 30
      FEATURES: search,export,audit
    ports:
      - "80{nn}:80{nn}"
    networks:
      - front
      - back
    volumes:
      - data{n}:/var/lib/app
      - type: tmpfs
        target: /tmp
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:80{nn}/health"]
      interval: 10s
      timeout: 3s
      retries: 3
      start_period: 20s
    labels:
      com.example.team: team{n}
      com.example.tier: backend
    logging: *logging
    stop_grace_period: 30s
    deploy:
      replicas: 3
      update_config:
        <<: *update
      restart_policy:
        condition: on-failure
        delay: 5s
        max_attempts: 3
      resources:
        limits:
          cpus: "0.50"
          memory: 256M
      placement:
        constraints:
          - node.role == worker
"""


def stack_file(services: int) -> str:
    """The text of a file with that many services (at most 100 for ports of four digits)."""
    body = "".join(_SERVICE.format(n=n, nn=f"{n:02d}") for n in range(services))
    volumes = "".join(f"  data{n}: {{}}\n" for n in range(services))
    networks = "networks:\n  front:\n    driver: overlay\n  back:\n    internal: true\n"
    return f"{_HEAD}{body}{networks}volumes:\n{volumes}"
