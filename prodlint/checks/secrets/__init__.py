"""Secrets in code and in what deploys it."""
