"""Attributes that are narrowed and assigned by one another's values: what lies on a circle is not read once for each way round."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.conftest import Project, Ran


def circles(number: int) -> str:
    """A class whose methods narrow and assign so many attributes by one another."""
    lines = ["import requests\n\n\nclass Store:\n"]
    for step in range(number):
        lines.append(f"    def step_{step}(self, url):\n")
        for at in range(number):
            lines.append(f"        if self.u{at} and self.u{(at + 1) % number}:\n")
            lines.append(f"            self.u{(step + at) % number} = self.u{at} or self.u{(at + 2) % number}\n")
        lines.append(f"        return requests.get(self.u{step})\n\n")
    return "".join(lines)


def test_the_ways_round_do_not_multiply(project: Project, prodlint: Callable[..., Ran]) -> None:
    root = project({"a.py": circles(24)})
    began = time.process_time()
    out = prodlint("a.py", "--isolated", "--no-cache", "--output-format", "concise", cwd=root).out
    assert "(24 places in this file)" in out
    assert time.process_time() - began < 8
