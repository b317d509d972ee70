"""The baseline: findings that a team has seen and not yet mended, so that only new ones fail.

One sorted line for each: path, code, symbol, digest of the content. No line numbers, dates or versions, so the file changes
only where findings do, and merges like a list. What is flagged as a secret stands there as a salted slow hash: the file
cannot be used to look the value up. Two equal lines mean two equal findings; a third one in the code is new.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from prodlint.configuration.settings import SettingsError
from prodlint.fingerprint import normalised
from prodlint.model import Finding, Suppressed

DEFAULT = ".prodlint-baseline"
_HEADER = "# Findings that were here before. `prodlint baseline` writes this file; delete a line to see its finding again.\n"
_SALT = "# salt: "
# As many rounds as an hour of guessing costs a run of a hundred secrets two seconds.
_ROUNDS = 20_000
_LARGEST = 64 << 20


class Entry(NamedTuple):
    """One finding that is known. content: the finding's own, or "salted:" and a slow hash of it."""

    path: str
    code: str
    symbol: str
    content: str


@dataclass(slots=True)
class Baseline:
    """A baseline as read: how often each entry stands in it."""

    path: str
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
        with open(path, "rb") as handle:
            raw = handle.read(_LARGEST + 1)
    except OSError as error:
        advice = "; `prodlint baseline` writes one" if isinstance(error, FileNotFoundError) else ""
        raise SettingsError(f"the baseline cannot be read: {(error.strerror or str(error)).lower()}{advice}", shown) from None
    if len(raw) > _LARGEST:
        raise SettingsError("is too large for a baseline", shown)
    baseline = Baseline(path)
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
        if line.startswith(_SALT):
            baseline.salt = _read_salt(line[len(_SALT) :].strip(), shown, number)
        elif line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            raise SettingsError("holds a merge conflict: keep the lines of both sides and delete the markers", shown, number)
        elif line.strip() and not line.startswith("#"):
            parts = line.split(" ")
            if len(parts) != 4:
                raise SettingsError("is no line of a baseline", shown, number)
            baseline.entries[Entry(*map(_unescaped, parts))] += 1
    if not baseline.salt:
        if any(entry.content.startswith("salted:") for entry in baseline.entries):
            raise SettingsError("has lost its `# salt:` line; `prodlint baseline` writes it anew", shown)
        baseline.salt = os.urandom(16).hex()
    return baseline


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
    return _HEADER + f"{_SALT}{baseline.salt}\n" + "".join(f"{line}\n" for line in lines)


def write(path: str, findings: Iterable[Finding], keep: Callable[[Entry], bool] = lambda _: False) -> Baseline:
    """Write a baseline of these findings, by rename. The salt of a file that is there already is kept.

    keep: which of the old entries to carry over, so that writing it for one folder leaves the others' entries.
    """
    old = read(path) if os.path.exists(path) else Baseline(path, os.urandom(16).hex())
    made = Baseline(path, old.salt, _hashes=old._hashes)
    for entry, count in old.entries.items():
        if keep(entry):
            made.entries[entry] += count
    for finding in findings:
        made.entries[entry_of(finding, made)] += 1
    text = text_of(made).encode("utf-8", "surrogateescape")
    _replace(path, text)
    return made


def _replace(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(path, "rb") as handle:
            if handle.read() == data:
                return
    except OSError:
        pass
    try:
        with open(temporary, "xb") as handle:
            handle.write(data)
        os.replace(temporary, path)
    except OSError as error:
        raise SettingsError(f"the baseline cannot be written: {(error.strerror or str(error)).lower()}", os.path.relpath(path)) from None


# ---------------------------------------------------------------- matching


def entry_of(finding: Finding, baseline: Baseline) -> Entry:
    """The entry a finding has in a baseline."""
    content = normalised(finding.content or finding.message)
    if finding.secrets:
        content = baseline.salted(content)
    return Entry(_path(finding.path), finding.code, finding.symbol, content)


def _path(path: str) -> str:
    if path.isascii():
        return path
    import unicodedata

    return unicodedata.normalize("NFC", path)


def apply(
    baseline: Baseline,
    findings: Iterable[Finding],
    *,
    root: str,
    checked: Collection[str],
    selected: Collection[str],
    whole: bool,
) -> Applied:
    """Tell new findings from known ones.

    checked: paths that this run looked at; selected: codes it looked for; whole: whether it looked at the whole project.
    An entry of another file or rule is never called stale.
    """
    result = Applied()
    left = Counter(baseline.entries)
    salted = {(entry.path, entry.code) for entry in left if entry.content.startswith("salted:")}
    missed: list[tuple[Finding, Entry]] = []
    reason = f"in {os.path.basename(baseline.path)}"
    for finding in findings:
        content = normalised(finding.content or finding.message)
        path = _path(finding.path)
        entry = Entry(path, finding.code, finding.symbol, content)
        if (path, finding.code) in salted and (finding.secrets or not left[entry]):
            entry = entry._replace(content=baseline.salted(content))
        if left[entry] > 0:
            left[entry] -= 1
            result.suppressed.append(Suppressed(finding, "baseline", reason))
        else:
            missed.append((finding, entry))
    if missed:
        _match_moved(baseline, missed, left, root, reason, result)
    seen = set(map(_path, checked))
    for entry, count in left.items():
        if count > 0 and entry.code in selected and (entry.path in seen or whole and not os.path.exists(os.path.join(root, entry.path))):
            result.stale.extend([entry] * count)
    result.stale.sort()
    return result


def _match_moved(
    baseline: Baseline, missed: list[tuple[Finding, Entry]], left: Counter[Entry], root: str, reason: str, result: Applied
) -> None:
    """A finding in a file that moved has the entry of a path that is gone; each entry answers for one finding."""
    gone: dict[tuple[str, str, str], list[Entry]] = {}
    exists: dict[str, bool] = {}
    for entry, count in left.items():
        if count > 0:
            if entry.path not in exists:
                exists[entry.path] = os.path.exists(os.path.join(root, entry.path))
            if not exists[entry.path]:
                gone.setdefault((entry.code, entry.symbol, entry.content), []).extend([entry] * count)
    codes = {code for code, _, content in gone if content.startswith("salted:")}
    for finding, entry in missed:
        keys = [(entry.code, entry.symbol, entry.content)]
        if entry.code in codes and not entry.content.startswith("salted:"):
            keys.append((entry.code, entry.symbol, baseline.salted(entry.content)))
        for key in keys:
            if gone.get(key):
                left[gone[key].pop()] -= 1
                result.suppressed.append(Suppressed(finding, "baseline", reason))
                break
        else:
            result.kept.append(finding)
