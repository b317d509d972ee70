"""One module a verb: arguments in, exit code out. Each is a table of contents of what the verb does."""

from __future__ import annotations

VERBS = (
    "check",
    "rule",
    "baseline",
    "clean",
    "secrets",
    "stats",
    "report",
    "checklist",
    "fleet",
    "init",
    "config",
    "ruleset",
    "schema",
    "completion",
    "server",
    "mcp",
    "version",
    "help",
)
