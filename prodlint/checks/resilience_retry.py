"""Retries (PRD541, PRD542)."""
