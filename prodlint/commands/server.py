"""The verb `server`: the language server, over standard input and output."""

from __future__ import annotations

import os
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
    try:
        return serving.main.serve(serving.start_io)
    except KeyboardInterrupt:
        # At once: the thread that waits for the client's next message would be waited for.
        os._exit(130)
