"""Errors that are swallowed, leaked or raised badly."""
