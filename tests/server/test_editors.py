"""The server as a real editor starts it and talks to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from tests.conftest import ROOT

# What `vim.lsp.config` of Neovim 0.11 does, in words that 0.7 knows too.
NEOVIM = """
local client = vim.lsp.start_client({
  name = "prodlint",
  cmd = { vim.env.PRODLINT_PYTHON, "-m", "prodlint", "server" },
  root_dir = vim.fn.getcwd(),
  workspace_folders = { { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "orders" } },
})
vim.cmd("edit app/main.py")
vim.lsp.buf_attach_client(0, client)
vim.wait(90000, function() return #vim.diagnostic.get(0) > 0 end, 100)
for _, each in ipairs(vim.diagnostic.get(0)) do
  io.stdout:write(each.code .. ":" .. (each.lnum + 1) .. "\\n")
end
vim.lsp.stop_client(client)
local clients = vim.lsp.get_clients or vim.lsp.get_active_clients
vim.wait(5000, function() return #clients() == 0 end, 50)
vim.cmd("qall!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_the_findings(tmp_path: Path) -> None:
    tree = tmp_path / "orders"
    shutil.copytree(ROOT / "fixtures" / "unready" / "orders", tree)
    (tmp_path / "check.lua").write_text(NEOVIM)
    ran = subprocess.run(
        ["nvim", "--headless", "--clean", "-S", str(tmp_path / "check.lua")],
        cwd=tree,
        env={**os.environ, "PRODLINT_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )
    assert {"PRD504:40", "PRD621:14", "PRD307:67"} <= set((ran.stdout + ran.stderr).split())
