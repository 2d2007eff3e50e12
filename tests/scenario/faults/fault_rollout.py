"""The reference rollout that is harmed: each step rotates a config and a secret, swaps a network and a service for
others, updates two services of which one waits for the other, and prunes. Any step is as good as the next one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lab.faults import Faults

from reconciler.engine import connect
from reconciler.engine.transport import connect as transport_to
from reconciler.rollout import Outcome, Revision, Settings, carry_out, prepare
from stackc.compile import compile_stack
from stackc.disk import DiskReader

TEXT = """\
services:
  web:
    image: process/box:v1
    command: [sleep, "600"]
    environment: {{V: "{step}"}}
    configs: [conf]
    secrets: [token]
    networks: [shared, net-{step}]
    stop_signal: SIGKILL
    deploy: {{update_config: {{monitor: 10ms}}, restart_policy: {{delay: 0s}}}}
  after:
    image: process/box:v1
    environment: {{V: "{step}"}}
    networks: [shared]
    depends_on: {{web: {{condition: service_healthy}}}}
    deploy: {{replicas: 0, update_config: {{monitor: 10ms}}}}
  extra-{step}:
    image: process/box:v1
    environment: {{V: "{step}"}}
    networks: [net-{step}]
    configs: [conf]
    deploy: {{replicas: 0}}
networks: {{shared: {{}}, net-{step}: {{}}}}
configs: {{conf: {{file: ./conf}}}}
secrets: {{token: {{file: ./token}}}}
"""
CANARY = "c4n4ry"
APPLY = ("apply", "--yes", "--prune", "on", "--keep", "1", "--resolve-image", "never")


class Rig:
    """A stack, its folder, and the proxy before its manager."""

    def __init__(self, manager: str, stack: str, delay: float = 1.0) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fr-", dir="/tmp"))
        self.manager = manager
        self.stack = stack
        self.faults = Faults(manager, self.folder / "p", delay)
        self.notes: list[str] = []
        self.step = 0

    def close(self) -> None:
        self.faults.close()
        self.cli("rm", "--yes", self.stack, through=self.manager)
        shutil.rmtree(self.folder)

    def write(self, step: int) -> None:
        self.step = step
        (self.folder / "compose.yaml").write_text(TEXT.format(step=step))
        (self.folder / "conf").write_text(f"conf {step}")
        (self.folder / "token").write_text(f"{CANARY} {step}")

    # -- running ---------------------------------------------------------------------------------------------

    def rollout(self, host: str, **more: Any) -> Outcome:
        """What `stackc apply` does between the compiler and the last lines. Raises EngineError."""
        compiled = compile_stack(["compose.yaml"], DiskReader(str(self.folder)), stack=self.stack, environment={})
        assert compiled.plan is not None, compiled.diagnostics
        self.notes = []
        settings = Settings(
            **{
                "prune": True,
                "keep": 1,
                "resolve_image": "never",
                "timeout": 60.0,
                "progress": lambda look: self.notes.append(look.note) if look.note else None,
                **more,
            }
        )
        engine = connect(host, {})
        try:
            return carry_out(engine, prepare(engine, compiled.plan, settings), Revision(), settings)
        finally:
            engine.close()

    def start(self, *arguments: str, through: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stackc", *arguments, "--host", through or self.faults.host],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "STACKC_"))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cli(self, *arguments: str, through: str | None = None) -> tuple[int, str]:
        process = self.start(*arguments, through=through)
        out, err = process.communicate(timeout=150)
        said = out + err
        assert "Traceback" not in said, said
        assert "internal error" not in said, said
        assert CANARY not in said
        return process.returncode, said

    def apply(self, through: str | None = None) -> tuple[int, str]:
        return self.cli(*APPLY, self.stack, through=through)

    # -- looking ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What there is of the stack, in words that are the same after every step that went well."""
        client = transport_to(self.manager)
        try:
            listed = {
                kind: client.request("GET", f"/{kind}").body or []
                for kind in ("services", "networks", "configs", "secrets")
            }
        finally:
            client.close()
        return described(listed, self.stack, self.step)


def described(listed: dict[str, list[dict[str, Any]]], stack: str, step: int) -> dict[str, Any]:
    def own(one: dict[str, Any]) -> bool:
        labels = (one.get("Spec") or one).get("Labels") or {}
        return bool(labels.get("com.docker.stack.namespace") == stack)

    networks = {n["Id"]: n["Name"] for n in listed["networks"]}
    contents = {c["ID"]: c["Spec"].get("Data", "") for c in listed["configs"]}
    secrets = {s["ID"] for s in listed["secrets"]}
    services = {}
    for one in filter(own, listed["services"]):
        task = one["Spec"]["TaskTemplate"]
        container = task["ContainerSpec"]
        services[_worded(one["Spec"]["Name"], stack, step)] = {
            "env": [_worded(e, stack, step) for e in container.get("Env") or ()],
            "networks": sorted(_worded(networks[n["Target"]], stack, step) for n in task.get("Networks") or ()),
            "configs": [contents[c["ConfigID"]] == _encoded(f"conf {step}") for c in container.get("Configs") or ()],
            "secrets": [s["SecretID"] in secrets for s in container.get("Secrets") or ()],
        }
    records = [c["Spec"]["Labels"] for c in filter(own, listed["configs"]) if _record(c)]
    plain = [c for c in filter(own, listed["configs"]) if not _record(c)]
    return {
        "services": services,
        "networks": sorted(_worded(n["Name"], stack, step) for n in filter(own, listed["networks"])),
        "configs": len(plain),
        "secrets": len([s for s in listed["secrets"] if own(s)]),
        "open": [r["stackc.number"] for r in records if r["stackc.phase"] in ("applying", "rolling-back")],
        "parts": [r["stackc.kind"] for r in records if r["stackc.kind"] != "attempt"],
        "last": max(((int(r["stackc.number"]), r["stackc.phase"]) for r in records), default=(0, ""))[1],
        "too many": len(records) > 20 + 1,
    }


def _record(config: dict[str, Any]) -> bool:
    return "stackc.kind" in (config["Spec"].get("Labels") or {})


def _encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def _worded(text: str, stack: str, step: int) -> str:
    return text.replace(stack, "S").replace(f"-{step}", "-N").replace(f"V={step}", "V=N")
