"""The verb `schema`: the JSON Schemas of what prodlint reads and writes, each with its version."""

from __future__ import annotations

import os
from argparse import Namespace

from prodlint.commands.check import write

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCHEMAS = {
    "settings": os.path.join("configuration", "settings.schema.json"),
    "report": os.path.join("reports", "json-report.schema.json"),
    "readiness": os.path.join("readiness", "readiness-report.schema.json"),
}


def schema(given: Namespace) -> int:
    """Print one."""
    with open(os.path.join(_PACKAGE, SCHEMAS[given.of]), encoding="utf-8") as handle:
        write(iter((handle.read(),)), given.output_file)
    return 0
