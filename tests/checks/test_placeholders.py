"""Notes in comments, and placeholder values."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli as tomllib

from prodlint.checks import CheckContext
from prodlint.checks.placeholders.comments import fixme_comment, todo_comment
from prodlint.checks.placeholders.values import placeholder
from prodlint.facts import Comment, File, Source

RULES = Path(__file__).resolve().parent.parent.parent / "rules" / "placeholders"


def options(code: str) -> dict[str, object]:
    page = next(RULES.glob(f"{code}-*.md")).read_text(encoding="utf-8")
    found = tomllib.loads(page.split("```toml\n", 1)[1].split("```", 1)[0])["options"]
    assert isinstance(found, dict)
    return found


def notes(text: str, code: str) -> list[str]:
    """The messages for the first comment of a text."""
    source = Source(text.encode())
    file = File("service/app.py", "python")
    first = text.split("\n", 1)[0]
    comment = Comment(source, file, first.index("#"), len(first.encode()))
    comment.value = comment.text.lstrip("#").strip()
    check = {"PRD301": todo_comment, "PRD302": fixme_comment}[code]
    return [hit.message for hit in check(comment, CheckContext(code, options(code), None, file))]


@pytest.mark.parametrize(
    "text",
    [
        "# TODO: a",
        "#TODO a",
        "# todo: a",
        "# Todo a",
        "#: TODO a",
        "## TODO a",
        "# TODO(ana): a",
        "# TODO (ana) a",
        "# [TODO] a",
        "# @todo a",
        "# - TODO a",
        "# TODO",
        "# TODO!",
        "# TODO... a",
        "# TBD",
        "# WIP a",
        "# a b. TODO: c",
        "x = 1  # TODO: a",
        "# TODO: use UTF-8",
        "# TODO: see ISO-8601",
        "# TODO: a\nx = 'https://tracker.invalid/1'",
    ],
)
def test_todo(text: str) -> None:
    assert len(notes(text, "PRD301")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# TODOS: a",
        "# todo_list",
        "# todo-list",
        "# todolist",
        "# todo = 1",
        "# todo.save()",
        "# todo items come first",
        "# see TODO.md",
        "# see TODOS.md",
        "# the `TODO:` tag",
        "# 'TODO: x'",
        "# a todo: lower case, in the middle",
        "# TODO(#12): a",
        "# TODO: a (#12)",
        "# TODO: ABC-12 a",
        "# TODO: gh-12",
        "# TODO https://tracker.invalid/1",
        "# TODO: a\n# https://tracker.invalid/1",
        "# swiped, tbc_value",
    ],
)
def test_no_todo(text: str) -> None:
    assert notes(text, "PRD301") == []


def test_the_message_says_what_is_to_be_done() -> None:
    assert notes("# TODO(ana): refuse other currencies", "PRD301") == ["`TODO` without a ticket: refuse other currencies"]
    assert notes("# TODO", "PRD301") == ["`TODO` without a ticket"]


@pytest.mark.parametrize(
    "text",
    [
        "# FIXME a",
        "# fixme",
        "# XXX",
        "# XXX: a",
        "# xxx: a",
        "# HACK a",
        "# hack: a",
        "# BUG: a",
        "# KLUDGE",
        "# do not ship",
        "# DO NOT MERGE!",
        "# remove before launch",
        "# temporary hack",
    ],
)
def test_fixme(text: str) -> None:
    assert len(notes(text, "PRD302")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# XXX-XX-XXXX",
        "# XXXX",
        "# xxx",
        "# bug reports",
        "# BUGS",
        "# hackathon",
        "# hack the planet",
        "# do not release the lock",
        "# don't commit yet",
        "# remove before hooks",
        "# FIXME(#1)",
        "# FIXME ABC-1 a",
    ],
)
def test_no_fixme(text: str) -> None:
    assert notes(text, "PRD302") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "changeme"),
        ("password", "CHANGE_ME"),
        ("secret_key", "change-me-in-production"),
        ("token", "replace_me"),
        ("token", "<your-token>"),
        ("token", "<API_KEY>"),
        ("api_key", "your-api-key-here"),
        ("api_key", "YOUR_API_KEY"),
        ("project", "your-project-id"),
        ("webhook", "insert-your-webhook-url"),
        ("base_url", "https://api.example.com/v1"),
        ("DB_HOST", "db.example.org:5432"),
        ("smtp_host", "mail.your-domain.com"),
        ("from_email", "noreply@example.com"),
        ("from_email", "Shop <noreply@example.com>"),
        ("api_key", "xxxxxxxx"),
        ("tenant_id", "00000000-0000-0000-0000-000000000000"),
        ("api_url", "TODO"),
        ("intro", "lorem ipsum dolor"),
    ],
)  # fmt: skip
def test_placeholders(name: str, value: str) -> None:
    assert placeholder(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter22"),
        ("label", "your-api-key-here"),
        ("help", "changeme"),
        ("base_url", "https://api.polar.invalid"),
        ("base_url", "https://example.company.dev"),
        ("text_line", "https://example.com"),
        ("greeting", "Enter your password"),
        ("note_kind", "TODO"),
        ("TODO", "TODO"),
        ("changeme", "changeme"),
        ("row_id", "00000000-0000-0000-0000-000000000000"),
        ("html_tag", "<title>"),
        ("size", "xxl"),
        ("url", ""),
        ("change", "changed"),
        ("your_name", "your"),
    ],
)
def test_no_placeholders(name: str, value: str) -> None:
    assert not placeholder(name, value)
