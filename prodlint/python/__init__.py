"""The kernel for Python: the tree, names and scopes, and the ways out of a block."""
