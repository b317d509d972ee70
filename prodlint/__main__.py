"""`python -m prodlint`."""

from __future__ import annotations

import sys

from prodlint.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
