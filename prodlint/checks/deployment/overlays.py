"""Kustomize's own file: tags that it sets (PRD803), and what its inline patches give a pod (PRD802, PRD843).

Patches in files of their own are read as the workloads that they are parts of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.checks.deployment.images import movement
from prodlint.facts import Document, Node
from prodlint.model import Priority
from prodlint.project.kustomize import patched_values
from prodlint.values.container_images import image_of

_NAMES = ("kustomization.yaml", "kustomization.yml")


@check("PRD803", on=[documents("kubernetes", "other")], required_literals=[("images", "newtag")], files=("yaml",))
def moving_tag(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`newTag: latest`: the base named a version, and the overlay takes it away."""
    images = document.root.get("images")
    if context.file.name not in _NAMES or images is None:
        return
    for each in images.items:
        tag = each.get("newTag")
        name = each.text_at("newName") or each.text_at("name")
        if tag is None or not tag.raw or not name or each.text_at("digest"):
            continue
        found = movement(image_of(f"{name}:{tag.raw}"), digest_wanted=bool(context.options.get("digest")))
        if found is not None:
            yield Diagnostic(tag, f"image `{name}:{tag.raw}` {found[0]}", priority=found[1])


# The end of a path, the value, the words for it, the code, the priority where it is not the page's.
_GIVEN: tuple[tuple[str, Any, str, str, Priority | None], ...] = (
    ("spec.hostNetwork", True, "`hostNetwork: true`: the pod shares the node's network", "PRD843", None),
    ("spec.hostPID", True, "`hostPID: true`: the pod shares the node's processes", "PRD843", None),
    ("spec.hostIPC", True, "`hostIPC: true`: the pod shares the node's memory segments", "PRD843", None),
    ("securityContext.privileged", True, "`privileged: true`: the container is root on the node", "PRD843", None),
    ("securityContext.allowPrivilegeEscalation", True, "`allowPrivilegeEscalation: true` in a container", "PRD843", "P1"),
    ("securityContext.runAsUser", 0, "`runAsUser: 0`: this runs as root", "PRD802", None),
)


@check(
    "PRD802",
    "PRD843",
    on=[documents("kubernetes", "other")],
    required_literals=[("patch", "hostnetwork"), ("patch", "hostpid"), ("patch", "hostipc"), ("patch", "securitycontext")],
    files=("yaml",),
)
def patched_rights(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`patch: |-` in a kustomization, as a part of a workload or as a list of changes."""
    if context.file.name not in _NAMES:
        return
    for node in _inline_patches(document.root):
        values = list(patched_values(str(node.value)))
        for end, wanted, words, code, priority in _GIVEN:
            if code == context.code and any(
                f".{path}".endswith(f".{end}") and value is not None and value == wanted for path, value in values
            ):
                yield Diagnostic(_line_of(node, end.rpartition(".")[2]), f"a patch sets {words}", priority=priority)


def _inline_patches(root: Node) -> Iterator[Node]:
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        listed = root.get(key)
        for each in listed.items if listed is not None else ():
            node = each.get("patch") if each.kind == "mapping" else each
            if node is not None and node.kind == "scalar" and isinstance(node.value, str) and "\n" in node.value:
                yield node


def _line_of(node: Node, word: str) -> Node | ByteRange:
    """The word inside a patch, where it stands there as it is."""
    at = node.source.data.find(word.encode(), node.start, node.end)
    return ByteRange(node.source, at, at + len(word)) if at != -1 else node
