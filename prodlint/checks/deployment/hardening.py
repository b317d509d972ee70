"""PRD824 compose-hardening-missing and PRD822 compose-limits-missing: what a service of compose does not give up, and may take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.facts import Document
from prodlint.project.production import deployed_elsewhere
from prodlint.values.compose import Service, is_for_development, is_sandbox, items, services
from prodlint.values.container_images import is_one_shot

# https://docs.docker.com/engine/security/: without it a setuid program gives a process rights that its user has not.
_NO_NEW_PRIVILEGES = re.compile(r"no-new-privileges(?:[:=]\s*true)?\Z")


def _of_production(document: Document, context: CheckContext) -> Iterator[Service]:
    """The services of the project that a compose file keeps running in production."""
    if is_for_development(document) or is_sandbox(document) or deployed_elsewhere(context):
        return
    for service in services(document):
        extends = service.node.get("extends")
        elsewhere = extends is not None and extends.get("file") is not None
        command = " ".join(item.raw for key in ("entrypoint", "command") for item in items(service.get(key)))
        if service.own and not elsewhere and service.get("profiles") is None and not is_one_shot(service.name, command):
            yield service


@check("PRD824", on=[documents("compose")], required_literals=["services"], files=("yaml",))
def not_hardened(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A service that keeps every capability and may gain more."""
    for service in _of_production(document, context):
        privileged = service.get("privileged")
        if privileged is not None and privileged.raw.lower() == "true":
            continue
        missing: list[str] = []
        if not any(_NO_NEW_PRIVILEGES.match(option.raw) for option in items(service.get("security_opt"))):
            missing.append("`no-new-privileges:true`")
        if not any(dropped.raw.upper() == "ALL" for dropped in items(service.get("cap_drop"))):
            missing.append("`cap_drop: [ALL]`")
        read_only = service.get("read_only")
        if context.options.get("read-only") and (read_only is None or read_only.raw.lower() != "true"):
            missing.append("`read_only: true`")
        if missing:
            yield Diagnostic(_name(service), f"`{service.name}` is not hardened: no {' and no '.join(missing)}")


@check("PRD822", on=[documents("compose")], required_literals=["services"], files=("yaml",))
def without_limits(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A service that stays down after a crash, or that may take all of the host's memory."""
    for service in _of_production(document, context):
        missing: list[str] = []
        restart = service.get("restart")
        if service.get("deploy", "restart_policy") is None and (restart is None or restart.raw == "no"):
            missing.append("restart policy: it stays down after a crash or a reboot")
        if service.get("mem_limit") is None and service.get("deploy", "resources", "limits", "memory") is None:
            missing.append("memory limit: a leak takes the other services down")
        if missing:
            yield Diagnostic(_name(service), f"`{service.name}` has no {', and no '.join(missing)}")


def _name(service: Service) -> ByteRange:
    return ByteRange(service.node.source, service.node.key_start, service.node.key_end)
