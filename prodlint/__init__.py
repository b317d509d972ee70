"""prodlint: is this Python service ready for production?"""

from __future__ import annotations

__version__ = "0.1.0"
