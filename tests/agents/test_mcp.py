"""The server for coding agents: a real process, the official client, read-only, confined to its root."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

from mcp import Client, StdioServerParameters, stdio_client

from prodlint.agents.answers import Reader
from prodlint.configuration.settings import SettingsError
from tests.conftest import ROOT

UNREADY = ROOT / "fixtures" / "unready" / "orders"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    target = tmp_path / "orders"
    shutil.copytree(UNREADY, target)
    (target / "LAUNCH.md").write_text("- [x] Every HTTP call has a timeout\n")
    (tmp_path / "outside.py").write_text("import requests\n\nrequests.get(url)\n")
    (target / "link.py").symlink_to(tmp_path / "outside.py")
    return target


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def talk(root: Path, body: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(root.parent)}
        server = StdioServerParameters(command=sys.executable, args=["-m", "prodlint", "mcp", "--root", str(root)], env=environment)
        async with Client(stdio_client(server)) as client:
            await body(client)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_every_tool_over_the_protocol(root: Path) -> None:
    before = contents(root)

    async def body(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert sorted(tool.name for tool in tools) == ["check", "checklist", "report", "rule"]
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            told: dict[str, Any] = json.loads(result.content[0].text)  # type: ignore[union-attr]
            return told

        found = await call("check", min_priority="P0", limit=3)
        assert [finding["priority"] for finding in found["findings"]] == ["P0"] * 3
        assert found["left_out"] > 0 and found["exit_code"] == 1
        some = await call("check", paths=["app/main.py"])
        assert {finding["path"] for finding in some["findings"]} == {"app/main.py"}
        assert (await call("rule", name="S113"))["rules"][-1]["code"] == "PRD504"
        assert [item for item in (await call("report"))["items"] if item["verdict"] == "not met"]
        assert (await call("checklist", path="LAUNCH.md"))["judgements"]["belied"] == 1
        for arguments in ({"paths": ["../outside.py"]}, {"paths": ["link.py"]}, {"paths": ["/etc"]}, {"min_priority": "P9"}):
            refused = await client.call_tool("check", arguments)
            assert refused.is_error
        assert "outside the root" in str((await client.call_tool("checklist", {"path": "../../etc/passwd"})).content)

    talk(root, body)
    assert contents(root) == before


def test_a_root_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Reader(str(tmp_path / "nowhere"))


def test_secrets_are_covered(root: Path) -> None:
    value = "hunter2-" + "orders"
    assert value in (root / "compose.yaml").read_text()
    assert value not in json.dumps(Reader(str(root)).check([], "P2", "", 1000))
