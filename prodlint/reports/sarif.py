"""`sarif`: SARIF 2.1.0 as GitHub, GitLab, VS Code, DefectDojo, SonarQube and Azure read it.

Consumers differ; what each needs is noted where it decides a line. No times, no absolute paths, no random order: the
same tree gives the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from prodlint import __version__
from prodlint.facts import Source
from prodlint.fingerprint import line_hashes, place_order
from prodlint.model import Finding, Related, Rule, Span, Suppressed, Unchecked
from prodlint.reports.material import HOMEPAGE, ReportContext, plural

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"P0": "error", "P1": "warning", "P2": "note"}
_PROBLEM = {"P0": "error", "P1": "warning", "P2": "recommendation"}

_TEXT = 1024  # GitLab drops a result with more; GitHub cuts
_TAGS = 10  # GitHub shows no more and refuses more than 20
_EXCERPT = 400  # characters of a snippet, around the finding where its lines are longer
_CONTEXT = 1  # lines before and after
_CONTEXT_SPAN = 10  # lines a finding may have and still be shown in its surroundings
_LINKS = 100  # related places: GitHub takes 1,000 locations a result

# Kinds of notifications. The numbers are only ours: they stand in no rule's place.
_NOTIFICATIONS = {
    "not-checked": ("NotChecked", "A file was asked for and not analysed."),
    "checked-in-part": ("CheckedInPart", "A file was analysed, but not all of it could be read."),
    "results-left-out": ("ResultsLeftOut", "There were more findings than consumers accept; the least severe were left out."),
    "note": ("Note", "Something worth knowing about the run."),
}
_NOTIFICATION_INDEX = {name: index for index, name in enumerate(_NOTIFICATIONS)}


def write(material: ReportContext) -> Iterator[str]:
    """The whole format."""
    options = material.options
    told, left_out = _told(material)
    rules = _rules(material, told)
    places = _Places(material)
    places.hash_lines(finding for finding, _ in told)
    index = {rule.code: number for number, rule in enumerate(rules)}
    cwes = sorted({number for rule in rules for number in rule.cwe})
    run: dict[str, Any] = {
        "tool": {"driver": _driver(material, rules)},
        "automationDetails": {"id": options.category},
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(material, places, left_out)],
        "artifacts": _artifacts(material, places),
    }
    if cwes:
        run["taxonomies"] = [_cwe(cwes)]
    if options.root_uri:
        run["originalUriBaseIds"] = {"%SRCROOT%": {"uri": options.root_uri.rstrip("/") + "/"}}
    # The results go out one by one: 25,000 of them in one tree of dictionaries take three times as long, most of it
    # spent by the garbage collector.
    encode = json.JSONEncoder(separators=(",", ":")).encode
    yield f'{{"$schema":{encode(SCHEMA)},"version":"2.1.0","runs":[{encode(run)[:-1]},"results":['
    for number, (finding, suppressed) in enumerate(told):
        result = _result(material, places, finding, suppressed, index[finding.code])
        yield f",{encode(result)}" if number else encode(result)
    yield "]}]}\n"


def _told(material: ReportContext) -> tuple[list[tuple[Finding, Suppressed | None]], int]:
    """The findings to write in order of place, and how many are left out. Above the limit the most severe stay."""
    told: list[tuple[Finding, Suppressed | None]] = [(finding, None) for finding in material.findings]
    told += [(one.finding, one) for one in material.shown_suppressed()]
    left_out = max(0, len(told) - material.options.max_results)
    if left_out:
        told.sort(key=lambda pair: (pair[1] is not None, pair[0].priority, place_order(pair[0])))
        del told[material.options.max_results :]
    told.sort(key=lambda pair: place_order(pair[0]))
    return told, left_out


# ---------------------------------------------------------------- the tool and its rules


def _driver(material: ReportContext, rules: Sequence[Rule]) -> dict[str, Any]:
    driver: dict[str, Any] = {
        "name": "prodlint",
        "fullName": f"prodlint {__version__}",
        "organization": "prodlint",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": HOMEPAGE,
        "rules": [_rule(material, rule) for rule in rules],
        "notifications": [
            {
                "id": f"prodlint/{key}",
                "name": name,
                "shortDescription": {"text": text},
                "fullDescription": {"text": text},
                "help": {"text": text},
            }
            for key, (name, text) in _NOTIFICATIONS.items()
        ],
    }
    if any(rule.cwe for rule in rules):
        driver["supportedTaxonomies"] = [{"name": "CWE", "index": 0}]
    return driver


def _rules(material: ReportContext, told: Sequence[tuple[Finding, Suppressed | None]]) -> list[Rule]:
    """Every enabled rule, in order of code, and a stand-in for a code that has no page: a result must have its rule."""
    rules = dict(material.rules)
    for finding, _ in told:
        code = finding.code
        if code not in rules:
            rules[code] = Rule(code, f"rule-{code.lower()}", "", f"Rule {code}", finding.priority, "", "")
    return [rules[code] for code in sorted(rules)]


def _rule(material: ReportContext, rule: Rule) -> dict[str, Any]:
    title = plain(rule.title)
    why = plain(rule.why) or title
    properties: dict[str, Any] = {
        "tags": _tags(rule),
        "precision": rule.precision,
        "problem.severity": _PROBLEM[rule.priority],
    }
    # Its presence makes GitHub file the rule under security.
    if rule.security_severity and _is_security(rule):
        properties["security-severity"] = rule.security_severity
    found: dict[str, Any] = {
        "id": rule.code,
        "name": pascal(rule.name),
        "shortDescription": {"text": sentence(title)},
        "fullDescription": {"text": sentence(why)},
        "help": {"text": plain(rule.how, _TEXT * 4) or sentence(title), "markdown": page_text(rule) or sentence(title)},
        "defaultConfiguration": {"level": LEVELS[rule.priority]},
        "properties": properties,
    }
    if url := material.help_url(rule.code):
        found["helpUri"] = url
    if rule.cwe:
        found["relationships"] = [
            {"target": {"id": f"CWE-{number}", "toolComponent": {"name": "CWE", "index": 0}}, "kinds": ["superset"]} for number in rule.cwe
        ]
    return found


def _is_security(rule: Rule) -> bool:
    return rule.category in ("security", "secrets")


def _tags(rule: Rule) -> list[str]:
    """What a rule is filed under, the most telling first. GitHub wants `external/cwe/cwe-798`, GitLab `cwe-798`."""
    tags = ["security"] if _is_security(rule) else []
    tags += [rule.category, rule.priority]
    tags += [tag for number in rule.cwe for tag in (f"external/cwe/cwe-{number:03}", f"cwe-{number}")]
    tags += [f"owasp-{name.replace(':', '-').lower()}" for name in rule.owasp]
    tags.append("production-readiness")
    return [tag for tag in dict.fromkeys(tags) if tag][:_TAGS]


def _cwe(numbers: Sequence[int]) -> dict[str, Any]:
    return {
        "name": "CWE",
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration."},
        "taxa": [
            {"id": f"CWE-{n}", "shortDescription": {"text": f"CWE-{n}."}, "helpUri": f"https://cwe.mitre.org/data/definitions/{n}.html"}
            for n in numbers
        ],
    }


# ---------------------------------------------------------------- words

_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_BEYOND = re.compile("[\U00010000-\U0010ffff]")  # two UTF-16 units each
_LONE = re.compile(r"[\ud800-\udfff]")  # of a file name that is not UTF-8
_SAMPLE = re.compile(r"\{\{token:([^{}]*)\}\}")
_METADATA = re.compile(r"```toml\n.*?\n```\n+", re.DOTALL)


def plain(markdown: str, limit: int = _TEXT) -> str:
    """Markdown as plain words, cut to a limit."""
    text = _LINK.sub(r"\1", markdown).replace("**", "").replace("`", "'")
    return cut(" ".join(text.split()), limit)


def cut(text: str, limit: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def sentence(text: str) -> str:
    """Words with a stop at their end."""
    return text if text.endswith((".", "!", "?")) else cut(text, _TEXT - 1) + "."


def pascal(name: str) -> str:
    """`bare-except` as `BareExcept`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def page_text(rule: Rule) -> str:
    """A rule's page without what only prodlint reads: the table, the places of sample tokens."""
    return _SAMPLE.sub(r"<\1 token>", _METADATA.sub("", rule.page, count=1)).strip()


def _message(material: ReportContext, finding: Finding) -> str:
    """A full sentence, names in single quotes (viewers show no Markdown), with links to the related places."""
    text = " ".join(material.placed(finding).replace("`", "'").split())
    # "](" would make a link of what a file says.
    text = sentence(cut(text[:1].upper() + text[1:], _TEXT - 300).replace("](", "] ("))
    links = [f"[{_link_text(material, related)}]({number})" for number, related in enumerate(finding.related[:3], 1)]
    if links:
        text += f" See {', '.join(links)}."
    return text if text.isascii() else _LONE.sub("\N{REPLACEMENT CHARACTER}", text)


def _link_text(material: ReportContext, related: Related) -> str:
    return re.sub(r"[\[\]\\]", "", cut(material.words(related.words), 80)) or related.path


# ---------------------------------------------------------------- places


class _Places:
    """Turns places in files into SARIF's, in UTF-16 units, with what may be shown of the text."""

    def __init__(self, material: ReportContext) -> None:
        self._material = material
        self._redaction = material.redaction
        self._files: dict[str, _File | None] = {}
        self._uris: dict[str, str] = {}
        self._hashes: dict[str, dict[int, str]] = {}

    def uri(self, path: str) -> str:
        """A path as a relative reference from the repository's root."""
        if path not in self._uris:
            parts = (self._material.options.prefix + path).replace(os.sep, "/").split("/")
            kept = [part for part in parts if part not in ("", ".", "..")]
            self._uris[path] = "/".join(quote(os.fsencode(part), safe="") for part in kept) or "."
        return self._uris[path]

    def artifact(self, path: str) -> dict[str, str]:
        """A file's location."""
        if self._material.options.root_uri:
            return {"uri": self.uri(path), "uriBaseId": "%SRCROOT%"}
        return {"uri": self.uri(path)}

    def hash_lines(self, findings: Iterator[Finding]) -> None:
        """Compute GitHub's line hashes for the lines on which these findings begin."""
        lines: dict[str, set[int]] = {}
        for finding in findings:
            lines.setdefault(finding.path, set()).add(finding.span.line)
        for path, wanted in lines.items():
            source = self._redaction.source(path)
            # GitHub reads the file as UTF-8 itself; what it makes of another encoding we leave to it.
            if source is not None and source.encoding == "utf-8":
                if source.has_mark:
                    wanted.discard(1)  # GitHub hashes the mark too
                self._hashes[path] = line_hashes(source.text, wanted, frozenset(self._redaction.secret_lines(path)))

    def line_hash(self, finding: Finding) -> str:
        """GitHub's hash of the line on which a finding begins, or ""."""
        return self._hashes.get(finding.path, {}).get(finding.span.line, "")

    def _file(self, path: str) -> _File | None:
        """What is known of a file's lines, or None where its text is not to be had."""
        if path not in self._files:
            source = self._redaction.source(path)
            self._files[path] = None if source is None else _File(source)
        return self._files[path]

    def region(self, path: str, span: Span) -> tuple[Span, dict[str, Any]]:
        """A span that is surely inside its file, and its region in UTF-16 units."""
        file = self._file(path)
        inside = _from_one(span) if file is None else file.inside(span)
        start, end = inside.column, inside.end_column
        if file is not None and not file.is_ascii:
            start, end = file.units(inside.line, start), file.units(inside.end_line, end)
        return inside, _numbers(inside.line, start, inside.end_line, end)

    def physical(self, path: str, span: Span, shown: bool) -> dict[str, Any]:
        """A physical location; with the text where it is to be shown."""
        inside, region = self.region(path, span)
        found: dict[str, Any] = {"artifactLocation": self.artifact(path), "region": region}
        file = self._file(path) if shown else None
        if file is not None:
            region["snippet"] = {"text": self._snippet(path, inside)}
            context = self._context(path, file, inside)
            if context is not None:
                found["contextRegion"] = context
        return found

    def _snippet(self, path: str, span: Span) -> str:
        pieces: list[str] = []
        size = 0
        for number in range(span.line, span.end_line + 1):
            line = self._redaction.line(path, number)
            start = line.at(span.column) if number == span.line else 0
            end = line.at(span.end_column, end=True) if number == span.end_line else len(line.text)
            pieces.append(line.text[start:end])
            size += end - start
            if size > _EXCERPT:
                break
        return cut("\n".join(pieces), _EXCERPT)

    def _context(self, path: str, file: _File, span: Span) -> dict[str, Any] | None:
        """The lines around; nothing where the finding itself is long, or its lines are."""
        if span.end_line - span.line > _CONTEXT_SPAN:
            return None
        first = max(1, span.line - _CONTEXT)
        last = min(file.last, span.end_line + _CONTEXT)
        lines = [self._redaction.line(path, number) for number in range(first, last + 1)]
        end_column = lines[-1].length + 1
        if sum([len(line.text) for line in lines]) > _EXCERPT * len(lines):
            return None
        if (first, 1, last, end_column) == (span.line, span.column, span.end_line, span.end_column):
            return None
        text = "\n".join([line.text for line in lines])
        if not file.is_ascii:
            end_column = file.units(last, end_column)
        return {**_numbers(first, 1, last, end_column), "snippet": {"text": text}}


def _numbers(line: int, column: int, end_line: int, end_column: int) -> dict[str, Any]:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _from_one(span: Span) -> Span:
    """The span with every number at least 1 and its end not before its start."""
    line, column = max(1, span.line), max(1, span.column)
    end_line, end_column = max(line, span.end_line), max(1, span.end_column)
    return Span(line, column, end_line, max(column, end_column) if end_line == line else end_column)


class _File:
    """A file's lines, as far as places need them.

    last: the last line that holds text, for what follows a final line ending is no line in an editor's margin.
    """

    __slots__ = ("_line", "is_ascii", "last", "size", "source", "starts")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._line: tuple[int, int, list[int]] = (0, 0, [])
        self.starts = source.line_starts
        self.size = len(source.data)
        self.is_ascii = source.data.isascii()
        count = len(self.starts)
        self.last = count - 1 if count > 1 and self.starts[-1] >= self.size else count

    def inside(self, span: Span) -> Span:
        """The span cut to the file: VS Code throws beyond the end."""
        starts, line, end_line = self.starts, span.line, span.end_line
        if self.is_ascii and 1 <= line == end_line <= self.last and 1 <= span.column <= span.end_column:
            # Nearly every span; the few that reach a line's end are looked at below, with its CR or LF.
            if span.end_column <= (starts[line] - 1 if line < len(starts) else self.size) - starts[line - 1]:
                return span
        line, column = max(1, line), max(1, span.column)
        end_line, end_column = max(line, end_line), max(1, span.end_column)
        if line > self.last:
            line, column = self.last, self._length(self.last) + 1
        if end_line > self.last:
            end_line, end_column = self.last, self._length(self.last) + 1
        return _from_one(Span(line, min(column, self._length(line) + 1), end_line, min(end_column, self._length(end_line) + 1)))

    def _read(self, line: int) -> tuple[int, int, list[int]]:
        """A line's number, its length, and where its characters beyond 16 bits stand. The last one asked for is kept."""
        if self._line[0] != line:
            text = self.source.line_text(line)
            beyond = [] if text.isascii() else [found.start() for found in _BEYOND.finditer(text)]
            self._line = (line, len(text), beyond)
        return self._line

    def _length(self, line: int) -> int:
        return self._read(line)[1]

    def units(self, line: int, column: int) -> int:
        """A column in UTF-16 units."""
        return column + bisect_left(self._read(line)[2], column - 1)


# ---------------------------------------------------------------- results


def _result(material: ReportContext, places: _Places, finding: Finding, suppressed: Suppressed | None, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": places.physical(finding.path, finding.span, shown=True)}
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": material.words(finding.symbol)}]
    prints = {"prodlint/v2": material.fingerprint[id(finding)]}
    if line_hash := places.line_hash(finding):
        prints["primaryLocationLineHash"] = line_hash
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.priority],
        "message": {"text": _message(material, finding)},
        "locations": [location],
        "partialFingerprints": prints,
    }
    if finding.related:
        found["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": places.physical(related.path, related.span, shown=False),
                "message": {"text": sentence(cut(material.words(related.words).replace("`", "'") or related.path, _TEXT - 1))},
            }
            for number, related in enumerate(finding.related[:_LINKS], 1)
        ]
    if owners := material.owners(finding.path):
        found["properties"] = {"prodlint/owners": list(owners)}
    if (fix := _fix(material, places, finding)) is not None:
        found["fixes"] = [fix]
    if material.options.show_suppressed:
        # Where one result says whether it is suppressed all must; an empty list says it is not.
        found["suppressions"] = [] if suppressed is None else [_suppression(material, suppressed)]
    if material.options.baseline:
        known = suppressed is not None and suppressed.kind == "baseline"
        found["baselineState"] = "unchanged" if known else "new"
    return found


def _suppression(material: ReportContext, suppressed: Suppressed) -> dict[str, Any]:
    kind = "inSource" if suppressed.kind == "inline" else "external"
    reason = material.words(suppressed.reason) or ("No reason given." if kind == "inSource" else "Known from the baseline.")
    return {"kind": kind, "status": "accepted", "justification": reason}


def _fix(material: ReportContext, places: _Places, finding: Finding) -> dict[str, Any] | None:
    made = material.fix(finding)
    if made is None or not made.edits:
        return None
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in made.edits:
        source = material.redaction.source(edit.path)
        span, text = _from_first_letter(source, edit.span, edit.text)
        _, region = places.region(edit.path, span)
        changes.setdefault(edit.path, []).append({"deletedRegion": region, "insertedContent": {"text": text}})
    return {
        "description": {"text": sentence(plain(made.description) or "Apply the fix")},
        "artifactChanges": [{"artifactLocation": places.artifact(path), "replacements": parts} for path, parts in changes.items()],
    }


def _from_first_letter(source: Source | None, span: Span, text: str) -> tuple[Span, str]:
    """The same edit, not beginning in a line's indentation: VS Code moves such a beginning to the first letter."""
    if source is None:
        return span, text
    line = source.line_text(span.line)
    indentation = len(line) - len(line.lstrip())
    if not 1 < span.column <= indentation and not (span.column == 1 and indentation):
        return span, text
    lead = line[span.column - 1 : indentation]
    ends_after = (span.end_line, span.end_column) >= (span.line, indentation + 1)
    if ends_after and text.startswith(lead):
        return Span(span.line, indentation + 1, span.end_line, span.end_column), text[len(lead) :]
    # Begin at the end of the line before instead, and write its line ending again.
    if span.line > 1:
        before = source.line_text(span.line - 1)
        start = source.line_starts[span.line - 2] + len(before.encode())
        ending = source.slice(start, source.line_starts[span.line - 1])
        return Span(span.line - 1, len(before) + 1, span.end_line, span.end_column), ending + line[: span.column - 1] + text
    return span, text


# ---------------------------------------------------------------- what happened


def _invocation(material: ReportContext, places: _Places, left_out: int) -> dict[str, Any]:
    report, options = material.report, material.options
    whole = all(unchecked.analysed for unchecked in report.unchecked)
    notifications = [_unchecked(material, places, unchecked) for unchecked in sorted(report.unchecked)]
    if left_out:
        text = f"{plural(left_out, 'finding')} of the lowest priority left out: at most {options.max_results:,} are written."
        notifications.append(_notification("results-left-out", "warning", text))
    notifications += [_notification("note", "note", sentence(material.words(note))) for note in report.notes]
    found: dict[str, Any] = {
        "executionSuccessful": whole and options.exit_code not in (3, 70),
        "exitCode": options.exit_code,
        "toolExecutionNotifications": notifications,
    }
    if options.root_uri:
        found["workingDirectory"] = {"uri": options.root_uri.rstrip("/") + "/"}
    if options.started:
        found["startTimeUtc"] = options.started
    if options.ended:
        found["endTimeUtc"] = options.ended
    return found


def _notification(kind: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": f"prodlint/{kind}", "index": _NOTIFICATION_INDEX[kind]}, "level": level, "message": {"text": text}}


def _unchecked(material: ReportContext, places: _Places, unchecked: Unchecked) -> dict[str, Any]:
    kind, level = ("checked-in-part", "warning") if unchecked.analysed else ("not-checked", "error")
    title = "Checked in part" if unchecked.analysed else "Not checked"
    text = sentence(cut(f"{title}: '{unchecked.path}': {material.words(unchecked.why)}".replace("`", "'"), _TEXT - 1))
    if unchecked.path == ".":
        return _notification(kind, level, text)
    location: dict[str, Any] = {"artifactLocation": places.artifact(unchecked.path)}
    if unchecked.line > 0:
        column = max(1, unchecked.column)
        _, location["region"] = places.region(unchecked.path, Span(unchecked.line, column, unchecked.line, column))
    return {**_notification(kind, level, text), "locations": [{"physicalLocation": location}]}


def _artifacts(material: ReportContext, places: _Places) -> list[dict[str, Any]]:
    """Every file seen; those that were not analysed say so."""
    unread = {u.path: u for u in material.report.unchecked if not u.analysed}
    in_part = {u.path for u in material.report.unchecked if u.analysed}
    found = []
    for path in sorted({*material.report.files, *unread} - {"."}):
        artifact: dict[str, Any] = {"location": places.artifact(path), "roles": ["analysisTarget"]}
        # Text from standard input and a path that was only asked for have none.
        with suppress(OSError, ValueError):
            artifact["length"] = os.stat(f"{material.root}/{path}").st_size
        if path in unread:
            artifact["properties"] = {"prodlint/checked": "no"}
        elif path in in_part:
            artifact["properties"] = {"prodlint/checked": "in part"}
        found.append(artifact)
    return found
