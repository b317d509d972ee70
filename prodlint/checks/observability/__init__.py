"""Family 7: what a service says about itself: prints, secrets in logs, metrics and health."""
