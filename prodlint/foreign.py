"""What other tools were told: their directives in comments, and their lists of known findings. Obeyed only where `honor` names the tool.

Whatever they silence is counted as suppressed, is shown by `--show-suppressed`, counts again with `--no-inline-ignores`, and needs
a reason where the settings say `require-reason`. Their grammars:
<https://docs.astral.sh/ruff/linter/#error-suppression>, <https://bandit.readthedocs.io/en/latest/config.html>,
<https://github.com/Yelp/detect-secrets#inline-allowlisting>, <https://github.com/gitleaks/gitleaks#gitleaksallow>,
<https://github.com/mongodb/kingfisher>, <https://github.com/trufflesecurity/trufflehog>,
<https://docs.gitguardian.com/ggshield-docs/configuration#in-code-ignoring-secrets>,
<https://semgrep.dev/docs/ignoring-files-folders-code>, <https://github.com/hadolint/hadolint#inline-ignores>.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from typing import NamedTuple

from prodlint.facts import Source
from prodlint.model import Finding, Rule, Suppressed
from prodlint.regular import read_regular

_LARGEST = 32_000_000


class Tool(NamedTuple):
    """A tool whose directives may be obeyed.

    marks: of which every comment with one holds some, lower case. directive: how one is written; its group holds the codes. below:
    whether one that stands alone on a line speaks of the line below.
    """

    marks: tuple[bytes, ...]
    directive: re.Pattern[str]
    below: bool = False


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)


_ALLOWLIST = Tool((b"pragma:",), _words(r"pragma:[ \t]?(?:allow|white)list[ \t-](?:nextline[ \t-])?secret"))
# `noqa` is read where prodlint's own directives are, since it may name our codes.
TOOLS: dict[str, Tool] = {
    "nosec": Tool((b"nosec",), re.compile(r"(?:(?<=#)|(?<=# ))nosec\b(?:-secrets?\b)?[ \t:]*((?:B[0-9]{3}[, \t]*)*)")),
    "detect-secrets": _ALLOWLIST,
    "pragma": _ALLOWLIST,
    "gitleaks": Tool((b"gitleaks:allow",), _words("gitleaks:allow")),
    "kingfisher": Tool((b"kingfisher:",), _words("kingfisher:(?:ignore|allow)")),
    "trufflehog": Tool((b"trufflehog:",), _words("trufflehog:ignore")),
    "ggshield": Tool((b"ggignore", b"gitguardian:"), _words("(?:pragma:[ \t]?)?ggignore(?:-line)?|gitguardian:ignore")),
    "nosemgrep": Tool((b"nosem",), re.compile(r"(?:(?<=#)|(?<=# )|(?<=/)|(?<=/ ))nosem(?:grep)?(?=[ \t:]|$)"), below=True),
    "hadolint": Tool((b"hadolint",), re.compile(r"hadolint[ \t]+ignore=((?:[A-Z]{2}[0-9]{4}[, \t]*)+)"), below=True),
}
_OF_SECRETS = frozenset(("detect-secrets", "pragma", "gitleaks", "kingfisher", "trufflehog", "ggshield"))


def marks(honor: Iterable[str]) -> list[bytes]:
    """What stands in every file that holds a directive of these tools."""
    return [mark for name in honor for mark in (TOOLS[name].marks if name in TOOLS else (name.encode(),))]


@dataclass(frozen=True, slots=True)
class ForeignCodes:
    """What other tools' codes silence here, for those who ask for it with `honor`; it stands on the rules' pages (`also`).

    by_code: their code, upper case, to ours. secrets: ours that a directive for scanners of secrets speaks of.
    """

    by_code: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def of(self, codes: Iterable[str]) -> frozenset[str]:
        """Ours for some of theirs."""
        return frozenset(own for code in codes for own in self.by_code.get(code.upper(), ()))

    def blanket(self, tool: str) -> frozenset[str]:
        """Ours for a directive of a tool that names no code."""
        if tool in _OF_SECRETS:
            return self.secrets
        if tool == "nosec":
            return self.of(code for code in self.by_code if re.fullmatch(r"B[0-9]{3}", code))
        if tool == "hadolint":
            return frozenset()
        everything = frozenset(own for codes in self.by_code.values() for own in codes)
        return everything | self.secrets if tool == "nosemgrep" else everything


def foreign_codes(rules: Iterable[Rule]) -> ForeignCodes:
    """The table that the rules' pages make."""
    by_code: dict[str, list[str]] = {}
    secrets = set()
    for rule in rules:
        if rule.family == "secrets":
            secrets.add(rule.code)
        for code in rule.also:
            by_code.setdefault(code.partition(":")[2].upper(), []).append(rule.code)
    return ForeignCodes({code: tuple(sorted(set(own))) for code, own in by_code.items()}, frozenset(secrets))


# ---------------------------------------------------------------- lists of known findings

# The names under which the tools look for them at the root of a repository.
LISTS = {"detect-secrets": ".secrets.baseline", "pragma": ".secrets.baseline", "gitleaks": ".gitleaksignore"}
# What detect-secrets takes for the value of a private key.
_KEY_HEAD = re.compile(r"BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?")
_WORD_ENDS = re.compile(r"[\s\"'`=,;:<>()\[\]{}@]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")


class Known(NamedTuple):
    """What a list says is known of one file. hashes: SHA-1 of values; lines: where a value stands; reasons: by line."""

    hashes: frozenset[str]
    lines: Mapping[int, str]


@dataclass(slots=True)
class Listed:
    """A list as read. path: from the root. unreasoned: the lines of its entries that were used and give no reason."""

    path: str
    known: Mapping[str, Known]
    unreasoned: set[int] = field(default_factory=set)


def read_lists(root: str, honor: Iterable[str]) -> tuple[list[Listed], list[str]]:
    """The lists of the tools that are obeyed, and notes about those that cannot be read."""
    found: list[Listed] = []
    notes: list[str] = []
    for name in dict.fromkeys(LISTS[tool] for tool in honor if tool in LISTS):
        path = os.path.join(root, name)
        if not os.path.lexists(path):
            continue
        try:
            data = read_regular(path, _LARGEST)
            known = _of_detect_secrets(data) if name == ".secrets.baseline" else _of_gitleaks(data)
        except (OSError, ValueError, RecursionError) as error:
            why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not what the tool writes"
            notes.append(f"`{name}` cannot be read: {why}")
            continue
        found.append(Listed(name, known))
    return found, notes


def _of_detect_secrets(data: bytes) -> dict[str, Known]:
    """`{"results": {path: [{"hashed_secret": SHA-1, ...}]}}`.

    Raises ValueError for anything else.
    """
    document = json.loads(data)
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, dict):
        raise ValueError
    found = {}
    for path, entries in results.items():
        hashes = [entry.get("hashed_secret") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        found[_path(path)] = Known(frozenset(each for each in hashes if isinstance(each, str)), {})
    return found


def _of_gitleaks(data: bytes) -> dict[str, Known]:
    """Lines `path:rule:line`, or `commit:path:rule:line`; a comment above or behind says why."""
    lines: dict[str, dict[int, str]] = {}
    above = ""
    for text in data.decode("utf-8", "replace").splitlines():
        entry, _, behind = text.partition(" #")
        if not entry.strip() or entry.lstrip().startswith("#"):
            above = text.strip().lstrip("# ") if entry.strip() else ""
            continue
        parts = entry.strip().split(":")
        if len(parts) >= 3 and parts[-1].isdigit() and len(parts[-1]) < 10:
            path = parts[:-2][1:] if len(parts) > 3 and _COMMIT.match(parts[0]) else parts[:-2]
            lines.setdefault(_path(":".join(path)), {})[int(parts[-1])] = behind.strip() or above
    return {path: Known(frozenset(), numbers) for path, numbers in lines.items()}


def _path(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def take_listed(
    findings: Iterable[Finding],
    lists: Iterable[Listed],
    secrets: Collection[str],
    sources: Callable[[str], Source | None],
    may_be_ignored: Callable[[Finding], bool],
) -> tuple[list[Finding], list[Suppressed]]:
    """Take away the findings about secrets that lists of other tools know.

    secrets: the codes that may be meant. may_be_ignored: whether the settings allow it for a finding.
    """
    lists = list(lists)
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in findings:
        by = None
        if finding.code in secrets:
            by = next((each for each in lists if finding.path in each.known and _knows(each, finding, sources)), None)
        if by is not None and may_be_ignored(finding):
            reason = by.known[finding.path].lines.get(finding.span.line, "")
            if not reason:
                by.unreasoned.add(finding.span.line)
            suppressed.append(Suppressed(finding, "baseline", f"in {by.path}{f': {reason}' if reason else ''}"))
        else:
            kept.append(finding)
    return kept, suppressed


def _knows(listed: Listed, finding: Finding, sources: Callable[[str], Source | None]) -> bool:
    known = listed.known[finding.path]
    if finding.span.line in known.lines:
        return True
    if not known.hashes:
        return False
    source = sources(finding.path)
    # Not for security: it is what the other tool wrote.
    return source is not None and any(
        sha1(value.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest() in known.hashes
        for value in _values(source, finding)
    )


def _values(source: Source, finding: Finding) -> Iterable[str]:
    """What the other tool may have taken for the value: the secret, and the words of its lines."""
    for span in finding.secrets or (finding.span,):
        text = source.slice(source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column))
        yield text
        yield text.strip("\"'`")
        for number in range(span.line, min(span.end_line, span.line + 5) + 1):
            line = source.line_text(number)[:4000]
            yield from _KEY_HEAD.findall(line)
            yield from _WORD_ENDS.split(line)
            for quote in "\"'":
                yield from line.split(quote)[1::2]
