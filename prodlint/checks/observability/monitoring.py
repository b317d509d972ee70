"""Alerts and what belongs to them: rules that are missing (PRD724) or incomplete (PRD725), dashboards and targets (PRD727)."""

from __future__ import annotations

import re
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
    documents,
    project_check,
)
from prodlint.facts import Document, Node
from prodlint.model import Evidence, Span

_TOP = Span(1, 1, 1, 1)
_RULE_KINDS = ("prometheus-rules", "kubernetes", "helm-values", "other")
# Alerts that always fire, and those that must fire at once.
_ALWAYS = re.compile(r"watchdog|dead.?man|always.?firing", re.IGNORECASE)
_AT_ONCE = re.compile(rf"{_ALWAYS.pattern}|heartbeat|absent", re.IGNORECASE)


def _alerts(document: Document) -> Iterator[Node]:
    """The alerts of a Prometheus rule file or of a PrometheusRule."""
    root = document.root
    groups = root.get("groups") if root.get("groups") is not None else root.get("spec", "groups")
    for group in groups.items if groups is not None and groups.kind == "sequence" else ():
        rules = group.get("rules")
        for rule in rules.items if rules is not None and rules.kind == "sequence" else ():
            if rule.kind == "mapping" and rule.get("alert") is not None and rule.get("expr") is not None:
                yield rule


@check("PRD725", on=[documents(*_RULE_KINDS)], required_literals=[("alert:", "expr:"), ('"alert"', '"expr"')], files=("yaml", "json"))
def incomplete_alert(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """An alert that fires at the first bad minute, that goes to nobody, or that says nothing."""
    for rule in _alerts(document):
        alert = rule.get("alert")
        if alert is None or _ALWAYS.search(alert.raw):
            continue  # it says by firing that alerts arrive
        yield from _compares_counts(rule)
        missing: list[str] = []
        if rule.get("for") is None and rule.get("keep_firing_for") is None and not _AT_ONCE.search(f"{alert.raw} {rule.text_at('expr')}"):
            missing.append("`for`: one bad scrape wakes somebody up")
        labels = rule.get("labels")
        if labels is None or labels.kind != "mapping" or not {"severity", "priority", "level", "team"} & set(labels.members):
            missing.append("`severity` label: it is routed to nobody in particular")
        notes = rule.get("annotations")
        if notes is None or notes.kind != "mapping" or not {"summary", "description", "message", "title"} & set(notes.members):
            missing.append("`summary` or `description`")
        if missing:
            yield Diagnostic(ByteRange(document.source, alert.start, alert.end), f"the alert `{alert.raw}` has no {', no '.join(missing)}")


# `rate(http_errors_total[5m]) > 0.01`, and the words of an alert that take it for a share.
_PER_SECOND = re.compile(
    r"\A\s*(?:sum\s*(?:by\s*\([^()]*\)\s*)?\(\s*)?i?rate\(\s*(\w*(?:error|fail|5xx)\w*)[^()]*\)[\s)]*>=?\s*(0?\.\d+)\s*\Z", re.IGNORECASE
)
_A_SHARE = re.compile(r"(?i)%|percent|ratio|(?:error|failure).{0,3}rate")


def _compares_counts(rule: Node) -> Iterator[Diagnostic]:
    """An alert on a share of failures that counts failures per second."""
    expression, notes = rule.get("expr"), rule.get("annotations")
    found = _PER_SECOND.match(expression.raw.strip("'\"")) if expression is not None else None
    if (
        expression is not None
        and found is not None
        and _A_SHARE.search(f"{rule.text_at('alert')} {notes.text if notes is not None else ''}")
    ):
        yield Diagnostic(
            expression,
            f"`rate({found[1]}[...]) > {found[2]}` is {found[2]} failures a second, not a share: divide by the rate of all requests",
        )


@collect("alert-rule", on=[documents(*_RULE_KINDS)], required_literals=[("alert:", "expr:"), ('"alert"', '"expr"')], files=("yaml", "json"))
def alert_rules(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The first alert of a file."""
    for rule in _alerts(document):
        yield ProjectFact("alert-rule", context.file.path, rule.span, rule.text_at("alert"))
        return


_OTHER_ALERTS = re.compile(
    r"datadog_monitor|grafana_rule_group|aws_cloudwatch_metric_alarm|google_monitoring_alert_policy|azurerm_monitor_metric_alert|newrelic_\w*alert|opsgenie|pagerduty",
    re.IGNORECASE,
)


@project_check("PRD724", topics=("alert-rule", "metrics"))
def alerts_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Metrics that are exposed, and nobody who is told when they turn bad."""
    exposed = next(iter(project.about("metrics")), None)
    first = next(iter(project.about("alert-rule")), None)
    if first is not None:
        yield Evidence("PRD724", first.path, first.span, f"the alert `{first.words}`")
        return
    if exposed is None or not project.environment.is_service or options.get("external"):
        return
    for path in project.all_paths():
        if (
            path.endswith(".tf")
            or path.endswith((".json", ".yaml", ".yml"))
            and re.search(r"alert|monitor", path.rsplit("/", 1)[-1], re.IGNORECASE)
        ) and _OTHER_ALERTS.search((project.read(path) or b"").decode("utf-8", "replace")):
            yield Evidence("PRD724", path, _TOP, "defines alerts")
            return
    yield ProjectDiagnostic(exposed.path, exposed.span, "metrics are exposed, and no alert rule in the repository looks at them")


# What a monitoring system draws; the product's own dashboards are pages and code.
_DASHBOARD = re.compile(
    r"grafana|dashboards?/(?:[^/]+/)*[^/]+\.(?:json|ya?ml|jsonnet|libsonnet|tf|cue)$|dashboard[\w-]*\.json$", re.IGNORECASE
)
_OF_THE_PRODUCT = re.compile(r"(?:^|/)(?:static|templates|locales?|i18n|src|public|frontend|webapp)/", re.IGNORECASE)
_OBJECTIVE = re.compile(r"\bslos?\b|openslo|sloth|pyrra|service[-_]level", re.IGNORECASE)
_PROBE = re.compile(r"blackbox|checkly|uptime|synthetic|statuspage|gatus|healthchecks\.ya?ml$", re.IGNORECASE)


@project_check("PRD727", topics=("metrics",))
def monitoring_assets_missing(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Metrics without a dashboard, an objective or a probe from outside."""
    exposed = next(iter(project.about("metrics")), None)
    if exposed is None or not project.environment.is_service or options.get("external"):
        return
    paths = [
        path
        for path in project.all_paths()
        if not re.search(r"(?:^|/)(?:node_modules|vendor|tests?)/", path)
        and (not _OF_THE_PRODUCT.search(path) or "grafana" in path.lower())
    ]
    missing: list[str] = []
    for words, pattern in (("dashboard", _DASHBOARD), ("service level objective", _OBJECTIVE), ("probe from outside", _PROBE)):
        found = next((path for path in paths if pattern.search(path)), "")
        if found:
            yield Evidence("PRD727", found, _TOP, f"a {words}")
        else:
            missing.append(words)
    if missing:
        yield ProjectDiagnostic(exposed.path, exposed.span, f"metrics are exposed, and the repository has no {', no '.join(missing)}")
