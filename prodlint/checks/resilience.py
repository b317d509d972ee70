"""Family 5: timeouts, retries, databases and async code. Importing it registers the whole family."""

from __future__ import annotations

from prodlint.checks import (
    resilience_async,
    resilience_clients,
    resilience_data,
    resilience_http,
    resilience_migrations,
    resilience_retry,
)

__all__ = [
    "resilience_async",
    "resilience_clients",
    "resilience_data",
    "resilience_http",
    "resilience_migrations",
    "resilience_retry",
]
