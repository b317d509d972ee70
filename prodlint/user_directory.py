"""Where prodlint keeps what is the user's own: the key that signs results, and the compiled catalogue.

Both are believed, so neither may come from a linted tree. A pipeline that keeps its caches inside the checkout (`XDG_CACHE_HOME:
$CI_PROJECT_DIR/.cache`) would read them from there, and a stranger could bring them along.
"""

from __future__ import annotations

import os


def user_directory(tree: str) -> str | None:
    """The directory, which need not exist; None where every one there could be lies in the linted tree. tree: its root; "" for none."""
    home = os.path.join(os.path.expanduser("~"), ".cache")
    for base in (os.environ.get("XDG_CACHE_HOME"), os.environ.get("LOCALAPPDATA"), home):
        if base and os.path.isabs(base) and not (tree and is_inside(base, tree)):
            return os.path.join(base, "prodlint")
    return None


def is_inside(path: str, directory: str) -> bool:
    """Whether a path lies in a directory, or is it, once all links are followed."""
    if "\0" in path:
        return False  # no path at all
    path, directory = os.path.realpath(path), os.path.realpath(directory)
    return path == directory or path.startswith(directory if directory.endswith(os.sep) else directory + os.sep)
