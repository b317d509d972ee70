"""PRD824 compose-hardening-missing and PRD822 compose-limits-missing: what a service of compose does not give up, and may take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents
from prodlint.facts import Document
from prodlint.model import Related
from prodlint.project.production import deployed_elsewhere
from prodlint.values.compose import PRODUCTION_PATH, Service, is_for_development, is_sandbox, items, services
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
    """A service that keeps every capability and may gain more, in a file that is production's by its name or that hardens others."""
    kept = list(_of_production(document, context))
    demanded = context.options.get("everywhere") or PRODUCTION_PATH.search(document.file.path.lower()) is not None
    if not demanded and not any(_drops(service) or _gains_nothing(service) for service in services(document)):
        return
    found: list[tuple[Service, str]] = []
    for service in kept:
        privileged = service.get("privileged")
        if privileged is not None and privileged.raw.lower() == "true":
            continue
        missing: list[str] = []
        if not _gains_nothing(service):
            missing.append("`no-new-privileges:true`")
        if not _drops(service):
            missing.append("`cap_drop: [ALL]`")
        read_only = service.get("read_only")
        if context.options.get("read-only") and (read_only is None or read_only.raw.lower() != "true"):
            missing.append("`read_only: true`")
        if missing:
            found.append((service, f"no {' and no '.join(missing)}"))
    yield from _one_of_file(found, "is not hardened: ")


def _gains_nothing(service: Service) -> bool:
    return any(_NO_NEW_PRIVILEGES.match(option.raw) for option in items(service.get("security_opt")))


def _drops(service: Service) -> bool:
    return any(dropped.raw.upper() == "ALL" for dropped in items(service.get("cap_drop")))


@check("PRD822", on=[documents("compose")], required_literals=["services"], files=("yaml",))
def without_limits(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A service of production that stays down after a crash, or one that may take all of the host's memory, though others of its file do not."""
    kept = list(_of_production(document, context))
    # A file in which nothing starts again may be one that another file is put over, or one that is started by hand.
    restarted = context.options.get("restart") or PRODUCTION_PATH.search(document.file.path.lower()) is not None
    # Memory is limited where somebody has thought of it; a file without any limit is a decision about the host.
    limited = context.options.get("memory") or any(_has_memory_limit(service) for service in services(document))
    found: list[tuple[Service, str]] = []
    for service in kept:
        missing: list[str] = []
        if restarted and not _starts_again(service):
            missing.append("no restart policy: it stays down after a crash or a reboot")
        if limited and not _has_memory_limit(service):
            missing.append("no memory limit: a leak takes the other services down")
        if missing:
            found.append((service, ", and ".join(missing)))
    yield from _one_of_file(found, "has ")


def _starts_again(service: Service) -> bool:
    restart = service.get("restart")
    return service.get("deploy", "restart_policy") is not None or (restart is not None and restart.raw != "no")


def _has_memory_limit(service: Service) -> bool:
    return service.get("mem_limit") is not None or service.get("deploy", "resources", "limits", "memory") is not None


def _one_of_file(found: Sequence[tuple[Service, str]], verb: str) -> Iterator[Diagnostic]:
    """One finding for the services of a file that lack the same, the others as its further places."""
    by_words: dict[str, list[Service]] = {}
    for service, words in found:
        by_words.setdefault(words, []).append(service)
    for words, (first, *others) in by_words.items():
        more = f" ({len(others)} more {'service' if len(others) == 1 else 'services'} in this file)" if others else ""
        related = tuple(Related(first.node.file.path, each.node.key_span, f"`{each.name}` as well") for each in others)
        yield Diagnostic(_name(first), f"`{first.name}` {verb}{words}{more}", related=related)


def _name(service: Service) -> ByteRange:
    return ByteRange(service.node.source, service.node.key_start, service.node.key_end)
