"""Delivery: does a change have to pass anything before it runs in production? CI, dependencies, tests."""
