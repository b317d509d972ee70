"""Nothing grows faster than the file: many findings of one kind cost as much a byte as few.

Quick as part of the suite: calls of functions are counted, which no other load of the machine changes, on inputs that once were quadratic and on a
sample of the pages' examples. `PRODLINT_LINEAR=full` takes every example 1,000, 2,000 and 4,000 times, in CPU seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType

import pytest

from prodlint.commands.rule import expanded
from prodlint.configuration.discover import kind_of
from prodlint.engine import analysis, catalogue, session
from tests.fuzz.targets import everything_on, run

# Cost per byte may grow by half from a file to one of four times its length.
GROWTH = 1.5
FULL = os.environ.get("PRODLINT_LINEAR") == "full"

_DEPLOYMENT = """---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d{0}}}
spec:
  template:
    metadata: {{labels: {{app: d{0}}}}}
    spec:
      containers:
      - name: c
        image: orders:1
        env: [{{name: PASSWORD, value: hunter2abc{0}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: d{0}}}
spec: {{selector: {{app: d{0}}}}}
"""


def each(text: str, first: str = "", last: str = "") -> Callable[[int], str]:
    """The text n times; {0} is the number, {1} the next one."""
    return lambda n: first + "".join(text.format(number, number + 1) for number in range(n)) + last.format(n)


INPUTS: dict[str, tuple[str, Callable[[int], str]]] = {
    "print": ("service/app.py", each('print("x")\n')),
    "print, exit": (
        "service/app.py",
        each('def f{0}():\n    if verbose:\n        print("x")\n    print("y")\n    sys.exit(1)\n', "import sys\n"),
    ),
    "jwt.decode": ("service/app.py", each('jwt.decode(t, k, options={{"verify_signature": False}})\n', "import jwt\n")),
    "jwt.decode, claims": ("service/app.py", each('c = jwt.decode(t, k)\nx = c["exp"], c["a{0}"]\n', "import jwt\n")),
    "stubs": ("service/app.py", each("def f{0}(): pass\n")),
    "classes of stubs": ("service/app.py", each("class C{0}(Base):\n    def f{0}(self): pass\n")),
    "settings": ("service/app.py", each('DEBUG = os.environ.get("DEBUG")\nif DEBUG:\n    x = 1\n', "import os\n")),
    "migration": (
        "migrations/versions/a1.py",
        each(
            '    op.add_column("t{0}", sa.Column("c", sa.Integer(), nullable=False))\n    op.create_index("i{0}", "t{0}", ["c"])\n',
            'from alembic import op\nimport sqlalchemy as sa\nrevision = "a"\ndown_revision = None\ndef upgrade():\n',
        ),
    ),
    "one name": ("service/app.py", each("def f(x):\n    return f(requests.get(x))\n", "import requests\n")),
    "one name, async": ("service/app.py", each("def f(x):\n    return requests.get(x)\nasync def g():\n    f(1)\n", "import requests\n")),
    "names imported": ("service/app.py", each("a{0} as b{0}, ", "from m import (", ")\n")),
    "requests": ("service/app.py", each("requests.get(x{0})\n", "import requests\n")),
    "compose, extends": ("compose.yaml", each("  s{0}:\n    extends: s{1}\n", "services:\n", "  s{0}:\n    image: orders\n")),
    "gitlab, extends": (
        ".gitlab-ci.yml",
        each("j{0}:\n  extends: j{1}\n  needs: [j{1}]\n  script: [pytest]\n", "", "j{0}:\n  script: [make]\n"),
    ),
    "gitlab, jobs": (".gitlab-ci.yml", each("j{0}:\n  script: [pytest]\n", "", "d:\n  stage: deploy\n  script: [kubectl apply -f x]\n")),
    "workflow": (
        ".github/workflows/ci.yml",
        each("  j{1}:\n    runs-on: ubuntu-24.04\n    needs: [j{0}]\n    steps:\n      - run: pytest\n", "on: push\njobs:\n"),
    ),
    "kubernetes": ("k8s/app.yaml", each(_DEPLOYMENT)),
    "ignores": ("service/app.py", each("# prodlint: ignore[PRD504]\n", "import requests\n", "requests.get(x)\n")),
    "tasks": ("service/app.py", each("    t = asyncio.create_task(g())\n", "import asyncio\nasync def main():\n")),
    "one f-string": ("service/app.py", each("{{x}}, ", 'def f(cur, x):\n    cur.execute(f"select ', '")\n')),
    "nested dictionaries": ("service/app.py", lambda n: "x = " + '{"a":' * min(n, 90) + "\n" + "y = 1\n" * n),
    "placeholders": ("service/app.py", each('API_KEY_{0} = "your-api-key-{0}"\n')),
    "passwords": ("service/app.py", each('PASSWORD_{0} = "hunter2abc{0}"\nraise ValueError\n')),
    "constants": ("service/app.py", each("TIMEOUT = {0}\nrequests.get(url, timeout=TIMEOUT)\n", "import requests\n")),
    "attributes": (
        "service/app.py",
        each(
            "class C{0}:\n    def __init__(self):\n        self.c = httpx.Client()\n    def f(self):\n        self.c.get(u)\n",
            "import httpx\n",
        ),
    ),
    "clients": ("service/app.py", each("c{0} = OpenAI()\n", "from openai import OpenAI\n")),
    "cors": (
        "service/app.py",
        each('app.add_middleware(CORSMiddleware, allow_origins=["*"])\n', "from fastapi.middleware.cors import CORSMiddleware\n"),
    ),
    "asserts": ("service/app.py", each("def _f(user):\n    assert user.is_authenticated\ndef g{0}(user):\n    _f(user)\n")),
}


def calls(path: str, text: str) -> int:
    """How many functions one look at the file calls, in Python and in C."""
    data = text.encode()
    kind = kind_of(path)
    assert kind is not None
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        outcome = analysis.analyse(path, path, kind, run(), data)
    finally:
        sys.setprofile(before)
    assert not outcome.crashed
    return counted


def grows_faster(path: str, made: Callable[[int], str], count: int) -> str:
    """What to say where the cost of a byte grows by more than GROWTH; what a file costs that holds the thing once is left out."""
    for number in (1, 2):  # what is imported and compiled at first use is no cost of a file
        calls(path, made(number))
    least = calls(path, made(1))
    few, many = made(count), made(4 * count)
    one, other = max(calls(path, few) - least, 1), calls(path, many) - least
    growth = other / one / (len(many) / len(few))
    return f"{one:,} calls for {len(few):,} bytes, {other:,} for {len(many):,}" if growth > GROWTH and other > 20_000 else ""


@pytest.mark.parametrize("name", INPUTS)
def test_no_input_of_the_review_is_quadratic(name: str) -> None:
    path, made = INPUTS[name]
    assert not grows_faster(path, made, 50)


def examples() -> list[tuple[str, str, str]]:
    """Each file of each example: a name, its path, its text."""
    found = []
    for rule in catalogue.own_rules():
        for side, listed in (("bad", rule.bad), ("good", rule.good)):
            for number, example in enumerate(listed):
                for path, text in example.files:
                    if kind_of(path) is not None and text.strip():
                        written = expanded(text)
                        found.append((f"{rule.code} {side} {number} {path}", path, written if written.endswith("\n") else written + "\n"))
    assert len(found) > 500
    return found


# In copies of these, each of n calls of one name may mean each of the n functions of that name: n times n, and no file that people write.
SAME_NAME = frozenset(("PRD421 bad 8 service/app.py", "PRD462 bad 2 service/app.py", "PRD475 bad 0 service/app.py"))


# CI takes the same examples each time: what fails there fails on the next day too. Elsewhere there are others every day.
_SAMPLE = "the same" if os.environ.get("CI") else time.strftime("%Y-%m-%d")


@pytest.mark.parametrize(("name", "path", "text"), Random(_SAMPLE).sample(examples(), 12), ids=range(12))
def test_a_sample_of_examples_again_and_again(name: str, path: str, text: str) -> None:
    said = grows_faster(path, lambda n: text * n, 15)
    assert not said or name in SAME_NAME, f"{name}: {said}"


def seconds(path: str, text: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, newline="")
        began = time.process_time()
        session.run(session.Request([folder], isolated=True, finish=everything_on, root=folder, jobs=1))
        return time.process_time() - began


@pytest.mark.skipif(not FULL, reason="hours; PRODLINT_LINEAR=full")
@pytest.mark.parametrize(("name", "path", "text"), examples() if FULL else [])
def test_every_example_a_thousand_times(name: str, path: str, text: str) -> None:
    least = min(seconds(path, text) for _ in range(3))
    spent = {count: seconds(path, text * count) - least for count in (1000, 2000, 4000)}
    # A second look where something else kept the machine busy.
    for count, other in ((1000, 2000), (2000, 4000)):
        if spent[other] / max(spent[count], 0.05) > 2 * GROWTH:
            spent[count], spent[other] = (seconds(path, text * number) - least for number in (count, other))
        assert spent[other] / max(spent[count], 0.05) <= 2 * GROWTH, spent
