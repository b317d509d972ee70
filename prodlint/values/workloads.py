"""The pods of Kubernetes' workloads, and their containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prodlint.facts import Document, Node

# Where the pod stands in each kind of workload.
_POD_PATHS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
} | dict.fromkeys(
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "DeploymentConfig", "Rollout", "Job", "Service"),
    ("spec", "template", "spec"),
)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as a workload describes it. spec: the pod's own. patch: only a part, put over another document by Kustomize."""

    document: Document
    kind: str
    name: str
    namespace: str
    spec: Node
    root: Node
    patch: bool


def pods(document: Document) -> Iterator[Pod]:
    """The pods of a document; those in the items of a List too."""
    root = document.root
    listed = root.get("items")
    for each in listed.items if root.text_at("kind").endswith("List") and listed is not None else (root,):
        kind = each.text_at("kind")
        path = _POD_PATHS.get(kind)
        if path is None or (kind == "Service" and "knative" not in each.text_at("apiVersion")):
            continue
        spec = each.get(*path)
        if spec is None or spec.kind != "mapping":
            continue
        listing = spec.get("containers")
        containers = listing.items if listing is not None else ()
        patch = not document.template and any("image" not in container.members for container in containers)
        name, namespace = each.text_at("metadata", "name"), each.text_at("metadata", "namespace")
        yield Pod(document, kind, name, namespace, spec, each, patch)


def containers_of(pod: Pod, *, inits: bool = False) -> Iterator[Node]:
    """The containers of a pod that are written out."""
    for key in ("initContainers", "containers") if inits else ("containers",):
        listing = pod.spec.get(key)
        for container in listing.items if listing is not None else ():
            if container.kind == "mapping":
                yield container
