"""Fuzzing: mutated examples of the pages through every reader and through the whole of `check`. `python -m tests.fuzz --help`."""
