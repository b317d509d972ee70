"""The verb `mcp`: a Model Context Protocol server for coding agents, over standard input and output."""

from __future__ import annotations

from argparse import Namespace

from prodlint.configuration.settings import SettingsError


def mcp(given: Namespace) -> int:
    """Serve until the client ends.

    Raises SettingsError where the extra is not installed, or the root is no directory.
    """
    try:
        from prodlint.agents.server import made
    except ImportError as error:
        raise SettingsError(f"the server for agents needs the extra `prodlint[mcp]` ({error.name or error} is missing)") from None
    made(given.root).run()
    return 0
