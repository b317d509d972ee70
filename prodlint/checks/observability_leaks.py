"""PRD704: secrets that reach a log."""
