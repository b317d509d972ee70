"""However a run is ended, no process of it is left, and no file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found through /proc")

# What the parent and its workers look at for minutes.
FILES = 400
FUNCTION = "def f{n}(session, cursor):\n    session.get('http://orders.test/{n}')\n    cursor.execute('select %s' % session)\n\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    text = "import requests\n" + "".join(FUNCTION.format(n=n) for n in range(3000))
    (root / "m0.py").write_text(text)
    for number in range(1, FILES):
        os.link(root / "m0.py", root / f"m{number}.py")
    return root


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: object, seconds: float = 60) -> bool:
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def running(tree: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run with two workers in the middle of their work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "prodlint", "check", "-j", "2", "--select", "ALL"],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )
    try:
        assert until(lambda: len(children(process.pid)) == 2), process.communicate(timeout=5)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_workers_end_with_their_parent(running: subprocess.Popen[bytes], name: str) -> None:
    workers = children(running.pid)
    number = getattr(signal, name)
    running.send_signal(number)
    assert running.wait(timeout=300) == -number
    assert until(lambda: not any(map(is_alive, workers)))


def test_an_interrupt_is_obeyed_at_once(running: subprocess.Popen[bytes], tree: Path) -> None:
    """The whole run would take minutes."""
    workers = children(running.pid)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=300)
    assert running.returncode == 130
    assert (out, err) == (b"", b"")
    assert until(lambda: not any(map(is_alive, workers)))
    assert not list(tree.glob("**/*.tmp"))


def test_what_ignores_the_hangup_goes_on(tmp_path: Path) -> None:
    """`nohup prodlint` runs to its end."""
    (tmp_path / "a.py").write_text("x = 1\n")
    code = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); from prodlint.commands.cli import main; sys.exit(main(['check', 'a.py']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0


def test_no_temporary_tree_stays_behind(tmp_path: Path, tree: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
        **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x")):
        subprocess.run(["git", *words], cwd=tree, check=True, env=own)
    process = subprocess.Popen(
        [sys.executable, "-m", "prodlint", "check", "m0.py", "--since", "HEAD", "--select", "PRD504"],
        cwd=tree,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=own,
    )
    assert until(lambda: any(temporary.iterdir()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == -signal.SIGTERM
    assert list(temporary.iterdir()) == []
