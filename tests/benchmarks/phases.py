"""Where the time of one cold run goes: seconds by phase, and the ten slowest files.

    python tests/benchmarks/phases.py TREE

One process, so that nothing overlaps; the clocks add some per cent of their own. Phases: walk (which files there are), read
(bytes from the disk, decoded), scan (anchors and gates), parse (syntax trees of what is left), facts (what the rules want of
them), rules, project (rules about the whole), report.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from prodlint import check, cli, engine, session, workers
from prodlint.readers import python_tree
from prodlint.selection import Index

spent: Counter[str] = Counter()
by_file: Counter[str] = Counter()
# Seconds of the clocks that run inside the one at hand: they are not its own.
_inner: list[float] = [0.0]


def _timed(phase: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    _inner.append(0.0)
    began = time.perf_counter()
    try:
        return call(*arguments, **options)
    finally:
        seconds = time.perf_counter() - began
        spent[phase] += seconds - _inner.pop()
        _inner[-1] += seconds


def clock(owner: Any, name: str, phase: str) -> None:
    """Count what a function takes towards a phase, less what clocks inside it count."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments, **options: _timed(phase, original, *arguments, **options))


def clock_generator(owner: Any, name: str, phase: str) -> None:
    """The same for a generator: each of its steps."""
    original = getattr(owner, name)

    def steps(*arguments: Any, **options: Any) -> Iterator[Any]:
        made = iter(original(*arguments, **options))
        end = object()
        while True:
            found = _timed(phase, next, made, end)
            if found is end:
                return
            yield found

    setattr(owner, name, steps)


def main() -> int:
    """Run prodlint over a tree with clocks in place, and print what they say."""
    tree = sys.argv[1]
    clock(session, "find_files", "walk")
    clock(engine, "_read", "read")
    clock(engine, "decode", "read")
    clock(Index, "scan", "scan")
    clock(python_tree.PyModule, "__init__", "parse")
    clock_generator(engine, "read", "facts")
    clock(engine, "_call", "rules")
    clock(session, "_check_project", "project")
    clock(check, "write", "report")
    analyse = engine.analyse

    def one(path: str, *arguments: Any) -> Any:
        began = time.perf_counter()
        outcome = analyse(path, *arguments)
        by_file[path] = time.perf_counter() - began
        return outcome

    workers.analyse = one
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(["check", tree, "--isolated", "--no-cache", "--jobs", "1", "--exit-zero", "--quiet", "--output-format", "json"])
    whole = time.perf_counter() - began
    spent["the rest"] = whole - sum(spent.values())
    print("| phase | seconds | share |\n|---|---|---|")
    for phase in ("walk", "read", "scan", "parse", "facts", "rules", "project", "report", "the rest"):
        print(f"| {phase} | {spent[phase]:.2f} | {100 * spent[phase] / whole:.0f} % |")
    print("\n| slowest files | ms |\n|---|---|")
    for path, seconds in by_file.most_common(10):
        print(f"| {path} | {1000 * seconds:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
