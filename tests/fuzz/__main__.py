"""`python -m tests.fuzz --seconds 60`: fuzz every target in turn; exit code 1 where something was found.

With Atheris (`pip install atheris`) and `--engine atheris` the inputs are led by coverage, else they are mutated blindly. Each kind of fault
is told once, with the smallest input met, which is kept in `--into`.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import os
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import Broken, targets

# CPU seconds after which an input counts as one that never ends.
HANG = 20


class Hangs(BaseException):
    """No end in sight. (No Exception, which the code under test may catch.)"""


class Findings:
    """What was found: one entry a kind of fault, with the smallest input."""

    def __init__(self, into: Path) -> None:
        self.into = into
        self.smallest: dict[str, bytes] = {}
        self.last: int | None = None
        self.counted: Counter[str] = Counter()

    def begin(self, target: str, path: str, data: bytes) -> None:
        """Keep an input while it is tried: a fault of a parser in C ends the process, and nobody could tell what it was."""
        if self.last is None:
            self.into.mkdir(parents=True, exist_ok=True)
            self.last = os.open(self.into / "last", os.O_WRONLY | os.O_CREAT, 0o644)
        kept = f"{target}\n{path}\n".encode("utf-8", "surrogateescape") + data
        os.pwrite(self.last, kept, 0)
        os.ftruncate(self.last, len(kept))

    def note(self, target: str, what: str, path: str, data: bytes) -> None:
        """One more input that does this."""
        key = f"{target}: {what}"
        self.counted[key] += 1
        if key not in self.smallest:
            print(f"FOUND {key} ({path}, {len(data)} bytes)", flush=True)
        if key not in self.smallest or len(data) < len(self.smallest[key]):
            self.smallest[key] = data
            self.into.mkdir(parents=True, exist_ok=True)
            name = f"{target}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
            (self.into / name).write_bytes(data)
            (self.into / f"{name}.txt").write_text(f"{key}\n{path}\n")


def attempt(found: Findings, name: str, path: str, data: bytes) -> None:
    """One input. A fault is noted, and the next one comes."""
    function, _ = targets()[name]
    found.begin(name, path, data)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        function(path, data)
    except Hangs:
        found.note(name, f"hangs ({_where(sys.exc_info()[2])})", path, data)
    except Broken as error:
        found.note(name, error.what, path, data)
    except (RecursionError, Exception) as error:
        found.note(name, f"{type(error).__name__} in {_where(error.__traceback__)}", path, data)
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)


def _where(trace: object) -> str:
    steps = [step for step in traceback.extract_tb(trace) if f"{os.sep}prodlint{os.sep}" in step.filename]  # type: ignore[arg-type] # a traceback or None
    return f"{os.path.basename(steps[-1].filename)}:{steps[-1].name}" if steps else "?"


def blindly(found: Findings, names: list[str], seconds: float, seed: int) -> Counter[str]:
    """Mutate and try, target after target, until the time is up."""
    chance = Random(seed)
    tried: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name in names:
            _, made = targets()[name]
            contents = [content for _, content in made]
            for _ in range(1 if name == "check" else 10):
                path, content = chance.choice(made)
                attempt(found, name, path, mutated(content, chance, contents))
                tried[name] += 1
            if time.monotonic() > end:
                break
    return tried


def led_by_coverage(found: Findings, names: list[str], seconds: float, seed: int) -> Counter[str]:
    """Let Atheris choose what to mutate further: it sees which lines of prodlint an input reaches."""
    import atheris

    tried: Counter[str] = Counter()
    every = [(name, path, content) for name in names for path, content in targets()[name][1]]
    atheris.instrument_all()

    def one(data: bytes) -> None:
        # The first two bytes say which seed's name and target the rest is tried under.
        name, path, _ = every[int.from_bytes(data[:2], "big") % len(every)]
        attempt(found, name, path, data[2:])
        tried[name] += 1

    def mutate(data: bytes, largest: int, number: int) -> bytes:
        chance = Random(number)
        if len(data) < 3 or chance.random() < 0.05:
            which = chance.randrange(len(every))
            data = which.to_bytes(2, "big") + every[which][2]
        others = [every[chance.randrange(len(every))][2] for _ in range(4)]
        return data[:2] + mutated(data[2:], chance, others, largest - 2)

    atheris.Setup(
        [sys.argv[0], f"-max_total_time={int(seconds)}", f"-seed={seed or 1}", "-max_len=20000", "-rss_limit_mb=0", "-timeout=0"],
        one,
        custom_mutator=mutate,
    )
    with suppress(SystemExit):
        atheris.Fuzz()
    return tried


def main() -> int:
    """Fuzz, and say how long and with what result."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--target", action="append", choices=sorted(targets()), help="these alone (default: all)")
    parser.add_argument("--engine", choices=("mutator", "atheris"), default="mutator")
    parser.add_argument("--into", type=Path, default=Path(".fuzz"), help="where the inputs that break something are kept")
    parser.add_argument(
        "--replay", type=Path, help="try one kept input again, with its traceback; `.fuzz/last` is the one at which the process died"
    )
    given = parser.parse_args()
    faulthandler.enable()
    if hasattr(signal, "SIGPROF"):

        def stop(*_: object) -> None:
            raise Hangs

        signal.signal(signal.SIGPROF, stop)
    if given.replay:
        if given.replay.name == "last":
            name, path, data = given.replay.read_bytes().split(b"\n", 2)
            targets()[name.decode()][0](os.fsdecode(path), data)
            return 0
        key, path = given.replay.with_suffix(".txt").read_text().splitlines()[:2]
        targets()[key.partition(":")[0]][0](path, given.replay.read_bytes())
        return 0
    found = Findings(given.into)
    names = given.target or sorted(targets())
    engine = led_by_coverage if given.engine == "atheris" else blindly
    print(f"seed {given.seed}, {len(names)} targets", flush=True)
    began = time.process_time()
    tried = engine(found, names, given.seconds, given.seed)
    spent = time.process_time() - began
    print(f"{sum(tried.values()):,} inputs in {spent / 3600:.2f} CPU hours; {len(found.smallest)} kinds of fault")
    for key, number in found.counted.most_common():
        print(f"{number:8,}  {key} ({len(found.smallest[key])} bytes)")
    return 1 if found.smallest else 0


if __name__ == "__main__":
    sys.exit(main())
