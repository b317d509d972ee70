"""What a checker wrote: readiness reports, SARIF, findings as JSON, baselines. It is never evidence: a report that says "no health endpoint" holds the words.

A file's own marks tell, not its name.
"""

from __future__ import annotations

import re

# Marks stand at the beginning; what a tool writes has no comments before it.
_BEGINNING = 4096
_MARKS = re.compile(
    rb"<meta name=\"generator\" content=\"(?:prodlint|bandit|semgrep|trivy|checkov|coverage)"
    rb"|\"(?:\\?\$schema|runs)\":[^\n]{0,200}sarif"
    rb"|\"version\":\s?\"2\.1\.0\",\s{0,9}\"runs\":"
    rb"|\"driver\":\s{0,9}\{\s{0,9}\"(?:name|informationUri)\""
    rb"|\"tool\":\s{0,9}\{\s{0,9}\"name\":\s?\"prodlint\""
    rb"|\A\s{0,9}\{\s{0,9}\"schema_version\":\s?\d+,\s{0,9}\"(?:tool|judgements|baseline|findings|fingerprints)\""
    rb"|\A\s{0,9}\{\s{0,9}\"(?:SchemaVersion|ArtifactName|errors)\":[^\n]{0,200}\"(?:ArtifactType|generated_at|metrics|results)\""
    rb"|\"generated_at\":\s?\"[^\"]{4,40}\",\s{0,9}\"(?:metrics|plugins_used|results|version)\""
    rb"|\"plugins_used\":|\"fingerprint\":\s?\"[^\"]{8,80}\",\s{0,9}\"(?:location|severity)\""
    rb"|<testsuites?\b|<coverage\b|<checkstyle\b|\A# prodlint (?:readiness|baseline)|\A# Production readiness\n\n[^\n]{1,300}, prodlint \d"
    rb"|\AProduction readiness of [^\n]{1,300}: \d+ not met"
)


def is_report(data: bytes) -> bool:
    """Whether a file is the output of prodlint or of another checker."""
    return _MARKS.search(data[:_BEGINNING]) is not None
