"""Whole-process time of `stackc validate` beside `docker stack config` on the same file.

    .venv/bin/python -m benchmarks.compile [--services 1 10 100] [--runs 40] [--check 2.0]

Runs the two commands in turn, so that both see the same load, and prints medians and their ratio: quote ratios only.
With --check the exit code is 1 when the 10-service ratio is above the given one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.compile.stack_file import stack_file


class Taken(NamedTuple):
    """Milliseconds of one run: by the clock on the wall, and of processor time (steadier on a busy machine)."""

    wall: float
    cpu: float


def timed(command: list[str], cwd: str, env: dict[str, str]) -> Taken:
    """One run. A command that fails would make the figure worthless, so that ends the benchmark."""
    before = getrusage(RUSAGE_CHILDREN)
    start = perf_counter()
    subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    wall = perf_counter() - start
    after = getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Taken(wall * 1000, cpu * 1000)


def environment(folder: str) -> dict[str, str]:
    """As an installed stackc finds it: byte code is cached (in the folder), whatever this shell says."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**env, "PYTHONPYCACHEPREFIX": str(Path(folder, "pyc"))}


def side_by_side(services: int, runs: int, stackc: str) -> tuple[dict[str, Taken], int]:
    """Medians by command name, and the lines of the file."""
    text = stack_file(services)
    commands = {
        "docker stack config": ["docker", "stack", "config", "-c", "stack.yml"],
        "stackc validate": [stackc, "validate", "-c", "stack.yml"],
        "stackc config": [stackc, "config", "-c", "stack.yml"],
    }
    times: dict[str, list[Taken]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "stack.yml").write_text(text)
        for turn in range(runs + 2):
            for name, command in commands.items():
                took = timed(command, folder, environment(folder))
                if turn >= 2:  # the first two warm the caches
                    times[name].append(took)
    medians = {
        name: Taken(median(one.wall for one in runs_), median(one.cpu for one in runs_))
        for name, runs_ in times.items()
    }
    return medians, text.count("\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--services", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--check", type=float, metavar="RATIO")
    args = parser.parse_args()
    if shutil.which("docker") is None:
        print("there is no docker command on PATH to compare with", file=sys.stderr)
        return 1
    stackc = str(Path(sys.executable).parent / "stackc")
    ratio_of_ten = None
    print(f"medians of {args.runs} interleaved runs; wall clock ms, ratio | processor ms, ratio")
    for services in args.services:
        medians, lines = side_by_side(services, args.runs, stackc)
        print(f"{services} services, {lines} lines")
        base = medians["docker stack config"]
        for name, one in medians.items():
            wall, cpu = one.wall / base.wall, one.cpu / base.cpu
            print(f"  {name:<20} {one.wall:8.1f} {wall:5.2f}x | {one.cpu:8.1f} {cpu:5.2f}x")
        if services == 10:
            ratio_of_ten = medians["stackc validate"].wall / base.wall
    if args.check is not None and ratio_of_ten is not None and ratio_of_ten > args.check:
        print(f"validate of 10 services took {ratio_of_ten:.2f}x, the target is {args.check}x", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
