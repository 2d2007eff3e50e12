"""The example `redis-cluster` on the lab's swarm, with a writer that keeps account of what was acknowledged."""

from __future__ import annotations

import shutil
from pathlib import Path

from apply_bench import Bench
from lab.cluster import Cluster, Node

EXAMPLE = Path(__file__).parents[3] / "examples" / "redis-cluster"
# A write counts as acknowledged once a replica has it too.
WRITER = """\
i=0; touch /acked
while [ ! -e /stop ]; do
    i=$((i + 1))
    printf 'SET key:%d %d\\nWAIT 1 2000\\n' $i $i | timeout 5 redis-cli -c -h redis >/answer 2>&1
    said=$(grep -v '^->' /answer | tr '\\n' ' ')
    if [ "$said" = "OK 1 " ]; then echo $i >>/acked; else echo "$i $said" >>/refused; sleep 0.2; fi
done
exec sleep 600
"""
# Reads everything that was acknowledged and says what is not there.
READER = """\
for i in $(cat /acked); do echo "GET key:$i"; done | timeout 60 redis-cli -c -h redis | grep -v '^->' >/found
awk 'NR == FNR { want[NR] = $1; next } { if (want[FNR] == $1) good++ } END { print good + 0 }' /acked /found
"""


class RedisBench:
    """The example in a folder of its own, so that a test can edit it."""

    def __init__(self, cluster: Cluster, bench: Bench) -> None:
        self.cluster = cluster
        self.bench = bench
        image = cluster.registry.push(_image(cluster), "redis:7", cluster.nodes[0])
        for name in ("compose.yaml", "scale-out.yaml", "redis.conf", "cluster.sh"):
            shutil.copy(EXAMPLE / name, bench.folder / name)
        bench.env = {"REDIS_IMAGE": image}
        self._image = image
        self._writer = f"{bench.stack}-writer"

    def deploy(self, *files: str, code: int = 0) -> str:
        more = [word for file in ("compose.yaml", *files) for word in ("-c", file)]
        return self.bench.apply(*more, "--timeout", "120", code=code)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.bench.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def docker(self, *arguments: str) -> str:
        return self.cluster.leader().docker(*arguments)

    def on_all(self, *command: str) -> dict[str, str]:
        """What a command says in each running task of redis, by container."""
        found = {}
        for node in self.cluster.nodes:
            if not node.alive:
                continue
            for container in node.docker("ps", "--quiet", "--filter", f"name={self.bench.stack}_redis.").split():
                found[container] = node.docker("exec", container, *command, check=False)
        return found

    def start_writer(self, node: Node) -> None:
        self._at = node
        self.docker(
            "service", "create", "--detach", "--quiet", "--name", self._writer, "--network",
            f"{self.bench.stack}_cluster", "--constraint", f"node.hostname=={node.name}", "--stop-signal", "SIGKILL",
            self._image, "sh", "-c", WRITER,
        )  # fmt: skip
        self.cluster.wait(lambda: self.acknowledged() > 20, "the writer writes")

    def _inside_writer(self, script: str, *, check: bool = True) -> str:
        container = self._at.docker("ps", "--quiet", "--filter", f"name={self._writer}.").strip()
        return self._at.docker("exec", container, "sh", "-c", script, check=check) if container else ""

    def acknowledged(self) -> int:
        return int(self._inside_writer("wc -l </acked", check=False) or 0)

    def refused(self) -> int:
        return int(self._inside_writer("cat /refused 2>/dev/null | wc -l", check=False) or 0)

    def goes_on(self, more: int = 20) -> None:
        """Waits until so many more writes are acknowledged."""
        before = self.acknowledged()
        self.cluster.wait(lambda: self.acknowledged() >= before + more, "writes go on")

    def account(self) -> tuple[int, int]:
        """Stops the writer: (acknowledged, of these found)."""
        self._inside_writer("touch /stop; sleep 3")
        return self.acknowledged(), int(self._inside_writer(READER))

    def info(self, key: str) -> set[str]:
        """What the nodes say of the cluster: one value when they agree."""
        lines = [said.replace("\r", "").splitlines() for said in self.on_all("redis-cli", "cluster", "info").values()]
        return {dict(line.split(":", 1) for line in one if ":" in line).get(key, "") for one in lines}

    def close(self) -> None:
        self.cluster.leader().docker("service", "rm", self._writer, check=False)
        self.bench.start("rm", "--yes", self.bench.stack).communicate(timeout=60)
        self.cluster.settle()
        for node in self.cluster.nodes:
            for _ in range(50):  # containers of the tasks that were removed go a little later
                names = node.docker("volume", "ls", "--quiet", "--filter", "name=redis-data-").split()
                if not names or "redis-data" not in node.docker("volume", "rm", "--force", *names, check=False):
                    break


def _image(cluster: Cluster) -> str:
    from lab import images

    return images.provided(cluster.nodes[0], "redis")
