"""Whole runs of prodlint and its peers over the same trees, in turn, as ratios.

    python tests/benchmarks/compare.py TREE... [--runs 5] [--peers ruff,bandit] [--markdown table.md]

Nothing is fetched: trees are folders, peers what is installed beside the interpreter or on the PATH. Times are wall-clock
seconds of the whole process, measured from outside; memory is the peak of the largest process and of its children
together. A run of each comes before those that count, so that the files are in memory for all.
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

RUFF = "S,E722,BLE,FIX,TD,T20,DTZ"

Command = Callable[[str], list[str]]


def tool(name: str) -> str | None:
    """The program beside this interpreter, else on the PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def commands(cache: str) -> dict[str, Command]:
    """Every tool that is installed, as the command line for a tree."""
    own = [sys.executable, "-m", "prodlint", "check", "--isolated", "--output-format", "json"]
    made: dict[str, Command] = {
        "prodlint": lambda tree: [*own, "--no-cache", tree],
        "prodlint warm": lambda tree: [*own, "--cache-dir", os.path.join(cache, "prodlint"), tree],
    }
    found = {name: tool(name) for name in ("ruff", "bandit", "detect-secrets", "flake8", "semgrep", "fixit", "pylint")}
    if ruff := found["ruff"]:
        options = ["check", "--isolated", "--select", RUFF, "--output-format", "json"]
        made["ruff"] = lambda tree: [ruff, *options, "--no-cache", tree]
        made["ruff warm"] = lambda tree: [ruff, *options, "--cache-dir", os.path.join(cache, "ruff"), tree]
    if bandit := found["bandit"]:
        made["bandit"] = lambda tree: [bandit, "-q", "-r", "-f", "json", tree]
    if secrets := found["detect-secrets"]:
        made["detect-secrets"] = lambda tree: [secrets, "scan", "--all-files", tree]
    if flake8 := found["flake8"]:
        made["flake8"] = lambda tree: [flake8, "--isolated", tree]
    if pylint := found["pylint"]:
        made["pylint"] = lambda tree: [pylint, "--rcfile=/dev/null", "-j0", "--recursive=y", tree]
    return made


def once(command: Sequence[str]) -> tuple[float, int]:
    """Seconds, and peak memory in bytes, of one run."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    seconds = time.perf_counter() - began
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def size_of(tree: str) -> tuple[int, int]:
    """Number and bytes of the Python files."""
    sizes = [path.stat().st_size for path in Path(tree).rglob("*.py") if path.is_file()]
    return len(sizes), sum(sizes)


def measure(tree: str, chosen: dict[str, Command], runs: int) -> list[str]:
    """The rows of one tree."""
    times: dict[str, list[float]] = {name: [] for name in chosen}
    memory: dict[str, int] = dict.fromkeys(chosen, 0)
    for number in range(runs + 1):
        for name, command in chosen.items():
            seconds, peak = once(command(tree))
            if number:
                times[name].append(seconds)
                memory[name] = max(memory[name], peak)
    base = {
        False: statistics.median(times["ruff"]) if "ruff" in times else 0.0,
        True: statistics.median(times["ruff warm"]) if "ruff warm" in times else 0.0,
    }
    files, size = size_of(tree)
    rows = []
    for name, listed in times.items():
        middle = statistics.median(listed)
        against = base[name.endswith("warm")]
        ratio = f"{middle / against:.2f}" if against else "-"
        spread = f"{min(listed):.2f}-{max(listed):.2f}"
        rows.append(
            f"| {Path(tree).name} ({files:,} files, {size / 1e6:.1f} MB) | {name} | {ratio} | {middle:.2f} | {spread} | {memory[name] / 1e6:.0f} |"
        )
    return rows


def small_file(runs: int) -> str:
    """One small clean file, in units of `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "clean.py")
        Path(path).write_text("def double(number: int) -> int:\n    return number * 2\n")
        own = [sys.executable, "-m", "prodlint", "check", "--isolated", "--no-cache", path]
        empty = [sys.executable, "-c", "pass"]
        ratios = []
        once(own)
        for _ in range(runs * 3):
            ratios.append(once(own)[0] / once(empty)[0])
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
            own = [sys.executable, "-m", "prodlint", "check", "--isolated", "--no-cache", "--output-format", "json", folder]
            measured.append(min(once(own)[0] for _ in range(runs)))
    return "1, 2, 4, 8, 16 copies: " + ", ".join(f"{seconds / measured[0]:.1f}" for seconds in measured)


def main() -> int:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="ruff,ruff warm")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--markdown")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        available = commands(cache)
        wanted = ["prodlint", "prodlint warm", *(name.strip() for name in given.peers.split(","))]
        chosen = {name: available[name] for name in wanted if name in available}
        lines = ["| tree | tool | ratio to ruff | median s | spread s | peak MB |", "|---|---|---|---|---|---|"]
        for tree in given.trees:
            lines += measure(tree, chosen, given.runs)
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
