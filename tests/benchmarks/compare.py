"""Whole runs of prodlint and its peers over the same trees, in turn, as ratios.

    python tests/benchmarks/compare.py TREE... [--runs 5] [--peers ruff,bandit,stack] [--python] [--markdown table.md]

Nothing is fetched: trees are folders, peers what is installed beside the interpreter or on the PATH. Times are seconds of the whole process
by the clock, and of the processor in user mode, measured from outside; memory is the peak of the largest process. A run of each comes before
those that count, so that the files are in memory for all. `stack` is what a team runs instead, one tool after the other, as far as it is
installed; `--python` measures each tree once more with nothing but its `.py` files, which is all that ruff reads.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

RUFF = "S,E722,BLE,FIX,TD,T20,DTZ"

# The programs that are run for a tree, one after the other.
Command = Callable[[str], list[list[str]]]
# What prodlint replaces besides ruff, each with what it is given besides the tree.
STACK: dict[str, list[str]] = {
    "bandit": ["-q", "-r", "-f", "json"],
    "detect-secrets": ["scan", "--all-files"],
    "zizmor": ["--offline", "--format", "json"],
    "checkov": ["--compact", "--quiet", "-o", "json", "-d"],
}


def tool(name: str) -> str | None:
    """The program beside this interpreter, else on the PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def commands(cache: str) -> dict[str, Command]:
    """Every tool that is installed, as the command line for a tree."""
    own = [sys.executable, "-m", "prodlint", "check", "--isolated", "--output-format", "json"]
    made: dict[str, Command] = {
        "prodlint": lambda tree: [[*own, "--no-cache", tree]],
        "prodlint warm": lambda tree: [[*own, "--cache-dir", os.path.join(cache, "prodlint"), tree]],
    }
    found = {name: tool(name) for name in ("ruff", "flake8", "pylint", *STACK)}
    peers = {name: [program, *STACK[name]] for name, program in found.items() if program and name in STACK}
    for name, line in peers.items():
        made[name] = lambda tree, line=line: [[*line, tree]]  # type: ignore[misc]
    if ruff := found["ruff"]:
        options = ["check", "--isolated", "--select", RUFF, "--output-format", "json"]
        made["ruff"] = lambda tree: [[ruff, *options, "--no-cache", tree]]
        made["ruff warm"] = lambda tree: [[ruff, *options, "--cache-dir", os.path.join(cache, "ruff"), tree]]
        made["stack"] = lambda tree: [[ruff, *options, "--no-cache", tree], *([*line, tree] for line in peers.values())]
    if flake8 := found["flake8"]:
        made["flake8"] = lambda tree: [[flake8, "--isolated", tree]]
    if pylint := found["pylint"]:
        made["pylint"] = lambda tree: [[pylint, "--rcfile=/dev/null", "-j0", "--recursive=y", tree]]
    return made


class Cost(NamedTuple):
    """What a run took: seconds by the clock, seconds of processors in user mode, and bytes of memory at the peak."""

    clock: float
    user: float
    peak: int


def once(commands: Sequence[Sequence[str]]) -> Cost:
    """What programs take that run one after the other."""
    clock = user = 0.0
    peak = 0
    for command in commands:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        clock += time.perf_counter() - began
        user += usage.ru_utime
        peak = max(peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    return Cost(clock, user, peak)


def size_of(tree: str) -> tuple[int, int]:
    """Number and bytes of the Python files."""
    sizes = [path.stat().st_size for path in Path(tree).rglob("*.py") if path.is_file()]
    return len(sizes), sum(sizes)


def measure(tree: str, chosen: dict[str, Command], runs: int, called: str = "") -> list[str]:
    """The rows of one tree. called: what it is called there, where that is not the folder's name."""
    taken: dict[str, list[Cost]] = {name: [] for name in chosen}
    for number in range(runs + 1):
        for name, command in chosen.items():
            cost = once(command(tree))
            if number:
                taken[name].append(cost)

    def ratio(name: str, of: Callable[[Cost], float]) -> str:
        against = taken.get("ruff warm" if name.endswith("warm") else "ruff")
        return f"{statistics.median(map(of, taken[name])) / statistics.median(map(of, against)):.2f}" if against else "-"

    files, size = size_of(tree)
    rows = []
    for name, costs in taken.items():
        clocks = [cost.clock for cost in costs]
        spread = f"{min(clocks):.2f}-{max(clocks):.2f}"
        user = statistics.median(cost.user for cost in costs)
        rows.append(
            f"| {called or Path(tree).name} ({files:,} files, {size / 1e6:.1f} MB) | {name} | {ratio(name, lambda cost: cost.clock)} "
            f"| {ratio(name, lambda cost: cost.user)} | {statistics.median(clocks):.2f} | {spread} | {user:.2f} "
            f"| {max(cost.peak for cost in costs) / 1e6:.0f} |"
        )
    return rows


def only_python(tree: str, folder: str) -> str:
    """A copy of a tree's `.py` files, as they lie."""
    made = os.path.join(folder, Path(tree).name)
    for path in Path(tree).rglob("*.py"):
        if path.is_file() and not path.is_symlink():
            target = Path(made) / path.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return made


def small_file(runs: int) -> str:
    """One small clean file, in units of `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "clean.py")
        Path(path).write_text("def double(number: int) -> int:\n    return number * 2\n")
        own = [[sys.executable, "-m", "prodlint", "check", "--isolated", "--no-cache", path]]
        empty = [[sys.executable, "-c", "pass"]]
        ratios = []
        once(own)
        for _ in range(runs * 3):
            ratios.append(once(own).clock / once(empty).clock)
        return f"one small clean file: {statistics.median(ratios):.1f} times `python -c pass`"


def curve(tree: str, runs: int) -> str:
    """Seconds for 1, 2, 4, 8 and 16 copies of a tree, as multiples of the first."""
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        copies = 0
        for wanted in (1, 2, 4, 8, 16):
            while copies < wanted:
                shutil.copytree(tree, os.path.join(folder, f"copy{copies}"), symlinks=True)
                copies += 1
            own = [[sys.executable, "-m", "prodlint", "check", "--isolated", "--no-cache", "--output-format", "json", folder]]
            measured.append(min(once(own).clock for _ in range(runs)))
    return "1, 2, 4, 8, 16 copies: " + ", ".join(f"{seconds / measured[0]:.1f}" for seconds in measured)


def main() -> int:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="ruff,ruff warm")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--python", action="store_true")
    parser.add_argument("--markdown")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        available = commands(cache)
        wanted = ["prodlint", "prodlint warm", *(name.strip() for name in given.peers.split(","))]
        chosen = {name: available[name] for name in wanted if name in available}
        lines = [
            "| tree | tool | ratio to ruff | ratio by user CPU | median s | spread s | user CPU s | peak MB |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for tree in given.trees:
            lines += measure(tree, chosen, given.runs)
            if given.python:
                with tempfile.TemporaryDirectory() as folder:
                    some = {name: command for name, command in chosen.items() if name in ("prodlint", "ruff")}
                    lines += measure(only_python(tree, folder), some, given.runs, f"{Path(tree).name}, `.py` only")
        lines += ["", small_file(given.runs)]
        if given.curve:
            lines.append(curve(given.trees[0], 2))
    versions = (
        [subprocess.run([tool("ruff") or "ruff", "--version"], capture_output=True, text=True).stdout.strip()] if "ruff" in chosen else []
    )
    lines.append(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {', '.join(versions)}; ruff selects {RUFF}.")
    text = "\n".join(lines) + "\n"
    print(text)
    if given.markdown:
        Path(given.markdown).write_text(text)
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
