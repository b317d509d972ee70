"""PRD726 scrape-target-missing: metrics that nobody collects, because what should collect them looks elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, calls, collect, documents, project_check, project_fact
from prodlint.facts import Call, Constant, Document, Node
from prodlint.model import Evidence, Related
from prodlint.values.compose import Service, items, services
from prodlint.values.places import argument_of
from prodlint.values.workloads import containers_of, pods

_NOT_HERE = ("test", "example", "docs", "dev", "ci")
_PORT_FLAG = re.compile(r"(?:--port[ =]|--bind[ =]\S*?:|-b[ =]?\S*?:|-p |--http[ =]\S*?:|:)(\d{2,5})\b")


# ---------------------------------------------------------------- what is there to be scraped


@collect("scraped-service", on=[documents("compose")], required_literals=["services"], files=("yaml",), not_in=_NOT_HERE)
def compose_names(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The names by which services of a compose file reach one another, and the ports each is known to have."""
    for service in services(document):
        names = {
            service.name,
            *(item.raw for item in items(service.get("hostname"))),
            *(item.raw for item in items(service.get("container_name"))),
        }
        networks = service.get("networks")
        for network in networks.members.values() if networks is not None and networks.kind == "mapping" else ():
            names |= {alias.raw for alias in items(network.get("aliases"))}
        yield ProjectFact(
            "scraped-service", context.file.path, service.node.key_span, service.name,
            (("names", " ".join(sorted(names))), ("own", "yes" if service.own else ""), ("ports", " ".join(sorted(_ports(service))))),
        )  # fmt: skip


def _ports(service: Service) -> set[str]:
    """The ports that a compose file says a service has, by what it publishes, exposes and starts."""
    found = {item.raw.partition("/")[0] for item in items(service.get("expose"))}
    for node in items(service.get("ports")):
        if node.kind == "mapping":
            found.add(node.text_at("target"))
        else:
            found.add(node.raw.partition("/")[0].rpartition(":")[2])
    found |= set(_PORT_FLAG.findall(service.words))
    return {port for port in found if port.isdigit()}


_EXPOSING = {
    "prometheus_fastapi_instrumentator.Instrumentator.expose": ("endpoint", 9),
    "starlette_prometheus.metrics": ("", 9),
    "prometheus_flask_exporter.PrometheusMetrics": ("path", 1),
    "prometheus_client.start_http_server": ("port", 0),
}


@collect(
    "exposed-metrics", on=[calls(*_EXPOSING, "*.mount", "*.expose")], required_literals=["prometheus"], files=("python",), not_in=_NOT_HERE
)
def exposed(call: Call, context: CheckContext) -> Iterator[ProjectFact]:
    """Where a service exposes its metrics: the path, or a port of its own."""
    if call.name == "prometheus_client.start_http_server":
        port = argument_of(call, "port", 0)
        if isinstance(port, Constant):
            yield project_fact("exposed-metrics", call, "/metrics", port=str(port.value))
        else:
            yield project_fact("exposed-metrics", call, "", port="?")
        return
    given = argument_of(call, "path", 0) if call.method == "mount" else argument_of(call, "endpoint") or argument_of(call, "path")
    if call.method == "mount":
        second = call.argument(1, "app")
        if not (isinstance(given, Constant) and second is not None and re.search(r"metrics|prometheus|make_[aw]sgi_app", second.text)):
            return
    elif call.name not in _EXPOSING and "nstrumentator" not in call.text[:200]:
        return
    path = given.value if isinstance(given, Constant) else "" if given is not None else "/metrics"
    yield project_fact("exposed-metrics", call, str(path))


# ---------------------------------------------------------------- who scrapes


@collect(
    "scrape-target",
    "scrape-discovery",
    on=[documents("other", "compose", "helm-values", "kubernetes")],
    required_literals=["scrape_configs"],
    files=("yaml",),
    not_in=_NOT_HERE,
)
def scrape_configurations(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The jobs of prometheus.yml (or of an agent with the same configuration): their targets, or how they find them."""
    for node in document.root.walk():
        jobs = node.get("scrape_configs") if node.kind == "mapping" else None
        for job in items(jobs):
            if job.kind != "mapping":
                continue
            if any(key.endswith("_sd_configs") for key in job.members):
                yield ProjectFact("scrape-discovery", context.file.path, job.span, job.text_at("job_name"))
            path = job.text_at("metrics_path") or "/metrics"
            for group in items(job.get("static_configs")):
                for target in items(group.get("targets")):
                    yield ProjectFact(
                        "scrape-target", context.file.path, target.span, target.raw, (("job", job.text_at("job_name")), ("path", path))
                    )
    # An agent may take its jobs from elsewhere.
    if "remote_write" not in document.root.members and document.root.get("scrape_config_files") is not None:
        yield ProjectFact("scrape-discovery", context.file.path, document.root.span, "scrape_config_files")


@dataclass(frozen=True, slots=True)
class _Target:
    """A target of a job: host and port as written."""

    fact: ProjectFact
    host: str
    port: str


def _targets(facts: Sequence[ProjectFact]) -> list[_Target]:
    found = []
    for fact in facts:
        if re.fullmatch(r"[A-Za-z0-9_.-]+(?::\d+)?", fact.words):
            host, _, port = fact.words.partition(":")
            found.append(_Target(fact, host, port or "80"))
    return found


_TOPICS = ("scrape-target", "scrape-discovery", "scraped-service", "exposed-metrics", "monitor", "kubernetes-service")
# Hosts that a compose file does not name.
_ELSEWHERE = re.compile(r"\.|^localhost$|^host$|^prometheus$|^\d")


@project_check("PRD726", topics=_TOPICS)
def scrape_targets(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Jobs of Prometheus against the services that there are, and the services against the jobs."""
    known = project.about("scraped-service")
    names: dict[str, list[ProjectFact]] = {}
    for service in known:
        for name in service.get("names").split():
            names.setdefault(name, []).append(service)
    targets = _targets(project.about("scrape-target"))
    exposing = project.about("exposed-metrics")
    ours = {service.words for service in known if service.get("own")}
    reached = False
    for target in targets:
        found = names.get(target.host)
        if found is None:
            if names and ours and not _ELSEWHERE.search(target.host):
                words = f"the target `{target.fact.words}` names no service of the compose files: nobody answers"
                yield ProjectDiagnostic(target.fact.path, target.fact.span, words)
                reached = True  # the job that is meant for it is this one
            continue
        if not any(service.get("own") for service in found):
            continue
        reached = True
        yield from _compared(target, found, exposing)
    if targets and exposing and ours and not reached and not project.about("scrape-discovery"):
        first = exposing[0]
        job = targets[0].fact
        related = (Related(first.path, first.span, "the metrics are exposed here"),)
        yield ProjectDiagnostic(job.path, job.span, "no job scrapes the service that exposes metrics", related=related)
    yield from _monitors(project)


def _compared(target: _Target, found: Sequence[ProjectFact], exposing: Sequence[ProjectFact]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A job against the service that it names: port and path."""
    fact = target.fact
    ports = {port for service in found for port in service.get("ports").split()}
    own = {one.get("port") for one in exposing if one.get("port")}
    related = tuple(Related(service.path, service.span, f"`{service.words}`") for service in found[:3])
    if ports and "?" not in own and target.port not in ports | own:
        yield ProjectDiagnostic(
            fact.path,
            fact.span,
            f"the target `{fact.words}` asks port {target.port}; the service has {', '.join(sorted(ports | own))}",
            related=related,
        )
        return
    paths = {one.words.rstrip("/") or "/" for one in exposing if not one.get("port")}
    asked = fact.get("path").rstrip("/") or "/"
    if len(found) == 1 and len(paths) == 1 and "" not in paths and target.port not in own and asked not in paths and "$" not in asked:
        yield ProjectDiagnostic(
            fact.path,
            fact.span,
            f"the job `{fact.get('job')}` asks for `{asked}`; the metrics are at `{next(iter(paths))}`",
            related=related,
        )
        return
    yield Evidence("PRD726", fact.path, fact.span, f"the job `{fact.get('job')}` scrapes `{fact.words}`")


# ---------------------------------------------------------------- Kubernetes


@collect(
    "kubernetes-service",
    on=[documents("kubernetes")],
    required_literals=[("kind", "service", "ports")],
    files=("yaml", "json"),
    not_in=_NOT_HERE,
)
def kubernetes_services(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """A Service: its labels and the names of its ports."""
    root = document.root
    if root.text_at("kind") != "Service" or document.template:
        return
    labels = root.get("metadata", "labels")
    pairs = [f"{key}={value.raw}" for key, value in labels.members.items()] if labels is not None and labels.kind == "mapping" else []
    ports = [port.text_at("name") for port in items(root.get("spec", "ports"))]
    yield ProjectFact(
        "kubernetes-service", context.file.path, root.span, root.text_at("metadata", "name"),
        (("labels", " ".join(pairs)), ("ports", " ".join(port for port in ports if port))),
    )  # fmt: skip


@collect("monitor", on=[documents("kubernetes")], required_literals=["servicemonitor"], files=("yaml", "json"), not_in=_NOT_HERE)
def monitors(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """A ServiceMonitor: the labels it looks for and the ports it asks."""
    root = document.root
    if root.text_at("kind") != "ServiceMonitor" or document.template or root.get("spec", "selector", "matchExpressions") is not None:
        return
    selector = root.get("spec", "selector", "matchLabels")
    pairs = [f"{key}={value.raw}" for key, value in selector.members.items()] if selector is not None and selector.kind == "mapping" else []
    for endpoint in items(root.get("spec", "endpoints")):
        port = endpoint.get("port")
        at: Node = port if port is not None else endpoint
        yield ProjectFact(
            "monitor", context.file.path, at.span, endpoint.text_at("port"),
            (("labels", " ".join(pairs)), ("name", root.text_at("metadata", "name")), ("elsewhere", "yes" if root.get("spec", "namespaceSelector") is not None else "")),
        )  # fmt: skip


def _monitors(project: Project) -> Iterator[ProjectDiagnostic | Evidence]:
    here = project.about("kubernetes-service")
    for monitor in project.about("monitor"):
        wanted = set(monitor.get("labels").split())
        if not here or not wanted:
            continue
        selected = [service for service in here if wanted <= set(service.get("labels").split())]
        name = monitor.get("name")
        if not selected:
            # Another repository may hold the Service that it is for.
            if not monitor.get("elsewhere"):
                yield ProjectDiagnostic(
                    monitor.path,
                    monitor.span,
                    f"the ServiceMonitor `{name}` selects `{', '.join(sorted(wanted))}`, which no Service here has",
                )
        elif monitor.words and not any(monitor.words in service.get("ports").split() for service in selected):
            related = tuple(Related(service.path, service.span, f"the Service `{service.words}`") for service in selected[:3])
            yield ProjectDiagnostic(
                monitor.path,
                monitor.span,
                f"the ServiceMonitor `{name}` asks the port `{monitor.words}`, which the Service does not name",
                related=related,
            )
        else:
            yield Evidence("PRD726", monitor.path, monitor.span, f"the ServiceMonitor `{name}`")


@collect(
    "monitor-annotation", on=[documents("kubernetes")], required_literals=["prometheus.io/port"], files=("yaml", "json"), not_in=_NOT_HERE
)
def pod_annotations(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """`prometheus.io/port` of a pod that has no such port."""
    if document.template:
        return
    for pod in pods(document):
        for holder in (pod.root.get("spec", "template", "metadata", "annotations"), pod.root.get("metadata", "annotations")):
            port = holder.get("prometheus.io/port") if holder is not None and holder.kind == "mapping" else None
            ports = {one.text_at("containerPort") for container in containers_of(pod) for one in items(container.get("ports"))} - {""}
            if port is not None and ports and port.raw not in ports:
                yield ProjectFact(
                    "monitor-annotation", context.file.path, port.span, port.raw, (("ports", " ".join(sorted(ports))), ("name", pod.name))
                )


@project_check("PRD726", topics=("monitor-annotation",))
def annotated_ports(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic]:
    """Annotations that send Prometheus to a port which no container has."""
    for fact in project.about("monitor-annotation"):
        words = f"`prometheus.io/port` is {fact.words}; the containers of `{fact.get('name')}` have {', '.join(fact.get('ports').split())}"
        yield ProjectDiagnostic(fact.path, fact.span, words)
