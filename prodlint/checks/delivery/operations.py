"""Documents of those who look after a service: runbooks (PRD961), secrets (PRD962), recovery (PRD963), readiness checklists (PRD965)."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import (
    ByteRange,
    CheckContext,
    Diagnostic,
    Project,
    ProjectDiagnostic,
    ProjectFact,
    check,
    collect,
    commands,
    documents,
    project_check,
    project_fact,
    settings,
    text,
)
from prodlint.facts import Command, Document, File, Setting, Text
from prodlint.model import Evidence, Priority, Span

_TOP = Span(1, 1, 1, 1)
_DOCUMENT = re.compile(r"\.(?:md|markdown|rst|adoc|txt|mdx)\Z", re.IGNORECASE)
# A document of less says nothing.
_SHORTEST = 200


def _documents(project: Project, pattern: re.Pattern[str]) -> Iterator[File]:
    """Documents of the project whose path says what they are about."""
    for file in project.files:
        if _DOCUMENT.search(file.name) and pattern.search(file.path) and not file.roles & {"vendored", "generated", "test"}:
            yield file


def _read(project: Project, path: str) -> str:
    return (project.read(path) or b"").decode("utf-8", "replace")


def _readme(project: Project) -> File | None:
    return next((file for file in project.files if re.fullmatch(r"README(?:\.\w+)?", file.path, re.IGNORECASE)), None)


# ---------------------------------------------------------------- PRD961

_RUNBOOK = re.compile(
    r"run-?_?books?|play-?books?|on-?call|operations?\b|operating|incident|disaster|rollback|troubleshoot|maintenance", re.IGNORECASE
)
_OPERATES = re.compile(
    r"(?im)^(?:#+|=+)?\s*.*\b(?:roll(?:ing)?[ -]?back|operat(?:e|ing|ions?)|runbook|on-?call|troubleshoot\w*|incident|disaster|upgrad(?:e|ing)|monitoring|backups?)\b.*$"
)
_HEADING = re.compile(r"(?m)^#{1,4}\s+(.+)$|^(.+)\n[=~-]{4,}$")


@project_check("PRD961")
def runbook_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A service that nobody but its authors can look after at night."""
    if not project.environment.is_service or options.get("external"):
        return
    empty: File | None = None
    for file in _documents(project, _RUNBOOK):
        if len(_read(project, file.path).strip()) >= _SHORTEST:
            yield Evidence("PRD961", file.path, _TOP, "says how the service is operated")
            return
        empty = empty or file
    readme = _readme(project)
    headings = [found[1] or found[2] for found in _HEADING.finditer(_read(project, readme.path))] if readme is not None else []
    if readme is not None and any(_OPERATES.match(heading) for heading in headings):
        yield Evidence("PRD961", readme.path, _TOP, "has a section on operating the service")
    elif empty is not None:
        yield ProjectDiagnostic(empty.path, _TOP, "this runbook is nearly empty")
    elif (place := (readme.path, _TOP) if readme is not None else project.service_place()) is not None:
        yield ProjectDiagnostic(place[0], place[1], "no runbook: nothing says how this service is rolled back, watched and repaired")


# ---------------------------------------------------------------- PRD962

_SECRET_PAGES = re.compile(
    r"secrets?\b|SECURITY|credentials|env(?:ironment)?[-_]?(?:variables|matrix|reference)|configuration", re.IGNORECASE
)
_HANDLING = re.compile(
    r"rotat|vault|secret[- ]?manager|key[- ]?management|sealed[- ]?secret|external[- ]?secret|sops|\bkms\b|generate[^.\n]{0,40}(?:secret|key|token)|(?:secret|key|token)[^.\n]{0,40}(?:owner|stored|generated|issued)",
    re.IGNORECASE,
)


@collect(
    "secret-setting",
    on=[settings("*SECRET*", "*PASSWORD*", "*TOKEN*", "*API_KEY*", "*PRIVATE_KEY*")],
    required_literals=["secret", "password", "token", "api_key", "private_key"],
    files=("env", "yaml", "dockerfile"),
)
def secret_settings(setting: Setting, context: CheckContext) -> Iterator[ProjectFact]:
    """Secrets that the service is given."""
    if not context.file.roles & {"test", "ci", "vendored"} and not setting.name.upper().endswith(
        ("_FILE", "_EXPIRE", "_TTL", "_URL", "_MINUTES")
    ):
        yield project_fact("secret-setting", setting, setting.name)


@project_check("PRD962", topics=("secret-setting",))
def secrets_undocumented(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Secrets of which nothing says where they come from and how they are changed."""
    found = project.about("secret-setting")
    if not project.environment.is_service or not found or options.get("external"):
        return
    for file in _documents(project, re.compile(f"{_SECRET_PAGES.pattern}|README|docs?/", re.IGNORECASE)):
        page = _read(project, file.path)
        if re.search(r"secret|password|token|credential", page, re.IGNORECASE) and _HANDLING.search(page):
            yield Evidence("PRD962", file.path, _TOP, "says where secrets come from")
            return
    names = ", ".join(f"`{name}`" for name in sorted({each.words for each in found})[:3])
    yield ProjectDiagnostic(
        found[0].path, found[0].span, f"no document says where {names} and other secrets come from, who owns them and how they are rotated"
    )


# ---------------------------------------------------------------- PRD963

_RECOVERS = re.compile(
    r"backup|restore|pg_?dump|disaster|recovery|velero|wal-?g|barman|restic|pgbackrest|litestream|borg|snapshot", re.IGNORECASE
)


@collect(
    "recovers",
    on=[
        commands(
            "pg_dump",
            "pg_dumpall",
            "mysqldump",
            "mongodump",
            "restic",
            "velero",
            "barman",
            "wal-g",
            "pgbackrest",
            "litestream",
            "borg",
            "xtrabackup",
            "mariadb-dump",
        )
    ],
    required_literals=["dump", "restic", "velero", "barman", "wal-g", "pgbackrest", "litestream", "borg", "xtrabackup"],
    files=("yaml", "shell", "makefile", "dockerfile", "text"),
)
def recovering_commands(command: Command, context: CheckContext) -> Iterator[ProjectFact]:
    """Commands that save what a database holds."""
    yield project_fact("recovers", command, command.program)


@collect("stateful", on=[documents("compose", "kubernetes")], required_literals=["image"], files=("yaml", "json"))
def stateful(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Datastores that the project runs itself."""
    if context.file.roles & {"test", "dev", "ci", "example", "docs", "vendored"}:
        return
    for node in document.root.walk():
        if (
            node.kind == "scalar"
            and node.path.endswith(".image")
            and re.search(
                r"(?:^|/)(?:postgres|pgvector|timescaledb|mysql|mariadb|mongo|minio|neo4j|elasticsearch|opensearch|qdrant|weaviate)\b",
                node.raw,
            )
        ):
            yield project_fact("stateful", node, node.raw)
            return


@project_check("PRD963", topics=("recovers", "stateful"))
def recovery_unproven(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A database that the project runs itself, and nothing about saving it."""
    stores = project.about("stateful")
    if not project.environment.is_service or not stores or options.get("external"):
        return
    done = next(iter(project.about("recovers")), None)
    if done is not None:
        yield Evidence("PRD963", done.path, done.span, f"`{done.words}` saves the data")
        return
    for file in project.files:
        if (
            _RECOVERS.search(file.name)
            and not file.roles & {"vendored", "generated", "test"}
            and file.kind in ("yaml", "shell", "markdown", "text", "python", "makefile")
        ):
            yield Evidence("PRD963", file.path, _TOP, "speaks of backups or recovery")
            return
    yield ProjectDiagnostic(
        stores[0].path, stores[0].span, f"`{stores[0].words}` is run here, and nothing in the repository backs it up or restores it"
    )


# ---------------------------------------------------------------- PRD965

_CHECKLIST = re.compile(
    r"(?:production|launch|release|deploy\w*|go-?live)[-_ ]?(?:\w+[-_ ])?(?:checklist|readiness|ready)|(?:checklist|readiness)[-_ ]?(?:\w+[-_ ])?(?:production|launch|release)|production_ready",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"template|example|(?:^|/)\.github/|archive|/old/", re.IGNORECASE)
_BOX = re.compile(r"(?m)^[ \t]*(?:[-*+]|\d+\.)[ \t]+\[([ xX])\][ \t]+([^\r\n]*)")
_SECTION = re.compile(r"(?m)^(#{1,6})[ \t]+(.+?)[ \t]*$")
_BLOCKING = re.compile(
    r"critical|\bP0\b|must[- ](?:fix|have|do)|blocker|blocking|before (?:launch|release|going|deploy|production)|required", re.IGNORECASE
)
_DONE = re.compile(
    r"\b100 ?%|production[- ]ready\b[^?]{0,20}(?:✅|yes|:white_check_mark:)|status:?\**\s*(?:✅|ready|complete)|all (?:items|checks|tasks) (?:are )?(?:complete|done)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|ya?ml|toml|ini|cfg|sh|json|env|txt))`|\]\(((?!https?:|#|mailto:)[\w./-]+\.(?:md|py|ya?ml|toml|sh|json))\)"
)


@check("PRD965", on=[text()], required_literals=["- [ ]", "* [ ]", "- [x]", "] "], files=("markdown",))
def open_checklist(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """A checklist for production whose critical boxes are open, or that claims to be done while one is."""
    if not _CHECKLIST.search(context.file.path) or _TEMPLATE.search(context.file.path):
        return
    page = whole.source.text
    sections = list(_SECTION.finditer(page))
    starts = [section.start() for section in sections]
    blocking: list[re.Match[str]] = []
    others: list[re.Match[str]] = []
    for box in _BOX.finditer(page):
        if box[1] == " ":
            above = bisect_left(starts, box.start())
            title = sections[above - 1][2] if above else ""
            (blocking if _BLOCKING.search(title) or _BLOCKING.search(box[2]) else others).append(box)
    still_open = blocking or others
    if not still_open:
        return
    first, count = still_open[0], len(still_open)
    claim = _DONE.search(page)
    at = ByteRange(whole.source, whole.source.offset(first.start(2)), whole.source.offset(first.end(2)))
    priority: Priority | None = None if blocking or claim else "P2"
    boxes = f"{count} box{'es' if count > 1 else ''}"
    words = f"{boxes} of this checklist {'are' if count > 1 else 'is'} open" + (" under what must be done first" if blocking else "")
    yield Diagnostic(at, f"{words}, though it says `{' '.join(claim[0].split())}`" if claim else words, priority=priority)


@collect("checklist-pointer", on=[text()], required_literals=["`", "]("], files=("markdown",))
def pointers(whole: Text, context: CheckContext) -> Iterator[ProjectFact]:
    """The files that a checklist for production names."""
    if not _CHECKLIST.search(context.file.path) or _TEMPLATE.search(context.file.path):
        return
    for found in _NAMED.finditer(whole.source.text):
        name = found[1] or found[2]
        start, end = whole.source.offset(found.start()), whole.source.offset(found.end())
        yield ProjectFact("checklist-pointer", context.file.path, whole.source.span(start, end), name)


@project_check("PRD965", topics=("checklist-pointer",))
def pointers_to_nothing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A checklist that names files which do not exist: one finding for each checklist."""
    known = {file.path for file in project.files}
    names = {file.name for file in project.files}
    missing: dict[str, list[ProjectFact]] = {}
    for each in project.about("checklist-pointer"):
        folder = each.path.rpartition("/")[0]
        target = posixpath.normpath(posixpath.join(folder, each.words))
        bare = "/" not in each.words
        if (
            target in known
            or posixpath.normpath(each.words) in known
            or (bare and each.words in names)
            or any(path.endswith(f"/{each.words}") for path in known)
        ):
            continue
        if not project.exists(target) and not project.exists(posixpath.normpath(each.words)):
            missing.setdefault(each.path, []).append(each)
    for path, found in sorted(missing.items()):
        more = f" and {len({each.words for each in found}) - 1} more" if len({each.words for each in found}) > 1 else ""
        yield ProjectDiagnostic(path, found[0].span, f"this checklist names `{found[0].words}`{more}, which does not exist", priority="P2")
