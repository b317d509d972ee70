"""What the inputs are made from: every file of every page's examples, by the kind of file that prodlint takes it for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from prodlint.commands.rule import expanded
from prodlint.configuration.kinds import kind_of
from prodlint.engine import catalogue

# Kinds that no page has an example of, or too few: what their readers know best.
FURTHER = {
    "Jenkinsfile": "pipeline {\n  agent any\n  environment { TOKEN = 'a' }\n  stages { stage('t') { steps { sh 'pytest || true' } } }\n}\n",
    "supervisord.conf": "[program:app]\ncommand=uvicorn app:app --reload\nenvironment=DEBUG=1\n",
    "app.service": "[Service]\nExecStart=/usr/bin/gunicorn app:app -w 4 \\\n  --reload\nEnvironment=DEBUG=1\n",
    "nb.ipynb": '{"cells": [{"cell_type": "code", "source": ["import requests\\n", "requests.get(\'http://x\')\\n"]}], "nbformat": 4, "metadata": {}}\n',
    "notes.txt": "password = hunter2\nhttps://user:secret@example.org/\n",
    "schema.sql": "CREATE USER app PASSWORD 'hunter2';\n",
}


@lru_cache(maxsize=1)
def seeds() -> Mapping[str, list[tuple[str, bytes]]]:
    """(path, content) of each example's files, by kind."""
    found: dict[str, dict[tuple[str, bytes], None]] = {}
    files = [
        (path, expanded(text)) for rule in catalogue.own_rules() for example in (*rule.bad, *rule.good) for path, text in example.files
    ]
    for path, text in (*files, *FURTHER.items()):
        kind = kind_of(path)
        if kind is not None:
            found.setdefault(kind, {})[path, text.encode("utf-8", "surrogateescape")] = None
    return {kind: list(made) for kind, made in sorted(found.items())}
