"""The verb `server`: the language server, over standard input and output."""

from __future__ import annotations

from argparse import Namespace

from prodlint.configuration.settings import SettingsError


def server(given: Namespace) -> int:
    """Serve until the client ends: messages in a thread of their own, checks in this one. The exit code, as the protocol wants it.

    Raises SettingsError where the extra is not installed.
    """
    try:
        from prodlint.server.server import made
    except ImportError as error:
        raise SettingsError(f"the language server needs `pip install 'prodlint[lsp]'` ({error.name or error} is missing)") from None
    serving = made()
    return serving.main.serve(serving.start_io)
