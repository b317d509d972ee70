"""Family 7: what a service says about itself: prints, secrets in logs, metrics and health."""

from __future__ import annotations

from prodlint.checks import observability_endpoints as endpoints
from prodlint.checks import observability_leaks as leaks
from prodlint.checks import observability_logging as logging
from prodlint.checks import observability_prints as prints
from prodlint.checks import observability_probes as probes

__all__ = ["endpoints", "leaks", "logging", "prints", "probes"]
