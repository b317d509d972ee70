"""Delivery: does a change have to pass anything before it runs in production? CI, dependencies, tests."""

from __future__ import annotations

from prodlint.checks import delivery_ci, delivery_dependencies, delivery_tests

__all__ = ["delivery_ci", "delivery_dependencies", "delivery_tests"]
