"""The names of modules as imports write them. No grammar is needed here, so that a run which parses nothing loads none."""

from __future__ import annotations


def absolute(module: str, path: str) -> str:
    """A module's absolute name; a relative one is resolved as far as the path of the file that imports it tells."""
    if not module.startswith("."):
        return module
    rest = module.lstrip(".")
    level = len(module) - len(rest)
    parts = path.rsplit(".", 1)[0].split("/")
    package = parts[:-level] if level <= len(parts) else []
    if package and package[0] == "src":
        package = package[1:]
    return ".".join([*package, rest] if rest else package)
