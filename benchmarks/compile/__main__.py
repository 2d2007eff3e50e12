"""`stackc validate`, `config` and `compile` beside `docker stack config` and `docker compose config` on the same files.

    .venv/bin/python -m benchmarks.compile [--services N...] [--runs N] [--compose PATH] [--json FILE] [--check]

Each command is a whole process; all take turns in one run, so that they see the same load. Quote the ratios: the
processor's time is the steadier one, and docker, which works on several threads, is flattered by the clock.
With --check the exit code is 1 when `stackc config` misses a goal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.compile.passes import PASSES, passes
from benchmarks.compile.processes import Failed, Runner, Taken
from benchmarks.compile.stack_file import stack_file

GOALS = {1: 1.5, 10: 1.0, 100: 0.5, 1000: 0.3}
"""`stackc config` against `docker stack config`: at most so many times its time, by number of services."""

Command = tuple[str, list[str], str]
"""What it is called in the report, the command line, and the name of the command that it is compared with."""

DOCKER, COMPOSE = "docker stack config", "docker compose config"


def commands(stackc: str, compose: list[str] | None) -> list[Command]:
    stack, spec = ["-c", "stack.yml"], ["-f", "compose.yml"]
    found: list[Command] = [
        (DOCKER, ["docker", "stack", "config", *stack], DOCKER),
        ("stackc validate", [stackc, "validate", *stack], DOCKER),
        ("stackc config", [stackc, "config", *stack], DOCKER),
        ("stackc compile", [stackc, "compile", *stack, "bench"], DOCKER),
    ]
    if compose is not None:
        found.append((COMPOSE, [*compose, "-p", "bench", *spec, "config"], COMPOSE))
        found.append(("stackc config, Compose", [stackc, "config", "-c", "compose.yml"], COMPOSE))
    return found


def compose_command(given: str | None) -> list[str] | None:
    """As given, or the plugin, or the standalone binary; None where there is none."""
    if given is not None:
        return [given]
    folders = (Path.home() / ".docker/cli-plugins", *map(Path, ("/usr/libexec", "/usr/lib", "/usr/local/lib")))
    if any((folder / sub / "docker-compose").exists() for folder in folders for sub in ("", "docker/cli-plugins")):
        return ["docker", "compose"]
    found = shutil.which("docker-compose")
    return [found] if found is not None else None


def environment(folder: str) -> dict[str, str]:
    """As an installed stackc finds it: byte code is cached (in the folder), whatever this shell says."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COMPOSE_"))}
    return {**env, "PYTHONPYCACHEPREFIX": str(Path(folder, "pyc"))}


def side_by_side(runner: Runner, folder: str, services: int, runs: int, ran: list[Command]) -> dict[str, list[Taken]]:
    Path(folder, "stack.yml").write_text(stack_file(services))
    Path(folder, "compose.yml").write_text(stack_file(services, version=""))
    times: dict[str, list[Taken]] = {name: [] for name, _, _ in ran}
    for turn in range(runs + 1):
        for name, command, _ in ran:
            took = runner.run(command, folder)
            if turn >= 1:  # the first warms the caches
                times[name].append(took)
    return times


def summary(times: dict[str, list[Taken]], ran: list[Command]) -> dict[str, dict[str, float | str]]:
    """Per command: medians and minima, MiB, and the ratios of the medians."""
    rows: dict[str, dict[str, float | str]] = {}
    middle = {name: Taken(*(median(column) for column in zip(*taken, strict=True))) for name, taken in times.items()}
    for name, _, beside in ran:
        one, base = middle[name], middle[beside]
        rows[name] = {
            "wall": one.wall,
            "cpu": one.cpu,
            "memory": one.memory,
            "wall_min": min(taken.wall for taken in times[name]),
            "cpu_min": min(taken.cpu for taken in times[name]),
            "beside": beside,
            "wall_ratio": one.wall / base.wall,
            "cpu_ratio": one.cpu / base.cpu,
            "memory_ratio": one.memory / base.memory,
        }
    return rows


def show(services: int, runs: int, rows: dict[str, dict[str, float | str]]) -> None:
    lines = stack_file(services).count("\n")
    print(f"\n{services} services, {lines} lines; medians of {runs} runs, ms of the clock | of the processor | MiB")
    for name, row in rows.items():
        print(
            f"  {name:<38} {row['wall']:10.1f} {row['wall_ratio']:7.2f}x | {row['cpu']:10.1f} {row['cpu_ratio']:6.2f}x"
            f" | {row['memory']:5.0f} {row['memory_ratio']:5.2f}x"
        )


def linearity(services: int, runs: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time at N, 2N and 4N, by pass."""
    columns = {str(n): passes(n, runs) for n in (services, 2 * services, 4 * services)}
    return {name: {n: column[name] for n, column in columns.items()} for name in PASSES}


def show_linearity(table: dict[str, dict[str, float]]) -> None:
    sizes = list(next(iter(table.values())))
    print("\none warm process, processor ms at " + ", ".join(sizes) + " services; growth per doubling (at most 2.2)")
    for name, row in table.items():
        values = list(row.values())
        growth = "  ".join(f"{after / max(before, 0.001):4.2f}x" for before, after in pairwise(values))
        print(f"  {name:<14}" + "".join(f"{value:10.1f}" for value in values) + f"   {growth}")


def missed(results: dict[int, dict[str, dict[str, float | str]]]) -> list[str]:
    """By the processor's time or by the clock's, whichever is better: one of them is always disturbed by the load."""
    faults = []
    for services, rows in results.items():
        row = rows["stackc config"]
        ratio = min(float(row["wall_ratio"]), float(row["cpu_ratio"]))
        if services in GOALS and ratio > GOALS[services]:
            faults.append(f"{services} services took {ratio:.2f}x, the goal is {GOALS[services]}x")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--services", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument(
        "--runs", type=int, default=40, help="of one service; larger files run less often, 5 times at least"
    )
    parser.add_argument(
        "--compose", metavar="PATH", help="the docker-compose binary; default: docker compose, docker-compose"
    )
    parser.add_argument(
        "--passes", type=int, default=250, metavar="N", help="the linearity table starts at N services; 0: none"
    )
    parser.add_argument("--json", metavar="FILE", help="all figures, for programs")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if shutil.which("docker") is None:
        print("there is no docker command on PATH to compare with", file=sys.stderr)
        return 1
    compose = compose_command(args.compose)
    if compose is None:
        print("no docker compose found (--compose PATH): its rows are left out")
    ran = commands(str(Path(sys.executable).parent / "stackc"), compose)
    results: dict[int, dict[str, dict[str, float | str]]] = {}
    with tempfile.TemporaryDirectory() as folder, Runner(environment(folder), str(Path(folder, "errors"))) as runner:
        for services in args.services:
            runs = max(5, args.runs // (1 + services // 50))
            try:
                results[services] = summary(side_by_side(runner, folder, services, runs, ran), ran)
            except Failed as failed:
                print(failed, file=sys.stderr)
                return 1
            show(services, runs, results[services])
    table = linearity(args.passes, 3) if args.passes else {}
    if table:
        show_linearity(table)
    if args.json is not None:
        Path(args.json).write_text(json.dumps({"services": results, "passes": table}, indent=2) + "\n")
    faults = missed(results) if args.check else []
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
