"""prodlint: is this Python service ready for production?"""

# No `from __future__ import annotations` here: that is a module too, and a linted tree may hold one of its name.
import sys


def _is_run_as_module() -> bool:
    """Whether Python was started as `python -m prodlint`. The program's name is still `-m` while the package is looked for."""
    if sys.argv[:1] != ["-m"]:
        return False
    words = sys.orig_argv
    return "-mprodlint" in words or ("-m", "prodlint") in zip(words, words[1:], strict=False)


# `-m` puts the current directory first on the path: a tree that is linted from within could bring a `yaml.py` of its own.
if _is_run_as_module() and not getattr(sys.flags, "safe_path", False) and sys.path:
    del sys.path[0]

__version__ = "0.1.0"
