"""The baseline: findings that a team has seen and not yet fixed, so that only new ones fail.

One sorted line for each: path, code, symbol, digest of the content. No line numbers or dates, so the file changes only where
findings do, and merges like a list. What is flagged as a secret stands there as a salted slow hash: the file cannot be used
to look the value up. Two equal lines mean two equal findings; a third one in the code is new.

The content is that of `prodlint.content`: code without its layout. In the first form of the file, which had no line that says
its version, it was the line on which a finding begins. Such a file is read all the same, and written anew by `prodlint baseline`;
what that run did not look at keeps its old content, marked.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from prodlint.configuration.settings import SettingsError
from prodlint.content import first_contents_of
from prodlint.counting import whole_number
from prodlint.facts import Source
from prodlint.fingerprint import Identity, answered, composed, content_or_message
from prodlint.model import Finding, Report, Suppressed
from prodlint.regular import read_regular
from prodlint.writing import write_whole

DEFAULT = ".prodlint-baseline"
_HEADER = "# Findings that were here before. `prodlint baseline` writes this file; delete a line to see its finding again.\n"
_VERSION = "# version: "
CURRENT = 2
_SALT = "# salt: "
# Before a content of the first form.
_FIRST = "~1:"
# As many rounds as an hour of guessing costs a run of a hundred secrets two seconds.
_ROUNDS = 20_000
_LARGEST = 64 << 20


# One finding that is known. content: the finding's own, or "salted:" and a slow hash of it; behind _FIRST in its first form.
Entry = Identity


@dataclass(slots=True)
class Baseline:
    """A baseline as read: how often each entry stands in it. version: that of the file's form."""

    path: str
    version: int = CURRENT
    salt: str = ""
    entries: Counter[Entry] = field(default_factory=Counter)
    _hashes: dict[str, str] = field(default_factory=dict)

    def salted(self, content: str) -> str:
        """The slow hash of what a secret's finding is bound to."""
        known = self._hashes.get(content)
        if known is None:
            from hashlib import pbkdf2_hmac

            # prodlint: ignore[PRD445] -- no password: a digest in a file of the team's own, hashed again on every run
            made = pbkdf2_hmac("sha256", content.encode(), bytes.fromhex(self.salt), _ROUNDS, 16)
            known = self._hashes[content] = f"salted:{made.hex()}"
        return known


@dataclass(slots=True)
class Applied:
    """What a baseline left: findings that are new, those it knows, and entries whose finding is gone."""

    kept: list[Finding] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    stale: list[Entry] = field(default_factory=list)


# ---------------------------------------------------------------- the file


def read(path: str) -> Baseline:
    """Read a baseline.

    Raises SettingsError for a file that is none.
    """
    shown = os.path.relpath(path)
    try:
        raw = read_regular(path, _LARGEST)
    except OSError as error:
        advice = "; `prodlint baseline` writes one" if isinstance(error, FileNotFoundError) else ""
        raise SettingsError(f"the baseline cannot be read: {(error.strerror or str(error)).lower()}{advice}", shown) from None
    baseline = Baseline(path, version=1)
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
        if line.startswith(_VERSION):
            baseline.version = _read_version(line[len(_VERSION) :].strip(), shown, number)
        elif line.startswith(_SALT):
            baseline.salt = _read_salt(line[len(_SALT) :].strip(), shown, number)
        elif line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            raise SettingsError("holds a merge conflict: keep the lines of both sides and delete the markers", shown, number)
        elif line.strip() and not line.startswith("#"):
            parts = line.split(" ")
            if len(parts) != 4:
                raise SettingsError("is no line of a baseline", shown, number)
            baseline.entries[Entry(*map(_unescaped, parts))] += 1
    if baseline.version == 1:
        baseline.entries = Counter({entry._replace(content=_FIRST + entry.content): count for entry, count in baseline.entries.items()})
    if not baseline.salt:
        if any("salted:" in entry.content for entry in baseline.entries):
            raise SettingsError("has lost its `# salt:` line; `prodlint baseline` writes it anew", shown)
        baseline.salt = os.urandom(16).hex()
    return baseline


def _read_version(text: str, shown: str, number: int) -> int:
    version = whole_number(text)
    if version is None or not 1 <= version <= CURRENT:
        raise SettingsError(f"is of version `{text[:20]}`, and this prodlint knows 1 to {CURRENT}", shown, number)
    return version


def _read_salt(text: str, shown: str, number: int) -> str:
    try:
        if len(bytes.fromhex(text)) >= 8:
            return text
    except ValueError:
        pass
    raise SettingsError("the salt is not a hexadecimal number of 8 bytes or more", shown, number)


def _escaped(text: str) -> str:
    """A field without blanks and line ends, that is neither empty nor looks like a comment."""
    if not text:
        return "-"
    if text == "-" or text[0] in "#<=>|":
        return _percent(text[0]) + "".join(map(_printable, text[1:]))
    return "".join(map(_printable, text)) if not text.isprintable() or "%" in text or " " in text else text


def _printable(character: str) -> str:
    return character if character.isprintable() and character not in "% " else _percent(character)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _unescaped(text: str) -> str:
    if text == "-":
        return ""
    if "%" not in text:
        return text
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def text_of(baseline: Baseline) -> str:
    """The file as it is written. The same findings give the same bytes."""
    lines = sorted(" ".join(map(_escaped, entry)) for entry in baseline.entries.elements())
    return _HEADER + f"{_VERSION}{CURRENT}\n{_SALT}{baseline.salt}\n" + "".join(f"{line}\n" for line in lines)


def write(path: str, findings: Iterable[Finding], keep: Callable[[Entry], bool] = lambda _: False) -> Baseline:
    """Write a baseline of these findings, by rename. The salt of a file that is there already is kept.

    keep: which of the old entries to carry over, so that writing it for one folder leaves the others' entries.
    """
    old = read(path) if os.path.exists(path) else Baseline(path, salt=os.urandom(16).hex())
    made = Baseline(path, salt=old.salt, _hashes=old._hashes)
    for entry, count in old.entries.items():
        if keep(entry):
            made.entries[entry] += count
    for finding in findings:
        made.entries[entry_of(finding, made)] += 1
    text = text_of(made).encode("utf-8", "surrogateescape")
    _replace(path, text)
    return made


def write_report(path: str, report: Report, selected: Collection[str]) -> Baseline:
    """Write everything that a run found as known. selected: the codes that it looked for; what it did not look for or at keeps its entries."""
    checked = set(report.files)

    def keep(entry: Entry) -> bool:
        if entry.code not in selected:
            return True
        return entry.path not in checked and os.path.exists(os.path.join(report.root, entry.path))

    return write(path, report.findings, keep)


def write_entries(baseline: Baseline) -> None:
    """Write a baseline as it is now, by rename."""
    _replace(baseline.path, text_of(baseline).encode("utf-8", "surrogateescape"))


def _replace(path: str, data: bytes) -> None:
    try:
        if read_regular(path, _LARGEST) == data:
            return
    except OSError:
        pass
    try:
        write_whole(path, data)
    except OSError as error:
        raise SettingsError(f"the baseline cannot be written: {(error.strerror or str(error)).lower()}", os.path.relpath(path)) from None


# ---------------------------------------------------------------- matching


def entry_of(finding: Finding, baseline: Baseline) -> Entry:
    """The entry a finding has in a baseline."""
    content = content_or_message(finding)
    if finding.secrets:
        content = baseline.salted(content)
    return Entry(composed(finding.path), finding.code, finding.symbol, content)


def apply(
    baseline: Baseline,
    findings: Iterable[Finding],
    *,
    root: str,
    checked: Collection[str],
    selected: Collection[str],
    whole: bool,
    sources: Callable[[str], Source | None] = lambda path: None,
    symbols_of: Callable[[str], Collection[str]] = lambda path: (),
) -> Applied:
    """Tell new findings from known ones.

    checked: paths that this run looked at; selected: codes it looked for; whole: whether it looked at the whole project.
    sources: a file's text, and symbols_of: its functions and classes, for what no entry fits as it is.
    An entry of another file or rule is never called stale.
    """
    result = Applied()
    findings = list(findings)
    left = Counter(baseline.entries)
    seen = set(map(composed, checked))

    def is_gone(path: str) -> bool:
        return not os.path.exists(os.path.join(root, path))

    known = answered(
        _identities(baseline, findings, left, sources),
        left,
        was_looked_at=seen.__contains__,
        is_gone=is_gone,
        symbols_of=symbols_of,
    )
    reason = f"in {os.path.basename(baseline.path)}"
    for finding, is_known in zip(findings, known, strict=True):
        if is_known:
            result.suppressed.append(Suppressed(finding, "baseline", reason))
        else:
            result.kept.append(finding)
    for entry, count in left.items():
        if count > 0 and entry.code in selected and (entry.path in seen or whole and is_gone(entry.path)):
            result.stale.extend([entry] * count)
    result.stale.sort()
    return result


def _identities(
    baseline: Baseline, findings: Iterable[Finding], entries: Collection[Entry], sources: Callable[[str], Source | None]
) -> list[tuple[Entry, ...]]:
    """What each finding may be known by: its content, salted where the baseline has such entries of its rule, and in its first form."""
    salted = {entry.code for entry in entries if "salted:" in entry.content}
    first = {entry.code for entry in entries if entry.content.startswith(_FIRST)}
    texts: dict[str, Source | None] = {}
    found: list[tuple[Entry, ...]] = []
    for finding in findings:
        plain = Entry(composed(finding.path), finding.code, finding.symbol, content_or_message(finding))
        listed = [] if finding.secrets else [plain]
        # A value that is no secret any more, by an option say, is known by its salted entry still.
        if finding.code in salted:
            listed.append(plain._replace(content=baseline.salted(plain.content)))
        if finding.code in first:
            if finding.path not in texts:
                texts[finding.path] = sources(finding.path)
            source = texts[finding.path]
            contents = (plain.content, *(first_contents_of(source, finding) if source is not None else ()))
            listed += [plain._replace(content=_FIRST + (baseline.salted(content) if finding.secrets else content)) for content in contents]
        found.append(tuple(listed))
    return found
