"""Family 6: reload, debug, development servers, switches that weaken protection, and how settings are read."""
