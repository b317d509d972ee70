"""Words that frameworks take for on and off."""

from __future__ import annotations

# click's own list, which uvicorn and flask's commands use (facts.md 1.1).
TRUTHY = {"1", "true", "t", "yes", "y", "on", "enabled"}
FALSY = {"0", "false", "f", "no", "n", "off", "disabled"}
