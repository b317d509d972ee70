"""What prodlint says of its own work: files that cannot be read, and ignores that are wrong. The engine makes these findings itself."""

from __future__ import annotations

UNREADABLE_FILE = "PRD001"
DIRECTIVE = "PRD002"
