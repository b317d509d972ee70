"""The server as real editors start it and talk to it, with the recipes of the documentation, word for word."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from tests.conftest import ROOT

FOUND = {"PRD504", "PRD621", "PRD307"}


def recipe(language: str) -> str:
    """The first block of a language in the documentation of editors."""
    found = re.search(rf"^```{language}\b[^\n]*\n(.*?)^```", (ROOT / "docs" / "editors.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "orders"
    shutil.copytree(ROOT / "fixtures" / "unready" / "orders", root)
    (root / ".git").mkdir()
    return root


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """What an editor is started with: `prodlint` on PATH, and a home of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "prodlint"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m prodlint "$@"\n')
    command.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    own = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    return {**os.environ, **own, "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache"), "TERM": "xterm-256color"}


def run(command: list[str], tree: Path, environment: Mapping[str, str]) -> str:
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


SHOW_IN_NEOVIM = """
vim.wait(90000, function() return #vim.diagnostic.get(0) > 0 end, 100)
for _, each in ipairs(vim.diagnostic.get(0)) do
  io.stdout:write(each.code .. ":" .. (each.lnum + 1) .. "\\n")
end
"""

# What `vim.lsp.config` of Neovim 0.11 does, in words that 0.7 knows too.
OLD_NEOVIM = """
local client = vim.lsp.start_client({
  name = "prodlint",
  cmd = { "prodlint", "server" },
  root_dir = vim.fn.getcwd(),
  workspace_folders = { { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "orders" } },
})
vim.cmd("edit app/main.py")
vim.lsp.buf_attach_client(0, client)
"""

END_OF_NEOVIM = """
local clients = vim.lsp.get_clients or vim.lsp.get_active_clients
for _, each in pairs(clients()) do vim.lsp.stop_client(each.id) end
vim.wait(5000, function() return #clients() == 0 end, 50)
vim.cmd("qall!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_the_findings(tmp_path: Path, tree: Path, environment: Mapping[str, str]) -> None:
    version = re.search(r"v0\.(\d+)", subprocess.run(["nvim", "--version"], capture_output=True, text=True, check=True).stdout)
    assert version
    start = recipe("lua") + 'vim.cmd("filetype on")\nvim.cmd("edit app/main.py")\n' if int(version[1]) >= 11 else OLD_NEOVIM
    (tmp_path / "check.lua").write_text(start + SHOW_IN_NEOVIM + END_OF_NEOVIM)
    shown = run(["nvim", "--headless", "--clean", "-S", str(tmp_path / "check.lua")], tree, environment)
    assert {"PRD504:40", "PRD621:14", "PRD307:67"} <= set(shown.split())


SHOW_IN_EMACS = """
(setq eglot-sync-connect 60)
(find-file "app/main.py")
(python-mode)
(call-interactively #'eglot)
(let ((tries 0))
  (while (and (null (flymake-diagnostics)) (< tries 900))
    (accept-process-output nil 0.1)
    (setq tries (1+ tries))
    (when (zerop (mod tries 20)) (flymake-start))))
(dolist (each (flymake-diagnostics))
  (princ (format "%s:%s\\n" (line-number-at-pos (flymake-diagnostic-beg each)) (flymake-diagnostic-text each))))
(eglot-shutdown (eglot-current-server) nil 30)
"""


def has_eglot() -> bool:
    """Whether there is an Emacs, and a client of the protocol in it: its own, or a package."""
    if shutil.which("emacs") is None:
        return False
    wanted = ["emacs", "--batch", "--no-init-file", "--eval", "(progn (require 'package) (package-initialize) (require 'eglot))"]
    return subprocess.run(wanted, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_eglot(), reason="Emacs is not installed, or has no eglot")
def test_emacs_shows_the_findings(tmp_path: Path, tree: Path, environment: Mapping[str, str]) -> None:
    start = "(require 'package)\n(package-initialize)\n" + recipe("elisp") + "(require 'eglot)\n(require 'flymake)\n"
    (tmp_path / "check.el").write_text(start + SHOW_IN_EMACS)
    shown = run(["emacs", "--batch", "--no-init-file", "-l", str(tmp_path / "check.el")], tree, environment)
    assert set(re.findall(r"PRD\d+", shown)) >= FOUND


@pytest.mark.skipif(shutil.which("hx") is None, reason="Helix is not installed")
def test_helix_shows_the_findings(tree: Path, environment: Mapping[str, str]) -> None:
    import pty

    settings = Path(environment["XDG_CONFIG_HOME"]) / "helix"
    settings.mkdir(parents=True)
    (settings / "languages.toml").write_text(recipe("toml"))
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tree)
        os.execvpe("hx", ["hx", "app/main.py"], dict(environment))
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    seen = b""

    def read_for(seconds: float) -> None:
        nonlocal seen
        while select.select([terminal], [], [], seconds)[0]:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:  # it has ended
                return

    try:
        read_for(3)
        for _ in range(30):
            # The list of what is wrong in the file, opened anew until there is something in it.
            os.write(terminal, b"\x1b")
            read_for(0.5)
            os.write(terminal, b" d")
            read_for(2)
            if {code.decode() for code in re.findall(rb"PRD\d+", seen)} >= FOUND:
                break
        os.write(terminal, b"\x1b")
        read_for(0.5)
        os.write(terminal, b":q!\r")
        read_for(2)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    assert {code.decode() for code in re.findall(rb"PRD\d+", seen)} >= FOUND, re.sub(rb"\x1b\[[\d;?]*[A-Za-z]", b" ", seen)[-3000:]
