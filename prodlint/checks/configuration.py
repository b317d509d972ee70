"""Family 6: reload, debug, development servers, switches that weaken protection, and how settings are read."""

from __future__ import annotations

from prodlint.checks import configuration_debug as debug
from prodlint.checks import configuration_network as network
from prodlint.checks import configuration_reload as reload
from prodlint.checks import configuration_settings as settings
from prodlint.checks import configuration_truthiness as truthiness

__all__ = ["debug", "network", "reload", "settings", "truthiness"]
