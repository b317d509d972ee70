"""The page in a real browser: widths, colours, filters, keyboard, no scripts, print. Needs Chromium, node and `npm install` in browser/."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Project, Ran

HERE = Path(__file__).parent / "browser"
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")
READY_TO_LOOK = bool(CHROMIUM and shutil.which("node") and (HERE / "node_modules" / "puppeteer-core").is_dir())


@pytest.mark.skipif(not READY_TO_LOOK, reason="needs Chromium, node and `npm install` in tests/readiness/browser")
def test_the_page_in_a_browser(prodlint: Callable[..., Ran], project: Project, tmp_path: Path) -> None:
    unready = ROOT / "fixtures" / "unready" / "orders"
    files = {str(path.relative_to(unready)): path.read_bytes() for path in unready.rglob("*") if path.is_file()}
    hostile = "try:\n    f('</pre><script>document.title=1</script><img src=x onerror=document.title=2>')\nexcept:\n    pass\n"
    root = project({**files, 'app/"><img src=x onerror=document.title=3>.py': hostile})
    page = tmp_path / "report.html"
    prodlint("report", str(root), "--root", str(root), "--isolated", "-o", str(page))
    ran = subprocess.run(
        ["node", str(HERE / "look.js"), CHROMIUM, str(page), str(tmp_path / "report.pdf")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["errors"] == seen["requests"] == []
    assert set(seen["overflow"].values()) == {0}
    assert {name: found for name, found in seen["violations"].items() if found} == {}
    steps = seen["steps"]
    assert 0 < steps["search"] < steps["security"] < steps["without_not_met"] < steps["all"]
    assert steps["escape"] == steps["reset"] == steps["all"]
    assert steps["tile"][0] == steps["tile"][1] > 0
    assert steps["enter_folds"]
    assert steps["permalink_opens"]
    assert 0 <= steps["permalink_top"] < 850
    assert steps["without_scripts"] == ["none", steps["all"]]
    assert seen["title"].endswith("not met") and "production readiness" in seen["title"]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
