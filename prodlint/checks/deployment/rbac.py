"""PRD843 k8s-privilege: what an account of Kubernetes may do in the whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

from prodlint.checks import CheckContext, Diagnostic, check, documents
from prodlint.checks.deployment.kubernetes import SYSTEM_NAMESPACES
from prodlint.facts import Document, Node
from prodlint.model import Priority

# Everybody who can reach the API, with or without an account.
_ANYBODY = frozenset(("system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"))
# What Kubernetes itself grants to everybody.
_PUBLIC_ROLES = frozenset(("system:public-info-viewer", "system:discovery", "system:basic-user", "system:service-account-issuer-discovery"))
# https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
_ESCALATING_VERBS = {
    "escalate": "give itself every right",
    "bind": "bind itself to any role",
    "impersonate": "act as any account",
}
_ESCALATING_RESOURCES = {"nodes/proxy": "run commands in every pod", "pods/exec": "run commands in every pod"}
# What decides who somebody is, and what the API accepts.
_DECIDING_RESOURCES = {
    "certificatesigningrequests/approval": "approve certificates in any name",
    "validatingwebhookconfigurations": "change what the API accepts",
    "mutatingwebhookconfigurations": "change what the API accepts",
}
_WRITES = frozenset(("*", "create", "update", "patch"))


def _objects(document: Document) -> Iterator[Node]:
    """The objects of a document; the items of a List."""
    root = document.root
    listed = root.get("items")
    yield from listed.items if listed is not None and root.text_at("kind").endswith("List") else (root,)


@check("PRD843", on=[documents("kubernetes")], required_literals=["rbac.authorization.k8s.io"], files=("yaml", "json"))
def account_rights(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """An account that is bound to `cluster-admin`, and roles that may do everything."""
    for each in _objects(document):
        kind = each.text_at("kind")
        if kind in ("ClusterRoleBinding", "RoleBinding"):
            yield from _bound(each, kind)
        elif kind in ("ClusterRole", "Role") and not _is_aggregated(each):
            yield from (found for found in _allowed(each, kind) if context.options.get("everywhere") or found.priority != "P2")


def _is_aggregated(role: Node) -> bool:
    """Whether a role is a part of the ones that Kubernetes hands to people: `view`, `edit`, `admin`."""
    labels = role.get("metadata", "labels")
    return labels is not None and labels.kind == "mapping" and any("aggregate-to-" in key for key in labels.members)


def _bound(binding: Node, kind: str) -> Iterator[Diagnostic]:
    role = binding.get("roleRef", "name")
    subjects = binding.get("subjects")
    if role is None or subjects is None:
        return
    for subject in subjects.items:
        name, namespace = subject.text_at("name"), subject.text_at("namespace")
        group = name if not name.startswith("system:serviceaccounts:") else "system:serviceaccounts"
        if subject.text_at("kind") in ("Group", "User") and group in _ANYBODY and role.raw not in _PUBLIC_ROLES:
            weight: Priority = "P0" if name in ("system:anonymous", "system:unauthenticated") or role.raw == "cluster-admin" else "P1"
            yield Diagnostic(subject, f"`{name}` is bound to `{role.raw}`: that is everybody who reaches the API", priority=weight)
        elif role.raw == "cluster-admin" and subject.text_at("kind") == "ServiceAccount" and namespace not in SYSTEM_NAMESPACES:
            where = "the whole cluster" if kind == "ClusterRoleBinding" else "its namespace"
            words = f"`{name}` is bound to `cluster-admin`: whoever gets into a pod that runs as it owns {where}"
            yield Diagnostic(role, words, priority="P1" if kind == "ClusterRoleBinding" else "P2")


def _allowed(role: Node, kind: str) -> Iterator[Diagnostic]:
    rules = role.get("rules")
    name = role.text_at("metadata", "name")
    where = "of the cluster" if kind == "ClusterRole" else "of its namespace"
    for rule in rules.items if rules is not None else ():
        verbs, resources, groups = (_words(rule.get(key)) for key in ("verbs", "resources", "apiGroups"))
        if "*" in verbs and "*" in resources and groups & {"*", ""}:
            yield Diagnostic(
                rule, f"`{name}` has every permission on every resource {where}", priority="P1" if kind == "ClusterRole" else "P2"
            )
        elif kind == "ClusterRole" and rule.get("resourceNames") is None:
            found = next((words for verb, words in _ESCALATING_VERBS.items() if verb in verbs), "")
            if verbs & {"*", "create", "get"}:
                found = found or next((words for resource, words in _ESCALATING_RESOURCES.items() if resource in resources), "")
            if verbs & _WRITES:
                found = found or next((words for resource, words in _DECIDING_RESOURCES.items() if resource in resources), "")
            if "secrets" in resources and verbs & {"*", "get", "list", "watch"}:
                found = found or "read every Secret of the cluster"
            if found:
                yield Diagnostic(rule, f"`{name}` may {found}", priority="P2")


def _words(node: Node | None) -> set[str]:
    return {each.raw for each in node.items} if node is not None and node.kind == "sequence" else set()
