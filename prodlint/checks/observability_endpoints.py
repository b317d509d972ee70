"""Metrics and health endpoints (PRD721-PRD723)."""
