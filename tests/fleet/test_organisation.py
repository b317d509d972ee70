"""An organisation's page, what it demands, and how a fleet stands by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.configuration.settings import Settings, SettingsError
from prodlint.fleet import organisation
from tests.conftest import Ran
from tests.fleet.repositories import write

TODAY = "2026-11-30"


def read(root: Path, text: str, **files: str) -> organisation.Organisation:
    return organisation.read(str(write(root, {"org.toml": text, **files}) / "org.toml"))


def test_a_page_and_what_it_extends(tmp_path: Path) -> None:
    base = 'repository-settings = false\n[settings]\nselect = ["PRD5"]\n[tiers.a]\nrepositories = ["x"]\nlevel = "gold"\n[tiers.b]\nrepositories = ["*"]\n'
    write(tmp_path, {"base/base.toml": base})
    made = read(
        tmp_path,
        'extend = "base/base.toml"\n[settings]\nextend-select = ["PRD201"]\n[tiers.a]\nrepositories = ["y-*"]\nmost = { P0 = 0 }\n',
    )
    assert not made.repository_settings
    assert [(tier.name, tier.repositories, tier.level, dict(tier.most)) for tier in made.tiers] == [
        ("a", ("y-*",), "", {"P0": 0}),
        ("b", ("*",), "", {}),
    ]
    settings = organisation.lay_over(Settings(), made, ("/pages",))
    assert [(each.select, each.extend_select) for each in settings.selections] == [(("PRD5",), ()), (None, ("PRD201",))]
    assert settings.extend_rules == ("/pages",)


def test_a_page_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path, {"acme_policy/__init__.py": "raise SystemExit('run')\n", "acme_policy/pages/fleet.toml": "repository-settings = false\n"}
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not read(tmp_path, 'extend = "package:acme_policy/pages/fleet.toml"\n').repository_settings
    assert "acme_policy" not in sys.modules
    for wrong in ("package:acme_policy", "package:no_such_thing/x.toml", "package:acme_policy/../x.toml", "package:os.path/x"):
        with pytest.raises(SettingsError):
            read(tmp_path, f'extend = "{wrong}"\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('extend = "https://host.test/base.toml"', "names an address"),
        ('extend = "gone.toml"', "cannot be read"),
        ('extend = "org.toml"', "in a circle"),
        ("level = 1", "unknown key `level`"),
        ("[settings]\nno = 1", "unknown setting `no`"),
        ('[settings]\nbaseline = "x"', "a repository's own"),
        ('[settings]\nextend-rules = ["x"]', "a repository's own"),
        ('[rules]\nfolders = ["gone"]', "no directory"),
        ("[tiers.a]\nlevel = 'gold'", "needs `repositories`"),
        ("[tiers.a]\nrepositories = ['*']\nlevel = 'platinum'", "is one of bronze, silver, gold"),
        ("[tiers.a]\nrepositories = ['*']\nmost = { P9 = 1 }", "P0, P1, P2"),
        ("[[exemptions]]\nrepositories = ['*']\nreason = 'x'", "until"),
        ("[[exemptions]]\nrepositories = ['*']\nuntil = 2027-01-01", "reason"),
        ("x = [", "is not TOML"),
    ],
)
def test_what_a_page_may_not_say(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(tmp_path, text + "\n")


def test_the_bundle_is_known_by_its_digest(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a", "[settings]\nhonor = ['noqa']\n"), read(tmp_path / "b", "[settings]\nhonor = ['nosec']\n")
    assert organisation.digest(first.bundle()) != organisation.digest(second.bundle())
    again, folders = organisation.unbundle(first.bundle(), str(tmp_path / "w"))
    assert (again.layers, again.repository_settings, folders) == (first.layers, True, ())
    # What is demanded of repositories changes nothing in what is found in them.
    demanding = read(tmp_path / "a", "[settings]\nhonor = ['noqa']\n\n[tiers.x]\nrepositories = ['*']\n")
    assert demanding.demands
    assert organisation.digest(demanding.bundle()) == organisation.digest(first.bundle())


DEMANDS = """\
[tiers.critical]
repositories = ["pay", "auth-*"]
level = "silver"
most = { P0 = 0 }
items = ["backups"]
[tiers.all]
repositories = ["*"]
level = "bronze"
[[exemptions]]
repositories = ["auth-old"]
from = ["level", "backups"]
reason = "switched off in spring"
until = 2027-03-01
[[exemptions]]
repositories = ["pay"]
from = ["PRD504"]
reason = "behind a proxy that ends it"
until = "2027-01-01"
[[exemptions]]
repositories = ["legacy"]
reason = "was to be moved"
until = 2026-11-01
"""


def test_the_demands(tmp_path: Path, prodlint: Callable[..., Ran]) -> None:
    pytest.importorskip("pyarrow")
    from prodlint.fleet.policy import judge
    from prodlint.fleet.report_html import write as page_of
    from prodlint.fleet.summary import summary
    from tests.fleet.made import failed, finding, item, row, written

    excused, counted = finding("pay", 1), finding("pay", 2, code="PRD505")
    dataset = written(
        tmp_path / "data",
        "20261130-080000",
        [
            {
                "repositories": [row("pay", [excused, counted], "gold")],
                "findings": [excused, counted],
                "items": [item("pay", 1, "cannot be told")],
            },
            {"repositories": [row("auth-old", [], "bronze")], "items": [item("auth-old", 1, "not met")]},
            {"repositories": [row("auth-new", [], "silver")], "items": [item("auth-new", 1, "not met"), item("auth-new", 0, "not met")]},
            {"repositories": [row("legacy", [], "")]},
            {"repositories": [row("good", [], "bronze")]},
            failed("lost"),
        ],
    )
    page = read(tmp_path, DEMANDS)
    made = judge(dataset, dataset.run(), page, TODAY)
    assert made.tiers == {"pay": "critical", "auth-old": "critical", "auth-new": "critical", "legacy": "all", "good": "all", "lost": "all"}
    assert [(each.repository, each.words) for each in made.counting] == [
        ("auth-new", "not met: There are backups"),
        ("legacy", "no level where bronze is demanded"),
        ("lost", "could not be checked"),
        ("pay", "1 findings of P0 where 0 will do"),
    ]
    assert [(each.of, each.exempt) for each in made.shortfalls if each.exempt] == [
        ("level", "switched off in spring (until 2027-03-01)"),
        ("backups", "switched off in spring (until 2027-03-01)"),
    ]
    assert [each.repositories for each in made.ended] == [("legacy",)]
    # The day decides: when no exemption holds any more, each demand counts.
    assert len(judge(dataset, dataset.run(), page, "2028-01-01").counting) == 6
    told = "".join(page_of(summary(dataset, dataset.run(), page, TODAY)))
    assert "4 not met" in told and "was to be moved" in told and "Exempt: 2" in told

    words = ("fleet", "report", dataset.directory, "--organisation", str(tmp_path / "org.toml"), "--today", TODAY)
    ran = prodlint(*words, "-o", str(tmp_path / "r.md"))
    assert ran.code == 1
    assert "auth-new (critical): not met: There are backups" in ran.err and "the exemption of legacy ended on 2026-11-01" in ran.err
    assert "## Demands: 4 not met, 2 exempt" in (tmp_path / "r.md").read_text()
    easy = write(tmp_path, {"easy.toml": "[tiers.a]\nrepositories = ['good']\nlevel = 'bronze'\n"}) / "easy.toml"
    words = ("fleet", "report", dataset.directory, "--organisation", str(easy), "-o", str(tmp_path / "r.md"))
    assert prodlint(*words).code == 3  # `lost` is in no tier, and could not be checked
    assert prodlint(*words, "--allow-unchecked").code == 0
