"""Blocking calls in async code (PRD571)."""
