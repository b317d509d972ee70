"""The same code in other clothes: rewrites of every example of every page, which must give the same findings."""
