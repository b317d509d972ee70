"""The Model Context Protocol server, on the official SDK. <https://modelcontextprotocol.io/specification>"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from prodlint import __version__
from prodlint.agents.answers import Reader
from prodlint.configuration.settings import SettingsError
from prodlint.engine.catalogue import PageError

_T = TypeVar("_T")
_INSTRUCTIONS = (
    "prodlint says what would hurt a Python service in production: findings in Python and in what deploys it, with priorities (P0 before launch, P1 in the "
    "first week, P2 in the first month). Fix findings; do not write ignores, baseline entries or settings that switch rules off unless a person asks for it."
)


def made(root: str) -> MCPServer:
    """The server of one project.

    Raises SettingsError where the root is no directory.
    """
    reader = Reader(root)
    server = MCPServer("prodlint", instructions=_INSTRUCTIONS, version=__version__)
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

    @server.tool(annotations=reads)
    def check(paths: list[str] | None = None, min_priority: str = "P2", since: str = "", limit: int = 100) -> dict[str, Any]:
        """Findings of the project, or of some paths of it (from the root), the most urgent first.

        min_priority: P0, P1 or P2. since: a git revision; only what came after it. limit: most findings told; `left_out` says how many more there are.
        """
        return _told(lambda: reader.check(paths or [], min_priority, since, limit))

    @server.tool(annotations=reads)
    def rule(name: str) -> dict[str, Any]:
        """Why a rule matters, how to fix what it finds, with examples. name: PRD504, requests-without-timeout, or another tool's code such as S113."""
        return {"rules": _told(lambda: reader.rule(name))}

    @server.tool(annotations=reads)
    def report() -> dict[str, Any]:
        """The readiness checklist of the project: each item met, not met (with places), in part, cannot be told, or does not apply."""
        return _told(reader.report)

    @server.tool(annotations=reads)
    def checklist(path: str) -> dict[str, Any]:
        """Hold a ticked Markdown checklist of the project against the code: which ticks the code belies, which open lines are met."""
        return _told(lambda: reader.checklist(path))

    return server


def _told(answer: Callable[[], _T]) -> _T:
    """An answer, or what the asker has to put right."""
    try:
        return answer()
    except (SettingsError, PageError) as error:
        raise ToolError(str(error)) from None
