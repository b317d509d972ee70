"""PRD844 k8s-availability and PRD845 k8s-network-policy-missing: what happens when one pod ends, and who may talk to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import CheckContext, Project, ProjectDiagnostic, ProjectFact, collect, documents, project_check
from prodlint.facts import Document
from prodlint.model import Evidence, Related
from prodlint.values.compose import PRODUCTION_PATH
from prodlint.values.workloads import containers_of, pods

_ELSEWHERE = frozenset(("test", "example", "dev", "ci", "docs", "vendored", "generated"))


@collect("replicas", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"), not_in=_ELSEWHERE)
def replicas(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """How many pods a Deployment that answers requests keeps."""
    for pod in pods(document):
        if pod.kind not in ("Deployment", "Rollout") or pod.patch:
            continue
        count, strategy = pod.root.get("spec", "replicas"), pod.root.get("spec", "strategy", "type")
        serving = any(container.get("ports") is not None for container in containers_of(pod))
        volumes = pod.spec.get("volumes")
        owns = volumes is not None and any(each.get("persistentVolumeClaim") is not None for each in volumes.items)
        at = count or pod.root.get("metadata", "name") or pod.root
        data = {
            "replicas": count.raw if count is not None and count.kind == "scalar" else "?",
            "serving": "1" if serving else "",
            "owns": "1" if owns else "",
            "strategy": strategy.raw if strategy is not None else "",
        }
        yield ProjectFact("replicas", context.file.path, at.span, pod.name, tuple(sorted(data.items())))


@collect(
    "scaler",
    "network-policy",
    on=[documents("kubernetes")],
    required_literals=["scaletargetref", "kind: networkpolicy", "kind: ciliumnetworkpolicy", "authorizationpolicy"],
    files=("yaml", "json"),
    not_in=_ELSEWHERE,
)
def scalers(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """Autoscalers with their target and least number, and policies of the network."""
    root = document.root
    kind = root.text_at("kind")
    target = root.get("spec", "scaleTargetRef")
    if target is not None:
        least = root.text_at("spec", "minReplicas") or root.text_at("spec", "minReplicaCount") or "1"
        yield ProjectFact("scaler", context.file.path, root.span, target.text_at("name"), (("least", least),))
    elif kind in ("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "AuthorizationPolicy", "GlobalNetworkPolicy"):
        yield ProjectFact("network-policy", context.file.path, root.span, kind)


@collect(
    "replicas-set", on=[documents("kubernetes", "other")], required_literals=[("replicas", "count")], files=("yaml",), not_in=_ELSEWHERE
)
def replicas_of_an_overlay(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """`replicas:` of a kustomization, which goes before what the base says."""
    listed = document.root.get("replicas")
    if context.file.name not in ("kustomization.yaml", "kustomization.yml") or listed is None:
        return
    for each in listed.items:
        count = each.get("count")
        if count is not None and count.kind == "scalar":
            yield ProjectFact("replicas-set", context.file.path, count.span, each.text_at("name"), (("replicas", count.raw),))


@project_check("PRD844", topics=("replicas", "scaler", "replicas-set"))
def single_replica(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """A Deployment of one pod, or one that stops the old before it starts the new."""
    single = bool(options.get("single"))
    least = {each.words: each for each in project.about("scaler")}
    overlays: dict[str, list[ProjectFact]] = {}
    for each in project.about("replicas-set"):
        overlays.setdefault(each.words, []).append(each)
    for each in project.about("replicas"):
        if not each.get("serving") or each.get("owns"):
            continue
        scaler = least.get(each.words)
        if scaler is not None:
            if scaler.get("least") not in ("0", "1"):
                yield Evidence("PRD844", scaler.path, scaler.span, f"keeps {scaler.get('least')} pods of `{each.words}`")
                continue
            related = (Related(scaler.path, scaler.span, f"`minReplicas` is {scaler.get('least')}"),)
            if not single:
                continue
            yield ProjectDiagnostic(
                each.path, each.span, f"`{each.words}` may shrink to one pod: an update or a lost node takes it down", related=related
            )
        elif each.words in overlays:
            yield from (said for said in _of_the_overlays(each.words, overlays[each.words]) if single or isinstance(said, Evidence))
        elif any("replicas" in project.environment.patched_keys(each.path, kind, each.words) for kind in ("Deployment", "Rollout")):
            continue
        elif each.get("replicas") in ("0", "1"):
            if single:
                yield ProjectDiagnostic(
                    each.path, each.span, f"`{each.words}` runs as one pod: a lost node takes it down until another has started"
                )
        elif each.get("strategy") == "Recreate":
            yield ProjectDiagnostic(each.path, each.span, f"`{each.words}` stops all pods before it starts new ones (`strategy: Recreate`)")
        elif each.get("replicas") != "?":
            yield Evidence("PRD844", each.path, each.span, f"{each.get('replicas')} pods of `{each.words}`")


def _of_the_overlays(name: str, given: list[ProjectFact]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Which of the overlays is deployed cannot be known: one with several pods is enough, and one for production must have them."""
    several = next((each for each in given if each.get("replicas") not in ("0", "1")), None)
    if several is not None:
        yield Evidence("PRD844", several.path, several.span, f"{several.get('replicas')} pods of `{name}`")
    for each in given:
        if each.get("replicas") == "1" and (several is None or PRODUCTION_PATH.search(each.path.lower())):
            words = f"`{name}` runs as one pod here: a lost node takes it down until another has started"
            yield ProjectDiagnostic(each.path, each.span, words)


@project_check("PRD845", topics=("replicas", "network-policy"))
def open_network(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Workloads that every other pod of the cluster may talk to."""
    policy = next(iter(project.about("network-policy")), None)
    first = next(iter(project.about("replicas")), None)
    if policy is not None:
        yield Evidence("PRD845", policy.path, policy.span, f"a {policy.words}")
    elif first is not None and not options.get("external"):
        yield ProjectDiagnostic(first.path, first.span, "no NetworkPolicy: every pod of the cluster may talk to these workloads")
