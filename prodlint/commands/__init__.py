"""One module a verb: arguments in, exit code out. Each is a table of contents of what the verb does."""
