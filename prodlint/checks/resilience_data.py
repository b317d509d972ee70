"""Databases and migrations."""
