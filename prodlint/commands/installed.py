"""What prodlint was installed from, so that `init` writes an installation that works where it is run."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from prodlint import __version__


def requirement() -> str:
    """What pip installs elsewhere to get this prodlint: a version of an index, a commit of a repository, an archive. "" where it came from a
    directory of this machine. <https://packaging.python.org/en/latest/specifications/direct-url/>
    """
    try:
        text = metadata.distribution("prodlint").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return ""
    if text is None:
        return f"prodlint=={__version__}"
    try:
        origin: dict[str, Any] = json.loads(text)
    except ValueError:
        return ""
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        version = origin["vcs_info"]
        return f"prodlint @ {version.get('vcs', 'git')}+{url}@{version.get('commit_id', '')}"
    if "archive_info" in origin and url.startswith("https://"):
        digest = origin["archive_info"].get("hashes", {}).get("sha256", "")
        return f"prodlint @ {url}{f'#sha256={digest}' if digest else ''}"
    return ""
