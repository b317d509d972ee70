"""Kubernetes workloads: the user they run as (PRD802), probes (PRD841), resources (PRD842), privileges (PRD843).

A chart's template is read without rendering it. What a template puts into a mapping cannot be seen, so nothing is said
to be missing from a mapping that has such a hole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.checks.deployment.images import is_own_image
from prodlint.counting import whole_number
from prodlint.facts import Document, File, Node, Source
from prodlint.model import FixRequest, Priority
from prodlint.readers.documents import documents_of
from prodlint.values.container_images import ADMINISTRATION, datastore, has_own_user, image_of, is_infrastructure
from prodlint.values.workloads import Pod, containers_of, pods

_SERVING = frozenset(("Deployment", "StatefulSet", "DaemonSet", "Rollout", "DeploymentConfig", "ReplicaSet"))
_JOBS = frozenset(("Job", "CronJob"))
SYSTEM_NAMESPACES = frozenset(
    "kube-system kube-public kube-node-lease istio-system ingress-nginx cert-manager metallb-system calico-system tigera-operator"
    " longhorn-system rook-ceph gatekeeper-system falco gpu-operator kube-flannel cilium".split()
)
_SIDECAR = re.compile(
    r"istio-proxy|linkerd-proxy|envoy|cloud-?sql-?proxy|sql-proxy|vault-agent|fluent-?bit|fluentd|filebeat|datadog-agent|otel-|opentelemetry"
    r"|oauth2-proxy|-exporter\b|config-?reload|git-sync|pgbouncer|statsd|promtail|vector\b|jaeger-agent|kube-rbac-proxy|-sidecar\b|^sidecar|^metrics$|log-?tail"
)
_WORKER = re.compile(r"worker|beat|scheduler|consumer|celery|cron|queue-")


# ---------------------------------------------------------------- templates

_CONTROL = r"if\b|else\b|end\b|with\b|range\b|define\b|block\b|/\*|\$\w+\s*:?=|fail\b|required\b|break\b|continue\b"
_OUTPUT = re.compile(rf"\{{\{{(?!-?\s*(?:{_CONTROL}))")
_INDENT = re.compile(r"n?indent\s+(\d+)")


def has_hole(document: Document, node: Node) -> bool:
    """Whether a template puts entries into a mapping that the file does not show."""
    if not document.template:
        return False
    source = node.source
    line, column = source.position(node.start)
    indent = column - 1
    if source.data[node.start : node.start + 1] == b"{":
        return "{{" in source.slice(node.start, node.end)
    last = len(source.line_starts)
    while line <= last:
        text = source.line_text(line)
        bare = text.strip()
        own = len(text) - len(text.lstrip())
        if bare.startswith("{{"):
            if _OUTPUT.match(bare):
                told = _INDENT.search(bare)
                if (whole_number(told.group(1)) if told else own) == indent:
                    return True
        elif (
            bare
            and own < indent
            and not bare.startswith(("- ", "#"))
            or bare.startswith("- ")
            and own + 2 <= indent
            and line > source.position(node.start)[0]
        ):
            return False
        line += 1
    return False


def _is_empty(document: Document, node: Node) -> bool:
    """Whether a key has nothing under it, which is null. In a template something may be put there."""
    return node.kind == "scalar" and node.value is None and not node.tag and not document.template


def _said(document: Document, node: Node | None, *path: str) -> bool:
    """Whether something stands under a path, be it only what a template puts there."""
    for part in path:
        if node is None or _is_empty(document, node):
            return False
        if node.kind != "mapping":
            # `resources:` and a template below it: a value, if not one to be read.
            return True
        node = node.members.get(part)
    return node is not None and not _is_empty(document, node)


def _name_of(container: Node) -> tuple[str, ByteRange]:
    """What a container is called and where."""
    name = container.get("name")
    at = name if name is not None and name.kind == "scalar" else container
    words = name.raw if name is not None else "container"
    if at is container:
        first = container.source.data[container.start : container.end].splitlines()[0] if container.end > container.start else b""
        return words, ByteRange(container.source, container.start, container.start + len(first))
    return words, ByteRange(at.source, at.start, at.end)


def _is_system(pod: Pod) -> bool:
    return pod.namespace in SYSTEM_NAMESPACES


# ---------------------------------------------------------------- PRD802


@check("PRD802", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"))
def pod_as_root(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`runAsUser: 0`, and containers that nothing keeps from running as root."""
    for pod in pods(document):
        if _is_system(pod):
            continue
        own = pod.spec.get("securityContext", "runAsUser")
        containers = list(containers_of(pod))
        # A container's own user goes before the pod's.
        replaced = containers and all(container.get("securityContext", "runAsUser") is not None for container in containers)
        if own is not None and own.value == 0 and not replaced:
            yield Diagnostic(own, "`runAsUser: 0`: the pod runs as root")
        unsaid: list[Node] = []
        for container in containers:
            user = container.get("securityContext", "runAsUser")
            if user is not None and user.value == 0:
                yield Diagnostic(user, f"`runAsUser: 0`: `{_name_of(container)[0]}` runs as root")
            elif not (
                _user_is_said(pod, container) or has_own_user(image_of(container.text_at("image"))) or _is_built_here(container, context)
            ):
                unsaid.append(container)
        if (
            unsaid
            and context.options.get("unsaid")
            and not pod.patch
            and not context.environment.patched_keys(context.file.path, pod.kind, pod.name) & {"runAsNonRoot", "runAsUser"}
        ):
            names = ", ".join(f"`{_name_of(container)[0]}`" for container in unsaid)
            yield Diagnostic(
                _name_of(unsaid[0])[1], f"{names} may run as root: neither `runAsNonRoot: true` nor a `runAsUser` is set", priority="P1"
            )


def _is_built_here(container: Node, context: CheckContext) -> bool:
    """Whether a Dockerfile of this project makes the image, and has the finding where it leaves the process to root: the image has a bare
    name, under which nothing is published, or one that the project's own pipelines publish."""
    name = image_of(container.text_at("image")).name
    if not name or not context.environment.holds_file("Dockerfile"):
        return False
    return ("/" not in name and not image_of(name).official) or is_own_image(name, context)


def _user_is_said(pod: Pod, container: Node) -> bool:
    """Whether the pod and the container together say who runs, or a template may."""
    asked: Node | None = None
    for node in (container, pod.spec):
        security_context = node.get("securityContext")
        if security_context is None or _is_empty(pod.document, security_context):
            if has_hole(pod.document, node):
                return True
            continue
        if (
            security_context.kind != "mapping"
            or has_hole(pod.document, security_context)
            or security_context.get("windowsOptions") is not None
        ):
            return True
        if security_context.get("runAsUser") is not None:
            return True
        # What the container says goes before what the pod says.
        asked = asked or security_context.get("runAsNonRoot")
    return asked is not None and asked.value is not False


def _contexts_in_values(document: Document) -> Iterator[tuple[str, Node]]:
    """The security contexts in a chart's values, with the path above them."""
    for node in document.root.walk():
        above, _, key = node.path.rpartition(".")
        if node.kind == "mapping" and key.lower().endswith("securitycontext"):
            yield above, node


@check("PRD802", on=[documents("helm-values")], required_literals=["runasuser"], files=("yaml",))
def values_as_root(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`runAsUser: 0` as the default of a chart."""
    for above, security_context in _contexts_in_values(document):
        user = security_context.get("runAsUser")
        if user is not None and user.value == 0:
            yield Diagnostic(user, f"`runAsUser: 0`: the chart runs `{above or 'everything'}` as root")


# ---------------------------------------------------------------- PRD841


def _is_selected(pod: Pod) -> bool:
    """Whether a Service of the same file sends requests to the pod."""
    labels = pod.root.get("spec", "template", "metadata", "labels")
    if labels is None or labels.kind != "mapping":
        return False
    selected = _selected(pod.document.source, pod.document.file)
    return any(value.raw and (key, value.raw) in selected for key, value in labels.members.items())


@lru_cache(maxsize=4)
def _selected(source: Source, file: File) -> frozenset[tuple[str, str]]:
    """The labels by which the Services of a file choose: the first of each selector."""
    if b"Service" not in source.data:
        return frozenset()
    selectors = (
        document.root.get("spec", "selector") for document in documents_of(source, file) if document.root.text_at("kind") == "Service"
    )
    return frozenset(
        (key, value.raw)
        for selector in selectors
        if selector is not None and selector.kind == "mapping"
        for key, value in list(selector.members.items())[:1]
    )


def _is_of_others(container: Node) -> bool:
    """Whether a container runs a program that others made: a datastore, a web server, a page for administration."""
    image = image_of(container.text_at("image"))
    return image.official or datastore(image) is not None or is_infrastructure(image) or image.family in ADMINISTRATION


@check("PRD841", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"))
def missing_probes(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Containers that Kubernetes sends requests to, or keeps, without asking them."""
    for pod in pods(document):
        if pod.kind not in _SERVING or pod.patch or _is_system(pod):
            continue
        containers = list(containers_of(pod))
        # A container that is alone in its pod stands beside nothing; in a template others may come from elsewhere.
        alone = len(containers) == 1 and not document.template
        for container in containers:
            name, place = _name_of(container)
            helps = not alone and (_SIDECAR.search(name) or _SIDECAR.search(container.text_at("image")))
            if helps or has_hole(document, container):
                continue
            ready, live, start = (_said(document, container, probe) for probe in ("readinessProbe", "livenessProbe", "startupProbe"))
            serving = (ready or _said(document, container, "ports") or (alone and _is_selected(pod))) and not _WORKER.search(name)
            if serving and not (ready and live):
                patched = context.environment.patched_keys(context.file.path, pod.kind, pod.name)
                ready, live = ready or "readinessProbe" in patched, live or "livenessProbe" in patched
            if serving and not ready and (context.options.get("others") or not _is_of_others(container)):
                also = "" if live else " and no `livenessProbe`"
                yield Diagnostic(place, f"`{name}` has no `readinessProbe`{also}: it gets requests before it can answer")
            elif serving and not live and context.options.get("liveness"):
                yield Diagnostic(place, f"`{name}` has no `livenessProbe`: it is not started again when it hangs", priority="P1")
            delay = container.get("livenessProbe", "initialDelaySeconds")
            if delay is not None and not start and isinstance(delay.value, int) and delay.value >= 60:
                yield Diagnostic(
                    delay,
                    f"`{name}` waits {delay.value} s before the first liveness check: a `startupProbe` waits as long as it takes",
                    priority="P2",
                )


# ---------------------------------------------------------------- PRD842


@check("PRD842", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"))
def missing_resources(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """Containers without requests or without a memory limit. A limit stands for the request where there is none."""
    source = document.source.data
    if b"LimitRange" in source:
        return
    for pod in pods(document):
        if pod.patch or _is_system(pod) or (pod.kind in _JOBS and not context.options.get("jobs")):
            continue
        for container in containers_of(pod):
            name, place = _name_of(container)
            if has_hole(document, container):
                continue
            resources = container.get("resources")
            if resources is not None and (has_hole(document, resources) or (resources.kind != "mapping" and document.template)):
                continue
            limit = _said(document, container, "resources", "limits", "memory")
            missing = [
                words
                for words, there in (
                    (
                        "CPU request",
                        _said(document, container, "resources", "requests", "cpu")
                        or _said(document, container, "resources", "limits", "cpu"),
                    ),
                    ("memory request", limit or _said(document, container, "resources", "requests", "memory")),
                    ("memory limit", limit),
                )
                if not there
            ]
            if (
                missing
                and not _said(document, pod.spec, "resources")
                and not context.environment.patched_keys(context.file.path, pod.kind, pod.name) & {"resources"}
            ):
                if context.environment.has_limit_range:
                    return
                at = place if resources is None else ByteRange(resources.source, resources.key_start, resources.key_end)
                priority: Priority | None = "P2" if pod.kind in _JOBS else None
                yield Diagnostic(at, f"`{name}` sets no {_listed(missing)}", priority=priority)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


# ---------------------------------------------------------------- PRD843

_DANGEROUS = frozenset("ALL SYS_ADMIN NET_ADMIN SYS_PTRACE SYS_MODULE DAC_READ_SEARCH SYS_RAWIO BPF SYS_BOOT".split())
_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd",
    "/run/crio/crio.sock",
    "/var/run/crio",
)
_HOST_PATHS = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib64 /proc /root /run /sbin /sys /usr /var /var/lib /var/run /var/lib/containerd"
    " /var/lib/docker /var/lib/etcd /var/lib/kubelet".split()
)
# Keys, accounts and the node's own identity, whatever lies below them.
_HOST_SECRETS = re.compile(
    r"/etc/(?:kubernetes|ssh|sudoers|shadow|cron[\w.]*|systemd|pam\.d|rancher|ssl/private)(?:/|\Z)|/root/|/home/[^/]+/\.(?:ssh|kube|aws)\b"
    r"|/var/lib/(?:kubelet|docker|etcd|containerd)/(?!(?:device-plugins|plugins|plugins_registry|pods|pod-resources|containers)(?:/|\Z))|/boot/"
)
# https://kubernetes.io/docs/concepts/security/pod-security-standards/: what the level "baseline" lets a container add.
_BASELINE_CAPABILITIES = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split()
)
_SAFE_SYSCTLS = frozenset(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start net.ipv4.tcp_syncookies net.ipv4.ping_group_range"
    " net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl"
    " net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem net.ipv4.tcp_wmem".split()
)
_CONFINED_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))


@check("PRD843", on=[documents("kubernetes")], required_literals=[("kind", "containers")], files=("yaml", "json"))
def pod_privileges(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """What a pod takes of its node, and what it does not give up."""
    for pod in pods(document):
        if _is_system(pod):
            continue
        # What an agent on every node does is to look into the node.
        agent: Priority | None = "P2" if pod.kind == "DaemonSet" else None
        yield from _of_the_host(pod, agent)
        for container in containers_of(pod, inits=True):
            yield from _of_the_container(pod, container, agent)
        if pod.patch or pod.kind in _JOBS or pod.kind == "DaemonSet" or not context.options.get("everywhere"):
            continue
        for container in containers_of(pod):
            name, place = _name_of(container)
            kept = _not_given_up(pod, container)
            if kept and not context.environment.patched_keys(context.file.path, pod.kind, pod.name) & {"securityContext"}:
                words = f"`{name}` does not set {', '.join(f'`{each}`' for each in kept)}"
                yield Diagnostic(place, words, priority="P2", fix=_given_up(container, place, kept) if _needs_nothing(container) else None)


def _needs_nothing(container: Node) -> bool:
    """Whether a container is likely to run without the rights of root: no datastore or web server, which change their user at the
    start or bind a low port."""
    image = image_of(container.text_at("image"))
    ports = container.get("ports")
    low = any(
        isinstance(port.value, int) and port.value < 1024
        for item in (ports.items if ports is not None else ())
        for port in [item.get("containerPort")]
        if port
    )
    return not low and not (image.official or datastore(image) is not None or is_infrastructure(image))


def _given_up(container: Node, place: ByteRange, kept: list[str]) -> FixRequest | None:
    """The missing settings as lines of their own: below the name, or in the security_context that is there."""
    source = container.source
    name, security_context = container.get("name"), container.get("securityContext")
    first = next(iter(security_context.members.values()), None) if security_context is not None else name
    if (
        name is None
        or first is None
        or b"{" in source.data[container.start : first.key_start]
        or (security_context and security_context.get("capabilities"))
    ):
        return None
    line, column = source.position(first.key_start)
    pad = " " * (column - 1 if security_context is not None else column + 1)
    lines = [f"{pad[2:]}securityContext:"] if security_context is None else []
    if "allowPrivilegeEscalation: false" in kept:
        lines.append(f"{pad}allowPrivilegeEscalation: false")
    if "capabilities.drop" in kept:
        lines += [f"{pad}capabilities:", f'{pad}  drop: ["ALL"]']
    words = "Take these rights from the container"
    if security_context is None:
        same = line == source.position(name.end)[0] == source.position(place.start)[0]
        return FixRequest("insert-line-after", words, False, (("text", "\n".join(lines)),)) if same else None
    at = (("line", str(line)), ("column", "1"), ("end_line", str(line)), ("end_column", "1"))
    if b"\r" in source.data or source.line_text(line)[: column - 1].strip():
        return None
    return FixRequest("replace-at", words, False, (*at, ("text", "\n".join(lines) + "\n")))


@check("PRD843", on=[documents("helm-values")], required_literals=["privileged", "hostnetwork", "hostpid", "hostipc"], files=("yaml",))
def values_with_privileges(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`privileged: true` as the default of a chart."""
    for above, security_context in _contexts_in_values(document):
        privileged = security_context.get("privileged")
        if privileged is not None and privileged.value is True:
            yield Diagnostic(privileged, f"`privileged: true`: the chart makes `{above or 'everything'}` root on the node")
    for node in document.root.walk():
        above, _, key = node.path.rpartition(".")
        shared = _HOST_KEYS.get(key, "")
        if shared and node.value is True:
            # What looks into the nodes or lets in what comes to them.
            softer: Priority | None = "P2" if re.search(r"exporter|agent|ingress|daemon|collector", above, re.IGNORECASE) else None
            yield Diagnostic(node, f"`{key}: true`: the chart lets `{above or 'every pod'}` share the node's {shared}", priority=softer)


_HOST_KEYS = {"hostPID": "processes", "hostIPC": "memory segments", "hostNetwork": "network"}


def _of_the_host(pod: Pod, priority: Priority | None) -> Iterator[Diagnostic]:
    for key, shared in _HOST_KEYS.items():
        node = pod.spec.get(key)
        if node is not None and node.value is True:
            yield Diagnostic(node, f"`{key}: true`: the pod shares the node's {shared}", priority=priority)
    volumes = pod.spec.get("volumes")
    for volume in volumes.items if volumes is not None else ():
        path = volume.get("hostPath", "path")
        if path is None or path.kind != "scalar":
            continue
        if path.raw.startswith(_SOCKETS):
            yield Diagnostic(path, f"`{path.raw}` of the node is mounted: access to it is root on the node", priority=priority)
        elif (path.raw.rstrip("/") or "/") in _HOST_PATHS or _HOST_SECRETS.match(path.raw):
            yield Diagnostic(path, f"`{path.raw}` of the node is mounted", priority=priority)
    yield from _unconfined(pod.spec, "the pod", priority)
    sysctls = pod.spec.get("securityContext", "sysctls")
    for each in sysctls.items if sysctls is not None else ():
        name = each.get("name")
        if name is not None and name.raw and "{{" not in name.raw and name.raw not in _SAFE_SYSCTLS:
            yield Diagnostic(
                name, f"`{name.raw}` is a sysctl that is not safe: it changes the kernel for other pods of the node", priority="P2"
            )


def _unconfined(holder: Node, words: str, priority: Priority | None) -> Iterator[Diagnostic]:
    """What the security context of a pod or container switches off of the kernel's own confinement."""
    given = holder.get("securityContext")
    if given is None or given.kind != "mapping":
        return
    for key, what in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile = given.get(key, "type")
        if profile is not None and profile.raw == "Unconfined":
            yield Diagnostic(profile, f"`{key}: Unconfined`: {words} runs without {what}", priority=priority or "P1")
    own_type = given.get("seLinuxOptions", "type")
    if own_type is not None and own_type.raw not in _CONFINED_TYPES and "{{" not in own_type.raw:
        yield Diagnostic(own_type, f"the SELinux type `{own_type.raw}` takes {words} out of its confinement", priority=priority or "P1")
    host_process = given.get("windowsOptions", "hostProcess")
    if host_process is not None and host_process.value is True:
        yield Diagnostic(host_process, f"`hostProcess: true`: {words} runs on the node itself", priority=priority)


def _of_the_container(pod: Pod, container: Node, priority: Priority | None) -> Iterator[Diagnostic]:
    name = _name_of(container)[0]
    privileged = container.get("securityContext", "privileged")
    if privileged is not None and privileged.value is True:
        yield Diagnostic(privileged, f"`privileged: true`: `{name}` is root on the node", priority=priority)
    escalation = container.get("securityContext", "allowPrivilegeEscalation")
    if escalation is not None and escalation.value is True and not (privileged is not None and privileged.value is True):
        yield Diagnostic(escalation, f"`allowPrivilegeEscalation: true` in `{name}`", priority=priority or "P1")
    added = container.get("securityContext", "capabilities", "add")
    for capability in added.items if added is not None else ():
        bare = capability.raw.upper().removeprefix("CAP_")
        if bare in _DANGEROUS:
            yield Diagnostic(capability, f"`{name}` is given the capability `{capability.raw}`", priority=priority)
        elif re.fullmatch(r"[A-Z_]+", bare) and bare not in _BASELINE_CAPABILITIES:
            words = f"`{name}` is given the capability `{capability.raw}`, which the Pod Security Standards do not allow"
            yield Diagnostic(capability, words, priority="P2")
    yield from _unconfined(container, f"`{name}`", priority)
    unmasked = container.get("securityContext", "procMount")
    if unmasked is not None and unmasked.raw == "Unmasked":
        yield Diagnostic(unmasked, f"`procMount: Unmasked` shows `{name}` the kernel's files in `/proc`", priority=priority or "P1")
    shared = pod.spec.get("hostNetwork")
    ports = container.get("ports")
    # An agent on every node is reached at its node; where the node's network is shared, that is said already.
    for port in ports.items if ports is not None and pod.kind != "DaemonSet" and not (shared is not None and shared.value is True) else ():
        opened = port.get("hostPort")
        if opened is not None and opened.raw.isdecimal() and opened.raw.strip("0"):
            yield Diagnostic(
                opened, f"`hostPort: {opened.raw}` opens the port on the node, past Services and network policies", priority="P2"
            )


def _not_given_up(pod: Pod, container: Node) -> list[str]:
    """The settings of a hardened container that are missing; none where a template may hold them."""
    document = pod.document
    security_context = container.get("securityContext")
    if security_context is None or _is_empty(document, security_context):
        if has_hole(document, container) or document.template:
            return []
    elif security_context.kind != "mapping" or has_hole(document, security_context):
        return []
    missing = []
    if not _said(document, container, "securityContext", "allowPrivilegeEscalation"):
        missing.append("allowPrivilegeEscalation: false")
    dropped = container.get("securityContext", "capabilities", "drop")
    if not _said(document, container, "securityContext", "capabilities") or (
        dropped is None and _said(document, container, "securityContext", "capabilities", "add")
    ):
        missing.append("capabilities.drop")
    elif (
        dropped is not None
        and dropped.kind == "sequence"
        and not {"ALL", "NET_RAW"} & {each.raw.upper().removeprefix("CAP_") for each in dropped.items}
    ):
        missing.append("capabilities.drop: [ALL]")
    return missing
