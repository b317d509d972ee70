"""Whether a file may hold a value that a machine made, by its bytes alone: a small part of what it costs to parse it."""

from __future__ import annotations

import re

from prodlint.values.secret_values import is_random

# A quoted text, from its quote to the next one on the line; and the runs in it that no separator of addresses and lists parts.
_SHORTEST = 12  # what is shorter looks random to nobody: see `is_random`
_QUOTED = re.compile(rb"[\"']([^\"'\n]{%d,4000})" % _SHORTEST)
_RUN = re.compile(rb"[^\s:/@&?;,(){}\[\]<>|\\]{%d,}" % _SHORTEST)


def holds_random_text(data: bytes) -> bool:
    """Whether a literal of a file, or a part of one, looks like a key, a token or a generated password."""
    seen: set[bytes] = set()
    for quoted in _QUOTED.finditer(data):
        text = quoted[1]
        for run in (text, *_RUN.findall(text)):
            if run not in seen:
                seen.add(run)
                if b" " not in run and is_random(run.decode("utf-8", "replace").strip()):
                    return True
    return False
