"""The checklist as pages, and what a team makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prodlint.configuration.settings import SettingsError
from prodlint.engine import catalogue
from prodlint.engine.catalogue import PageError
from prodlint.readiness.items import checklist_of, folder, parse_page, read_folder

ITEM = '# Team\n\n## We have a mascot\n\n```toml\nid = "mascot"\npriority = "P2"\nshown = [{ file = ["mascot.png"], words = "a mascot" }]\n```\n\nBecause.\n\nLook: at it.\n'


def test_own_pages_are_read_and_their_ids_are_unique() -> None:
    items = read_folder(folder())
    assert len(items) > 90
    assert len({item.id for item in items}) == len(items)
    assert len({item.title for item in items}) == len(items)
    assert [item for item in items if not item.why or not item.look or not item.says] == []


def test_every_category_of_the_checklist_is_there() -> None:
    found = dict.fromkeys(item.category for item in read_folder(folder()))
    assert list(found) == [
        "Security",
        "Reliability",
        "Performance",
        "Observability",
        "Deployment",
        "Supply chain",
        "Testing",
        "Documentation",
        "Data",
    ]


def test_every_rule_is_asked_for_by_an_item() -> None:
    """By the item's page (a code, or the name of a rule that it awaited), or by the rule's own page."""
    items = read_folder(folder())
    asked = {code for item in items for code in (*item.rules, *item.awaits)}
    assert {
        rule.code for rule in catalogue.own_rules() if rule.family != "tool" and not {rule.code, rule.name} & asked and not rule.items
    } == set()
    assert {name for rule in catalogue.own_rules() for name in rule.items} <= {item.id for item in items}


def test_phrases_belong_to_one_item() -> None:
    seen: dict[str, str] = {}
    twice = []
    for item in read_folder(folder()):
        for phrase in item.says:
            if seen.setdefault(phrase.lower(), item.id) != item.id:
                twice.append((phrase, seen[phrase.lower()], item.id))
    assert twice == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("# Team", "Team"), "# Category"),
        (("```toml", "```"), "toml block"),
        (('id = "mascot"', 'id = "Mascot"'), "kebab-case"),
        (('priority = "P2"', 'priority = "P5"'), "one of P0"),
        (("shown =", "shows ="), "unknown key `shows`"),
        (("file =", "folder ="), "exactly one of"),
        (('["mascot.png"]', '"mascot.png"'), "list of texts"),
        (("## We", "We"), "at least one"),
    ],
)
def test_wrong_pages_are_told(change: tuple[str, str], words: str) -> None:
    with pytest.raises(PageError, match=words):
        parse_page(ITEM.replace(*change), "team.md")


def test_a_page_as_it_should_be() -> None:
    (item,) = parse_page(ITEM, "team.md")
    assert (item.id, item.title, item.category, item.priority, item.level) == ("mascot", "We have a mascot", "Team", "P2", "gold")
    assert (item.why, item.look) == ("Because.", "at it.")


def test_a_team_adds_drops_and_weighs_items(tmp_path: Path) -> None:
    (tmp_path / "readiness").mkdir()
    (tmp_path / "readiness" / "team.md").write_text(ITEM)
    settings = {"pages": ["readiness"], "drop": ["backups"], "priority": {"load-tested": "P0"}, "exempt": {"csrf-protected": "no browser"}}
    items = {item.id: item for item in checklist_of(settings, str(tmp_path)).items}
    assert "mascot" in items
    assert "backups" not in items
    assert (items["load-tested"].priority, items["load-tested"].level) == ("P0", "bronze")
    exempt = items["csrf-protected"].exempt
    assert exempt is not None
    assert exempt.reason == "no browser"


def test_an_exemption_ends() -> None:
    settings = {"exempt": {"backups": {"reason": "a cache only", "until": "2026-01-31"}}}
    before = checklist_of(settings, ".", today="2026-01-31")
    after = checklist_of(settings, ".", today="2026-02-01")
    assert next(item for item in before.items if item.id == "backups").exempt is not None
    assert next(item for item in after.items if item.id == "backups").exempt is None
    assert after.notes == ("`checklist.exempt.backups` ended on 2026-01-31",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"drops": []}, "did you mean `drop`"),
        ({"drop": ["backup"]}, "did you mean `backups`"),
        ({"drop": "backups"}, "list of texts"),
        ({"exempt": {"backups": {"until": "2026-01-31"}}}, "needs a `reason`"),
        ({"exempt": {"backups": {"reason": "x", "until": "soon"}}}, "2027-01-31"),
        ({"priority": {"backups": "high"}}, "one of P0"),
        ({"level": {"backups": "tin"}}, "one of bronze"),
        ({"pages": ["nowhere"]}, "no directory"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        checklist_of(settings, ".")
