"""`prodlint baseline --format detect-secrets`: the secrets there are, as a `.secrets.baseline` that detect-secrets and its hook read.

The format is that of detect-secrets 1.5 (<https://github.com/Yelp/detect-secrets#baseline-file>): plug-ins and filters as they were used, and
by path the type, the SHA-1 and the line of each value. What the file says already stays: the team's plug-ins and filters, the entries of files
that this run did not look at, and what somebody has answered in an audit (`is_secret`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timezone
from hashlib import sha1
from typing import Any

from prodlint.configuration.settings import SettingsError
from prodlint.engine.session import Result
from prodlint.facts import Source
from prodlint.foreign import LISTS
from prodlint.model import Finding
from prodlint.regular import read_regular
from prodlint.writing import write_whole

NAME = LISTS["detect-secrets"]
_LARGEST = 64_000_000
_VERSION = "1.5.0"
# Its plug-ins and filters as `detect-secrets scan` writes them where nobody has chosen any.
_PLUGINS: tuple[dict[str, Any], ...] = (
    *(
        {"name": name}
        for name in (
            "ArtifactoryDetector AWSKeyDetector AzureStorageKeyDetector BasicAuthDetector CloudantDetector DiscordBotTokenDetector GitHubTokenDetector "
            "GitLabTokenDetector IbmCloudIamDetector IbmCosHmacDetector IPPublicDetector JwtTokenDetector MailchimpDetector NpmDetector OpenAIDetector "
            "PrivateKeyDetector PypiTokenDetector SendGridDetector SlackDetector SoftlayerDetector SquareOAuthDetector StripeDetector "
            "TelegramBotTokenDetector TwilioKeyDetector"
        ).split()
    ),
    {"name": "Base64HighEntropyString", "limit": 4.5},
    {"name": "HexHighEntropyString", "limit": 3.0},
    {"name": "KeywordDetector", "keyword_exclude": ""},
)
_FILTERS = (
    {"path": "detect_secrets.filters.allowlist.is_line_allowlisted"},
    {"path": "detect_secrets.filters.common.is_ignored_due_to_verification_policies", "min_level": 2},
    *(
        {"path": f"detect_secrets.filters.heuristic.{name}"}
        for name in (
            "is_indirect_reference is_likely_id_string is_lock_file is_not_alphanumeric_string is_potential_uuid is_prefixed_with_dollar_sign "
            "is_sequential_string is_swagger_file is_templated_secret"
        ).split()
    ),
)
# What it calls a token of these vendors.
_TYPES = {
    "AWS": "AWS Access Key",
    "Microsoft Azure": "Azure Storage Account access key",
    "IBM Cloudant": "Cloudant Credentials",
    "Discord": "Discord Bot Token",
    "GitHub": "GitHub Token",
    "GitLab": "GitLab Token",
    "IBM Cloud": "IBM Cloud IAM Key",
    "JSON Web Token": "JSON Web Token",
    "JFrog": "Artifactory Credentials",
    "Mailchimp": "Mailchimp Access Key",
    "npm": "NPM tokens",
    "OpenAI": "OpenAI Token",
    "PyPI": "PyPI Token",
    "SendGrid": "SendGrid API Key",
    "Slack": "Slack Token",
    "SoftLayer": "SoftLayer Credentials",
    "Square": "Square OAuth Secret",
    "Stripe": "Stripe Access Key",
    "Telegram": "Telegram Bot Token",
    "Twilio": "Twilio API Key",
}
_KEYWORD, _KEY, _URL = "Secret Keyword", "Private Key", "Basic Auth Credentials"
_HEX = frozenset("0123456789abcdefABCDEF")
# The names that its keyword plug-in goes by.
_NAMES = re.compile(
    r"(?i)(?:api|auth|service|account|db|database|priv|private|client)_?key|(?:db|database|key)_?pass|password|passwd|pwd|secret|contrase[n\u00f1]a"
)


def write(path: str, result: Result) -> int:
    """Write the secrets of a run into the file at `path`. How many there are.

    Raises SettingsError where the file that is there was not written by detect-secrets.
    """
    document = _read(path)
    findings = [finding for finding in result.report.findings if finding.secrets]
    document["results"] = dict(_merged(document["results"], result.report.files, _entries(findings, result)))
    document["generated_at"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    write_whole(path, f"{json.dumps(document, indent=2)}\n".encode())
    return len({(finding.path, finding.span) for finding in findings})


def _read(path: str) -> dict[str, Any]:
    """The file as it is, or an empty one with the plug-ins and filters of a first scan."""
    try:
        document = json.loads(read_regular(path, _LARGEST))
    except FileNotFoundError:
        return {"version": _VERSION, "plugins_used": list(_PLUGINS), "filters_used": list(_FILTERS), "results": {}, "generated_at": ""}
    except (OSError, ValueError) as error:
        raise SettingsError(f"`{path}` cannot be read as a baseline of detect-secrets: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        raise SettingsError(f"`{path}` is no baseline of detect-secrets")
    return document


def _entries(findings: Iterable[Finding], result: Result) -> Iterator[dict[str, Any]]:
    for finding in findings:
        source = result.source(finding.path)
        if source is None:
            continue
        for span in finding.secrets:
            value = source.slice(source.offset_at(span.line, span.column), source.offset_at(span.end_line, span.end_column)).strip("\"'`")
            for kind, hashed in _told(finding, value, source):
                yield {
                    "type": kind,
                    "filename": finding.path,
                    # Not for security: it is how detect-secrets knows a value again.
                    "hashed_secret": sha1(hashed.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
                    "is_verified": False,
                    "line_number": span.line,
                }


def _told(finding: Finding, value: str, source: Source) -> Iterator[tuple[str, str]]:
    """The types and values under which detect-secrets would list a secret; several where several of its plug-ins know it."""
    from prodlint.checks.secrets.formats import find_in
    from prodlint.values.secret_values import entropy, is_random

    head = value.partition("-----")[2].partition("-----")[0] if value.startswith("-----BEGIN") else ""
    if head:
        yield _KEY, head
        return
    told = 0
    known = find_in(value)
    line, column = source.line_text(finding.span.line), finding.span.column - 1
    if known is not None and known[0].vendor in _TYPES:
        yield _TYPES[known[0].vendor], known[1]
        told += 1
    if "://" in line[:column] and line[:column].endswith(":"):
        yield _URL, value
        told += 1
    if is_random(value) and line[max(0, column - 1) : column] in ('"', "'") and entropy(value) >= (3.0 if set(value) <= _HEX else 4.5):
        yield "Hex High Entropy String" if set(value) <= _HEX else "Base64 High Entropy String", value
        told += 1
    if not told or (_NAMES.search(line[:column]) and "://" not in line[:column]):
        yield _KEYWORD, value


def _merged(old: dict[str, Any], looked_at: Collection[str], found: Iterable[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By path, in order: what was found now, with the answers that stood there, and what stood there of files that were not looked at."""
    new: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for entry in found:
        new.setdefault(entry["filename"], {}).setdefault((entry["type"], entry["hashed_secret"]), entry)
    seen = set(looked_at)
    for path in sorted({*new, *(name for name in old if name not in seen)}):
        if path not in new:
            yield path, old[path]
            continue
        before = {(entry.get("type"), entry.get("hashed_secret")): entry for entry in old.get(path, ()) if isinstance(entry, dict)}
        for key, entry in new[path].items():
            answered = before.get(key, {})
            entry.update({name: answered[name] for name in ("is_secret", "is_verified") if name in answered})
        yield path, sorted(new[path].values(), key=lambda entry: (entry["line_number"], entry["type"], entry["hashed_secret"]))
