"""Whole-process time of `stackc validate` beside `docker stack config` on the same file.

    .venv/bin/python -m benchmarks.compile [--services 1 10 100] [--runs 40] [--check 2.0]

Runs the two commands in turn, so that both see the same load, and prints medians and their ratio: quote ratios only.
With --check the exit code is 1 when the 10-service ratio is above the given one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.compile.stack_file import stack_file


def timed(command: list[str], cwd: str) -> float:
    """Milliseconds of one run. A command that fails would make the figure worthless."""
    start = perf_counter()
    subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return (perf_counter() - start) * 1000


def side_by_side(services: int, runs: int, stackc: str) -> tuple[dict[str, float], int]:
    """Medians by command name, and the lines of the file."""
    text = stack_file(services)
    commands = {
        "docker stack config": ["docker", "stack", "config", "-c", "stack.yml"],
        "stackc validate": [stackc, "validate", "-c", "stack.yml"],
        "stackc config": [stackc, "config", "-c", "stack.yml"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "stack.yml").write_text(text)
        for turn in range(runs + 2):
            for name, command in commands.items():
                took = timed(command, folder)
                if turn >= 2:  # the first two warm the caches
                    times[name].append(took)
    return {name: median(values) for name, values in times.items()}, text.count("\n")


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
    print(f"{'services':>8} {'lines':>6} {'docker config':>14} {'validate':>16} {'config':>16}   (ms, median of {args.runs})")
    for services in args.services:
        medians, lines = side_by_side(services, args.runs, stackc)
        base = medians["docker stack config"]
        shown = [f"{medians[name]:8.1f} {medians[name] / base:5.2f}x" for name in ("stackc validate", "stackc config")]
        print(f"{services:>8} {lines:>6} {base:>14.1f} {shown[0]:>16} {shown[1]:>16}")
        if services == 10:
            ratio_of_ten = medians["stackc validate"] / base
    if args.check is not None and ratio_of_ten is not None and ratio_of_ten > args.check:
        print(f"validate of 10 services took {ratio_of_ten:.2f}x, the target is {args.check}x", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
