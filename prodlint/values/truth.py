"""Words that frameworks take for on and off."""

from __future__ import annotations

import re

from prodlint.model import FixRequest

# click's own list, which uvicorn and flask's commands use (facts.md 1.1).
TRUTHY = {"1", "true", "t", "yes", "y", "on", "enabled"}
FALSY = {"0", "false", "f", "no", "n", "off", "disabled"}
_OTHER = {"true": "false", "false": "true", "1": "0", "0": "1", "yes": "no", "no": "yes", "on": "off", "off": "on"}

_NEGATED = re.compile(r"(?:^|_)(?:SKIP|DISABLE|IGNORE|BYPASS|WITHOUT|NO|DONT|NOT)_", re.IGNORECASE)


def is_negated(name: str) -> bool:
    """Whether a switch takes back what its name goes on to say: `SMTP_SKIP_SSL_VERIFY=false` verifies."""
    return _NEGATED.search(name) is not None


def flipped(value: str | None, words: str) -> FixRequest | None:
    """The fix that turns a switch the other way, in the spelling it has."""
    other = _OTHER.get((value or "").strip().lower())
    if value is None or other is None:
        return None
    value = value.strip()
    other = other.upper() if value.isupper() else other.capitalize() if value[:1].isupper() else other
    return FixRequest("replace-word", words, False, (("word", value), ("text", other)))
