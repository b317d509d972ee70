"""Quotations of the linted files in messages.

What looks like a secret is covered first, then the text is cut: a piece of a value tells nobody what it was a piece of. What only a
rule knows to be one is covered by the engine in the whole message (`prodlint.redact.KnownValues`).
"""

from __future__ import annotations

from prodlint.values.covering import covered

ELLIPSIS = "..."


def quote(text: str, limit: int = 60, *, unreadable: bool = False) -> str:
    """A text as a message may show it: on one line, secrets covered, at most so many characters.

    unreadable: whether it is of a file that cannot be read as what it is, so that no rule knows its values.
    """
    shown = " ".join(covered(text, unreadable=unreadable).split())
    return shown if len(shown) <= limit else shown[: limit - len(ELLIPSIS)].rstrip("` ") + ELLIPSIS
