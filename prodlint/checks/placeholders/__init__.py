"""What was meant to be finished before the release."""
