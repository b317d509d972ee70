"""Where a finding about the whole repository stands: findings are anchored to a file that exists."""

from __future__ import annotations

from prodlint.checks import Project
from prodlint.model import Span


def service_place(project: Project) -> tuple[str, Span] | None:
    """Where it shows that this is a service: an existing file to hold a finding about the whole repository."""
    started = project.environment.service
    if started is not None:
        return started.path, started.span
    for name in ("manage.py", "pyproject.toml", "requirements.txt"):
        named = sorted(project.named(name), key=lambda file: (file.path.count("/"), file.path))
        if named:
            return named[0].path, Span(1, 1, 1, 1)
    return None
